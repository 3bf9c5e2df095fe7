//! `debug`: looking at values.

use weir_identity::Value;

use super::signature::many;
use super::{Access, Answer, Failure, Function, Input, Kind, Native, View};

pub(super) struct Debug;

impl Native for Debug {
    fn name(&self) -> &'static str {
        "debug"
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }
}

static FUNCTIONS: &[Function] = &[Function {
    name: "stringify",
    params: &[many("values", Kind::Any)],
    exact: false,
    result: Kind::String,
    access: Access::Any,
    run: stringify,
}];

/// What no arguments look like.
const NOTHING: &str = "(no arguments)";

fn stringify(input: &Input<'_>, view: &View<'_>) -> Result<Answer, Failure> {
    match input.rest(0) {
        [] => Ok(NOTHING.into()),
        [value] => super::json::to_text(value, view),
        values => super::json::to_text(&Value::from(values.to_vec()), view),
    }
}
