//! Changes of the text that put mistakes right.

use crate::analysis::Analysis;
use weir_aqua::{Diagnostic, FileId, Place, Span};

/// A change that is proposed, and for which mistake.
#[derive(Debug, Clone)]
pub struct Action<'a> {
    /// What it does, in a few words.
    pub title: String,
    /// The mistake.
    pub diagnostic: &'a Diagnostic,
    /// What is replaced.
    pub place: Place,
    /// What stands there afterwards.
    pub text: &'a str,
}

/// The changes for the mistakes that a span touches.
pub fn actions(analysis: &Analysis, file: FileId, span: Span) -> Vec<Action<'_>> {
    analysis
        .compilation
        .diagnostics
        .iter()
        .filter(|diagnostic| {
            let place = diagnostic.place;
            place.file == file && place.span.start <= span.end && span.start <= place.span.end
        })
        .filter_map(|diagnostic| {
            let edit = diagnostic.edit.as_ref()?;
            Some(Action {
                title: title(analysis, edit.place, &edit.text),
                diagnostic,
                place: edit.place,
                text: &edit.text,
            })
        })
        .collect()
}

fn title(analysis: &Analysis, place: Place, new: &str) -> String {
    let old = analysis.text(place);
    let new = new.trim();
    match (old.trim(), new) {
        ("", new) => format!("Insert `{new}`"),
        (old, "") => format!("Remove `{old}`"),
        (old, new) => format!("Replace `{old}` by `{new}`"),
    }
}
