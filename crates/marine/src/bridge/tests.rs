//! Both ways of calling give the same.

use weir_identity::Value;

use crate::error::Error;
use crate::limits::Limits;
use crate::module::{CallOutput, Module};

#[path = "../../tests/support/mod.rs"]
mod support;

use support::{call_within, component, load, module};

/// A type of a parameter or a result, and whether the function has it.
const PARAMS: &[&str] = &[
    "", "b", "s", "i", "l", "bb", "sb", "ss", "bs", "bi", "bbb",
    // Only the general way.
    "sbs", "il",
];

const RESULTS: &[&str] = &[
    "",
    "list<u8>",
    "string",
    "bool",
    "u32",
    "u64",
    "option<list<u8>>",
    "result<list<u8>, string>",
    "result<string, string>",
    "result<_, string>",
];

fn wit_type(param: char) -> &'static str {
    match param {
        'b' => "list<u8>",
        's' => "string",
        'i' => "u32",
        _ => "u64",
    }
}

/// A function for all these types. It returns its first parameter as bytes or text, or, if that is a number, as many
/// bytes of its memory; the length decides which case of an option or result it is, and an impossible one for some.
/// Its post-return takes fuel.
fn function(name: &str, params: &str, result: &str) -> (String, String) {
    let named: Vec<String> = params
        .chars()
        .zip('a'..)
        .map(|(param, name)| format!("p{name}: {}", wit_type(param)))
        .collect();
    let arrow = if result.is_empty() { "" } else { " -> " };
    let wit = format!("{name}: func({}){arrow}{result};", named.join(", "));
    let flat: String = params
        .chars()
        .map(|param| match param {
            'b' | 's' => " i32 i32",
            'i' => " i32",
            _ => " i64",
        })
        .collect();
    let (at, len) = match params.chars().next() {
        None => ("(i32.const 1024)", "(i32.const 700)"),
        Some('i') => ("(i32.const 1024)", "(local.get 0)"),
        Some('l') => ("(i32.const 1024)", "(i32.wrap_i64 (local.get 0))"),
        Some(_) => ("(local.get 0)", "(local.get 1)"),
    };
    let pair = |place: u32| {
        format!(
            "(i32.store (i32.const {place}) {at}) (i32.store (i32.const {}) {len})",
            place + 4
        )
    };
    let case = format!("(i32.store8 (i32.const 8) (i32.rem_u {len} (i32.const 7)))");
    let (ty, body) = match result {
        "" => ("", String::new()),
        "bool" => ("(result i32)", format!("(i32.and {len} (i32.const 1))")),
        "u32" => (
            "(result i32)",
            format!("(i32.mul {len} (i32.const 77777777))"),
        ),
        "u64" => (
            "(result i64)",
            format!("(i64.shl (i64.extend_i32_u {len}) (i64.extend_i32_u {len}))"),
        ),
        "list<u8>" | "string" => ("(result i32)", format!("{} (i32.const 8)", pair(8))),
        _ => ("(result i32)", format!("{case} {} (i32.const 8)", pair(12))),
    };
    let clean = if body.ends_with("(i32.const 8)") {
        format!(
            r#"(func (export "cabi_post_test:ways/api#{name}") (param i32) (local i32)
                (loop (local.set 1 (i32.add (local.get 1) (i32.const 1)))
                    (br_if 0 (i32.lt_u (local.get 1) (i32.const 50)))))"#
        )
    } else {
        String::new()
    };
    let wat =
        format!(r#"(func (export "test:ways/api#{name}") (param{flat}) {ty} {body}) {clean}"#);
    (wit, wat)
}

fn both_ways() -> (Module, Module) {
    let (mut wit, mut wat) = (String::new(), String::new());
    for (p, params) in PARAMS.iter().enumerate() {
        for (r, result) in RESULTS.iter().enumerate() {
            let (head, body) = function(&format!("f{p}x{r}"), params, result);
            wit.push_str(&head);
            wat.push_str(&body);
        }
    }
    let typed = load(&component(
        &format!("package test:ways; interface api {{ {wit} }} world w {{ export api; }}"),
        &module(&wat),
    ));
    let general = typed.without_shapes();
    (typed, general)
}

struct Dice(u64);

impl Dice {
    /// splitmix64
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    fn length(&mut self) -> u64 {
        let limit = self.pick(&[1, 4, 40, 3_000]);
        self.below(limit)
    }

    /// Mostly of the type.
    fn argument(&mut self, param: char) -> Value {
        match (self.below(20), param) {
            (0, _) => self.pick(&[
                Value::Null,
                Value::from("b64:A"),
                Value::from("b64:AB=="),
                Value::from("b64:AA=="),
                Value::from(-1_i64),
                Value::from("18446744073709551615"),
                Value::from(vec![Value::from(256_i64)]),
            ]),
            (1..5, 'b') => (0..self.below(30))
                .map(|_| Value::from(self.below(256)))
                .collect(),
            (_, 'b') => {
                let octets: Vec<u8> = (0..self.length())
                    .map(|_| self.pick(&[0x41, 0x7a, 0xc3, 0xa9, 0xff]))
                    .collect();
                let encoded = data_encoding::BASE64URL_NOPAD.encode(&octets);
                Value::from(format!("b64:{encoded}"))
            }
            (_, 's') => {
                let letters: String = (0..self.length())
                    .map(|_| self.pick(&['a', '\0', 'é', '🚣']))
                    .collect();
                Value::from(letters)
            }
            (5, _) => Value::from(self.pick(&[65_536_u64, u64::from(u32::MAX)])),
            _ => Value::from(self.length()),
        }
    }

    fn limits(&mut self) -> Limits {
        Limits {
            fuel: match self.below(4) {
                0 => self.below(3_000),
                _ => 1_000_000,
            },
            argument_bytes: self.pick(&[0, 20, 2_000, 1 << 20]),
            result_bytes: self.pick(&[0, 8, 30, 2_000, 1 << 20]),
            ..Limits::default()
        }
    }
}

/// All that can be seen of a call. The engine words a trap for an impossible case number differently.
fn seen(output: &CallOutput) -> String {
    let result = match &output.result {
        Err(Error::Trap { reason, .. }) if reason.contains("discriminant") => "no case".to_owned(),
        result => format!("{result:?}"),
    };
    format!("{} {} {result}", output.fuel, output.memory_peak_bytes)
}

#[test]
fn functions_of_common_types_give_the_same_as_the_general_way() {
    const CALLS: usize = 20_000;
    let (typed, general) = both_ways();
    let mut dice = Dice(4);
    let mut codes = std::collections::BTreeMap::<&str, usize>::new();
    for _ in 0..CALLS {
        let p = dice.below(PARAMS.len() as u64) as usize;
        let function = format!("f{p}x{}", dice.below(RESULTS.len() as u64));
        let arguments: Vec<Value> = PARAMS[p].chars().map(|ty| dice.argument(ty)).collect();
        let limits = dice.limits();
        let one = call_within(&typed, &limits, &function, &arguments);
        let other = call_within(&general, &limits, &function, &arguments);
        assert_eq!(
            seen(&one),
            seen(&other),
            "{function} {arguments:?} {limits:?}"
        );
        let code = one.result.as_ref().map_or_else(Error::code, |_| "ok");
        *codes.entry(code).or_default() += 1;
    }
    let found: Vec<&str> = codes.keys().copied().collect();
    assert_eq!(
        found,
        [
            "contract/bad-argument",
            "guest/err",
            "guest/trap",
            "limit/argument-size",
            "limit/fuel",
            "limit/result-size",
            "ok"
        ],
        "{codes:?}"
    );
}

#[test]
fn a_result_far_beyond_its_limit_is_one_both_ways() {
    let (typed, general) = both_ways();
    let limits = Limits {
        result_bytes: 100,
        ..Limits::default()
    };
    for len in [101, 40_000_u64] {
        for module in [&typed, &general] {
            // (u32) -> list<u8>
            let output = call_within(module, &limits, "f3x1", &[Value::from(len)]);
            assert!(
                matches!(output.result, Err(Error::ResultSize { limit: 100 })),
                "{output:?}"
            );
        }
    }
}

#[test]
fn the_table_has_the_functions_that_it_is_for() {
    let (typed, general) = both_ways();
    let shaped = |module: &Module| {
        let functions = module.functions().iter();
        functions
            .filter(|function| function.shape.is_some())
            .count()
    };
    assert_eq!(shaped(&typed), super::typed::SHAPES);
    assert_eq!(shaped(&general), 0);
}
