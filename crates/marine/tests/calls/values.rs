//! Every WIT type, both ways, and what is said about values that do not fit.

use crate::support::{echo, load, show};
use expect_test::{Expect, expect};
use weir_marine::{Function, Module};

fn shapes() -> Module {
    load(&crate::support::shapes())
}

fn check(module: &Module, function: &str, arguments: &str, expected: &Expect) {
    expected.assert_eq(&show(module, function, arguments));
}

#[test]
fn values_of_every_type_come_back_unchanged() {
    let module = shapes();
    for (function, value) in [
        ("bools", "[true,false]"),
        ("u16s", "[0,65535]"),
        ("u32s", "[0,2147483648,4294967295]"),
        ("u64s", "[0,9007199254740991]"),
        ("s8s", "[-128,127]"),
        ("s16s", "[-32768,32767]"),
        ("s32s", "[-2147483648,2147483647]"),
        ("s64s", "[-9007199254740991,9007199254740991]"),
        ("f32s", "[1.5,-0.25]"),
        ("f64s", "[0.1,1e+300,\"NaN\",\"Infinity\",\"-Infinity\"]"),
        ("chars", "[\"a\",\"é\",\"🚣\"]"),
        ("strings", "[\"\",\"weir\",\"\\u0000 🚣\"]"),
        (
            "people",
            "[{\"age\":36,\"home_town\":null,\"name\":\"Ada\"}]",
        ),
        ("pairs", "[[1,\"one\"]]"),
        ("shapes", "[\"dot\",{\"circle\":2.5},{\"path\":[1,2]}]"),
        ("colours", "[\"red\",\"light-blue\"]"),
        ("accesses", "[[],[\"may-read\",\"may-run\"]]"),
        ("options", "[null,7]"),
        ("nested_options", "[null,{\"some\":null},{\"some\":7}]"),
        ("results", "[{\"ok\":1},{\"err\":\"no\"}]"),
        ("empty_results", "[{\"ok\":null},{\"err\":null}]"),
        ("u8-lists", "[\"b64:\",\"b64:AAH_\"]"),
    ] {
        assert_eq!(
            show(&module, function, &format!("[{value}]")).replace("1e300", "1e+300"),
            value,
            "{function}"
        );
    }
}

#[test]
fn several_forms_of_a_value_are_accepted() {
    let module = shapes();
    let both = |function: &str, arguments: &str, expected: Expect| {
        check(&module, function, arguments, &expected);
    };
    both("u8s", "[[0, 1, 255]]", expect![[r#""b64:AAH_""#]]);
    both(
        "u8-lists",
        r#"[["b64:AAH_", "b64:AAE=", [1, 2]]]"#,
        expect![[r#"["b64:AAH_","b64:AAE","b64:AQI"]"#]],
    );
    both(
        "u64s",
        r#"[["18446744073709551615", 18446744073709551615]]"#,
        expect![[r#"["18446744073709551615","18446744073709551615"]"#]],
    );
    both(
        "s64s",
        r#"[["-9223372036854775808", 9007199254740992]]"#,
        expect![[r#"["-9223372036854775808","9007199254740992"]"#]],
    );
    both(
        "f64s",
        "[[1, 18446744073709551615]]",
        expect!["[1.0,1.8446744073709552e19]"],
    );
    both(
        "people",
        r#"[[{"name": "Ada", "homeTown": "London", "age": 36}, ["Alan", null, 41], {"NAME": "Grace", "age": 85}]]"#,
        expect![[
            r#"[{"age":36,"home_town":"London","name":"Ada"},{"age":41,"home_town":null,"name":"Alan"},{"age":85,"home_town":null,"name":"Grace"}]"#
        ]],
    );
    both(
        "colours",
        r#"[["lightBlue", "light_blue"]]"#,
        expect![[r#"["light-blue","light-blue"]"#]],
    );
    both(
        "accesses",
        r#"[[["may_run", "mayRead"]]]"#,
        expect![[r#"[["may-read","may-run"]]"#]],
    );
    both(
        "shapes",
        r#"[[{"dot": null}, "DOT"]]"#,
        expect![[r#"["dot","dot"]"#]],
    );
}

#[test]
fn an_argument_that_does_not_fit_is_named_with_its_path() {
    let module = shapes();
    let says = |function: &str, arguments: &str, expected: Expect| {
        check(&module, function, arguments, &expected);
    };
    says(
        "u16s",
        "[[1, 65536]]",
        expect!["contract/bad-argument: argument 1 `v[1]`: expected u16, got 65536"],
    );
    says(
        "u8s",
        "[[1, 256]]",
        expect!["contract/bad-argument: argument 1 `v[1]`: expected u8, got 256"],
    );
    says(
        "u8s",
        r#"["AAH_"]"#,
        expect![[
            r#"contract/bad-argument: argument 1 `v`: expected list<u8> ("b64:…", an array of integers up to 255, or {"cid": …}), got "AAH_""#
        ]],
    );
    says(
        "u8s",
        r#"["b64:*"]"#,
        expect![[
            r#"contract/bad-argument: argument 1 `v`: expected list<u8> ("b64:…", an array of integers up to 255, or {"cid": …}), got text that is not base64url"#
        ]],
    );
    says(
        "u32s",
        "[[-1]]",
        expect!["contract/bad-argument: argument 1 `v[0]`: expected u32, got -1"],
    );
    says(
        "u32s",
        "[[1.0]]",
        expect!["contract/bad-argument: argument 1 `v[0]`: expected u32, got 1.0"],
    );
    says(
        "s64s",
        r#"[["12x"]]"#,
        expect![[r#"contract/bad-argument: argument 1 `v[0]`: expected s64, got "12x""#]],
    );
    says(
        "f32s",
        "[[1e300]]",
        expect!["contract/bad-argument: argument 1 `v[0]`: expected f32, got 1e300"],
    );
    says(
        "bools",
        "[[1]]",
        expect!["contract/bad-argument: argument 1 `v[0]`: expected bool, got 1"],
    );
    says(
        "chars",
        r#"[["ab"]]"#,
        expect![[r#"contract/bad-argument: argument 1 `v[0]`: expected char, got "ab""#]],
    );
    says(
        "strings",
        "[[null]]",
        expect!["contract/bad-argument: argument 1 `v[0]`: expected string, got null"],
    );
    says(
        "strings",
        "[{}]",
        expect![
            "contract/bad-argument: argument 1 `v`: expected list<string>, got an empty object"
        ],
    );
    says(
        "people",
        r#"[[{"name": "Ada", "age": 300}]]"#,
        expect!["contract/bad-argument: argument 1 `v[0].age`: expected u8, got 300"],
    );
    says(
        "people",
        r#"[[{"name": "Ada"}]]"#,
        expect!["contract/bad-argument: argument 1 `v[0].age`: expected u8, got nothing"],
    );
    says(
        "people",
        r#"[[{"name": "Ada", "age": 1, "aeg": 2}]]"#,
        expect![
            "contract/bad-argument: argument 1 `v[0]`: expected only the fields name, home_town, age, got a field `aeg`"
        ],
    );
    says(
        "people",
        r#"[[{"name": "Ada", "age": 1, "Age": 2}]]"#,
        expect![
            "contract/bad-argument: argument 1 `v[0]`: expected only the fields name, home_town, age, got `age`, which is there in another spelling"
        ],
    );
    says(
        "people",
        r#"[[["Ada", 36]]]"#,
        expect![
            "contract/bad-argument: argument 1 `v[0]`: expected record { name: string, home-town: option<string>, age: u8 }, got an array of 2"
        ],
    );
    says(
        "pairs",
        r#"[[[1]]]"#,
        expect![
            "contract/bad-argument: argument 1 `v[0]`: expected tuple<u8, string>, got an array of 1"
        ],
    );
    says(
        "pairs",
        r#"[[[1, 2]]]"#,
        expect!["contract/bad-argument: argument 1 `v[0][1]`: expected string, got 2"],
    );
    says(
        "shapes",
        r#"[["square"]]"#,
        expect![[
            r#"contract/bad-argument: argument 1 `v[0]`: expected variant { dot, circle(f64), path(list<u16>) }, got "square""#
        ]],
    );
    says(
        "shapes",
        r#"[["circle"]]"#,
        expect!["contract/bad-argument: argument 1 `v[0].circle`: expected f64, got nothing"],
    );
    says(
        "shapes",
        r#"[[{"path": [1, "2"]}]]"#,
        expect![[r#"contract/bad-argument: argument 1 `v[0].path[1]`: expected u16, got "2""#]],
    );
    says(
        "shapes",
        r#"[[{"dot": 1}]]"#,
        expect!["contract/bad-argument: argument 1 `v[0].dot`: expected null, got 1"],
    );
    says(
        "colours",
        r#"[["green"]]"#,
        expect![[
            r#"contract/bad-argument: argument 1 `v[0]`: expected enum { red, light-blue }, got "green""#
        ]],
    );
    says(
        "accesses",
        r#"[[["may-fly"]]]"#,
        expect![[
            r#"contract/bad-argument: argument 1 `v[0][0]`: expected one of may-read, may-write, may-run, got "may-fly""#
        ]],
    );
    says(
        "nested-options",
        "[[7]]",
        expect!["contract/bad-argument: argument 1 `v[0]`: expected option<option<u8>>, got 7"],
    );
    says(
        "results",
        r#"[[{"ok": 1, "err": "no"}]]"#,
        expect![
            "contract/bad-argument: argument 1 `v[0]`: expected result<u8, string>, got an object with err, ok"
        ],
    );
    says(
        "results",
        r#"[[{"err": 1}]]"#,
        expect!["contract/bad-argument: argument 1 `v[0].err`: expected string, got 1"],
    );
    says(
        "empty-results",
        r#"[[{"ok": 1}]]"#,
        expect!["contract/bad-argument: argument 1 `v[0].ok`: expected null, got 1"],
    );
    says(
        "bools",
        "[]",
        expect!["contract/bad-arity: `bools(v: list<bool>) -> list<bool>` takes 1 argument, got 0"],
    );
    says(
        "bools",
        "[[], []]",
        expect!["contract/bad-arity: `bools(v: list<bool>) -> list<bool>` takes 1 argument, got 2"],
    );
}

#[test]
fn maps_are_objects_or_pairs() {
    let module = load(&echo(
        "",
        &[
            ("by-name", "map<string, u8>"),
            ("by-number", "map<u16, string>"),
        ],
    ));
    check(
        &module,
        "by-name",
        r#"[[{"a": 1, "b": 2}, [["c", 3]]]]"#,
        &expect![[r#"[{"a":1,"b":2},{"c":3}]"#]],
    );
    check(
        &module,
        "by-number",
        r#"[[[[1, "one"], [2, "two"]]]]"#,
        &expect![[r#"[[[1,"one"],[2,"two"]]]"#]],
    );
    check(
        &module,
        "by-number",
        r#"[[[[1, "one"], [1, "uno"]]]]"#,
        &expect![
            "contract/bad-argument: argument 1 `v[0][1]`: expected a new key, got one that is there already"
        ],
    );
    check(
        &module,
        "by-number",
        r#"[[{"1": "one"}]]"#,
        &expect![
            "contract/bad-argument: argument 1 `v[0]`: expected map<u16, string>, got an object with 1"
        ],
    );
}

#[test]
fn too_many_values_are_refused_before_the_guest_runs() {
    let many = format!("[[{}]]", vec!["1"; 100_001].join(","));
    check(
        &shapes(),
        "u16s",
        &many,
        &expect!["limit/argument-size: the arguments have more than 100000 values"],
    );
}

#[test]
fn signatures_are_those_of_wit() {
    let signatures: Vec<String> = shapes()
        .functions()
        .iter()
        .map(Function::signature)
        .collect();
    expect![[r#"
        bools(v: list<bool>) -> list<bool>
        u8s(v: list<u8>) -> list<u8>
        u8-lists(v: list<list<u8>>) -> list<list<u8>>
        u16s(v: list<u16>) -> list<u16>
        u32s(v: list<u32>) -> list<u32>
        u64s(v: list<u64>) -> list<u64>
        s8s(v: list<s8>) -> list<s8>
        s16s(v: list<s16>) -> list<s16>
        s32s(v: list<s32>) -> list<s32>
        s64s(v: list<s64>) -> list<s64>
        f32s(v: list<f32>) -> list<f32>
        f64s(v: list<f64>) -> list<f64>
        chars(v: list<char>) -> list<char>
        strings(v: list<string>) -> list<string>
        people(v: list<record { name: string, home-town: option<string>, age: u8 }>) -> list<record { name: string, home-town: option<string>, age: u8 }>
        pairs(v: list<tuple<u8, string>>) -> list<tuple<u8, string>>
        shapes(v: list<variant { dot, circle(f64), path(list<u16>) }>) -> list<variant { dot, circle(f64), path(list<u16>) }>
        colours(v: list<enum { red, light-blue }>) -> list<enum { red, light-blue }>
        accesses(v: list<flags { may-read, may-write, may-run }>) -> list<flags { may-read, may-write, may-run }>
        options(v: list<option<u8>>) -> list<option<u8>>
        nested-options(v: list<option<option<u8>>>) -> list<option<option<u8>>>
        results(v: list<result<u8, string>>) -> list<result<u8, string>>
        empty-results(v: list<result>) -> list<result>"#]].assert_eq(&signatures.join("\n"));
}
