//! AquaVM by journals: one particle as one peer knows and executes it.
//!
//! A particle is a script plus one append-only, signed journal per peer.
//! Evaluating the script is a dataflow over single-assignment facts, keyed by
//! where in the script each fact belongs; merging is set union. The crate does
//! no I/O, has no clock, no randomness and no threads: [`Avm`] takes messages
//! and results in, and [`Avm::drain`] says what to store, call and send.
//!
//! | Part | Is |
//! |---|---|
//! | [`Avm`] | one particle on one peer |
//! | [`Program`] | a parsed script with all names resolved, shared between particles |
//! | [`log`] | journals, signed heads, messages, records |
//! | `eval` | the machine that evaluates, without knowing of signatures |

mod audit;
mod avm;
mod effects;
mod eval;
mod export;
pub mod log;
mod tetraplet;
mod trace;

pub use audit::{Audited, Fault, audit, audit_log};
pub use avm::Avm;
pub use effects::{
    CallOutcome, CallRequest, CompleteError, Effects, Merged, Report, Send, Waiting,
};
pub use eval::Program;
pub use export::{Export, ExportError};
pub use tetraplet::Tetraplet;
pub use trace::{Deed, Trace, TracedAnswer, Visit, What, trace, trace_log};

/// Code of a call whose result is larger than the particle allows.
pub const RESULT_TOO_LARGE: i32 = 20_101;

/// Code of a report on an entry that was signed and does not hold.
pub const OFFENCE: i64 = 20_102;

/// Code of a report on an author who signed two entries for one place.
pub const EQUIVOCATION: i64 = 20_103;
