//! The border to `weir-avm`: what the peer needs of it, and conversions.

use std::sync::Arc;

use bytes::Bytes;
use weir_air::{Diagnostic, Limits as ScriptLimits};
use weir_avm::log::{Message, MessageLimits, ParticleId, Want};
use weir_identity::Cid;

use crate::effect::{ScriptError, Waiting};
use crate::event::CallOutcome;
use crate::limits::Limits;

pub(crate) use weir_avm::log::{RULES, Record, Start, StartError, StartLimits};
pub(crate) use weir_avm::{Avm, CallRequest, Effects, Options, Program};

/// Parses a script and resolves its names.
pub(crate) fn compile(text: &str, limits: &Limits) -> Result<Arc<Program>, Vec<Diagnostic>> {
    let limits = ScriptLimits {
        bytes: limits.script_bytes,
        nodes: limits.script_nodes,
        depth: limits.script_depth,
    };
    let script = weir_air::parse(text, &limits)?;
    Ok(Arc::new(Program::new(&Arc::new(script))))
}

/// The CID under which a start names its script.
pub(crate) fn script_cid(text: &str) -> Cid {
    Cid::of_raw(text.as_bytes())
}

/// Reads a message; the error is for the sender.
pub(crate) fn decode(message: &Bytes, limits: &Limits) -> Result<Message, String> {
    let limits = MessageLimits {
        bytes: limits.message_bytes,
        ..MessageLimits::default()
    };
    Message::decode(message, &limits).map_err(|error| error.0.to_owned())
}

/// The message that asks for the start and the script of a particle.
pub(crate) fn ask_for_start(particle: ParticleId) -> Bytes {
    encode(&Message::asking(particle, vec![Want::Start]))
}

/// Whether a message says nothing and only asks.
pub(crate) fn is_question(message: &Message) -> bool {
    !message.wants.is_empty() && message.suffixes.is_empty() && message.blobs.is_empty()
}

pub(crate) fn encode(message: &Message) -> Bytes {
    Bytes::from(message.encode())
}

impl From<CallOutcome> for weir_avm::CallOutcome {
    fn from(outcome: CallOutcome) -> Self {
        match outcome {
            CallOutcome::Value(value) => weir_avm::CallOutcome::Value(value),
            CallOutcome::Failed { code, message } => {
                weir_avm::CallOutcome::Failed { code, message }
            }
            CallOutcome::Interrupted => weir_avm::CallOutcome::Interrupted,
        }
    }
}

impl From<weir_avm::Report> for ScriptError {
    fn from(report: weir_avm::Report) -> Self {
        ScriptError {
            code: report.code,
            message: report.message,
        }
    }
}

impl From<weir_avm::Waiting> for Waiting {
    fn from(waiting: weir_avm::Waiting) -> Self {
        Waiting {
            peer: waiting.peer,
            what: waiting.what,
        }
    }
}
