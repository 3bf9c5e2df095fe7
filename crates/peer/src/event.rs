//! What happens to a peer.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use weir_identity::{PeerId, Value};

use crate::deals::DealTable;
use crate::effect::CallId;
use crate::receipts::Execution;
use crate::time::Timestamp;

/// A key and its value in the driver's store.
pub type StoredRecord = (Vec<u8>, Vec<u8>);

/// Something from outside.
///
/// Events about peers that are not connected, calls that are no longer open
/// and so on are harmless and ignored; drivers need not filter.
#[derive(Debug, Clone)]
pub enum Event {
    /// A connection to `peer` (whose identity the transport has proven) can
    /// carry frames. Only one connection per peer exists for this machine; a
    /// driver with several hides that.
    Connected {
        /// The neighbour.
        peer: PeerId,
    },
    /// No connection to `peer` is left. Frames given out but not written may
    /// be forgotten: what they carried is sent again.
    Disconnected {
        /// The former neighbour.
        peer: PeerId,
    },
    /// A dial asked for by [`crate::Effect::Dial`] came to nothing.
    DialFailed {
        /// Who was dialled.
        peer: PeerId,
    },
    /// A whole frame of `/weir/particle/1` arrived.
    Received {
        /// The neighbour that sent it.
        from: PeerId,
        /// The frame without transport framing.
        frame: Bytes,
    },
    /// A call given out by [`crate::Effect::Call`] ended.
    CallFinished {
        /// Which one.
        call: CallId,
        /// How.
        outcome: CallOutcome,
        /// What was executed, if others can repeat it: the entry of the call
        /// gets a receipt for it then.
        execution: Option<Execution>,
    },
    /// The records asked for by [`crate::Effect::Load`].
    Loaded {
        /// The prefix from the effect.
        prefix: Vec<u8>,
        /// All records under it in key order, or why they cannot be read.
        records: Result<Vec<StoredRecord>, String>,
    },
    /// The moment named by the last [`crate::Effect::SetTimer`] has come. May
    /// be given at any other time as well.
    Timer,
    /// The addresses under which others can dial this peer have changed.
    Addresses(Vec<Arc<str>>),
    /// What the market says of deals and their workers has changed. Not
    /// stored: given again after a start.
    Deals(Arc<DealTable>),
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum CallOutcome {
    /// With a value.
    Value(Value),
    /// The service failed: a non-zero code and what it said.
    Failed {
        /// The service's own number; 1 if it has none.
        code: i32,
        /// The error value, mostly a text.
        message: Value,
    },
    /// It was started and nobody knows whether it took effect.
    Interrupted,
}

impl CallOutcome {
    /// A failure with code 1 and a text `CODE: message`.
    pub fn failed(text: impl Into<String>) -> Self {
        CallOutcome::Failed {
            code: 1,
            message: Value::from(text.into()),
        }
    }
}

/// A particle to start.
#[derive(Debug, Clone)]
pub struct Submit {
    /// AIR text.
    pub script: Arc<str>,
    /// Random bytes that make the particle unique.
    pub nonce: [u8; 16],
    /// Time to live in milliseconds.
    pub ttl_ms: u64,
    /// When the particle says it was started; `None`: now.
    pub timestamp: Option<Timestamp>,
    /// The functions of the submitter, answered on this peer only. `None`:
    /// calls of `getDataSrv` and so on are ordinary calls.
    pub client: Option<ClientFunctions>,
    /// Keep the log after expiry, until [`crate::Peer::forget`].
    pub keep: bool,
}

/// What the submitter of a particle answers on the initiating peer.
///
/// - `getDataSrv` with function F: `data[F]`; `-relay-` is the first relay (or
///   the peer itself) unless given. An unknown name is a `NOT_FOUND` failure.
/// - `callbackSrv` with any function: reported as
///   [`crate::ParticleEvent::Callback`], answers `{}`.
/// - `errorHandlingSrv.error`: reported the same way, answers `{}`.
///
/// `data` is recorded with the particle, so that a restart answers alike.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClientFunctions {
    /// Values for `getDataSrv`, by function name.
    pub data: BTreeMap<Arc<str>, Value>,
}
