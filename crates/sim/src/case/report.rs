//! What an observer of a simulated network saw.

use serde::Serialize;
use weir_identity::Value;

/// All that happened in a case. Peer ids are written as `@name`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseReport {
    /// Calls in the order in which they were made, built-in ones included.
    pub calls: Vec<SeenCall>,
    /// Errors that no `xor` caught and misuse that stops a part of the script, in the order in which peers found
    /// them. Several peers can find the same.
    pub errors: Vec<SeenError>,
    /// Particle messages that were sent.
    pub messages: u64,
    /// Bytes of the frames that carried them.
    pub bytes: u64,
    /// Times that a peer had to evaluate: messages that arrived and calls that were made.
    pub steps: u64,
    /// Different entries of all journals, *start* included.
    pub entries: u64,
    /// Steps that are reached and not answered.
    pub pending: Vec<PendingStep>,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeenCall {
    /// Where.
    pub peer: String,
    /// `service.function`.
    pub call: String,
    /// Its arguments.
    pub args: Vec<Value>,
    /// For each argument its origins, as `peer|service|function|lens`.
    pub tetraplets: Vec<Vec<String>>,
}

/// An error that was reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenError {
    /// By which peer.
    pub peer: String,
    /// Its code.
    pub code: i64,
    /// What it says.
    pub message: String,
}

/// A step that nobody has answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PendingStep {
    /// Who knows that it is reached; if several do, the first of them.
    pub peer: String,
    /// `service.function` if the names stand in the script, otherwise the instruction.
    pub call: String,
    /// Whose turn it is.
    pub waits_for: String,
}
