//! Components on the command line, without a network.

mod support;

use serde_json::json;
use std::path::Path;
use support::{weir, weir_with_input};

/// A folder with the example component and files that are no components.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let greeter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/greeter/greeter.wasm");
    std::fs::copy(greeter, folder.path().join("greeter.wasm")).expect("the example is there");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).expect("a writable folder");
    };
    write("core.wasm", b"\0asm\x01\0\0\0");
    write("legacy.wasm", b"\0asm\x01\0\0\0\0\x10\x0finterface-types");
    write("text.wasm", b"(component)");
    folder
}

#[test]
fn a_component_tells_what_it_offers_and_asks_for() {
    let folder = folder();
    let text = weir(folder.path(), &["wasm", "inspect", "greeter.wasm"]);
    assert!(
        text.text().contains("hello(name: string) -> string"),
        "{text:#?}"
    );
    let data = weir(
        folder.path(),
        &["wasm", "inspect", "greeter.wasm", "--json"],
    )
    .data();
    assert_eq!(data["functions"][0]["name"], "hello");
    assert_eq!(data["refused"], json!(null));
    let imports = data["imports"].as_array().expect("a list of imports");
    assert!(
        imports.iter().all(|import| import["granted"] == true),
        "{imports:?}"
    );
    let wit = weir(folder.path(), &["wasm", "inspect", "greeter.wasm", "--wit"]);
    assert!(
        wit.text().contains("hello: func(name: string) -> string;"),
        "{wit:#?}"
    );
}

#[test]
fn a_function_is_called_and_tells_what_it_took() {
    let folder = folder();
    let call = ["wasm", "call", "greeter.wasm", r#"hello("Ada")"#];
    let done = weir(folder.path(), &call);
    assert_eq!(done.text(), "\"Hello, Ada!\"\n");
    assert!(done.stderr.contains(" fuel, "), "{done:#?}");
    let first = weir(folder.path(), &[&call[..], &["--json"]].concat()).data();
    assert_eq!(first["result"], "Hello, Ada!");
    let again = weir(folder.path(), &[&call[..], &["--json"]].concat()).data();
    assert_eq!(
        first, again,
        "everything about a call repeats, its fuel too"
    );
}

#[test]
fn a_profile_says_where_the_fuel_of_a_call_goes() {
    let folder = folder();
    let call = ["greeter.wasm", r#"count-words("to be or not to be")"#];
    let called = weir(
        folder.path(),
        &[&["wasm", "call", "--json"], &call[..]].concat(),
    )
    .data();
    let profile = [&["wasm", "profile", "--folded", "out.folded"], &call[..]].concat();
    let data = weir(folder.path(), &[&profile[..], &["--json"]].concat()).data();
    assert_eq!(data["result"], called["result"]);
    assert_eq!(data["fuel"], called["fuel"]);
    assert_eq!(data["memory_bytes"], called["memory_bytes"]);
    let number = |value: &serde_json::Value| value.as_u64().expect("fuel is a number");
    let functions = data["functions"].as_array().expect("a list of functions");
    let own: u64 = functions
        .iter()
        .map(|cost| number(&cost["self_fuel"]))
        .sum();
    assert_eq!(own + number(&data["engine_fuel"]), number(&data["fuel"]));
    let folded = std::fs::read_to_string(folder.path().join("out.folded"));
    let folded = folded.expect("it was written");
    assert!(folded.lines().count() > 3, "{folded}");
    assert!(
        folded.starts_with(r#"count-words("to be or not to be");"#),
        "{folded}"
    );
    let text = weir(folder.path(), &profile);
    assert!(text.text().contains("WITH CALLEES"), "{text:#?}");
    assert!(text.stderr.contains("compiled in"), "{text:#?}");
}

#[test]
fn what_fails_has_a_profile_and_what_cannot_be_called_has_none() {
    let folder = folder();
    let profile = ["wasm", "profile", "greeter.wasm"];
    let tight = ["burn(1000000)", "--fuel", "100000"];
    let done = weir(folder.path(), &[&profile[..], &tight].concat());
    assert_eq!(done.code, 8, "{done:#?}");
    assert!(done.stdout.contains("100000"), "{done:#?}");
    assert!(
        done.stderr.contains("--fuel UNITS allows more"),
        "{done:#?}"
    );
    let done = weir(folder.path(), &[&profile[..], &["nobody()"]].concat());
    assert!(done.stderr.contains("error[W0302]"), "{done:#?}");
    assert_eq!(done.stdout, "");
}

#[test]
fn calls_are_typed_line_by_line() {
    let folder = folder();
    let typed = "hello(\"Ada\")\nnobody()\n:functions\nadd(1, 2)\n:quit\nadd(3, 4)\n";
    let done = weir_with_input(
        folder.path(),
        &["wasm", "repl", "greeter.wasm", "-q"],
        typed,
    );
    let lines: Vec<&str> = done.text().lines().collect();
    assert_eq!(
        lines[..2],
        ["\"Hello, Ada!\"", "hello(name: string) -> string"]
    );
    assert_eq!(lines[lines.len() - 1], "3", "nothing after :quit");
    assert!(
        done.stderr
            .contains("error[W0302]: there is no function `nobody`"),
        "{done:#?}"
    );
}

#[test]
fn the_state_stays_from_line_to_line() {
    let folder = folder();
    let sqlite = include_bytes!("../../../examples/sqlite/sqlite.wasm");
    std::fs::write(folder.path().join("sqlite.wasm"), sqlite).expect("a writable folder");
    let typed = "execute(\"CREATE TABLE t (x)\", [])\n\
        execute(\"INSERT INTO t VALUES (?), (7)\", [{\"text\": \"a\"}])\n\
        execute(\"nonsense\", [])\n\
        query(\"SELECT x FROM t\", [])\n";
    let done = weir_with_input(folder.path(), &["wasm", "repl", "sqlite.wasm", "-q"], typed);
    let lines: Vec<&str> = done.text().lines().collect();
    assert_eq!(lines[..2], ["0", "2"], "{done:#?}");
    let table = lines[lines.len() - 1];
    assert!(table.contains(r#"[{"text":"a"}]"#), "{done:#?}");
    assert!(table.contains(r#"[{"integer":7}]"#), "{done:#?}");
}

#[test]
fn a_call_takes_no_longer_than_the_user_waits() {
    let folder = folder();
    let done = weir(
        folder.path(),
        &[
            "wasm",
            "call",
            "greeter.wasm",
            "burn(18446744073709551615)",
            "--fuel",
            "18446744073709551615",
            "--timeout",
            "2s",
        ],
    );
    assert_eq!(done.code, 124, "{done:#?}");
    let told = "burn did not finish within --timeout 2s";
    assert!(done.stderr.contains(told), "{}", done.stderr);
}

#[test]
fn what_cannot_be_called_says_why_and_what_to_do() {
    let folder = folder();
    for (arguments, code, told) in [
        (&["inspect", "core.wasm"][..], 4, "error[W0301]"),
        (&["inspect", "text.wasm"], 4, "WebAssembly text"),
        (&["inspect", "legacy.wasm"], 4, "legacy Marine module"),
        (&["call", "legacy.wasm", "f()"], 4, "rebuild its source"),
        (
            &["call", "greeter.wasm", "hello(7)"],
            2,
            "argument 1 `name`: expected string, got 7",
        ),
        (
            &["call", "greeter.wasm", "hello()"],
            2,
            "takes 1 argument, got 0",
        ),
        (
            &["call", "greeter.wasm", "hello(Ada)"],
            2,
            "`hello(Ada)` is not a call",
        ),
        (
            &["call", "greeter.wasm", "hello(\"Ada\")", "--fuel", "10"],
            8,
            "--fuel UNITS allows more",
        ),
        (&["call", "nowhere.wasm", "f()"], 5, "error[W0003]"),
    ] {
        let done = weir(folder.path(), &[&["wasm"], arguments].concat());
        assert_eq!(done.code, code, "{arguments:?} {done:#?}");
        assert!(done.stderr.contains(told), "{arguments:?} {}", done.stderr);
    }
}
