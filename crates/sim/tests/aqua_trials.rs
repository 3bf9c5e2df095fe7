//! Tests written in Aqua: what they promise is tried under many orders of delivery.

use std::path::Path;
use std::sync::Arc;

use weir_aqua::Request;
use weir_aqua::files::Files;
use weir_sim::trial::trials;

struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> Result<Option<Arc<str>>, String> {
        Ok(std::fs::read_to_string(path).ok().map(Arc::from))
    }
}

#[test]
fn a_value_reaches_whoever_reads_it() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/reach.aqua");
    let request = Request {
        entries: vec![program],
        ..Request::default()
    };
    let compilation = weir_aqua::compile(&request, &Disk).expect("it is there");
    assert!(!compilation.has_errors(), "{:#?}", compilation.diagnostics);
    let trials = trials(&compilation);
    assert_eq!(trials.len(), 5, "all tests are found");
    for trial in trials {
        let trial = trial.expect("it can run");
        if let Err(failure) = trial.run() {
            panic!("{}: {failure:?}", trial.name);
        }
    }
}
