//! `weir wasm repl FILE`: calls line by line.

use super::surroundings::Surroundings;
use super::{call, load};
use crate::args::Allowance;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::patience::Patience;
use crate::schema;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;
use weir_marine::Module;

const HELP: &str = "\
hello(\"Ada\", 1)    calls a function; arguments are JSON, and the state stays from call to call
:functions        lists the functions
:quit             ends (so does Ctrl-D)";

/// Reads lines until there are no more.
pub(super) fn run(
    file: &Path,
    allowance: &Allowance,
    timeout: Option<Duration>,
    output: &Output,
) -> Result<Report, Failure> {
    let mut around = Surroundings::new(allowance)?;
    let module = load(file, Patience::new(timeout), output)?;
    let is_terminal = std::io::stdin().is_terminal();
    if is_terminal {
        output.note("`:help` says what can be typed");
    }
    let mut lines = std::io::stdin().lock().lines();
    loop {
        if is_terminal {
            print!("wasm> ");
            // a prompt that cannot be shown is no reason to stop
            let _ = std::io::stdout().flush();
        }
        let line = lines
            .next()
            .transpose()
            .map_err(|error| Failure::internal("standard input cannot be read", error))?;
        let Some(line) = line else { break };
        match line.trim() {
            "" => {}
            ":quit" | ":q" => break,
            ":help" => println!("{HELP}"),
            ":functions" => println!("{}", functions(&module)),
            typed => {
                let outcome = call::read(typed).and_then(|typed| {
                    // Each call has the whole time.
                    let patience = Patience::new(timeout);
                    call::perform(&module, &typed, allowance, &mut around, patience, output)
                });
                output.finish(schema::WASM_CALL, outcome);
            }
        }
    }
    Ok(Report::new(&serde_json::Value::Null, ""))
}

fn functions(module: &Module) -> String {
    let signatures: Vec<_> = module
        .functions()
        .iter()
        .map(weir_marine::Function::signature)
        .collect();
    signatures.join("\n")
}
