//! Aqua programs on the command line: checked, compiled, laid out, tested, run on a real network.

mod support;

use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use support::{Network, weir, weir_with_input};

const HELLO: &str = r#"aqua Hello declares *

export hello, everywhere, broken, Greeter

service Greeter("greeter"):
  hello(name: string) -> string

-- Greets through one peer.
func hello(peer: string, name: string) -> string:
  on peer:
    greeting <- Greeter.hello(name)
  <- greeting

-- Greets through many peers, and waits for all of them.
func everywhere(peers: []string, name: ?string) -> []string, ?string:
  greetings: *string
  for peer <- peers par:
    on peer:
      greetings <- Greeter.hello(name!)
  join greetings[peers.length - 1]
  <- greetings, name

func broken(peer: string) -> string:
  on peer:
    Greeter "nobody"
    greeting <- Greeter.hello("anybody")
  <- greeting
"#;

fn folder_with(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder for the test");
    std::fs::write(folder.path().join("hello.aqua"), text).expect("a writable folder");
    folder
}

fn function(call: &str) -> [&str; 5] {
    ["aqua", "run", "hello.aqua", "-f", call]
}

#[test]
fn functions_run_on_a_network() {
    let folder = folder_with(HELLO);
    let folder = folder.path();
    let network = Network::up(folder, &[]);

    let one = weir(folder, &function(r#"hello("@b", "Ada")"#));
    assert!(
        one.text().starts_with("\"Hello, Ada!\"\ntrace "),
        "{one:#?}"
    );

    let call = r#"everywhere(["@a", "@b", "@c"], who)"#;
    let arguments = [
        &function(call)[..],
        &["--data", r#"{"who": "Ada"}"#, "--json"],
    ]
    .concat();
    let all = weir(folder, &arguments).data();
    let greeting = "Hello, Ada!";
    assert_eq!(
        all["results"],
        json!([[greeting, greeting, greeting], "Ada"])
    );

    lines_are_run_as_they_are_typed(folder);

    let broken = weir(folder, &function(r#"broken("@b")"#));
    assert_eq!(broken.code, 8, "{broken:#?}");
    for told in [
        "error[W0293]: broken failed",
        "at        b",
        "no service `nobody` here",
    ] {
        assert!(broken.stderr.contains(told), "{}", broken.stderr);
    }
    assert_eq!(network.interrupt(), 0);
}

fn lines_are_run_as_they_are_typed(folder: &Path) {
    let typed = r#"import "hello.aqua"
one <- hello("@b", "Ada")
everywhere(["@a"], ?[one])
nonsense(3)
func twice(n: i64) -> i64:
  <- n * 2

n = 21
twice(n)
:type one
"#;
    let done = weir_with_input(folder, &["aqua", "repl", "--quiet"], typed);
    let shown: Vec<&str> = done
        .text()
        .lines()
        .filter(|line| !line.starts_with("trace "))
        .collect();
    assert_eq!(
        shown,
        [
            r#""Hello, Ada!""#,
            r#"["Hello, Hello, Ada!!"]"#,
            "21",
            "42",
            "string"
        ],
        "{done:#?}"
    );
    assert!(
        done.stderr.contains("there is no `nonsense` here"),
        "{}",
        done.stderr
    );
}

#[test]
fn what_cannot_be_called_is_refused_before_anything_runs() {
    let folder = folder_with(HELLO);
    for (call, told) in [
        (
            "hello(\"@b\", 3)",
            "argument 2 `name`: expected string, got 3",
        ),
        ("helo(\"@b\", \"Ada\")", "hello"),
        ("hello(\"@b\"", ""),
    ] {
        let done = weir(folder.path(), &function(call));
        assert_eq!(done.code, 2, "{done:#?}");
        assert!(done.stderr.starts_with("error[W0292]: "), "{}", done.stderr);
        assert!(done.stderr.contains(told), "{}", done.stderr);
    }
}

#[test]
fn the_plan_names_peers_and_calls() {
    let folder = folder_with(HELLO);
    let arguments = [&function(r#"hello("@b", "Ada")"#)[..], &["--plan"]].concat();
    let plan = weir(folder.path(), &arguments);
    assert!(
        plan.text()
            .contains("hop   -relay-\ncall  peer          greeter.hello\n"),
        "{plan:#?}"
    );
}

#[test]
fn all_faults_are_shown_with_place_and_fix() {
    let text = HELLO.replace("Greeter.hello(name)", "Greeter.helo(nme)");
    let folder = folder_with(&text);
    let done = weir(folder.path(), &["aqua", "check"]);
    assert_eq!(done.code, 4, "{done:#?}");
    for told in [
        "error[W0233]: `Greeter` has no `helo`\n  at hello.aqua:11:25",
        "fix       did you mean `hello`?",
        "error[W0230]: there is no `nme` here\n  at hello.aqua:11:30",
        "error[W0290]: hello.aqua has 2 errors",
    ] {
        assert!(done.stderr.contains(told), "{told}\n{}", done.stderr);
    }
    let json = weir(folder.path(), &["aqua", "check", "--json"]).json();
    let faults = json["error"]["data"]["faults"].as_array().expect("a list");
    assert_eq!(faults.len(), 2, "{json}");
    assert_eq!(
        faults[0]["edit"],
        json!({"start": 240, "end": 244, "text": "hello"})
    );
}

#[test]
fn scripts_and_definitions_are_written() {
    let folder = folder_with(HELLO);
    let path = folder.path();
    let compile = ["aqua", "compile", "hello.aqua"];
    let air = weir(path, &compile);
    assert!(
        air.text()
            .contains("(call peer (\"greeter\" \"hello\") [name] r)"),
        "{air:#?}"
    );
    weir(path, &[&compile[..], &["-o", "out"]].concat()).text();
    let checked = weir(
        path,
        &[
            "air",
            "check",
            "out/hello.hello.air",
            "out/hello.everywhere.air",
        ],
    );
    checked.text();
    let both = weir(
        path,
        &[&compile[..], &["--target", "json", "-o", "out"]].concat(),
    );
    both.text();
    let definitions = read(&path.join("out/hello.json"));
    assert_eq!(
        definitions["functions"]["hello"]["funcDef"]["functionName"],
        "hello"
    );
    assert_eq!(
        definitions["services"]["Greeter"]["defaultServiceId"],
        "greeter"
    );
}

fn read(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).expect("it was written");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn programs_get_their_layout() {
    let folder = folder_with("aqua A\nfunc f( ) ->u32 :\n    <-   1\n");
    let path = folder.path();
    let check = weir(path, &["aqua", "fmt", "--check"]);
    assert_eq!(check.code, 4, "{check:#?}");
    assert!(check.stderr.contains("error[W0291]"), "{}", check.stderr);
    weir(path, &["aqua", "fmt"]).text();
    weir(path, &["aqua", "fmt", "--check"]).text();
    let text = weir_with_input(path, &["aqua", "fmt", "-"], "aqua A\nconst  N=1\n");
    assert_eq!(text.text(), "aqua A\n\nconst N = 1\n");
}

#[test]
fn a_case_can_name_a_function() {
    let folder = folder_with(HELLO);
    let case = json!({
        "aqua": "hello.aqua", "func": "hello", "args": {"peer": "@b", "name": "Ada"},
        "peers": ["b"], "relay": "relay", "services": {"greeter.hello": {"ok": "Hi"}},
    });
    let done = weir_with_input(
        folder.path(),
        &["sim", "run", "-", "--json"],
        &case.to_string(),
    );
    let calls = done.data()["calls"].clone();
    let last = calls
        .as_array()
        .and_then(|calls| calls.last())
        .expect("there are calls");
    assert_eq!(last["call"], "callbackSrv.response");
    assert_eq!(last["args"], json!(["Hi"]));
}

#[test]
fn tests_of_programs_run_with_seeds() {
    let program = r#"aqua Tests declares *

export testGreets, testRace, testFails

service Greeter("greeter"):
  hello(name: string) -> string

-- mock greeter.hello "Hi"
-- peers b
func testGreets() -> bool:
  on HOST_PEER_ID:
    greeting <- Greeter.hello("Ada")
  <- greeting == "Hi"

-- Which of two peers answers first depends on the order of delivery.
-- mock a/greeter.hello "a"
-- mock b/greeter.hello "b"
-- seeds 50
func testRace() -> bool:
  answers: *string
  peers <- names()
  for peer <- peers par:
    on peer:
      answers <- Greeter.hello("Ada")
  first = answers!
  <- first == "a"

service Dir("dir"):
  names() -> []string

-- mock dir.names ["@a", "@b"]
func names() -> []string:
  found <- Dir.names()
  <- found

-- fail greeter.hello "is away"
func testFails():
  Greeter.hello("Ada")
"#
    .replace(
        "-- seeds 50\n",
        "-- seeds 50\n-- mock dir.names [\"@a\", \"@b\"]\n",
    )
    .replacen("service Dir", "\nservice Dir", 1);
    let folder = folder_with(&program);
    let done = weir(folder.path(), &["aqua", "test"]);
    assert_eq!(done.code, 9, "{done:#?}");
    for told in [
        "ok testGreets\n",
        "x testRace: it returned false (seed ",
        "x testFails: ",
        "1 of 3 tests passed",
    ] {
        assert!(done.stdout.contains(told), "{told}: {done:#?}");
    }
    let again = weir(folder.path(), &["aqua", "test"]);
    assert_eq!(again.stdout, done.stdout, "seeds give the same runs");
    let one = weir(folder.path(), &["aqua", "test", "Greets", "--json"]).data();
    assert_eq!(one["passed"], 1);
}

#[test]
fn pages_and_modules_are_written() {
    let folder = folder_with(HELLO);
    let path = folder.path();
    let page = weir(path, &["aqua", "doc"]);
    assert!(
        page.text().contains("Greets through one peer."),
        "{page:#?}"
    );
    let module = weir(path, &["aqua", "compile", "hello.aqua", "--target", "ts"]);
    assert!(
        module.text().contains("export function hello("),
        "{module:#?}"
    );
    weir(path, &["aqua", "doc", "-o", "pages", "--json"]).data();
    assert!(path.join("pages/hello.md").is_file());
}

#[test]
fn pages_in_html_lead_to_each_other() {
    let folder = folder_with(HELLO);
    let path = folder.path();
    let page = weir(path, &["aqua", "doc", "--html"]);
    assert!(page.text().starts_with("<!DOCTYPE html>"), "{page:#?}");
    std::fs::write(path.join("more.aqua"), "const ONE = 1\n").expect("the folder is writable");
    let refused = weir(path, &["aqua", "doc", "--html"]);
    assert_eq!(refused.code, 2, "{refused:#?}");
    for told in ["2 programs", "-o DIR", "W0002"] {
        assert!(refused.stderr.contains(told), "{told}: {refused:#?}");
    }
    let done = weir(path, &["aqua", "doc", "--html", "-o", "pages"]);
    assert_eq!(done.code, 0, "{done:#?}");
    let index = std::fs::read_to_string(path.join("pages/index.html")).expect("it was written");
    for name in ["hello.html", "more.html"] {
        assert!(index.contains(&format!("<a href=\"{name}\">")), "{index}");
        assert!(path.join("pages").join(name).is_file());
    }
}

#[test]
fn an_editor_is_served() {
    let mut server = std::process::Command::new(env!("CARGO_BIN_EXE_weir"))
        .arg("lsp")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = server.stdin.take().expect("it is piped");
    let mut stdout = BufReader::new(server.stdout.take().expect("it is piped"));
    let mut say = |body: serde_json::Value| {
        let body = body.to_string();
        write!(stdin, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("it listens");
        stdin.flush().expect("it listens");
    };
    say(json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}));
    let answer = answer(&mut stdout);
    assert!(
        !answer["result"]["capabilities"]["renameProvider"].is_null(),
        "{answer}"
    );
    say(json!({"jsonrpc": "2.0", "id": 2, "method": "shutdown"}));
    say(json!({"jsonrpc": "2.0", "method": "exit"}));
    assert!(server.wait().expect("it ends").success());
}

/// The next message of a language server.
fn answer(stdout: &mut impl BufRead) -> serde_json::Value {
    let mut length = 0;
    loop {
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it speaks");
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", number)) => length = number.parse().expect("a number"),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    stdout.read_exact(&mut body).expect("it speaks");
    serde_json::from_slice(&body).expect("it is JSON")
}
