//! Programs that are right: no errors, and no warnings but those that are expected.

use weir_aqua::Diagnostic;

use super::program::{compile_as, names, read};

fn found(name: &str) -> Vec<Diagnostic> {
    compile_as(name, &read(name)).diagnostics
}

#[test]
fn programs_have_exactly_the_warnings_that_they_expect() {
    for name in names("accepted") {
        let name = format!("accepted/{name}");
        let text = read(&name);
        let expected = text.lines();
        let expected: Vec<&str> = expected
            .filter_map(|line| line.strip_prefix("-- warn: "))
            .collect();
        let found = found(&name);
        let found: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
        assert_eq!(found, expected, "{name}");
    }
}
