//! What is wrong with a file, as editors show it.

use crate::analysis::Analysis;
use tower_lsp_server::ls_types::{
    self as lsp, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location,
    NumberOrString, Range, Uri,
};
use weir_aqua::{Diagnostic, FileId, Severity, codes};

/// The diagnostics of a file. `uri` gives the address of each file.
pub fn of(
    analysis: &Analysis,
    file: FileId,
    uri: &dyn Fn(FileId) -> Option<Uri>,
) -> Vec<lsp::Diagnostic> {
    analysis
        .compilation
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.place.file == file)
        .map(|diagnostic| of_one(analysis, diagnostic, uri))
        .collect()
}

/// What is told of a file that the compiler breaks off at: nothing of it is known, so it stands in the first line.
pub fn of_defect(message: String) -> lsp::Diagnostic {
    lsp::Diagnostic {
        range: Range::default(),
        severity: Some(DiagnosticSeverity::ERROR),
        code: Some(NumberOrString::String(codes::INTERNAL.to_owned())),
        source: Some(String::from("weir")),
        message,
        ..lsp::Diagnostic::default()
    }
}

/// One of them.
pub fn of_one(
    analysis: &Analysis,
    diagnostic: &Diagnostic,
    uri: &dyn Fn(FileId) -> Option<Uri>,
) -> lsp::Diagnostic {
    let related = diagnostic.labels.iter().filter_map(|label| {
        Some(DiagnosticRelatedInformation {
            location: Location::new(uri(label.place.file)?, analysis.range(label.place)),
            message: label.message.clone(),
        })
    });
    let related: Vec<_> = related.collect();
    lsp::Diagnostic {
        range: analysis.range(diagnostic.place),
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(diagnostic.code.to_owned())),
        source: Some(String::from("weir")),
        message: message(diagnostic),
        related_information: (!related.is_empty()).then_some(related),
        tags: (diagnostic.code == codes::UNUSED_RESULT).then(|| vec![DiagnosticTag::UNNECESSARY]),
        ..lsp::Diagnostic::default()
    }
}

/// All that is said about the mistake, one sentence a line.
pub fn message(diagnostic: &Diagnostic) -> String {
    let mut out = diagnostic.message.clone();
    for note in &diagnostic.notes {
        out.push_str(&format!("\nnote: {note}"));
    }
    if let Some(help) = &diagnostic.help {
        out.push_str(&format!("\nhelp: {help}"));
    }
    out
}
