//! What is wrong with a case.

use thiserror::Error;

use crate::review::Contradiction;

/// Why a case cannot be run. All but the first name the place as a JSON path, as in `$.services["srv.fn"].code`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CaseError {
    /// The text is not JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// A field that has no default is missing.
    #[error("{path}: missing")]
    Missing {
        /// Where.
        path: String,
    },
    /// A value of the wrong type.
    #[error("{path}: expected {expected}, got {found}")]
    Type {
        /// Where.
        path: String,
        /// What belongs there.
        expected: &'static str,
        /// JSON type of what is there.
        found: &'static str,
    },
    /// A value of the right type that makes no sense.
    #[error("{path}: {problem}")]
    Value {
        /// Where.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// The script has errors.
    #[error("{path}: the script is not valid: {}", .diagnostics.join("; "))]
    Script {
        /// Where.
        path: String,
        /// Each as `LINE:COLUMN: CODE message`.
        diagnostics: Vec<String>,
    },
    /// The simulated peers, which are all honest, contradict each other: a defect of Weir, not of the case.
    #[error("this must not happen, please report the case: {0}")]
    Contradiction(#[from] Contradiction),
}

impl CaseError {
    /// The JSON path of the place, if it is inside the case.
    pub fn path(&self) -> Option<&str> {
        match self {
            CaseError::Json(_) | CaseError::Contradiction(_) => None,
            CaseError::Missing { path }
            | CaseError::Type { path, .. }
            | CaseError::Value { path, .. }
            | CaseError::Script { path, .. } => Some(path),
        }
    }
}
