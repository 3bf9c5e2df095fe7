//! Programs that are right: no errors, and no warnings but those that are expected.

use weir_aqua::Diagnostic;

use super::program::{compile_as, edited, names, read};

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

#[test]
fn the_change_that_a_warning_proposes_removes_it() {
    let accepted = names("accepted").into_iter();
    let accepted = accepted.map(|name| format!("accepted/{name}"));
    for name in accepted.chain(names("")) {
        let text = read(&name);
        for warning in found(&name) {
            let Some(edit) = &warning.edit else { continue };
            let left = compile_as(&name, &edited(&text, edit)).diagnostics;
            let mut left = left.iter();
            assert!(
                left.all(|left| left.message != warning.message),
                "{name}: {warning:#?}"
            );
        }
    }
}
