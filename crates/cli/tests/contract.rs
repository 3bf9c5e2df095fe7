//! The contract with scripts: what goes to which stream, documents of `--json`, exit codes.

mod support;

use support::{weir, weir_into, weir_with_bytes, weir_with_input};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

#[test]
fn help_and_version_are_results() {
    let folder = folder();
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["call", "--help"],
    ] {
        let done = weir(folder.path(), arguments);
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(!done.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_wrong_command_line_exits_2_and_leaves_standard_output_empty() {
    let folder = folder();
    for arguments in [
        &["nonsense"][..],
        &["call"],
        &["call", "greeter"],
        &["call", "greeter.hello", "--nonsense"],
        &["--format", "papyrus", "version"],
        &["trace", "a", "b"],
        &[],
    ] {
        let done = weir(folder.path(), arguments);
        assert_eq!(done.code, 2, "{arguments:?} {done:#?}");
        assert_eq!(done.stdout, "", "{arguments:?}");
        assert!(done.stderr.starts_with("error[W0002]: "), "{}", done.stderr);
        assert!(done.stderr.contains("\n  fix "), "{}", done.stderr);
    }
}

#[test]
fn under_json_a_wrong_command_line_is_one_document_too() {
    let folder = folder();
    let done = weir(folder.path(), &["--json", "nonsense"]);
    assert_eq!((done.code, done.stderr.as_str()), (2, ""));
    let document = done.json();
    assert_eq!(document["schema"], "weir.usage/1");
    assert_eq!(document["ok"], false);
    assert_eq!(document["error"]["code"], "W0002");
    assert_eq!(document["warnings"], serde_json::json!([]));
}

#[test]
fn what_is_not_there_exits_5() {
    let folder = folder();
    for (arguments, code) in [
        (&["call", "greeter.hello"][..], "W0501"),
        (&["trace"], "W0501"),
        (&["trace", "export"], "W0501"),
        (&["air", "run", "nowhere.air"], "W0003"),
        (&["air", "check", "nowhere.air"], "W0003"),
        (&["sim", "run", "nowhere.json"], "W0003"),
        (&["explain", "W9999"], "W0007"),
    ] {
        let done = weir(folder.path(), arguments);
        assert_eq!(done.code, 5, "{arguments:?} {done:#?}");
        assert_eq!(done.stdout, "", "{arguments:?}");
        let start = format!("error[{code}]: ");
        assert!(done.stderr.starts_with(&start), "{}", done.stderr);
    }
}

#[test]
fn every_code_is_explained_offline() {
    let folder = folder();
    let list = weir(folder.path(), &["explain", "--json"]).data();
    let list = list.as_array().expect("a list of codes");
    assert!(list.len() > 20);
    for entry in list {
        let code = entry["code"].as_str().expect("a code is text");
        let page = weir(folder.path(), &["explain", code]);
        assert!(page.text().starts_with(&format!("# {code}: ")), "{page:#?}");
    }
}

#[test]
fn schemas_are_listed() {
    let folder = folder();
    let data = weir(folder.path(), &["version", "--schemas", "--json"]).data();
    let schemas = data["schemas"].as_array().expect("a list of schemas");
    assert!(schemas.iter().any(|schema| schema["$id"] == "weir.call/1"));
    let text = weir(folder.path(), &["version", "--schemas"]);
    assert!(text.text().contains("weir.sim.run/1"));
}

#[test]
fn scripts_are_checked_without_a_network() {
    let folder = folder();
    let good = "(seq (call %init_peer_id% (\"a\" \"b\") [] x) (null))";
    let done = weir_with_input(folder.path(), &["air", "check", "-"], good);
    assert_eq!(done.code, 0, "{done:#?}");

    let bad = "(seq (call nobody (\"a\" \"b\") []) (nul))";
    let done = weir_with_input(folder.path(), &["air", "check", "-"], bad);
    assert_eq!((done.code, done.stdout.as_str()), (4, ""));
    assert!(done.stderr.contains("error[W0180]"), "{}", done.stderr);

    let done = weir_with_input(folder.path(), &["air", "check", "-", "--json"], bad);
    assert_eq!((done.code, done.stderr.as_str()), (4, ""));
    let error = &done.json()["error"];
    let faults = &error["data"]["files"][0]["faults"];
    assert!(faults[0]["line"].is_u64(), "{error}");
}

#[test]
fn formatting_is_idempotent_and_can_be_checked() {
    let folder = folder();
    let file = folder.path().join("x.air");
    std::fs::write(&file, "(seq   (null)\n(null)) ; kept\n").expect("a writable folder");
    let done = weir(folder.path(), &["air", "fmt", "--check", "x.air"]);
    assert_eq!(done.code, 4, "{done:#?}");
    assert_eq!(weir(folder.path(), &["air", "fmt", "x.air"]).code, 0);
    let text = std::fs::read_to_string(&file).expect("it is still there");
    assert!(text.contains("; kept"), "{text}");
    assert_eq!(
        weir(folder.path(), &["air", "fmt", "--check", "x.air"]).code,
        0
    );
    let again = weir_with_input(folder.path(), &["air", "fmt", "-"], &text);
    assert_eq!(again.text(), text);
}

#[test]
fn colour_is_for_terminals_unless_forced() {
    let folder = folder();
    let plain = weir(folder.path(), &["explain"]);
    assert!(!plain.text().contains('\x1b'));
    let forced = weir(folder.path(), &["explain", "--color", "always"]);
    assert!(forced.text().contains('\x1b'));
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let folder = folder();
    for arguments in [
        &["explain"][..],
        &["explain", "--json"],
        &["explain", "W9999", "--json"],
        &["--help"],
    ] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("Linux has it");
        let done = weir_into(folder.path(), arguments, full.into());
        assert_eq!(done.code, 1, "{arguments:?} {done:#?}");
        assert!(done.stderr.starts_with("error[W0004]: "), "{done:#?}");
    }
}

#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    let folder = folder();
    let (reader, writer) = std::io::pipe().expect("the system has pipes");
    drop(reader);
    let done = weir_into(folder.path(), &["explain"], writer.into());
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
}

#[test]
fn input_that_is_no_text_is_named_for_what_it_should_be() {
    let folder = folder();
    let bytes = b"\xff\xfe";
    std::fs::write(folder.path().join("bytes"), bytes).expect("a writable folder");
    for (arguments, exit, code) in [
        (["trace", "verify"], 9, "W0802"),
        (["sim", "run"], 3, "W0005"),
        (["air", "check"], 4, "W0180"),
        (["air", "fmt"], 4, "W0180"),
    ] {
        for file in ["bytes", "-"] {
            let done = weir_with_bytes(folder.path(), &[&arguments[..], &[file]].concat(), bytes);
            assert_eq!(done.code, exit, "{arguments:?} {done:#?}");
            let start = format!("error[{code}]: ");
            assert!(done.stderr.starts_with(&start), "{}", done.stderr);
        }
    }
}

#[test]
fn json_is_found_in_a_wrong_command_line_however_it_is_asked_for() {
    let folder = folder();
    for arguments in [
        &["--format", "json", "nonsense"][..],
        &["--format=json", "nonsense"],
        &["nonsense", "--json"],
    ] {
        let done = weir(folder.path(), arguments);
        assert_eq!((done.code, done.stderr.as_str()), (2, ""), "{arguments:?}");
        assert_eq!(done.json()["error"]["code"], "W0002", "{arguments:?}");
    }
    let done = weir(folder.path(), &["nonsense", "--", "--json"]);
    assert_eq!((done.code, done.stdout.as_str()), (2, ""));
}

#[test]
fn a_group_without_a_command_says_which_there_are() {
    let folder = folder();
    for (group, missing) in [
        ("air", "missing: run, check or fmt\n"),
        ("sim", "missing: run\n"),
    ] {
        let done = weir(folder.path(), &[group]);
        assert_eq!(done.code, 2, "{done:#?}");
        assert!(done.stderr.contains(missing), "{}", done.stderr);
    }
}

#[test]
fn a_case_is_given_up_after_the_timeout() {
    let folder = folder();
    // A fold that feeds itself has no end before its limit.
    let endless = r#"{"air": "(seq (ap 1 $s) (fold $s i (seq (ap i $s) (next i))))"}"#;
    let done = weir_with_input(
        folder.path(),
        &["sim", "run", "-", "--timeout", "1ms"],
        endless,
    );
    assert_eq!(done.code, 124, "{done:#?}");
    assert!(done.stderr.starts_with("error[W0402]: "), "{done:#?}");
    let short = r#"{"air": "(null)"}"#;
    let done = weir_with_input(
        folder.path(),
        &["sim", "run", "-", "--timeout", "1m"],
        short,
    );
    assert_eq!(done.code, 0, "{done:#?}");
}

#[cfg(unix)]
#[test]
fn formatting_writes_through_links_and_touches_nothing_beside() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let text = "(seq   (null) (null))";
    std::fs::write(path("real.air"), text).expect("a writable folder");
    std::fs::write(path("link.air.new"), "mine").expect("a writable folder");
    std::fs::write(path("real.air.new"), "mine").expect("a writable folder");
    std::fs::write(path("wrong.air"), "(nul)").expect("a writable folder");
    std::os::unix::fs::symlink("real.air", path("link.air")).expect("a writable folder");
    let done = weir(folder.path(), &["air", "fmt", "link.air", "wrong.air"]);
    assert_eq!(done.code, 4, "{done:#?}");
    assert!(done.stderr.contains("formatted link.air"), "{done:#?}");
    let read = |name: &str| std::fs::read_to_string(path(name)).expect("it is still there");
    assert_ne!(read("real.air"), text);
    let link = std::fs::symlink_metadata(path("link.air")).expect("it is still there");
    assert!(link.is_symlink());
    assert_eq!(read("link.air.new"), "mine");
    assert_eq!(read("real.air.new"), "mine");
    let left = std::fs::read_dir(folder.path()).expect("a readable folder");
    assert_eq!(left.count(), 5);
}
