//! Wrong programs: one mistake, one error, with what a person needs to mend it.

use std::fmt::Write;

use expect_test::expect_file;

use super::program::{compile_as, edited, errors, names, read};
use super::report;

#[test]
fn a_mistake_is_reported_once() {
    let mut shown = String::new();
    for name in names("errors") {
        let text = read(&format!("errors/{name}"));
        let compilation = compile_as(&format!("errors/{name}"), &text);
        writeln!(shown, "{name}").unwrap();
        let entry = compilation.set.entries[0];
        let file = |id| {
            let file = compilation.set.get(id);
            let path = if id == entry {
                String::new()
            } else {
                format!("{}:", file.path.display())
            };
            (path, &*file.text)
        };
        shown += &report::diagnostics(&file, &compilation.diagnostics);
        shown.push('\n');
    }
    expect_file!["errors.txt"].assert_eq(&shown);
    let wrong: Vec<String> = names("errors")
        .into_iter()
        .filter(|name| {
            let name = format!("errors/{name}");
            errors(&compile_as(&name, &read(&name))).len() != 1
        })
        .collect();
    assert!(wrong.is_empty(), "not one error: {wrong:?}");
}

#[test]
fn the_change_that_an_error_proposes_mends_it() {
    let mut edits = 0;
    for name in names("errors") {
        let name = format!("errors/{name}");
        let text = read(&name);
        for diagnostic in compile_as(&name, &text).diagnostics {
            let Some(edit) = &diagnostic.edit else {
                continue;
            };
            edits += 1;
            let text = edited(&text, edit);
            let left = compile_as(&name, &text);
            let left = errors(&left);
            assert!(left.is_empty(), "{name}: {left:#?}\n{text}");
        }
    }
    assert!(edits > 20, "only {edits} of the errors propose a change");
}
