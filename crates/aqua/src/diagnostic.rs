//! What is wrong with a program, and where.

use crate::source::{FileId, Place, Span};

pub mod codes;

/// Whether the program is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The program is refused.
    Error,
    /// The program is accepted.
    Warning,
}

/// One thing that is wrong with a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the program is refused for it.
    pub severity: Severity,
    /// `W02xx`; the same code for the same kind of mistake.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where it is wrong.
    pub place: Place,
    /// Other places that matter, and what to see there.
    pub labels: Vec<Label>,
    /// Facts that explain the mistake.
    pub notes: Vec<String>,
    /// How to put it right.
    pub help: Option<String>,
    /// A change of the text that puts it right.
    pub edit: Option<Edit>,
}

/// A place that a diagnostic refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub place: Place,
    /// What to see there.
    pub message: String,
}

/// A change of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; an empty span inserts.
    pub place: Place,
    /// What stands there afterwards.
    pub text: String,
}

impl Diagnostic {
    /// A mistake for which the program is refused.
    pub fn error(code: &'static str, message: impl Into<String>, file: FileId, span: Span) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            place: Place { file, span },
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
            edit: None,
        }
    }

    /// Something that is accepted and most likely wrong.
    pub fn warning(
        code: &'static str,
        message: impl Into<String>,
        file: FileId,
        span: Span,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message, file, span)
        }
    }

    /// Points at another place of any file.
    pub fn label(mut self, place: Place, message: impl Into<String>) -> Self {
        self.labels.push(Label {
            place,
            message: message.into(),
        });
        self
    }

    /// Adds a fact.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says how to put it right.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Proposes a change of the text of the same file.
    pub fn edit(mut self, span: Span, text: impl Into<String>) -> Self {
        let file = self.place.file;
        self.edit = Some(Edit {
            place: Place { file, span },
            text: text.into(),
        });
        self
    }
}

/// The name that was most likely meant, if one is near enough.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // of two letters, one that differs is half of the name
    let reach = match name.chars().count() {
        0..3 => 0,
        length => (length / 3).clamp(1, 3),
    };
    known
        .filter(|candidate| *candidate != name)
        .map(|candidate| {
            let distance = if candidate.eq_ignore_ascii_case(name) {
                0
            } else {
                strsim::damerau_levenshtein(name, candidate)
            };
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= reach)
        .min()
        .map(|(_, candidate)| candidate)
}
