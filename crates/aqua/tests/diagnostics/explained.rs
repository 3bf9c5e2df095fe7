//! Every code has a page for `weir explain`, and the example there is one of it.

use std::path::{Path, PathBuf};

use weir_aqua::codes;

use super::program::{Texts, compile_with};

fn pages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/explain")
}

/// The code of the Aqua compiler, in order.
fn all_codes() -> Vec<&'static str> {
    let source = include_str!("../../src/diagnostic/codes.rs");
    let codes = source.split('"').skip(1).step_by(2);
    codes.collect()
}

/// The files of the example: the first is where the compiler begins.
fn example(page: &str) -> Vec<(PathBuf, String)> {
    let blocks = page.split("```aqua\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap_or_default());
    let files = blocks.map(|text| {
        let first = text.lines().next().unwrap_or_default();
        let name = first.strip_prefix("-- ").unwrap_or("main.aqua");
        (PathBuf::from(name), text.to_owned())
    });
    files.collect()
}

#[test]
fn every_code_has_a_page() {
    let codes = all_codes();
    assert!(codes.len() > 30, "{codes:?}");
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
    for code in codes {
        let page = pages().join(format!("{code}.md"));
        assert!(page.exists(), "{code} is not explained");
    }
}

#[test]
fn the_example_of_a_page_is_one_of_its_code() {
    let mut wrong = Vec::new();
    // no program is an example of a defect of the compiler
    for code in all_codes()
        .into_iter()
        .filter(|code| *code != codes::INTERNAL)
    {
        let page = std::fs::read_to_string(pages().join(format!("{code}.md"))).unwrap();
        let files = Texts {
            texts: example(&page),
            folder: None,
        };
        assert!(!files.texts.is_empty(), "{code} has no example");
        let compilation = compile_with("main.aqua", &files);
        let found = compilation.diagnostics.iter();
        let found: Vec<_> = found.map(|found| (found.code, &found.message)).collect();
        if found.len() != 1 || found[0].0 != code {
            wrong.push(format!("{code}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
