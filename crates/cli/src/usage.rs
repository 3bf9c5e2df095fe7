//! Wrong command lines, in the shape of every other failure.

use crate::args::Cli;
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{self, ColorChoice, Format, Output};
use crate::schema;
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;
use std::io::Write;

/// Writes help, version or the fault to where it belongs and gives the exit code.
pub(crate) fn report(error: &clap::Error) -> u8 {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return match output::written(error.print().and_then(|()| std::io::stdout().flush())) {
            Ok(()) => 0,
            Err(unwritten) => {
                let output = Output::new(Format::Table, ColorChoice::Auto, false, 0);
                output.finish(schema::USAGE, Err(unwritten))
            }
        };
    }
    let format = if wants_json(std::env::args_os().skip(1)) {
        Format::Json
    } else {
        Format::Table
    };
    Output::new(format, ColorChoice::Auto, false, 0).finish(schema::USAGE, Err(failure(error)))
}

/// Whether the options ask for JSON, though they do not make a command line. What follows `--` is no option.
fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let mut names_format = false;
    for argument in arguments.take_while(|argument| argument != "--") {
        if argument == "--json"
            || argument == "--format=json"
            || (names_format && argument == "json")
        {
            return true;
        }
        names_format = argument == "--format";
    }
    false
}

fn failure(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = lines
        .next()
        .unwrap_or("the command line was not understood")
        .trim_start_matches("error: ");
    let required: Vec<&str> = if error.kind() == ErrorKind::MissingRequiredArgument {
        lines.take_while(|line| line.starts_with('<')).collect()
    } else {
        Vec::new()
    };
    let what = if error.kind() == ErrorKind::MissingSubcommand {
        format!("missing: {}", commands(error))
    } else if required.is_empty() {
        what.to_owned()
    } else {
        format!("missing: {}", required.join(", "))
    };
    let mut failure = Failure::new(Code::Usage, what);
    let suggestion = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ]
    .into_iter()
    .find_map(|kind| match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    });
    if let Some(suggestion) = suggestion {
        failure = failure.cause(format!("did you mean {suggestion}?"));
    }
    if let Some(ContextValue::Strings(values)) = error.get(ContextKind::ValidValue)
        && !values.is_empty()
    {
        failure = failure.fact("possible", values.join(", "));
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        failure = failure.fact(
            "usage",
            usage.to_string().trim_start_matches("Usage: ").to_owned(),
        );
    }
    failure.fix("weir --help, or weir COMMAND --help")
}

/// The commands of which one is missing, as a choice: `run, check or fmt`.
fn commands(error: &clap::Error) -> String {
    let all = Cli::command();
    let group = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(path)) => path
            .rsplit(' ')
            .next()
            .and_then(|name| all.find_subcommand(name)),
        _ => None,
    };
    let names: Vec<&str> = group
        .unwrap_or(&all)
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(clap::Command::get_name)
        .collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "a command".to_owned(),
    }
}
