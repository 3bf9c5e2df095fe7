//! Wrong command lines, in the shape of every other failure.

use crate::code::Code;
use crate::failure::Failure;
use crate::output::{ColorChoice, Format, Output};
use crate::schema;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Writes help, version or the fault to where it belongs and gives the exit code.
pub(crate) fn report(error: &clap::Error) -> u8 {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        // A reader that has gone away is no failure.
        let _ = error.print();
        return 0;
    }
    let json =
        std::env::args_os().any(|argument| argument == "--json" || argument == "--format=json");
    let format = if json { Format::Json } else { Format::Table };
    Output::new(format, ColorChoice::Auto, false, 0).finish(schema::USAGE, Err(failure(error)))
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
    let what = if required.is_empty() {
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
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        failure = failure.fact(
            "usage",
            usage.to_string().trim_start_matches("Usage: ").to_owned(),
        );
    }
    failure.fix("weir --help, or weir COMMAND --help")
}
