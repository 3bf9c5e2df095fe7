//! *Start*: what a particle is, and therefore its identity.

use std::sync::Arc;

use bytes::Bytes;
use weir_identity::{Cid, Codec, Hash, PeerId, keccak256};

use super::cbor::{Reader, Writer};
use super::{Malformed, ParticleId};

/// Version of the consensus rules that this crate evaluates: the canonical form of JSON, lens and
/// error texts, step ids, entry bytes.
pub const RULES: u16 = 1;

/// First item of every *start*, so that its hash is never that of anything else.
const MAGIC: &str = "weir/start";

/// The facts that make a particle. Two particles that differ in any of them are different
/// particles: the identity is the hash of all of them ([`Start::id`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The network for which the particle is meant.
    pub network: Arc<str>,
    /// Chosen at random by the initiator.
    pub nonce: [u8; 16],
    /// CID (codec raw) of the script's text.
    pub script: Cid,
    /// Creation time by the initiator's clock, milliseconds since the Unix epoch.
    pub timestamp_ms: u64,
    /// Time to live from `timestamp_ms` on, in milliseconds.
    pub ttl_ms: u64,
    /// Limits at which every peer stops in the same place.
    pub limits: StartLimits,
    /// Version of the consensus rules, see [`RULES`].
    pub rules: u16,
    /// Who runs `%init_peer_id%` and signs entry 0.
    pub initiator: PeerId,
    /// The initiator's reach record, opaque here.
    pub reach: Option<Bytes>,
    /// Proof that the initiator may make this request, opaque here.
    pub authorisation: Option<Bytes>,
}

/// Limits of evaluation. An activation that would exceed one is stuck. Those of depth and of the
/// bytes of a value are reached in the same place on every peer; the others count what is here, so
/// which activation comes too late depends on the order of arrival, and from then on no peer calls
/// an entry wrong because it does not come to its step itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartLimits {
    /// Elements in one stream or map from which on `ap` adds no more. Results of calls always enter:
    /// they are signed, and what is signed must not depend on what arrived first.
    pub elements: u32,
    /// Activations in the whole particle, and as many cells of names inside folds. One costs about
    /// 350 bytes and some microseconds. A fold that calls, compares, appends and goes on takes seven for
    /// each element, so the default of 4,000,000 allows such a recursive stream of 570,000 elements;
    /// one of 1,000,000 needs 7,000,000.
    pub activations: u32,
    /// Elements of folds entered one inside the other, by `next` or by a fold inside a fold.
    pub depth: u32,
    /// Size of one value, in bytes of its DAG-CBOR.
    pub value_bytes: u32,
}

impl Default for StartLimits {
    fn default() -> StartLimits {
        StartLimits {
            elements: 1_000_000,
            activations: 4_000_000,
            depth: 1_000_000,
            value_bytes: 64 << 20,
        }
    }
}

impl Start {
    /// The bytes whose hash is the particle's identity: a canonical DAG-CBOR array.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(256);
        out.array(11)
            .text(MAGIC)
            .text(&self.network)
            .bytes(&self.nonce)
            .link(&self.script);
        out.uint(self.timestamp_ms).uint(self.ttl_ms);
        let limits = &self.limits;
        out.array(4)
            .uint(limits.elements.into())
            .uint(limits.activations.into());
        out.uint(limits.depth.into())
            .uint(limits.value_bytes.into());
        out.uint(self.rules.into()).peer(&self.initiator);
        out.optional_bytes(self.reach.as_deref())
            .optional_bytes(self.authorisation.as_deref());
        out.finish()
    }

    /// Reads the bytes made by [`Start::to_bytes`]; any other encoding is malformed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Start, Malformed> {
        let mut input = Reader::new(bytes);
        input.array_of(11)?;
        if input.text()? != MAGIC {
            return Err(Malformed("start"));
        }
        let network = input.text()?.into();
        let nonce = input.fixed()?;
        let script = input.link(Codec::Raw)?;
        let (timestamp_ms, ttl_ms) = (input.u64()?, input.u64()?);
        input.array_of(4)?;
        let limits = StartLimits {
            elements: input.u32()?,
            activations: input.u32()?,
            depth: input.u32()?,
            value_bytes: input.u32()?,
        };
        let (rules, initiator) = (input.u16()?, input.peer()?);
        let reach = input.optional_bytes()?.map(Bytes::copy_from_slice);
        let authorisation = input.optional_bytes()?.map(Bytes::copy_from_slice);
        input.end()?;
        let start = Start {
            network,
            nonce,
            script,
            timestamp_ms,
            ttl_ms,
            limits,
            rules,
            initiator,
            reach,
            authorisation,
        };
        if start.to_bytes() == bytes {
            Ok(start)
        } else {
            Err(Malformed("start is not canonical"))
        }
    }

    /// The identity of the particle.
    pub fn id(&self) -> ParticleId {
        ParticleId::of_start(&self.to_bytes())
    }
}

impl ParticleId {
    /// The identity of the particle with these *start* bytes.
    pub fn of_start(bytes: &[u8]) -> ParticleId {
        ParticleId(keccak256(&[bytes]))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl From<Hash> for ParticleId {
    fn from(hash: Hash) -> ParticleId {
        ParticleId(hash)
    }
}
