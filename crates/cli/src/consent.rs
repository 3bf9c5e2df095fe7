//! Asking before something is spent or given up.

use crate::args::Global;
use crate::code::Code;
use crate::failure::Failure;
use crate::output::Output;
use std::io::{BufRead, IsTerminal};

/// Goes on if `--yes` was given or somebody at the terminal says so. The plan is shown before, in either case.
pub(crate) fn consent(
    yes: bool,
    global: &Global,
    output: &Output,
    (plan, question): (&str, &str),
) -> Result<(), Failure> {
    if !plan.is_empty() {
        output.note(plan);
    }
    if yes {
        return Ok(());
    }
    let is_asked = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if global.no_input || !is_asked {
        return Err(
            Failure::new(Code::Usage, "nobody can be asked, and nothing was done")
                .cause(format!("the command would ask: {question}"))
                .fix("look at the plan, and give --yes"),
        );
    }
    output.detail(&format!("{question} [y/N] (--yes answers)"));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Failure::internal("the answer cannot be read", error))?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Code::Interrupted, "nothing was done").cause("the answer was no")),
    }
}
