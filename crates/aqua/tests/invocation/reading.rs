//! What is written, what the function gets, and what is refused.

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use weir_aqua::invocation::{Invocation, shown};
use weir_aqua::types::Ty;

use super::program::{program, settings};

fn check(call: &str, data: Value, expected: Expect) {
    let compilation = program();
    let read = Invocation::read(&compilation, call, data.as_object().expect("an object"));
    let text = match read {
        Ok(call) => {
            let args = call
                .args
                .iter()
                .map(|(name, value)| format!("{name} = {value}\n"));
            args.collect()
        }
        Err(error) => {
            let at = &call[error.span.range()];
            let help = error.help.map(|help| format!("help: {help}\n"));
            format!("{}\nat: {at}\n{}", error.message, help.unwrap_or_default())
        }
    };
    expected.assert_eq(&text);
}

#[test]
fn literals_are_arguments() {
    check(
        "numbers(0, -128, 18446744073709551615)",
        json!({}),
        expect![[r#"
            small = 0
            signed = -128
            large = 18446744073709551615
        "#]],
    );
    check(
        "words(\"a\\n\", [\"b\", \"c\"])",
        json!({}),
        expect![[r#"
        text = "a\\n"
        list = ["b","c"]
    "#]],
    );
    check(
        "switch(true, [true, false])",
        json!({}),
        expect![[r#"
        on_off = true
        stream = [true,false]
    "#]],
    );
    check(
        "measure(1, -2.5)",
        json!({}),
        expect![[r#"
        short = 1
        long = -2.5
    "#]],
    );
    check(
        "nested([[1, 2], []], nil)",
        json!({}),
        expect![[r#"
        rows = [[1,2],[]]
        inner = []
    "#]],
    );
    check(
        " numbers( 1,\n 2, 3, ) \n",
        json!({}),
        expect![[r#"
        small = 1
        signed = 2
        large = 3
    "#]],
    );
    check("nothing()", json!({}), expect![[""]]);
}

#[test]
fn numbers_are_held_against_their_range() {
    check(
        "numbers(256, 0, 0)",
        json!({}),
        expect![[r#"
        argument 1 `small`: expected u8, got 256
        at: 256
        help: u8 holds whole numbers from 0 to 255
    "#]],
    );
    check(
        "numbers(-1, 0, 0)",
        json!({}),
        expect![[r#"
        argument 1 `small`: expected u8, got -1
        at: -1
        help: u8 holds whole numbers from 0 to 255
    "#]],
    );
    check(
        "numbers(0, 128, 0)",
        json!({}),
        expect![[r#"
        argument 2 `signed`: expected i8, got 128
        at: 128
        help: i8 holds whole numbers from -128 to 127
    "#]],
    );
    check(
        "numbers(1.5, 0, 0)",
        json!({}),
        expect![[r#"
        argument 1 `small`: expected u8, got 1.5
        at: 1.5
        help: u8 holds whole numbers from 0 to 255
    "#]],
    );
    check(
        "numbers(1.0, 0, 0)",
        json!({}),
        expect![[r#"
        small = 1
        signed = 0
        large = 0
    "#]],
    );
    check(
        "numbers(0, 0, x)",
        json!({"x": 1e30}),
        expect![[r#"
        argument 3 `large`: expected u64, got 1e+30
        at: x
        help: u64 holds whole numbers from 0 to 18446744073709551615
    "#]],
    );
    check(
        "numbers(0, 0, 18446744073709551616)",
        json!({}),
        expect![[r#"
            the number `18446744073709551616` is out of range
            at: 18446744073709551616
        "#]],
    );
    check(
        "numbers(\"1\", 0, 0)",
        json!({}),
        expect![[r#"
        argument 1 `small`: expected u8, got "1"
        at: "1"
    "#]],
    );
    check(
        "measure(x, 0)",
        json!({"x": 1e300}),
        expect![[r#"
        argument 1 `short`: expected f32, got 1e+300
        at: x
    "#]],
    );
}

#[test]
fn options_are_values_or_null() {
    check(
        "maybe(1, [2])",
        json!({}),
        expect![[r#"
        one = [1]
        many = [[2]]
    "#]],
    );
    check(
        "maybe(nil, nil)",
        json!({}),
        expect![[r#"
        one = []
        many = []
    "#]],
    );
    check(
        "maybe([], [])",
        json!({}),
        expect![[r#"
        one = []
        many = []
    "#]],
    );
    check(
        "maybe([1], [[2, 3]])",
        json!({}),
        expect![[r#"
        one = [1]
        many = [[2,3]]
    "#]],
    );
    check(
        "maybe(?[1], ?[[2]])",
        json!({}),
        expect![[r#"
        one = [1]
        many = [[2]]
    "#]],
    );
    check(
        "maybe(one, many)",
        json!({"one": null}),
        expect![[r#"
        one = []
        many = []
    "#]],
    );
    check(
        "maybe(300, [1, 300])",
        json!({}),
        expect![[r#"
        argument 1 `one`: expected ?u8, got 300
        at: 300
        help: u8 holds whole numbers from 0 to 255
    "#]],
    );
    check(
        "maybe(1, [1, 300])",
        json!({}),
        expect![[r#"
        argument 2 `many[1]`: expected u8, got 300
        at: [1, 300]
        help: u8 holds whole numbers from 0 to 255
    "#]],
    );
    check(
        "maybe([1, 2], nil)",
        json!({}),
        expect![[r#"
        argument 1 `one`: expected ?u8, got [1,2]
        at: [1, 2]
    "#]],
    );
}

#[test]
fn structs_come_from_the_data() {
    check(
        "settle(1, cfg)",
        settings(),
        expect![[r#"
        age = 1
        cfg = {"inner":{"label":"x","weight":[]},"limit":[],"name":"a","others":[],"tags":[]}
    "#]],
    );
    let full = json!({"cfg": {
        "name": "a", "tags": ["t"], "limit": 5, "inner": {"label": "x", "weight": [1]},
        "others": [{"label": "y", "weight": null, "more": 1}], "more": 2,
    }});
    check(
        "settle(1, cfg)",
        full,
        expect![[r#"
        age = 1
        cfg = {"inner":{"label":"x","weight":[1]},"limit":[5],"name":"a","others":[{"label":"y","weight":[]}],"tags":["t"]}
    "#]],
    );
}

#[test]
fn what_is_wrong_in_a_struct_is_named_by_its_path() {
    check(
        "settle(300, cfg)",
        settings(),
        expect![[r#"
        argument 1 `age`: expected u8, got 300
        at: 300
        help: u8 holds whole numbers from 0 to 255
    "#]],
    );
    check(
        "settle(1, cfg)",
        json!({"cfg": {"name": "a"}}),
        expect![[r#"
            argument 2 `cfg.inner`: expected Inner, and the field is missing
            at: cfg
        "#]],
    );
    check(
        "settle(1, cfg)",
        json!({"cfg": {"name": "a", "inner": {"lable": "b"}}}),
        expect![[r#"
            argument 2 `cfg.inner.label`: expected string, and the field is missing
            at: cfg
            help: the struct `Inner` has no field `lable`
        "#]],
    );
    let others = json!({"cfg": {"name": "a", "inner": {"label": "b"}, "others": [{"label": "c"}, {"label": 1}]}});
    check(
        "settle(1, cfg)",
        others,
        expect![[r#"
        argument 2 `cfg.others[1].label`: expected string, got 1
        at: cfg
    "#]],
    );
    check(
        "settle(1, cfg)",
        json!({"cfg": [1]}),
        expect![[r#"
        argument 2 `cfg`: expected Settings, got [1]
        at: cfg
    "#]],
    );
    check(
        "nested([], x)",
        json!({"x": {"label": "a", "weight": 256}}),
        expect![[r#"
            argument 2 `inner.weight`: expected ?u8, got 256
            at: x
            help: u8 holds whole numbers from 0 to 255
        "#]],
    );
    check(
        "nested([], x)",
        json!({"x": 5}),
        expect![[r#"
        argument 2 `inner`: expected ?Inner, got 5
        at: x
    "#]],
    );
    check(
        "nested([[1], [2, 300]], nil)",
        json!({}),
        expect![[r#"
        argument 1 `rows[1][1]`: expected u8, got 300
        at: [[1], [2, 300]]
        help: u8 holds whole numbers from 0 to 255
    "#]],
    );
}

#[test]
fn anything_is_anything() {
    check(
        "anything(x)",
        json!({"x": {"a": [null, 1.5]}}),
        expect![[r#"
            thing = {"a":[null,1.5]}
        "#]],
    );
    check(
        "anything([1, \"a\", x])",
        json!({"x": null}),
        expect![[r#"
        thing = [1,"a",null]
    "#]],
    );
}

#[test]
fn unknown_names_are_told_with_what_there_is() {
    check(
        "number(1, 2, 3)",
        json!({}),
        expect![[r#"
        there is no function `number`
        at: number
        help: did you mean `numbers`?
    "#]],
    );
    check(
        "zzz()",
        json!({}),
        expect![[r#"
        there is no function `zzz`
        at: zzz
        help: there is `anything`, `flags`, `maybe`, `measure`, `nested`, `nothing`, `numbers`, `settle`, `switch`, `with_callback`, …
    "#]],
    );
    check(
        "anything(settigns)",
        json!({"settings": 1}),
        expect![[r#"
        there is no value for `settigns`
        at: settigns
        help: did you mean `settings`?
    "#]],
    );
    check(
        "anything(x)",
        json!({"settings": 1, "other": 2}),
        expect![[r#"
            there is no value for `x`
            at: x
            help: there is `other`, `settings`
        "#]],
    );
    check(
        "anything(x)",
        json!({}),
        expect![[r#"
        there is no value for `x`
        at: x
        help: give it in the data
    "#]],
    );
}

#[test]
fn what_is_no_call_is_refused() {
    check(
        "numbers",
        json!({}),
        expect![[r#"
        `numbers` is not a call
        at: numbers
        help: write `numbers()` with its arguments between the parentheses
    "#]],
    );
    check(
        "5",
        json!({}),
        expect![[r#"
        this is not a call
        at: 5
        help: write the name of a function and its arguments, as in `f(1, "a")`
    "#]],
    );
    check(
        "",
        json!({}),
        expect![[r#"
            there is no call
            at: 
            help: write the name of a function and its arguments, as in `f(1, "a")`
        "#]],
    );
    check(
        "numbers(1",
        json!({}),
        expect![[r#"
            expected `)` after the arguments, found the end of the file
            at: 
            help: add `)` here
        "#]],
    );
    check(
        "numbers(1,,2)",
        json!({}),
        expect![[r#"
        expected a value, found `,`
        at: ,
    "#]],
    );
    check(
        "nothing() + 1",
        json!({}),
        expect![[r#"
        this is not a call
        at: nothing() + 1
        help: write the name of a function and its arguments, as in `f(1, "a")`
    "#]],
    );
    check(
        "nothing() nothing()",
        json!({}),
        expect![[r#"
            expected the end, found `nothing`
            at: nothing
        "#]],
    );
    check(
        "Srv.method(1)",
        json!({}),
        expect![[r#"
        only functions can be called from outside
        at: Srv.method
        help: export a function that makes this call
    "#]],
    );
    check(
        "nothing{A}()",
        json!({}),
        expect![[r#"
        abilities cannot be given from outside
        at: A
    "#]],
    );
    check(
        "numbers(1, 2)",
        json!({}),
        expect![[r#"
        `numbers` takes 3 arguments, and 2 are given
        at: numbers(1, 2)
        help: its arguments are (small: u8, signed: i8, large: u64)
    "#]],
    );
    check(
        "nothing(1)",
        json!({}),
        expect![[r#"
            `nothing` takes no arguments, and 1 is given
            at: nothing(1)
        "#]],
    );
    check(
        "anything(nothing())",
        json!({}),
        expect![[r#"
        an argument cannot be a call
        at: nothing()
        help: call this function first, and give its result in the data
    "#]],
    );
    check(
        "anything(Inner(label = 1))",
        json!({}),
        expect![[r#"
        an argument cannot be constructed here
        at: Inner(label = 1)
        help: give the struct in the data, and name it here
    "#]],
    );
    check(
        "anything(1 + 1)",
        json!({}),
        expect![[r#"
        an argument is a literal, a collection or a name
        at: 1 + 1
        help: give the value in the data, and name it here
    "#]],
    );
    check(
        "anything(x.y)",
        json!({"x": 1}),
        expect![[r#"
        an argument is a literal, a collection or a name
        at: x.y
        help: give the value in the data, and name it here
    "#]],
    );
    check(
        "anything(a = 1)",
        json!({}),
        expect![[r#"
        the arguments of a call are given without names
        at: a
    "#]],
    );
    check(
        "with_callback(1)",
        json!({}),
        expect![[r#"
        `with_callback` cannot be called from outside: argument 1 `go` is a function
        at: with_callback
        help: call a function that takes nothing but data
    "#]],
    );
}

#[test]
fn results_are_shown_with_options_as_values() {
    let compilation = program();
    let result = |name: &str| -> Ty {
        let id = compilation.function(name).expect("it is there");
        compilation.world.func(id).ty.results[0].clone()
    };
    assert_eq!(shown(&result("maybe"), &json!([5])), json!(5));
    assert_eq!(shown(&result("maybe"), &json!([])), json!(null));
    let settings = json!({
        "name": "a", "tags": ["t"], "limit": [5], "inner": {"label": "x", "weight": []},
        "others": [{"label": "y", "weight": [1]}], "more": [2],
    });
    assert_eq!(
        shown(&result("settle"), &settings),
        json!({
            "name": "a", "tags": ["t"], "limit": 5, "inner": {"label": "x", "weight": null},
            "others": [{"label": "y", "weight": 1}], "more": [2],
        })
    );
    assert_eq!(shown(&result("anything"), &json!([[]])), json!([[]]));
}
