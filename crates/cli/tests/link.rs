//! Several components in one, on the command line.

mod support;

use serde_json::json;
use std::path::Path;
use support::weir;

/// Exports `store`, and asks the state of its host.
const BACK: &str = r#"(component
    (import "weir:host/state@0.1.0" (instance $state
        (export "length" (func (param "key" (list u8)) (result (option u32))))))
    (core module $memory
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64)))
    (core instance $memory (instantiate $memory))
    (core func $length (canon lower (func $state "length")
        (memory $memory "memory") (realloc (func $memory "realloc"))))
    (core module $code
        (import "host" "length" (func $length (param i32 i32 i32)))
        (func (export "size") (result i32)
            (call $length (i32.const 0) (i32.const 0) (i32.const 16))
            (i32.const 6)))
    (core instance $code (instantiate $code
        (with "host" (instance (export "length" (func $length))))))
    (func $size (result u32) (canon lift (core func $code "size")))
    (instance $store (export "size" (func $size)))
    (export "test:parts/store@1.0.0" (instance $store)))"#;

/// Gives what the store gives.
const FRONT: &str = r#"(component
    (import "test:parts/store@1.0.0" (instance $store (export "size" (func (result u32)))))
    (core func $lowered (canon lower (func $store "size")))
    (core module $code
        (import "store" "size" (func $size (result i32)))
        (func (export "size") (result i32) (call $size)))
    (core instance $code (instantiate $code
        (with "store" (instance (export "size" (func $lowered))))))
    (func $size (result u32) (canon lift (core func $code "size")))
    (export "size" (func $size)))"#;

const MANIFEST: &str = r#"
[service]
name = "thing"
version = "1.2.3"
[[part]]
name = "front"
component = "front.wasm"
facade = true
[[part]]
name = "back"
component = "parts/back.wasm"
grants = { "weir:host/state@0.1" = {} }
[functions]
size = { mode = "view" }
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).expect("a writable folder");
    };
    std::fs::create_dir(folder.path().join("parts")).expect("a writable folder");
    let component = |text: &str| wat::parse_str(text).expect("the component of a test is good");
    write("front.wasm", &component(FRONT));
    write("parts/back.wasm", &component(BACK));
    write("weir.toml", MANIFEST.as_bytes());
    let greeter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/greeter/greeter.wasm");
    std::fs::copy(greeter, folder.path().join("greeter.wasm")).expect("the example is there");
    folder
}

#[test]
fn a_manifest_and_its_parts_become_one_component() {
    let folder = folder();
    let linked = weir(folder.path(), &["wasm", "link", "weir.toml", "--json"]).data();
    assert_eq!(linked["file"], "thing.wasm");
    assert_eq!(linked["functions"][0]["mode"], "view");
    assert_eq!(
        linked["imports"],
        json!([{"name": "weir:host/state@0.1.0", "class": "state"}])
    );
    assert_eq!(linked["parts"][1]["imports"][0]["part"], "back");
    let call = weir(folder.path(), &["wasm", "call", "thing.wasm", "size()"]);
    assert_eq!(call.text(), "6\n");
    let inspected = weir(folder.path(), &["wasm", "inspect", "thing.wasm", "--json"]).data();
    assert_eq!(inspected["cid"], linked["cid"]);
    assert_eq!(inspected["manifest"], linked["manifest"]);
    assert_eq!(inspected["manifest"]["service"]["commit_on_err"], false);
    let text = weir(folder.path(), &["wasm", "inspect", "thing.wasm"]);
    for told in [
        "front (facade)",
        "weir:host/state@0.1",
        "as the peer gives",
        "view",
    ] {
        assert!(
            text.text().contains(told),
            "{told} is missing: {}",
            text.stdout
        );
    }
}

#[test]
fn components_alone_are_wired_and_only_the_facade_has_rights() {
    let folder = folder();
    let link = [
        "wasm",
        "link",
        "front.wasm",
        "parts/back.wasm",
        "-o",
        "out.wasm",
    ];
    let done = weir(folder.path(), &link);
    assert!(done.text().contains("nobody: not granted"), "{done:#?}");
    let call = weir(folder.path(), &["wasm", "call", "out.wasm", "size()"]);
    assert!(
        call.stderr.contains("not granted to part back"),
        "{call:#?}"
    );
}

#[test]
fn a_source_is_not_overwritten() {
    let folder = folder();
    let link = ["wasm", "link", "greeter.wasm", "-o", "greeter.wasm"];
    let done = weir(folder.path(), &link);
    assert!(done.stderr.contains("error[W0004]"), "{done:#?}");
    assert!(done.stderr.contains("-o FILE"), "{done:#?}");
    // Without a name the result is put beside it.
    let done = weir(folder.path(), &["wasm", "link", "greeter.wasm"]);
    assert!(done.text().contains("greeter (facade)"), "{done:#?}");
    let call = ["wasm", "call", "greeter.linked.wasm", r#"hello("Ada")"#];
    assert_eq!(weir(folder.path(), &call).text(), "\"Hello, Ada!\"\n");
}

#[test]
fn a_facade_with_the_name_of_its_service_stays() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    std::fs::rename(at("front.wasm"), at("thing.wasm")).expect("a writable folder");
    let manifest = MANIFEST.replace("front.wasm", "thing.wasm");
    std::fs::write(at("weir.toml"), manifest).expect("a writable folder");
    let before = std::fs::read(at("thing.wasm")).expect("it is there");
    // The second time, the file of the first is there.
    for _ in 0..2 {
        let linked = weir(folder.path(), &["wasm", "link", "weir.toml", "--json"]).data();
        assert_eq!(linked["file"], "thing.linked.wasm");
    }
    let after = std::fs::read(at("thing.wasm")).expect("it is there");
    assert!(before == after);
    let call = ["wasm", "call", "thing.linked.wasm", "size()"];
    assert_eq!(weir(folder.path(), &call).text(), "6\n");
}

#[test]
fn what_cannot_be_linked_says_why_and_what_to_do() {
    let folder = folder();
    let write = |name: &str, text: String| {
        std::fs::write(folder.path().join(name), text).expect("a writable folder");
    };
    write("key.toml", MANIFEST.replace("version", "vrsion"));
    write("function.toml", MANIFEST.replace("size = {", "length = {"));
    write("file.toml", MANIFEST.replace("front.wasm", "nowhere.wasm"));
    for (files, code, told) in [
        (
            &["key.toml"][..],
            "W0303",
            "line 4: [service] unknown key `vrsion`",
        ),
        (&["function.toml"], "W0303", "there is no function `length`"),
        (&["file.toml"], "W0003", "nowhere.wasm"),
        (&["nowhere.toml"], "W0003", "nowhere.toml"),
        (
            &["front.wasm", "greeter.wasm", "-o", "out.wasm"],
            "W0304",
            "part `greeter` serves nobody",
        ),
        (
            &[
                "front.wasm",
                "parts/back.wasm",
                "parts/back.wasm",
                "-o",
                "out.wasm",
            ],
            "W0304",
            "could be served by back, back-2",
        ),
        (
            &["front.wasm", "-o", "out.wasm"],
            "W0301",
            "test:parts/store@1.0.0",
        ),
    ] {
        let done = weir(folder.path(), &[&["wasm", "link"], files].concat());
        assert!(done.stderr.contains(code), "{files:?} {done:#?}");
        assert!(done.stderr.contains(told), "{files:?} {done:#?}");
        assert!(!folder.path().join("thing.wasm").exists());
    }
}
