//! What an [`Avm`](crate::Avm) asks of its host, and what the host gives back.

use std::sync::Arc;

use weir_identity::{Cid, PeerId, Value};

use crate::log::{Message, Record, Refused, Silent, StepId, Want};
use crate::tetraplet::Tetraplet;

/// A call that this peer is to make.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRequest {
    /// Which call; the result is given back under this name.
    pub step: StepId,
    /// Content id of the argument list; given back with the result.
    pub args_cid: Cid,
    /// Service id or alias.
    pub service: Arc<str>,
    /// Function name.
    pub function: Arc<str>,
    /// The arguments.
    pub args: Vec<Value>,
    /// For each argument its origins: one, or one for each element of a canon.
    pub tetraplets: Vec<Vec<Arc<Tetraplet>>>,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum CallOutcome {
    /// It returned.
    Value(Value),
    /// It failed, with the service's code (not zero) and message.
    Failed {
        /// The service's code.
        code: i32,
        /// What the service said, as a JSON value.
        message: Value,
    },
    /// It was begun before a crash; nobody knows how it ended.
    Interrupted,
}

/// A message for another peer.
#[derive(Debug, Clone)]
pub struct Send {
    /// Whom it is for.
    pub to: PeerId,
    /// What it says.
    pub message: Message,
    /// Names the sending in [`crate::Avm::delivered`] and [`crate::Avm::undeliverable`].
    pub token: u64,
}

/// Something that the owner of the particle should see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Error code; 0 where none is assigned.
    pub code: i64,
    /// What happened.
    pub message: String,
}

/// What came out of the work since the last [`crate::Avm::drain`].
#[derive(Debug, Default)]
pub struct Effects {
    /// To be made durable before anything below happens.
    pub records: Vec<Record>,
    /// Calls to make, in script order.
    pub calls: Vec<CallRequest>,
    /// Messages to send.
    pub sends: Vec<Send>,
    /// Errors that no `xor` caught.
    pub errors: Vec<Report>,
    /// Activations that can never go on.
    pub stuck: Vec<Report>,
    /// Entries that were signed but do not hold, with their authors.
    pub offences: Vec<Report>,
    /// The script as a whole has completed or failed here.
    pub done: bool,
}

/// What a merge brought.
#[derive(Debug, Default)]
pub struct Merged {
    /// How many entries are new here.
    pub new_entries: u32,
    /// What the sender is asked for.
    pub wants: Vec<Want>,
    /// Some of the message waits here for something else, and is not durable:
    /// it must not be acknowledged, so that the sender repeats it.
    pub incomplete: bool,
    /// What was refused, and why, while the rest was taken.
    pub refused: Vec<Refused>,
}

/// A step that is reached and not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which step.
    pub step: StepId,
    /// Peer id of who is to answer, as text.
    pub peer: Arc<str>,
    /// The instruction.
    pub what: String,
}

/// Why a result was not taken. The result is untouched and may be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompleteError {
    /// Nobody waits for it.
    #[error(
        "no call {step:?} waits for a result here: it was answered already, or never requested"
    )]
    NotOpen {
        /// The step that was named.
        step: StepId,
    },
    /// It answers another question.
    #[error("the result belongs to a call with other arguments: {given}, the open call has {open}")]
    OtherArguments {
        /// The arguments that were named.
        given: Cid,
        /// Those of the open call.
        open: Cid,
    },
    /// This peer must not make entries in this particle.
    #[error("this peer makes no entries in this particle: {0}")]
    Silent(#[from] Silent),
}
