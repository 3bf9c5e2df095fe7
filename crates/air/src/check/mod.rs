//! What the grammar does not say: names, folds and `next`.
//!
//! The rules are textual, as the language defines them: a use of a name is
//! legal when an instruction that defines the name starts earlier in the text.

mod after_next;
mod locate;
mod names;
mod uses;

use crate::diagnostic::Diagnostic;
use crate::parse::DIAGNOSTICS_MAX;
use crate::script::Script;

/// What is wrong with a script that follows the grammar.
#[derive(Default)]
pub(crate) struct Findings {
    pub errors: Vec<Diagnostic>,
    pub warnings: Vec<Diagnostic>,
}

impl Findings {
    fn error(&mut self, error: impl FnOnce() -> Diagnostic) {
        if self.errors.len() < DIAGNOSTICS_MAX {
            self.errors.push(error());
        }
    }

    fn warning(&mut self, warning: impl FnOnce() -> Diagnostic) {
        if self.warnings.len() < DIAGNOSTICS_MAX {
            self.warnings.push(warning());
        }
    }
}

/// Checks a script, in time linear in its size.
pub(crate) fn check(script: &Script) -> Findings {
    let mut findings = Findings::default();
    names::check(script, &mut findings);
    after_next::check(script, &mut findings);
    findings.errors.sort_by_key(|error| error.span);
    findings.warnings.sort_by_key(|warning| warning.span);
    findings
}
