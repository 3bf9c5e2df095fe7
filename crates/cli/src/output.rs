//! The output contract: results on standard output, everything else on standard error.
//!
//! A command returns a [`Report`] or a [`Failure`]; this module alone decides how they look, so that `--json`,
//! colours and exit codes are the same everywhere.

mod envelope;
mod excerpt;
mod palette;
mod progress;
mod report;
mod table;

pub(crate) use excerpt::{excerpt, position};
pub(crate) use palette::{ColorChoice, Palette};
pub(crate) use progress::Progress;
pub(crate) use report::Report;
pub(crate) use table::{Cell, Column, Table};

use crate::code::Code;
use crate::failure::Failure;
use serde::Serialize;
use std::cell::RefCell;
use std::io::{ErrorKind, IsTerminal, Write};

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people, fitted to the terminal.
    #[default]
    Table,
    /// For people, nothing shortened.
    Wide,
    /// One document for programs.
    Json,
}

/// Something worth knowing that did not stop the command.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Warning {
    message: String,
}

/// Where a command writes, and how.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    quiet: bool,
    verbosity: u8,
    out: Palette,
    err: Palette,
    width: usize,
    warnings: RefCell<Vec<Warning>>,
}

/// Lines wider than this are no use even where the terminal would take them.
const WIDTH_UNLIMITED: usize = usize::MAX;

impl Output {
    pub(crate) fn new(format: Format, color: ColorChoice, quiet: bool, verbosity: u8) -> Self {
        let width = if format == Format::Table && std::io::stdout().is_terminal() {
            terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))
        } else {
            WIDTH_UNLIMITED
        };
        Self {
            format,
            quiet,
            verbosity,
            out: Palette::detect(color, std::io::stdout().is_terminal()),
            err: Palette::detect(color, std::io::stderr().is_terminal()),
            width,
            warnings: RefCell::default(),
        }
    }

    /// Whether results go to a program.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether ids are shown in full.
    pub(crate) fn is_wide(&self) -> bool {
        self.format == Format::Wide
    }

    /// Whether `-q` was given.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// How often `-v` was given.
    pub(crate) fn verbosity(&self) -> u8 {
        self.verbosity
    }

    /// Colours and glyphs for text that goes into a [`Report`].
    pub(crate) fn palette(&self) -> &Palette {
        &self.out
    }

    /// The table as lines that fit where they will be shown.
    pub(crate) fn render(&self, table: &Table) -> String {
        table.render(&self.out, self.width, self.is_wide())
    }

    /// A line about what is going on, silenced by `-q`.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            write_to_stderr(text);
        }
    }

    /// Particulars of a failure that is about to be returned; programs find them in its data.
    pub(crate) fn detail(&self, text: &str) {
        if !self.is_json() {
            write_to_stderr(text);
        }
    }

    /// Colours and glyphs for [`Self::detail`].
    pub(crate) fn error_palette(&self) -> &Palette {
        &self.err
    }

    /// What to do next: only for people at a terminal.
    pub(crate) fn hint(&self, text: &str) {
        if !self.quiet && !self.is_json() && std::io::stderr().is_terminal() {
            write_to_stderr(&self.err.dim(text));
        }
    }

    /// Something that did not stop the command but should be known.
    pub(crate) fn warn(&self, message: impl Into<String>) {
        let message = message.into();
        if !self.is_json() {
            write_to_stderr(&format!("{} {message}", self.err.warning("warning:")));
        }
        self.warnings.borrow_mut().push(Warning { message });
    }

    /// Says that something is being waited for until the returned value is dropped.
    pub(crate) fn progress(&self, waiting_for: impl Into<String>) -> Progress {
        Progress::start(waiting_for.into(), self.err.clone(), self.quiet)
    }

    /// Writes a result before the command ends, for commands that stay.
    pub(crate) fn emit(&self, schema: &str, report: &Report) -> Result<(), Failure> {
        if self.is_json() {
            let document = envelope::success(schema, report.data(), &self.warnings.borrow());
            write_to_stdout(&document)
        } else if report.text().is_empty() {
            Ok(())
        } else {
            write_to_stdout(report.text().trim_end_matches('\n'))
        }
    }

    /// Writes what a command came to and gives the exit code.
    pub(crate) fn finish(&self, schema: &str, outcome: Result<Report, Failure>) -> u8 {
        match outcome {
            Ok(mut report) => match report.take_failure() {
                None => match self.emit(schema, &report) {
                    Ok(()) => {
                        if let Some(next) = report.next() {
                            self.hint(next);
                        }
                        0
                    }
                    Err(unwritten) => self.fail_in_words(&unwritten),
                },
                Some(failure) => {
                    let shown = if self.is_json() {
                        Ok(())
                    } else {
                        self.emit(schema, &report)
                    };
                    let code = self.fail(schema, &failure.with_data(report.into_data()));
                    match shown {
                        Ok(()) => code,
                        Err(unwritten) => self.fail_in_words(&unwritten),
                    }
                }
            },
            Err(failure) => self.fail(schema, &failure),
        }
    }

    fn fail(&self, schema: &str, failure: &Failure) -> u8 {
        if !self.is_json() {
            return self.fail_in_words(failure);
        }
        match write_to_stdout(&envelope::failure(schema, failure, &self.warnings.borrow())) {
            Ok(()) => failure.exit.number(),
            Err(unwritten) => self.fail_in_words(&unwritten),
        }
    }

    fn fail_in_words(&self, failure: &Failure) -> u8 {
        write_to_stderr(&report::failure_text(failure, &self.err));
        failure.exit.number()
    }
}

fn write_to_stdout(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    written(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
}

/// What a write to standard output came to. A reader that has gone away (`weir … | head`) is no failure.
pub(crate) fn written(result: std::io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(
            Code::FileUnwritable,
            "cannot write to standard output",
        )
        .cause(error)
        .fix("make room where it goes, and run the command again")),
        _ => Ok(()),
    }
}

// Nobody can be told that standard error is gone, hence the ignored result.
fn write_to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
