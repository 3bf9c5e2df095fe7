//! `weir aqua repl`: programs line by line.

mod text;

use super::{evaluation, faults, sources};
use crate::args::{Global, Sources};
use crate::entrance;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::schema;
use crate::session::Session;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use text::{Input, Text, Variable};
use weir_aqua::files::{Files, Imports};
use weir_aqua::invocation::Invocation;
use weir_aqua::{Compilation, Request};

/// The name of what is typed, in messages.
const NAME: &str = "input.aqua";

const HELP: &str = "\
f(1, \"a\")              calls a function and shows its results
x <- f(1)             keeps a result under a name
1 + x                 computes a value
import \"file.aqua\"    brings in what a file declares; so do `use`, `func`, `data`, `service`, `alias`, `const`
:plan f(1)            shows which peers a call would visit
:type x               says of which type a value is
:show                 shows what has been defined
:quit                 ends (so does Ctrl-D)
A definition, or a statement with a block, ends with an empty line.";

/// What is typed, over the files of this machine.
struct Typed(Arc<str>);

impl Files for Typed {
    fn read(&self, path: &Path) -> Result<Option<Arc<str>>, String> {
        if path == Path::new(NAME) {
            return Ok(Some(self.0.clone()));
        }
        sources::Disk.read(path)
    }
}

/// Reads lines until there are no more.
pub(super) fn run(
    files: &[PathBuf],
    ttl: Duration,
    wanted: &Sources,
    global: &Global,
    output: &Output,
) -> Result<Report, Failure> {
    let (project, network) = entrance::here()?;
    let session = Session::open(&project, &network, output)?;
    let place = evaluation::Place {
        project: &project,
        network: &network,
        session: &session,
        ttl,
    };
    let mut repl = Repl {
        place,
        wanted,
        global,
        output,
        text: Text::default(),
    };
    for file in files {
        repl.take_in(&format!("import {:?}", file.display().to_string()));
    }
    let is_terminal = std::io::stdin().is_terminal();
    if is_terminal {
        output.note("`:help` says what can be typed");
    }
    let mut lines = std::io::stdin().lock().lines();
    let mut prompt = |text: &str| {
        if is_terminal {
            print!("{text}");
            // a prompt that cannot be shown is no reason to stop
            let _ = std::io::stdout().flush();
        }
        lines.next().transpose()
    };
    let unreadable = |error| Failure::internal("standard input cannot be read", error);
    while let Some(line) = prompt("aqua> ").map_err(unreadable)? {
        let mut input = line.trim_end().to_owned();
        if input.ends_with(':') && !input.starts_with(':') {
            while let Some(more) = prompt("    > ").map_err(unreadable)? {
                if more.trim().is_empty() {
                    break;
                }
                input.push('\n');
                input.push_str(more.trim_end());
            }
        }
        match input.trim() {
            "" => {}
            ":quit" | ":q" => break,
            ":help" => println!("{HELP}"),
            ":show" => print!("{}", repl.text.definitions()),
            _ => repl.take_in(&input),
        }
    }
    Ok(Report::new(&serde_json::Value::Null, ""))
}

struct Repl<'a> {
    place: evaluation::Place<'a>,
    wanted: &'a Sources,
    global: &'a Global,
    output: &'a Output,
    text: Text,
}

impl Repl<'_> {
    /// Does what a line says, and shows what comes of it.
    fn take_in(&mut self, line: &str) {
        if let Err(failure) = self.attempt(line) {
            self.output.finish(schema::AQUA_RUN, Err(failure));
        }
    }

    fn attempt(&mut self, line: &str) -> Result<(), Failure> {
        if let Some(call) = line.strip_prefix(":plan ") {
            let (compilation, invocation) = self.compiled(&Input::read(call))?;
            let program = evaluation::program(&compilation, &invocation, self.output)?;
            self.output
                .finish(schema::AQUA_RUN, Ok(evaluation::planned("input", &program)));
            return Ok(());
        }
        if let Some(value) = line.strip_prefix(":type ") {
            let (compilation, invocation) =
                self.compiled(&Input::read(&format!("value_ = {value}")))?;
            println!("{}", text::type_of(&compilation, invocation.func, "value_"));
            return Ok(());
        }
        let input = Input::read(line);
        if let Input::Definition(_) = input {
            let mut text = self.text.clone();
            text.define(line);
            self.check(&text)?;
            self.text = text;
            return Ok(());
        }
        let (compilation, invocation) = self.compiled(&input)?;
        let (report, results) = evaluation::evaluate(
            &self.place,
            &compilation,
            &invocation,
            self.global,
            self.output,
        )?;
        self.output.finish(schema::AQUA_RUN, Ok(report));
        if let (Some(results), Some(names)) = (results, input.names()) {
            for (name, value) in names.iter().zip(results) {
                let ty = text::type_of(&compilation, invocation.func, name);
                self.text.keep(Variable {
                    name: name.clone(),
                    ty,
                    value: value.to_json(),
                });
            }
        }
        Ok(())
    }

    /// Whether the definitions fit together.
    fn check(&self, text: &Text) -> Result<(), Failure> {
        self.compile(&text.program(None)).map(|_| ())
    }

    fn compile(&self, program: &str) -> Result<Compilation, Failure> {
        let request = Request {
            entries: vec![PathBuf::from(NAME)],
            imports: Imports {
                roots: self.wanted.imports.clone(),
            },
            ..Request::default()
        };
        let compilation = weir_aqua::compile(&request, &Typed(Arc::from(program)))
            .map_err(|(_, reason)| Failure::internal("what was typed cannot be read", reason))?;
        match faults::refused(&compilation) {
            None => Ok(compilation),
            Some(failure) => {
                faults::show(&compilation, self.output);
                Err(failure)
            }
        }
    }

    /// The function that does what the input says.
    fn compiled(&self, input: &Input) -> Result<(Compilation, Invocation), Failure> {
        let compilation = self.compile(&self.text.program(Some(input)))?;
        let data: serde_json::Map<String, serde_json::Value> = self.text.values();
        let call = self.text.call(input);
        let invocation = Invocation::read(&compilation, &call, &data).map_err(|problem| {
            Failure::internal("what was typed cannot be called", problem.message)
        })?;
        Ok((compilation, invocation))
    }
}
