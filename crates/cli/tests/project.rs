//! New projects and their builds, as far as that goes without a compiler for WebAssembly.

mod support;

use std::path::{Path, PathBuf};
use support::{Network, shell, weir};

const LANGUAGES: &[&str] = &["rust", "cpp", "c"];

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn write(path: &Path, text: impl AsRef<[u8]>) {
    let folder = path.parent().expect("it has one");
    std::fs::create_dir_all(folder).expect("a writable folder");
    std::fs::write(path, text).expect("a writable folder");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("it is there");
    let name =
        |entry: std::io::Result<std::fs::DirEntry>| entry.expect("a readable folder").file_name();
    entries
        .map(|entry| name(entry).display().to_string())
        .collect()
}

#[test]
fn a_new_project_answers_before_anything_is_installed() {
    for language in LANGUAGES {
        let folder = folder();
        let data = weir(
            folder.path(),
            &["new", "hello", "--lang", language, "--json"],
        )
        .data();
        assert_eq!(
            (&data["service"], &data["language"]),
            (&"greeter".into(), &(*language).into())
        );
        let hello = folder.path().join("hello");
        for file in data["files"].as_array().expect("a list") {
            let file = hello.join(file.as_str().expect("a path"));
            assert!(file.is_file(), "{}", file.display());
        }
        let done = weir(&hello, &["wasm", "call", "greeter.wasm", r#"hello("Ada")"#]);
        assert_eq!(done.text(), "\"Hello, Ada!\"\n", "{language}");
        assert_eq!(names(folder.path()), ["hello"], "nothing else is left");
    }
}

#[test]
fn the_component_of_a_template_is_what_its_sources_give() {
    for language in LANGUAGES {
        // The one that `guest/build.sh --out target/guest` made, if it did.
        let name = format!("target/guest/new-{language}.wasm");
        let rebuilt = repository().join(name);
        if !rebuilt.is_file() {
            continue;
        }
        let committed = repository().join(format!("crates/cli/templates/{language}/greeter.wasm"));
        for call in [r#"hello("Ada")"#, r#"hello("")"#, r#"hello("Ωμέγα")"#] {
            let answer = |file: &Path| {
                let file = file.to_str().expect("a readable path");
                weir(&repository(), &["wasm", "call", file, call, "--json"]).data()["result"]
                    .clone()
            };
            assert_eq!(answer(&committed), answer(&rebuilt), "{language} {call}");
        }
    }
}

#[test]
fn what_is_there_is_never_overwritten() {
    let folder = folder();
    let at = |path: &str| folder.path().join(path);
    write(&at("full/kept"), "kept");
    write(&at("file"), "kept");
    std::fs::create_dir(at("empty")).expect("a writable folder");
    for (name, told) in [
        ("full", "it has kept, and nothing is overwritten"),
        ("file", "it is a file"),
    ] {
        let done = weir(folder.path(), &["new", name]);
        assert_eq!(done.code, 11, "{done:#?}");
        assert!(
            done.stderr
                .starts_with(&format!("error[W0320]: {name} exists already")),
            "{done:#?}"
        );
        assert!(done.stderr.contains(told), "{done:#?}");
    }
    assert_eq!(names(&at("full")), ["kept"]);
    assert_eq!(std::fs::read(at("file")).expect("it is there"), b"kept");
    assert_eq!(weir(folder.path(), &["new", "empty"]).code, 0);
    assert!(at("empty/weir.toml").is_file());
    assert_eq!(weir(folder.path(), &["new", "some/where/else"]).code, 0);
    let mut left = names(folder.path());
    left.sort();
    assert_eq!(left, ["empty", "file", "full", "some"]);
}

#[test]
fn what_is_no_name_is_refused() {
    let folder = folder();
    for name in [".", "..", "a b", ".hidden", "x/..", "a:b"] {
        let done = weir(folder.path(), &["new", name]);
        assert_eq!(done.code, 2, "{name} {done:#?}");
        assert!(
            done.stderr.contains("is no name for a project"),
            "{done:#?}"
        );
    }
    assert_eq!(
        weir(folder.path(), &["new", "hello", "--lang", "cobol"]).code,
        2
    );
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_network_serves_the_project_that_it_is_started_in() {
    let folder = folder();
    assert_eq!(weir(folder.path(), &["new", "hello"]).code, 0);
    let hello = folder.path().join("hello");
    let manifest = std::fs::read_to_string(hello.join("weir.toml")).expect("it is there");
    write(
        &hello.join("weir.toml"),
        manifest.replacen("\"greeter\"", "\"waiter\"", 1),
    );
    let network = Network::up(&hello, &[]);
    let services = network.ready["services"].as_array().expect("a list");
    assert_eq!(services.len(), 1, "{services:?}");
    assert_eq!(services[0]["name"], "waiter");
    assert_eq!(services[0]["functions"][0], "hello(name: string) -> string");
    let done = weir(&hello, &["call", "waiter.hello", "Ada", "--policy", "all"]);
    assert_eq!(done.text().matches("Hello, Ada!").count(), 3, "{done:#?}");
}

#[test]
fn a_component_that_was_built_anew_replaces_the_old_one_without_a_failed_call() {
    let folder = folder();
    let made = weir(folder.path(), &["new", "hello"]);
    assert_eq!(made.code, 0, "{made:#?}");
    let project = folder.path().join("hello");
    let network = support::Network::up(&project, &[]);
    // Another component with the same function and more.
    let other = repository().join("examples/greeter/greeter.wasm");
    let other = std::fs::read(other).expect("it is committed");
    write(
        &project.join("greeter.wasm"),
        b"something that is no component",
    );
    let mut calls = 0;
    let mut replaced = false;
    while !replaced {
        let called = weir(
            &project,
            &["call", "greeter.hello", "Ada", "--policy", "all"],
        );
        assert_eq!(called.code, 0, "{called:#?}");
        calls += 1;
        if calls == 5 {
            write(&project.join("greeter.wasm"), &other);
        }
        let added = weir(
            &project,
            &["call", "greeter.add", "2", "40", "--policy", "all"],
        );
        replaced = added.code == 0;
        assert!(calls < 500, "{added:#?}");
    }
    assert!(calls >= 5, "what is no component replaces nothing");
    assert_eq!(network.interrupt(), 0);
}

#[test]
fn a_network_says_what_its_project_lacks() {
    let folder = folder();
    write(
        &folder.path().join("weir.toml"),
        "[service]\nname = 'x'\nversion = '1.0.0'\n[[part]]\nname = 'x'\ncomponent = 'x.wasm'\n",
    );
    let done = weir(folder.path(), &["up"]);
    assert_eq!(done.code, 5, "{done:#?}");
    assert!(
        done.stderr.contains("weir.toml names it") && done.stderr.contains("fix       weir build"),
        "{done:#?}"
    );
    write(&folder.path().join("weir.toml"), "[service]\n");
    let done = weir(folder.path(), &["up"]);
    assert_eq!(done.code, 4, "{done:#?}");
    assert!(done.stderr.starts_with("error[W0303]"), "{done:#?}");
    assert!(!done.stderr.contains("--fresh"), "{done:#?}");
}

/// The manifest of a service `x` whose only part is the file `x.wasm`, with more after it.
fn manifest_of_x(more: &str) -> String {
    format!(
        "[service]\nname = 'x'\nversion = '1.0.0'\n\
         [[part]]\nname = 'x'\ncomponent = 'x.wasm'\n{more}"
    )
}

#[test]
fn a_network_says_what_is_wrong_with_its_service_as_other_commands_do() {
    for (component, more, told) in [
        (
            "greeter/greeter.wasm",
            "[functions]\nhallo = { mode = 'pure' }\n",
            &["error[W0303]", "there is no function `hallo`"][..],
        ),
        (
            "greeter/greeter.wasm",
            "[functions]\nhello = { mode = 'fast' }\n",
            &["error[W0303]", "line 8:", "got \"fast\""],
        ),
        (
            "rates/front/front.wasm",
            "",
            &[
                "error[W0301]: service `x` cannot be deployed",
                "not granted: weir:rates/feed@0.1.0",
            ],
        ),
    ] {
        let folder = folder();
        let example = repository().join("examples").join(component);
        std::fs::copy(example, folder.path().join("x.wasm")).expect("the example is there");
        write(&folder.path().join("weir.toml"), manifest_of_x(more));
        let done = weir(folder.path(), &["up", "--no-chain"]);
        assert_eq!(done.code, 4, "{done:#?}");
        for told in told {
            assert!(done.stderr.contains(told), "{told} {done:#?}");
        }
        assert!(!done.stderr.contains("--fresh"), "{done:#?}");
    }
}

#[test]
fn what_is_kept_is_given_up_only_if_it_is_damaged() {
    let damaged = folder();
    write(
        &damaged.path().join(".weir/peers/a/store.redb"),
        "no store at all",
    );
    let chain = folder();
    write(
        &chain.path().join(".weir/chain.redb"),
        "no chain at all, and longer than nothing",
    );
    let in_the_way = folder();
    write(
        &in_the_way.path().join(".weir/peers/a/store.redb/file"),
        "a folder stands where the store should",
    );
    for (folder, cause, fix) in [
        (&damaged, "store.redb is damaged", "weir up --fresh forgets"),
        (&chain, "chain.redb is damaged", "weir up --fresh forgets"),
        (&in_the_way, "cannot open", "put right what the cause says"),
    ] {
        let done = weir(folder.path(), &["up"]);
        assert_eq!(done.code, 7, "{done:#?}");
        assert!(done.stderr.contains("error[W0504]"), "{done:#?}");
        assert!(done.stderr.contains(cause), "{cause} {done:#?}");
        let fix = format!("fix       {fix}");
        assert!(done.stderr.contains(&fix), "{fix} {done:#?}");
    }
}

/// A project whose command copies a file that is there already.
fn copying(folder: &Path, bytes: impl AsRef<[u8]>) {
    write(&folder.join("made.wasm"), bytes);
    write(
        &folder.join("weir.toml"),
        "[service]\nname = 'x'\nversion = '1.0.0'\n[[part]]\nname = 'x'\ncomponent = 'out/x.wasm'\n\
         [build]\ncommand = 'cp made.wasm module.wasm'\nmodule = 'module.wasm'\n",
    );
}

#[test]
fn a_build_writes_the_component_where_the_manifest_says() {
    let folder = folder();
    let greeter = std::fs::read(repository().join("examples/greeter/greeter.wasm"))
        .expect("the example is there");
    copying(folder.path(), &greeter);
    let data = weir(folder.path(), &["build", "--json"]).data();
    assert_eq!(data["file"], "./out/x.wasm");
    assert_eq!(data["bytes"], greeter.len());
    assert_eq!(
        data["functions"][0]["signature"],
        "hello(name: string) -> string"
    );
    assert_eq!(
        std::fs::read(folder.path().join("out/x.wasm")).expect("it is there"),
        greeter
    );
    let inspected = weir(folder.path(), &["wasm", "inspect", "out/x.wasm", "--json"]).data();
    assert_eq!(data["cid"], inspected["cid"]);
}

/// A project whose component is the example, with more in its manifest.
fn copying_greeter(folder: &Path, more: &str) {
    let greeter = repository().join("examples/greeter/greeter.wasm");
    copying(
        folder,
        std::fs::read(greeter).expect("the example is there"),
    );
    let file = folder.join("weir.toml");
    let manifest = std::fs::read_to_string(&file).expect("it is there");
    write(&file, format!("{manifest}{more}"));
}

#[test]
fn a_build_says_what_is_wrong_with_the_manifest_and_keeps_the_component() {
    for (more, told) in [
        (
            "\n[functions]\nhallo = { mode = 'pure' }\n",
            "there is no function `hallo`",
        ),
        ("\n[functions]\nhello = { mode = 'fast' }\n", "got \"fast\""),
    ] {
        let folder = folder();
        copying_greeter(folder.path(), more);
        let done = weir(folder.path(), &["build"]);
        assert_eq!(done.code, 4, "{done:#?}");
        for told in [
            "error[W0303]: the manifest is not good",
            "manifest  ./weir.toml",
            "built     ./out/x.wasm, which stays",
            told,
        ] {
            assert!(done.stderr.contains(told), "{told} {done:#?}");
        }
        assert!(done.stdout.contains("./out/x.wasm"), "{done:#?}");
        assert!(folder.path().join("out/x.wasm").is_file());
    }
}

#[test]
fn a_part_that_is_not_there_yet_does_not_stop_the_build_of_another_one() {
    let folder = folder();
    let file = folder.path().join("weir.toml");
    copying_greeter(
        folder.path(),
        "\n[[part]]\nname = 'y'\ncomponent = 'out/y.wasm'\n",
    );
    let manifest = std::fs::read_to_string(&file).expect("it is there");
    let facade = "component = 'out/x.wasm'\nfacade = true";
    write(
        &file,
        manifest.replacen("component = 'out/x.wasm'", facade, 1),
    );
    let done = weir(folder.path(), &["build"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let told = "./weir.toml is not checked against its parts: cannot read ./out/y.wasm";
    assert!(done.stderr.contains(told), "{done:#?}");
}

#[test]
fn a_manifest_may_say_only_how_the_sources_are_built() {
    let folder = folder();
    copying_greeter(folder.path(), "");
    write(
        &folder.path().join("weir.toml"),
        "[build]\ncommand = 'cp made.wasm module.wasm'\nmodule = 'module.wasm'\n",
    );
    let data = weir(folder.path(), &["build", "--json"]).data();
    assert_eq!(data["file"], "./module.wasm");
}

#[test]
fn a_component_that_peers_would_not_take_replaces_nothing() {
    let folder = folder();
    copying(folder.path(), b"no wasm at all");
    write(&folder.path().join("out/x.wasm"), "kept");
    let done = weir(folder.path(), &["build"]);
    assert_eq!(done.code, 4, "{done:#?}");
    assert!(done.stderr.contains("error[W0325]"), "{done:#?}");
    assert_eq!(
        std::fs::read(folder.path().join("out/x.wasm")).expect("it is there"),
        b"kept"
    );
}

#[test]
fn a_part_is_built_that_needs_another_one() {
    let folder = folder();
    let at = |path: &str| folder.path().join(path);
    let example = |path: &str| {
        std::fs::read(repository().join("examples/rates").join(path)).expect("the example is there")
    };
    let front = example("front/front.wasm");
    copying(&at("front"), &front);
    let done = weir(folder.path(), &["build", "front", "--json"]);
    let data = done.data();
    let imports = data["imports"].as_array().expect("a list");
    let open: Vec<_> = imports
        .iter()
        .filter(|import| import["granted"] == false)
        .map(|import| &import["name"])
        .collect();
    assert_eq!(open, ["weir:rates/feed@0.1.0"]);
    let told = "left for other parts: weir:rates/feed@0.1.0; `weir wasm link` connects it";
    assert!(done.stderr.contains(told), "{done:#?}");
    let built = std::fs::read(at("front/out/x.wasm")).expect("it was written");
    assert!(built == front);
    write(&at("fetcher/fetcher.wasm"), example("fetcher/fetcher.wasm"));
    let manifest = String::from_utf8(example("weir.toml")).expect("it is text");
    write(
        &at("weir.toml"),
        manifest.replace("front/front.wasm", "front/out/x.wasm"),
    );
    let linked = weir(folder.path(), &["wasm", "link", "weir.toml", "--json"]).data();
    assert_eq!(linked["functions"].as_array().map(Vec::len), Some(5));
}

#[test]
fn what_only_the_host_could_offer_is_refused() {
    for import in ["wasi:sockets/tcp@0.2.0", "weir:host/nothing@0.1.0"] {
        let folder = folder();
        let component = format!(
            r#"(component
                (import "test:parts/store@1.0.0" (instance (export "size" (func))))
                (import "{import}" (instance (export "f" (func)))))"#
        );
        let component = wat::parse_str(component).expect("the component of a test is good");
        copying(folder.path(), component);
        let done = weir(folder.path(), &["build"]);
        assert_eq!(done.code, 4, "{done:#?}");
        assert!(done.stderr.contains("error[W0301]"), "{done:#?}");
        let told = format!("not granted: {import}\n");
        assert!(done.stderr.contains(&told), "{done:#?}");
        assert!(!folder.path().join("out").exists());
    }
}

#[test]
fn what_cannot_be_built_says_why_and_what_to_do() {
    for (files, code, told) in [
        (&[][..], 5, &["error[W0321]", "weir new hello"][..]),
        (
            &[("weir.toml", "[build]\nspeed = 'x'")],
            3,
            &["error[W0326]", "there is no `build.speed`"],
        ),
        (
            &[("weir.toml", "[build]\ncommand = 'exit 3'\nmodule = 'x'")],
            4,
            &["error[W0323]", "exit status: 3"],
        ),
        (
            &[("weir.toml", "[build]\ncommand = 'true'\nmodule = 'x'")],
            4,
            &["error[W0323]", "did not make ./x"],
        ),
        (
            &[("Makefile", ""), ("wit/x.wit", "world")],
            4,
            &["error[W0324]", "the WIT in ./wit", "--> ./wit/x.wit:1:6"],
        ),
    ] {
        let folder = folder();
        for (name, text) in files {
            write(&folder.path().join(name), text);
        }
        let done = weir(folder.path(), &["build"]);
        assert_eq!(done.code, code, "{done:#?}");
        for told in told {
            assert!(done.stderr.contains(told), "{told} {done:#?}");
        }
    }
}

#[test]
fn a_missing_compiler_is_an_error_that_says_how_to_install_it() {
    for (language, told) in [
        ("rust", "rustup target add wasm32-unknown-unknown"),
        ("cpp", "wasi-sdk"),
        ("c", "wasi-sdk"),
    ] {
        let folder = folder();
        assert_eq!(
            weir(folder.path(), &["new", "hello", "--lang", language]).code,
            0
        );
        // A shell finds weir; weir finds nothing but make.
        let line = "weir=$(command -v weir); make=$(command -v make || echo true); mkdir bin; ln -s $make bin/make\n\
                    PATH=$PWD/bin $weir build hello";
        let output = shell(folder.path(), line);
        assert!(
            output.starts_with("error[W0322]: a "),
            "{language}: {output}"
        );
        assert!(output.contains(told), "{language}: {output}");
    }
}
