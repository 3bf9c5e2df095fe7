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

/// One program in memory.
struct Text(&'static str);

impl Files for Text {
    fn read(&self, _: &Path) -> Result<Option<Arc<str>>, String> {
        Ok(Some(Arc::from(self.0)))
    }
}

#[test]
fn a_line_that_cannot_be_followed_is_told() {
    let request = Request {
        entries: vec!["trials.aqua".into()],
        ..Request::default()
    };
    let program = r#"aqua Trials

export testNoValue, testNoPeer, testNoJson

service S("s"):
  get() -> string

-- mock s.get
func testNoValue():
  x <- S.get()

-- mock z/s.get "x"
func testNoPeer():
  x <- S.get()

-- mock s.get x y
func testNoJson():
  x <- S.get()
"#;
    let compilation = weir_aqua::compile(&request, &Text(program)).expect("there is a text");
    let told: Vec<String> = trials(&compilation)
        .into_iter()
        .map(|trial| trial.expect_err("it cannot run").1.reason)
        .collect();
    for (told, part) in told
        .iter()
        .zip(["a value is missing", "no such peer", "`mock s.get x y`"])
    {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(told.len(), 3);
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
