//! The example component: the committed one, and the one that `guest/build.sh --out target/guest` made, if it did.

use std::path::Path;

use crate::support::{load, show};
use expect_test::{Expect, expect};
use weir_marine::{Function, Module};

fn greeters() -> Vec<Module> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let committed = std::fs::read(root.join("examples/greeter/greeter.wasm"))
        .expect("the component is committed");
    let rebuilt = std::fs::read(root.join("target/guest/greeter.wasm")).ok();
    std::iter::once(committed)
        .chain(rebuilt)
        .map(|bytes| load(&bytes))
        .collect()
}

fn check(function: &str, arguments: &str, expected: &Expect) {
    for greeter in greeters() {
        expected.assert_eq(&show(&greeter, function, arguments));
    }
}

#[test]
fn it_offers_its_functions_with_their_types() {
    for greeter in greeters() {
        let signatures: Vec<String> = greeter
            .functions()
            .iter()
            .map(Function::signature)
            .collect();
        expect![[r#"
            hello(name: string) -> string
            greet(who: record { name: string, age: option<u8>, languages: list<enum { english, french, german, japanese }> }) -> result<string, string>
            add(a: u32, b: u32) -> u32
            mean(numbers: list<f64>) -> result<f64, string>
            count-words(text: string) -> list<tuple<string, u32>>
            burn(rounds: u64) -> u64"#]].assert_eq(&signatures.join("\n"));
    }
}

#[test]
fn it_greets() {
    check("hello", r#"["Ada"]"#, &expect![[r#""Hello, Ada!""#]]);
    check(
        "greet",
        r#"[{"name": "Ada", "age": 36, "languages": ["french", "english"]}]"#,
        &expect![[r#""Bonjour, Ada (36)!""#]],
    );
    check(
        "greet",
        r#"[{"name": "Ada", "languages": []}]"#,
        &expect![[r#""Hello, Ada!""#]],
    );
}

#[test]
fn its_own_failures_are_told_apart_from_wrong_arguments() {
    check(
        "greet",
        r#"[{"name": " ", "languages": []}]"#,
        &expect![[
            r#"guest/err: the function failed: "somebody without a name cannot be greeted""#
        ]],
    );
    check(
        "greet",
        r#"[{"name": "Ada", "age": 300, "languages": []}]"#,
        &expect!["contract/bad-argument: argument 1 `who.age`: expected u8, got 300"],
    );
    check(
        "greet",
        r#"[{"name": "Ada", "languages": ["klingon"]}]"#,
        &expect![[
            r#"contract/bad-argument: argument 1 `who.languages[0]`: expected enum { english, french, german, japanese }, got "klingon""#
        ]],
    );
    check(
        "hello",
        "[7]",
        &expect!["contract/bad-argument: argument 1 `name`: expected string, got 7"],
    );
    check(
        "hello",
        "[]",
        &expect!["contract/bad-arity: `hello(name: string) -> string` takes 1 argument, got 0"],
    );
    check(
        "helo",
        "[]",
        &expect![
            "contract/unknown-function: there is no function `helo`; there are: hello, greet, add, mean, count-words, burn"
        ],
    );
}

#[test]
fn it_calculates() {
    check("add", "[2, 40]", &expect!["42"]);
    check("mean", "[[1, 2, 6]]", &expect!["3.0"]);
    check(
        "mean",
        "[[]]",
        &expect![[r#"guest/err: the function failed: "an empty list has no mean""#]],
    );
    check(
        "count_words",
        r#"["the cat and the hat"]"#,
        &expect![[r#"[["and",1],["cat",1],["hat",1],["the",2]]"#]],
    );
    check("burn", "[1000]", &expect![[r#""4279922131839342354""#]]);
    check(
        "burn",
        r#"["18446744073709551615"]"#,
        &expect!["limit/fuel: the call used up its fuel, 10000000000 units"],
    );
}
