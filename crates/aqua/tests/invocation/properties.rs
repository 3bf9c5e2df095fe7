//! What holds for any value and any text.

use proptest::prelude::*;
use serde_json::{Value, json};
use weir_aqua::invocation::Invocation;

use super::program::{program, settings};

/// Values of which some fit the types of the program.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-200_i64..300).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
    ];
    let fields = prop_oneof![
        Just("name"),
        Just("tags"),
        Just("limit"),
        Just("inner"),
        Just("others"),
        Just("label"),
        Just("weight"),
        Just("more"),
    ];
    leaf.prop_recursive(4, 20, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(fields.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn an_argument_in_the_form_of_run_time_stays_as_it_is(x in values()) {
        let compilation = program();
        let read = |call: &str, x: &Value| {
            let data = json!({"x": x, "cfg": settings()["cfg"]});
            let read = Invocation::read(&compilation, call, data.as_object().expect("an object"));
            read.map(|call| call.args)
        };
        let calls = [
            ("numbers(x, 0, 0)", 0), ("words(x, [])", 0), ("words(\"\", x)", 1), ("maybe(x, nil)", 0),
            ("maybe(nil, x)", 1), ("settle(1, x)", 1), ("anything(x)", 0), ("measure(x, 0)", 0),
            ("nested(x, nil)", 0), ("nested([], x)", 1),
        ];
        for (call, index) in calls {
            if let Ok(args) = read(call, &x) {
                let again = read(call, &args[index].1);
                prop_assert_eq!(again, Ok(args), "{}", call);
            }
        }
    }

    #[test]
    fn any_text_is_a_call_or_an_error(text in "[ -~\n]{0,40}|numbers\\([-0-9a-z,.\\[\\]?\"() ]{0,30}\\)") {
        let compilation = program();
        let data = json!({"a": 1, "b": [null]});
        let read = Invocation::read(&compilation, &text, data.as_object().expect("an object"));
        if let Err(error) = read {
            prop_assert!(text.get(error.span.range()).is_some());
            prop_assert!(!error.message.is_empty());
        }
    }
}
