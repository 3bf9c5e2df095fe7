//! What peers send each other about a particle.

use std::sync::Arc;

use super::{Blob, Entry, Equivocation, ParticleId, SignedHead, Start};

mod decode;
mod encode;
mod table;

use weir_identity::{Cid, PeerId};

/// Journal suffixes with the values they need, and whatever else goes along. Decoding checks form
/// only; [`Log::merge`](super::Log::merge) checks what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which particle.
    pub particle: ParticleId,
    /// *Start*, for a receiver that may not have it. Its hash is the particle.
    pub start: Option<Arc<Start>>,
    /// The script's text, likewise. If *start* is here too, it names this text.
    pub script: Option<Arc<str>>,
    /// Ends of journals. One author can have several, if it contradicted itself.
    pub suffixes: Vec<Suffix>,
    /// Values, each once. First those that the entries name, in the order in which they do.
    pub blobs: Vec<Blob>,
    /// Proofs that an author lied.
    pub equivocations: Vec<Equivocation>,
    /// What the sender asks for.
    pub wants: Vec<Want>,
}

/// The entries of one journal from an index up to a signed head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suffix {
    /// The head. Its length is that of the journal, not that of the suffix.
    pub head: SignedHead,
    /// The last entries before it; can be empty. Never *start*, which the receiver can derive.
    pub entries: Vec<Arc<Entry>>,
}

impl Suffix {
    /// Index of the first entry.
    pub fn from(&self) -> u32 {
        self.head.head.length - self.entries.len() as u32
    }
}

/// Something that a peer needs to go on and asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// *Start* and script.
    Start,
    /// A journal from this index on, with all its branches.
    Journal {
        /// Whose.
        author: PeerId,
        /// First index.
        from: u32,
    },
    /// A value.
    Blob(Cid),
}

/// At which size a message is refused without further reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLimits {
    /// Bytes of the whole message.
    pub bytes: usize,
    /// Journal suffixes.
    pub suffixes: usize,
    /// Entries in all suffixes together.
    pub entries: usize,
    /// Steps in all canons and hops together; one takes 32 bytes in memory and can be one in the
    /// message.
    pub steps: usize,
    /// Values.
    pub blobs: usize,
    /// Equivocation proofs.
    pub equivocations: usize,
    /// Wants.
    pub wants: usize,
}

impl MessageLimits {
    /// For messages that come from the own store.
    pub const UNLIMITED: MessageLimits = MessageLimits {
        bytes: usize::MAX,
        suffixes: usize::MAX,
        entries: usize::MAX,
        steps: usize::MAX,
        blobs: usize::MAX,
        equivocations: usize::MAX,
        wants: usize::MAX,
    };
}

impl Default for MessageLimits {
    fn default() -> MessageLimits {
        MessageLimits {
            bytes: 16 << 20,
            suffixes: 16_384,
            entries: 262_144,
            steps: 1_048_576,
            blobs: 262_144,
            equivocations: 1_024,
            wants: 4_096,
        }
    }
}

impl Message {
    /// A message that says nothing yet.
    pub fn empty(particle: ParticleId) -> Message {
        Message {
            particle,
            start: None,
            script: None,
            suffixes: Vec::new(),
            blobs: Vec::new(),
            equivocations: Vec::new(),
            wants: Vec::new(),
        }
    }

    /// A message that only asks, for instance for the *start* of an unknown particle.
    pub fn asking(particle: ParticleId, wants: Vec<Want>) -> Message {
        Message {
            wants,
            ..Message::empty(particle)
        }
    }

    /// True if sending it would tell nothing.
    pub fn is_empty(&self) -> bool {
        *self == Message::empty(self.particle)
    }

    /// Number of entries in all suffixes.
    pub fn entry_count(&self) -> usize {
        self.suffixes
            .iter()
            .map(|suffix| suffix.entries.len())
            .sum()
    }
}
