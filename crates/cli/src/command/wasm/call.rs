//! `weir wasm call FILE 'fn(args)'`: one call, as a peer executes it.

use super::load;
use super::surroundings::{Surroundings, limits};
use crate::args::Allowance;
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::patience::Patience;
use serde::Serialize;
use std::path::Path;
use weir_identity::Value;
use weir_marine::{Call, CallContext, CallOutput, Error, Limits, Module, World};

#[derive(Serialize)]
struct Answer<'a> {
    function: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a Value>,
    fuel: u64,
    memory_bytes: u64,
    stdout: &'a str,
    stderr: &'a str,
    dropped_bytes: u64,
}

/// What was typed, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) function: String,
    pub(super) arguments: Vec<Value>,
}

/// Loads the component and calls the function.
pub(super) fn run(
    file: &Path,
    call: &str,
    allowance: &Allowance,
    patience: Patience,
    output: &Output,
) -> Result<Report, Failure> {
    let typed = read(call)?;
    let mut around = Surroundings::new(allowance)?;
    let module = load(file, patience, output)?;
    perform(&module, &typed, allowance, &mut around, patience, output)
}

/// Takes `fn(args)` apart: a name, perhaps with its interface, and JSON values between commas.
pub(super) fn read(call: &str) -> Result<Typed, Failure> {
    let malformed = || {
        Failure::new(Code::ComponentCall, format!("`{call}` is not a call"))
            .fix(r#"write a function and its arguments as JSON, as in 'hello("Ada", [1, 2])'"#)
    };
    let (function, rest) = call.trim().split_once('(').ok_or_else(malformed)?;
    let arguments = rest.strip_suffix(')').ok_or_else(malformed)?;
    let arguments =
        Value::from_json(&format!("[{arguments}]")).map_err(|error| malformed().cause(error))?;
    let Value::Array(arguments) = arguments else {
        return Err(malformed());
    };
    Ok(Typed {
        function: function.trim().to_owned(),
        arguments: arguments.to_vec(),
    })
}

/// Makes the call and shows what it gave and took.
pub(super) fn perform(
    module: &Module,
    typed: &Typed,
    allowance: &Allowance,
    around: &mut Surroundings,
    patience: Patience,
    output: &Output,
) -> Result<Report, Failure> {
    let world = around.world(module);
    let context = around.context(module)?;
    let limits = limits(allowance);
    let done = execute(module, typed, (&limits, &context, world), patience, output)?;
    if let Some(commit) = &done.commit {
        around.keep(commit)?;
    }
    let answer = Answer {
        function: &typed.function,
        result: done.result.as_ref().ok(),
        fuel: done.fuel,
        memory_bytes: done.memory_peak_bytes,
        stdout: &done.logs.stdout,
        stderr: &done.logs.stderr,
        dropped_bytes: done.logs.dropped_bytes,
    };
    show_logs(&done, output);
    output.note(&format!(
        "{} fuel, {} KiB of memory",
        done.fuel,
        done.memory_peak_bytes >> 10
    ));
    let text = done.result.as_ref().map_or(String::new(), Value::to_json);
    let report = Report::new(&answer, text);
    Ok(match failure(&typed.function, &done) {
        Some(failure) => report.failing(failure),
        None => report,
    })
}

/// Makes the call. Nothing of it is kept.
pub(super) fn execute(
    module: &Module,
    typed: &Typed,
    (limits, context, world): (&Limits, &CallContext, World),
    patience: Patience,
    output: &Output,
) -> Result<CallOutput, Failure> {
    let runtime = runtime()?;
    let progress = output.progress("the function runs");
    let (module, typed) = (module.clone(), typed.clone());
    let (limits, context) = (limits.clone(), context.clone());
    let done = patience.wait_for(&typed.function.clone(), move || {
        runtime.block_on(module.call(Call {
            function: &typed.function,
            arguments: &typed.arguments,
            context: &context,
            limits: &limits,
            world: &world,
        }))
    });
    drop(progress);
    done
}

/// What runs calls: with time and I/O, because effects need both.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal("the call cannot be made", error))
}

/// Shows what a guest wrote.
pub(super) fn show_logs(done: &CallOutput, output: &Output) {
    for (text, from) in [(&done.logs.stdout, "stdout"), (&done.logs.stderr, "stderr")] {
        for line in text.lines() {
            output.detail(&format!("{from}: {}", harmless(line)));
        }
    }
    for (level, text) in &done.logs.notes {
        let level = format!("{level:?}").to_lowercase();
        output.detail(&format!("{level}: {}", harmless(text)));
    }
    if done.logs.dropped_bytes > 0 {
        let dropped = done.logs.dropped_bytes;
        output.detail(&format!("{dropped} bytes more were written and not kept"));
    }
}

/// A line that a guest wrote, without what a terminal obeys.
fn harmless(line: &str) -> String {
    let is_order = |char: char| char.is_control() && char != '\t';
    line.replace(is_order, "\u{fffd}")
}

/// What the user is told of a call without result.
pub(super) fn failure(function: &str, done: &CallOutput) -> Option<Failure> {
    let error = done.result.as_ref().err()?;
    Some(failed(function, error))
}

/// The same of an error.
pub(super) fn failed(function: &str, error: &Error) -> Failure {
    let what = format!("{function} failed");
    let group = error.code().split('/').next().unwrap_or_default();
    match group {
        "contract" => Failure::new(Code::ComponentCall, error.to_string())
            .fix("weir wasm inspect FILE lists the functions"),
        "infra" => Failure::internal(what, error),
        _ => {
            let failure = Failure::new(Code::FunctionFailed, what).cause(error);
            match error {
                Error::Fuel { .. } => failure.fix("--fuel UNITS allows more"),
                Error::Memory { .. } => failure.fix("--memory MIB allows more"),
                _ => failure,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Typed, harmless, read};
    use weir_identity::Value;

    #[test]
    fn guests_do_not_steer_the_terminal() {
        assert_eq!(
            harmless("a\tb\u{1b}[2Jc\u{9b}d"),
            "a\tb\u{fffd}[2Jc\u{fffd}d"
        );
    }

    #[test]
    fn calls_are_a_name_and_json_values() {
        let typed = |function: &str, arguments: &[&str]| Typed {
            function: function.to_owned(),
            arguments: arguments
                .iter()
                .map(|argument| Value::from_json(argument).expect(argument))
                .collect(),
        };
        for (call, expected) in [
            ("f()", typed("f", &[])),
            (" f ( 1 , \"a(b)\" ) ", typed("f", &["1", "\"a(b)\""])),
            (
                "a:b/c@1.0.0/f({\"x\": [1]})",
                typed("a:b/c@1.0.0/f", &["{\"x\": [1]}"]),
            ),
        ] {
            assert_eq!(read(call).expect(call), expected);
        }
        for call in ["f", "f(", "f(1", "f(1,)", "f(x)", "f(1)2"] {
            assert!(read(call).is_err(), "{call}");
        }
    }
}
