//! The program whose functions are called.

use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use weir_aqua::files::Files;
use weir_aqua::{Compilation, Request, compile};

const PROGRAM: &str = r#"
aqua Calls

export numbers, words, maybe, settle, anything, flags as switch, measure, nested

data Inner:
    label: string
    weight: ?u8

data Settings:
    name: string
    tags: []string
    limit: ?u32
    inner: Inner
    others: []Inner

func numbers(small: u8, signed: i8, large: u64) -> u8:
    <- small

func words(text: string, list: []string) -> string:
    <- text

func maybe(one: ?u8, many: ?[]u8) -> ?u8:
    <- one

func settle(age: u8, cfg: Settings) -> Settings:
    <- cfg

func anything(thing: ⊤) -> ⊤:
    <- thing

func flags(on_off: bool, stream: *bool) -> bool:
    <- on_off

func measure(short: f32, long: f64) -> f64:
    <- long

func nested(rows: [][]u8, inner: ?Inner) -> [][]u8:
    <- rows

func nothing():
    <- ()

func with_callback(go: u8 -> u8) -> u8:
    r <- go(1)
    <- r
"#;

struct One;

impl Files for One {
    fn read(&self, _: &Path) -> Result<Option<Arc<str>>, String> {
        Ok(Some(Arc::from(
            PROGRAM.replace(":\n    <- ()\n", ":\n    x = 1\n"),
        )))
    }
}

pub fn program() -> Compilation {
    let request = Request {
        entries: vec!["calls.aqua".into()],
        ..Request::default()
    };
    let compilation = compile(&request, &One).expect("the file is there");
    assert!(!compilation.has_errors(), "{:#?}", compilation.diagnostics);
    compilation
}

/// Data with a struct.
pub fn settings() -> Value {
    json!({"cfg": {"name": "a", "inner": {"label": "x"}}})
}
