//! What a peer wants done.

use std::sync::Arc;

use bytes::Bytes;
use weir_identity::{PeerId, Value};

use crate::event::CallOutcome;
use crate::time::Timestamp;

pub use weir_avm::Tetraplet;
pub use weir_avm::log::ParticleId;

/// Something the driver has to do.
///
/// Effects are performed in the order given. **A [`Effect::Persist`] must be
/// durable (to the level the operator chose) before any effect after it, of
/// this or of a later [`crate::Peer::drain`], is performed.** A driver that
/// cannot make it durable must stop the peer and restore it from the store.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Write one transaction.
    Persist(Batch),
    /// Read all records whose key begins with `prefix`; answer with
    /// [`crate::Event::Loaded`].
    Load {
        /// Key prefix.
        prefix: Vec<u8>,
    },
    /// Give a frame to the connection with `to`. If there is none any more,
    /// drop it; [`crate::Event::Disconnected`] says so.
    Send {
        /// A connected neighbour.
        to: PeerId,
        /// The frame without transport framing.
        frame: Bytes,
    },
    /// Connect to `peer` at one of `addresses`. Answer with
    /// [`crate::Event::Connected`] or [`crate::Event::DialFailed`].
    Dial {
        /// Whom to reach; the transport must prove that it is this key.
        peer: PeerId,
        /// Multiaddresses without the `/p2p/…` part, best first.
        addresses: Vec<Arc<str>>,
    },
    /// Close the connection with `peer`.
    Disconnect {
        /// The neighbour.
        peer: PeerId,
        /// Why, for the log.
        reason: String,
    },
    /// Run a service function and answer with [`crate::Event::CallFinished`].
    Call(Box<Call>),
    /// The result of this call is no longer of use (deadline passed). The
    /// driver should stop the execution; no answer is needed.
    CancelCall(CallId),
    /// Give [`crate::Event::Timer`] at or after `at`. Replaces the moment of
    /// the earlier `SetTimer`.
    SetTimer {
        /// When.
        at: Timestamp,
    },
    /// Tell the owner.
    Report {
        /// Which particle.
        particle: ParticleId,
        /// What happened to it.
        event: ParticleEvent,
    },
}

/// Writes that become durable together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// In the order in which they are to be applied.
    pub writes: Vec<Write>,
}

/// One change of the ordered key-value store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Set `key` to `value`.
    Put {
        /// Key.
        key: Vec<u8>,
        /// Value.
        value: Vec<u8>,
    },
    /// Remove `key` if it is there.
    Delete {
        /// Key.
        key: Vec<u8>,
    },
    /// Remove every key that begins with `prefix`.
    DeletePrefix {
        /// Key prefix, never empty.
        prefix: Vec<u8>,
    },
}

/// Names a call between [`Effect::Call`] and its answer. Not reused while the
/// process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A call of a service function.
#[derive(Debug, Clone)]
pub struct Call {
    /// Names this call in the answer.
    pub id: CallId,
    /// Service id, aliases already resolved; the name from the script if the
    /// call came to the driver by [`crate::CallPolicy`].
    pub service: Arc<str>,
    /// What the service was registered as, if it is.
    pub kind: Option<Arc<str>>,
    /// Function name.
    pub function: Arc<str>,
    /// Positional arguments.
    pub args: Vec<Value>,
    /// For each argument, where its value (or the elements of it) came from.
    pub tetraplets: Vec<Vec<Arc<Tetraplet>>>,
    /// Circumstances.
    pub context: CallContext,
}

/// The circumstances of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallContext {
    /// Particle.
    pub particle: ParticleId,
    /// The step of the particle, unique per particle.
    pub step: [u8; 32],
    /// Who started the particle.
    pub initiator: PeerId,
    /// The peer that owns the machine.
    pub host: PeerId,
    /// The identity in whose name the call is made; the host itself, or a
    /// worker of it.
    pub worker: PeerId,
    /// When the particle was started.
    pub timestamp: Timestamp,
    /// The particle's time to live in milliseconds.
    pub ttl_ms: u64,
    /// The answer is of no use after this moment.
    pub deadline: Timestamp,
}

/// News about a particle for its owner.
#[derive(Debug, Clone)]
pub enum ParticleEvent {
    /// Entries of other peers arrived.
    Learnt {
        /// From whom the message came.
        from: PeerId,
        /// How many.
        entries: usize,
    },
    /// A call was made on this peer.
    CallMade {
        /// Service as the script names it.
        service: Arc<str>,
        /// Function.
        function: Arc<str>,
        /// Arguments.
        args: Vec<Value>,
        /// Origins of the arguments.
        tetraplets: Vec<Vec<Arc<Tetraplet>>>,
    },
    /// A call made on this peer ended.
    CallEnded {
        /// Service as the script names it.
        service: Arc<str>,
        /// Function.
        function: Arc<str>,
        /// How.
        outcome: CallOutcome,
    },
    /// The script called a function of its submitter.
    Callback {
        /// `callbackSrv` or `errorHandlingSrv`.
        service: Arc<str>,
        /// Function.
        function: Arc<str>,
        /// Arguments.
        args: Vec<Value>,
    },
    /// An error that no `xor` caught.
    Error(ScriptError),
    /// A part of the script can never go on.
    Stuck(ScriptError),
    /// Nothing is known of how to reach `to`; what was for it is not sent.
    Undeliverable {
        /// Whom.
        to: PeerId,
    },
    /// A peer did not take what was sent to it.
    Refused {
        /// Which peer.
        by: PeerId,
        /// Why.
        reason: crate::Refusal,
    },
    /// A peer contradicted itself or the script; the evidence is in the log.
    Offence {
        /// Whose entry, and what was found.
        what: String,
    },
    /// The script is finished, as far as this peer can know.
    Done,
    /// The time to live is over.
    Expired {
        /// Steps that were reached and never answered.
        waiting: Vec<Waiting>,
    },
}

/// An error inside a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    /// Error code of AIR.
    pub code: i64,
    /// What it says.
    pub message: String,
}

/// A step that somebody has not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Whose turn it is: a peer id as the script has it. Empty in a last item
    /// that says how many more there are.
    pub peer: Arc<str>,
    /// What is to be done, as in the script.
    pub what: String,
}
