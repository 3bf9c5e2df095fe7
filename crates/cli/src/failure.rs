//! A failure as the user meets it: what failed, on what, why, and what to do about it.

use crate::code::Code;
use crate::exit::Exit;
use serde_json::value::RawValue;
use std::ops::Deref;

/// Why a command did not do what was asked. One code, one sentence, one cause, one fix.
///
/// Boxed, because results carry it through every call.
#[derive(Debug)]
pub(crate) struct Failure(Box<Particulars>);

/// The fields of a [`Failure`].
#[derive(Debug)]
pub(crate) struct Particulars {
    /// Which page explains it.
    pub(crate) code: Code,
    /// What failed, in the user's terms.
    pub(crate) what: String,
    /// Named circumstances, in the order in which they are shown (`calling`, `reached`, …).
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Computed from data; absent where `what` says it all.
    pub(crate) cause: Option<String>,
    /// The next thing to do, as a command where there is one.
    pub(crate) fix: Option<String>,
    /// The particle to look at, for `weir trace`.
    pub(crate) trace: Option<String>,
    /// The process exit, where it differs from the code's usual one.
    pub(crate) exit: Exit,
    /// What was found out before it failed, for `--json`.
    pub(crate) data: Option<Box<RawValue>>,
}

impl Deref for Failure {
    type Target = Particulars;

    fn deref(&self) -> &Particulars {
        &self.0
    }
}

impl Failure {
    pub(crate) fn new(code: Code, what: impl Into<String>) -> Self {
        Self(Box::new(Particulars {
            code,
            what: what.into(),
            facts: Vec::new(),
            cause: None,
            fix: None,
            trace: None,
            exit: code.exit(),
            data: None,
        }))
    }

    /// A failure of this program or its machine, with nothing for the user to correct.
    pub(crate) fn internal(what: impl Into<String>, cause: impl ToString) -> Self {
        Self::new(Code::Internal, what).cause(cause)
    }

    /// The same failure under a code that says more, where it has the first one.
    pub(crate) fn instead_of(mut self, general: Code, special: Code) -> Self {
        if self.0.code == general {
            self.0.code = special;
            self.0.exit = special.exit();
        }
        self
    }

    pub(crate) fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.facts.push((name, value.into()));
        self
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers hand over errors that they are done with"
    )]
    pub(crate) fn cause(mut self, cause: impl ToString) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.0.fix = Some(fix.into());
        self
    }

    pub(crate) fn trace(mut self, particle: impl Into<String>) -> Self {
        self.0.trace = Some(particle.into());
        self
    }

    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.0.exit = exit;
        self
    }

    /// Attaches what was found out before it failed.
    pub(crate) fn with_data(mut self, data: Box<RawValue>) -> Self {
        self.0.data = Some(data);
        self
    }
}
