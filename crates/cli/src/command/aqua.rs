//! `weir aqua`: programs, on the network and without it.

mod check;
mod compile;
mod doc;
mod evaluation;
mod faults;
mod fmt;
mod repl;
mod run;
pub(crate) mod sources;
mod test;

use crate::args::{Aqua, Global};
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::schema;

/// Runs the command and names the schema of its result.
pub(crate) fn run(
    args: &Aqua,
    global: &Global,
    output: &Output,
) -> (&'static str, Result<Report, Failure>) {
    match args {
        Aqua::Check { paths, sources } => (schema::AQUA_CHECK, check::run(paths, sources, output)),
        Aqua::Compile {
            file,
            target,
            output: folder,
            no_relay,
            sources,
        } => (
            schema::AQUA_COMPILE,
            compile::run(file, *target, folder.as_deref(), *no_relay, sources, output),
        ),
        Aqua::Doc {
            paths,
            html,
            output: folder,
            sources,
        } => (
            schema::AQUA_DOC,
            doc::run(paths, *html, folder.as_deref(), sources, output),
        ),
        Aqua::Fmt { paths, check } => (schema::AQUA_FMT, fmt::run(paths, *check, output)),
        Aqua::Repl {
            files,
            ttl,
            sources,
        } => (
            schema::AQUA_RUN,
            repl::run(files, *ttl, sources, global, output),
        ),
        Aqua::Test {
            filter,
            paths,
            sources,
        } => (
            schema::AQUA_TEST,
            test::run(filter.as_deref(), paths, sources, global.timeout, output),
        ),
        Aqua::Run {
            file,
            function,
            data,
            plan,
            ttl,
            sources,
        } => {
            let wanted = run::Wanted {
                file,
                function,
                data: data.as_deref(),
                plan: *plan,
                ttl: *ttl,
            };
            (schema::AQUA_RUN, run::run(&wanted, sources, global, output))
        }
    }
}
