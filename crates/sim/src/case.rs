//! One script on a simulated network with mocked services, as `weir sim run` runs it.
//!
//! ```
//! use weir_sim::case::{Case, run_case};
//!
//! let case = Case::from_json(
//!     r#"{"air": "(call \"@a\" (\"greeter\" \"hello\") [\"Ada\"] x)",
//!         "peers": ["a"], "services": {"greeter.hello": {"ok": "Hello, Ada!"}}}"#,
//! )?;
//! let report = run_case(&case)?;
//! assert_eq!(report.calls[0].peer, "@a");
//! assert_eq!(report.calls[0].call, "greeter.hello");
//! # Ok::<(), weir_sim::case::CaseError>(())
//! ```

mod aqua;
mod error;
mod names;
mod read;
mod report;
mod run;
mod unique;

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_aqua::files::Files;
use weir_identity::Value;

pub use error::CaseError;
pub use names::Names;
pub use report::{CaseReport, PendingStep, SeenCall, SeenError};
pub use run::{BUILT_INS, run_case};

/// Time to live of a case that names none.
pub const TTL_MS: u64 = 60_000;

/// Start of a case that names none, in milliseconds since the Unix epoch.
pub const TIMESTAMP_MS: u64 = 1_700_000_000_000;

/// Longest time to live of a case, a year.
pub const TTL_MS_MAX: u64 = 365 * 24 * 3600 * 1000;

/// Most peers of a case.
pub const PEERS_MAX: usize = 10_000;

/// What to run. In the script and in the values of mocks, `@name` stands for the peer id of `name`.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The script.
    pub air: Arc<str>,
    /// Name of the peer that starts the particle.
    pub init: Arc<str>,
    /// Names of the other peers.
    pub peers: Vec<Arc<str>>,
    /// Mocked functions: `srv.fn` on all peers, `peer/srv.fn` on one; the latter wins.
    pub services: BTreeMap<Arc<str>, Mock>,
    /// Whether calls that are neither mocked nor built in answer with what they were asked; otherwise they fail.
    pub echo: bool,
    /// Decides the latency of each frame, and with it the order of delivery. 0: all take equally long.
    pub seed: u64,
    /// Time to live of the particle in milliseconds.
    pub ttl_ms: u64,
    /// When the particle starts, in milliseconds since the Unix epoch.
    pub timestamp_ms: u64,
}

/// What a mocked function answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Mock {
    /// A value.
    Ok(Value),
    /// A failure.
    Err {
        /// What the service says.
        message: Value,
        /// The service's code, not 0.
        code: i32,
    },
}

impl Case {
    /// A case of this script with all defaults: the one peer `init`, no mocks, no echo.
    pub fn new(air: impl Into<Arc<str>>) -> Self {
        Case {
            air: air.into(),
            init: Arc::from("init"),
            peers: Vec::new(),
            services: BTreeMap::new(),
            echo: false,
            seed: 0,
            ttl_ms: TTL_MS,
            timestamp_ms: TIMESTAMP_MS,
        }
    }

    /// Reads a case. It may carry an `id`, what the reference interpreter reads (`limit`, `schedule`), and what is
    /// expected of it, in the words of a report (`calls`, `errors` and so on): these are ignored. Other fields that are not
    /// part of the format are errors, as are fields that stand twice.
    pub fn from_json(text: &str) -> Result<Case, CaseError> {
        read::case(text, &aqua::NoFiles)
    }

    /// Reads a case that may name a function of an Aqua file, `aqua` and `func` in place of `air`. The file and what it
    /// imports are read through `files`.
    pub fn from_json_with(text: &str, files: &dyn Files) -> Result<Case, CaseError> {
        read::case(text, files)
    }

    /// All peers, the initiator first, each once.
    pub fn names(&self) -> Vec<Arc<str>> {
        let others = self.peers.iter().filter(|name| **name != self.init);
        std::iter::once(&self.init).chain(others).cloned().collect()
    }
}
