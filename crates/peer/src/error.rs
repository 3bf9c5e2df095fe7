//! What can go wrong at the border of this crate.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use weir_air::Diagnostic;
use weir_identity::PeerId;

use crate::time::Timestamp;

/// Why a peer does not take a message. Travels in acknowledgements.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The particle is over by the clock of the refusing peer.
    #[error("the particle expired {late_ms} ms ago by this peer's clock")]
    Expired {
        /// How late the message came.
        late_ms: u64,
    },
    /// The particle was started in the future.
    #[error(
        "the particle's timestamp is {ahead_ms} ms ahead of this peer's clock, {limit_ms} ms are allowed"
    )]
    FromFuture {
        /// How far.
        ahead_ms: u64,
        /// `clock_skew_ms`.
        limit_ms: u64,
    },
    /// The time to live is too long.
    #[error("a time to live of {ttl_ms} ms is over the limit of {limit_ms} ms")]
    TtlTooLong {
        /// Asked for.
        ttl_ms: u64,
        /// `ttl_ms`.
        limit_ms: u64,
    },
    /// A size limit was hit.
    #[error("{what} of {bytes} bytes is over the limit of {limit} bytes")]
    TooLarge {
        /// What is too large.
        what: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A queue is full; trying again later may help.
    #[error("overloaded: {limit} = {value} is reached")]
    Overloaded {
        /// Name of the limit.
        limit: String,
        /// Its value.
        value: u64,
    },
    /// The particle declares more work than is allowed here.
    #[error("the particle declares {what} = {declared}, the limit is {limit}")]
    DeclaresTooMuch {
        /// Name of the limit.
        what: String,
        /// What the start says.
        declared: u64,
        /// The limit of this peer.
        limit: u64,
    },
    /// The message does not decode or contradicts itself.
    #[error("malformed: {what}")]
    Malformed {
        /// What is wrong.
        what: String,
    },
    /// The script does not parse.
    #[error("the script is not valid: {what}")]
    BadScript {
        /// First diagnostic.
        what: String,
    },
    /// The script is not the one that the start names.
    #[error("the script's text does not match its CID")]
    WrongScript,
    /// The particle belongs to another network.
    #[error("the particle belongs to network `{theirs}`, this peer to `{ours}`")]
    OtherNetwork {
        /// Of the particle.
        theirs: String,
        /// Of the peer.
        ours: String,
    },
    /// The particle is older than the store of this peer, which may have
    /// forgotten what it signed in it.
    #[error("the particle is older than this peer's store (made at {born})")]
    StoreTooYoung {
        /// When the store was made.
        born: Timestamp,
    },
    /// The packet is for a peer that lives elsewhere and for whom this one
    /// does not relay.
    #[error("this peer does not relay to the target")]
    NoRelay,
    /// The packet went over too many peers.
    #[error("the packet went over more than {limit} hops")]
    TooManyHops {
        /// `hops`.
        limit: u64,
    },
    /// Signatures, causality or limits inside the message do not hold.
    #[error("the message does not hold: {what}")]
    Rejected {
        /// What was found.
        what: String,
    },
    /// The message builds on something that did not come while the particle
    /// lived.
    #[error("the message builds on what this peer never got: {what}")]
    Incomplete {
        /// The first that is missing: a journal and an index, a value, the
        /// start, or the script.
        what: String,
    },
    /// The refusing peer has a problem of its own.
    #[error("internal: {what}")]
    Internal {
        /// Which.
        what: String,
    },
}

impl Refusal {
    /// A refusal because `limit`, of the given value, is reached.
    pub fn overloaded(limit: &str, value: usize) -> Self {
        Refusal::Overloaded {
            limit: limit.to_owned(),
            value: value as u64,
        }
    }

    /// A refusal because `what` has more bytes than `limit`.
    pub fn too_large(what: &str, bytes: usize, limit: usize) -> Self {
        Refusal::TooLarge {
            what: what.to_owned(),
            bytes: bytes as u64,
            limit: limit as u64,
        }
    }

    /// Bytes of the texts in it, which the refusing peer chose.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Refusal::TooLarge { what, .. }
            | Refusal::DeclaresTooMuch { what, .. }
            | Refusal::Malformed { what }
            | Refusal::BadScript { what }
            | Refusal::Rejected { what }
            | Refusal::Incomplete { what }
            | Refusal::Internal { what } => what.len(),
            Refusal::Overloaded { limit, .. } => limit.len(),
            Refusal::OtherNetwork { theirs, ours } => theirs.len() + ours.len(),
            Refusal::Expired { .. }
            | Refusal::FromFuture { .. }
            | Refusal::TtlTooLong { .. }
            | Refusal::WrongScript
            | Refusal::StoreTooYoung { .. }
            | Refusal::NoRelay
            | Refusal::TooManyHops { .. } => 0,
        }
    }

    /// Whether sending the same message again later may succeed.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Refusal::Overloaded { .. } | Refusal::FromFuture { .. } | Refusal::Internal { .. }
        )
    }
}

/// Why a particle was not started.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubmitError {
    /// The script has errors.
    #[error("the script is not valid: {}", .0.first().map_or("no diagnostics", |first| first.message.as_str()))]
    Script(Vec<Diagnostic>),
    /// The particle engine does not take it.
    #[error("the particle cannot be started: {0}")]
    Engine(String),
    /// This peer would refuse it from others as well.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Why a change of the service table was not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServiceError {
    /// No service has this id or alias.
    #[error("NOT_FOUND: no service `{0}`")]
    NotFound(String),
    /// The id or alias names a service already.
    #[error("EXISTS: `{0}` is the id of a service")]
    Exists(String),
    /// The alias may not be used.
    #[error("FORBIDDEN: alias `{0}` is reserved")]
    Reserved(String),
    /// A limit was hit.
    #[error("LIMIT: {limit} = {value} is reached")]
    Limit {
        /// Name of the limit.
        limit: &'static str,
        /// Its value.
        value: usize,
    },
    /// An id or alias that cannot be one.
    #[error("ARG_TYPE: `{0}` is not a name: 1 to 255 bytes without control characters are allowed")]
    BadName(String),
}

/// Why a peer could not be restored from its records.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RestoreError {
    /// A record that this crate did not write.
    #[error("the record under key {key} is damaged: {what}")]
    Damaged {
        /// The key in hexadecimal.
        key: String,
        /// What is wrong.
        what: String,
    },
    /// The store belongs to another peer.
    #[error("the store belongs to {0}")]
    OtherPeer(PeerId),
}
