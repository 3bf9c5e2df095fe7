//! Entries: what a peer signs.
//!
//! The bytes of an entry are a canonical DAG-CBOR array `[body, learnt]`; `docs/wire.md` has the
//! table. An entry is never stored as bytes: encoding it again gives them.

use std::sync::Arc;

use bytes::Bytes;
use weir_identity::{Cid, Codec, Hash, PeerId};

use super::cbor::{Reader, Writer};
use super::mmr::leaf_hash;
use super::{Malformed, Start, StepId};

/// Error code of a call whose outcome is unknown because its peer stopped between the intent and
/// the result. Such a call is never run again.
pub const INTERRUPTED: i32 = 20_100;

/// One signed statement of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What is said.
    pub body: Body,
    /// What the author had newly learnt since its own previous entry, in ascending order of
    /// authors, each once. What another item implies is left out.
    pub learnt: Vec<Learnt>,
}

/// One advance of somebody else's journal. The journal of the initiator up to entry 0 is known to
/// everybody and never named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learnt {
    /// Whose journal.
    pub author: PeerId,
    /// Its length, at least 1.
    pub length: u32,
    /// The leaf hash of the entry at `length - 1`.
    pub entry: Hash,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Entry 0 of the initiator, and of nobody else.
    Start(Arc<Start>),
    /// A call returned or failed.
    Call(CallEntry),
    /// A canon was taken.
    Canon(CanonEntry),
    /// Pure hops were passed.
    Hops(Vec<StepId>),
    /// "I have merged and evaluated what I have learnt, and have nothing of my own to say."
    Seen,
    /// A kind that evaluation ignores: attestation, refusal, reserved.
    Other {
        /// At least [`Body::FIRST_OTHER`].
        kind: u16,
        /// Opaque.
        bytes: Bytes,
    },
}

impl Body {
    /// The kinds from here on are [`Body::Other`].
    pub const FIRST_OTHER: u16 = 16;
    /// Kind of an attestation.
    pub const ATTESTATION: u16 = 16;
    /// Kind of a refusal.
    pub const REFUSAL: u16 = 17;
}

/// A call that returned or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEntry {
    /// Which call.
    pub step: StepId,
    /// CID of the argument list.
    pub args: Cid,
    /// CID of the arguments' tetraplets.
    pub tetraplets: Cid,
    /// The service that was called.
    pub service: Arc<str>,
    /// Its function.
    pub function: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// The execution receipt, where a Wasm service ran.
    pub receipt: Option<Bytes>,
}

/// How a call ended. The values travel beside the journals, except unused ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned this value.
    Value(Cid),
    /// It failed.
    Failed {
        /// Error code.
        code: i32,
        /// CID of the message.
        message: Cid,
    },
    /// It returned this value, and the call has no output, so that nobody needs to see it.
    Unused(Cid),
}

impl Outcome {
    /// The value that must be at hand before an entry with this outcome is taken.
    pub fn blob(&self) -> Option<&Cid> {
        match self {
            Outcome::Value(cid) | Outcome::Failed { message: cid, .. } => Some(cid),
            Outcome::Unused(_) => None,
        }
    }
}

/// A canon that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonEntry {
    /// Which canon.
    pub step: StepId,
    /// Index, in the same journal, of the canon to which this one is a difference.
    pub base: Option<u32>,
    /// How many leading elements of the base are kept; 0 without base.
    pub kept: u32,
    /// The append steps of the elements after them.
    pub keys: Vec<StepId>,
}

impl Entry {
    /// An entry whose author had learnt nothing new.
    pub fn new(body: Body) -> Entry {
        Entry {
            body,
            learnt: Vec::new(),
        }
    }

    /// The value that must be at hand before the entry is taken.
    pub fn blob(&self) -> Option<&Cid> {
        match &self.body {
            Body::Call(call) => call.outcome.blob(),
            _ => None,
        }
    }

    /// The hash of the entry as a leaf of its journal.
    pub fn leaf(&self) -> Hash {
        leaf_hash(&self.to_bytes())
    }

    /// The canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(256);
        out.array(2);
        write_body(&mut out, &self.body);
        out.array(self.learnt.len());
        for learnt in &self.learnt {
            out.array(3).peer(&learnt.author).uint(learnt.length.into());
            out.bytes(learnt.entry.as_bytes());
        }
        out.finish()
    }

    /// Reads what [`Entry::to_bytes`] wrote; any other encoding is malformed, and so is an entry
    /// that breaks the rules of its own shape.
    pub fn from_bytes(bytes: &[u8]) -> Result<Entry, Malformed> {
        let mut input = Reader::new(bytes);
        input.array_of(2)?;
        let body = read_body(&mut input)?;
        let mut learnt = Vec::new();
        for _ in 0..input.array()? {
            input.array_of(3)?;
            learnt.push(Learnt {
                author: input.peer()?,
                length: input.u32()?,
                entry: input.hash()?,
            });
        }
        input.end()?;
        let entry = Entry { body, learnt };
        entry.check_shape()?;
        if entry.to_bytes() == bytes {
            Ok(entry)
        } else {
            Err(Malformed("entry is not canonical"))
        }
    }

    /// Checks what the types do not say: order of `learnt`, kinds, codecs.
    pub(crate) fn check_shape(&self) -> Result<(), Malformed> {
        if self.learnt.iter().any(|learnt| learnt.length == 0) {
            return Err(Malformed("learnt length 0"));
        }
        if !self.learnt.is_sorted_by(|a, b| a.author < b.author) {
            return Err(Malformed("order of learnt"));
        }
        match &self.body {
            Body::Call(call) => {
                let outcome = match &call.outcome {
                    Outcome::Value(cid)
                    | Outcome::Unused(cid)
                    | Outcome::Failed { message: cid, .. } => cid,
                };
                if [&call.args, &call.tetraplets, outcome]
                    .iter()
                    .any(|cid| cid.codec() != Codec::DagCbor)
                {
                    return Err(Malformed("codec of a link"));
                }
            }
            Body::Canon(canon) if canon.base.is_none() && canon.kept != 0 => {
                return Err(Malformed("canon keeps elements of no base"));
            }
            Body::Hops(steps) if steps.is_empty() => return Err(Malformed("no hops")),
            Body::Start(_) if !self.learnt.is_empty() => return Err(Malformed("start learnt")),
            Body::Other { kind, .. } if *kind < Body::FIRST_OTHER => {
                return Err(Malformed("entry kind"));
            }
            _ => {}
        }
        Ok(())
    }
}

fn write_body(out: &mut Writer, body: &Body) {
    match body {
        Body::Start(start) => {
            out.array(2).uint(0).bytes(&start.to_bytes());
        }
        Body::Call(call) => {
            out.array(8)
                .uint(1)
                .bytes(&call.step.0)
                .link(&call.args)
                .link(&call.tetraplets);
            out.text(&call.service).text(&call.function);
            match &call.outcome {
                Outcome::Value(cid) => out.array(2).uint(0).link(cid),
                Outcome::Failed { code, message } => out.array(3).uint(1).int(*code).link(message),
                Outcome::Unused(cid) => out.array(2).uint(2).link(cid),
            };
            out.optional_bytes(call.receipt.as_deref());
        }
        Body::Canon(canon) => {
            out.array(5).uint(2).bytes(&canon.step.0);
            match canon.base {
                Some(base) => out.uint(base.into()),
                None => out.null(),
            };
            out.uint(canon.kept.into());
            write_steps(out, &canon.keys);
        }
        Body::Hops(steps) => {
            out.array(2).uint(3);
            write_steps(out, steps);
        }
        Body::Seen => {
            out.array(1).uint(4);
        }
        Body::Other { kind, bytes } => {
            out.array(2).uint((*kind).into()).bytes(bytes);
        }
    }
}

fn write_steps(out: &mut Writer, steps: &[StepId]) {
    out.array(steps.len());
    for step in steps {
        out.bytes(&step.0);
    }
}

fn read_body(input: &mut Reader<'_>) -> Result<Body, Malformed> {
    let fields = input.array()?;
    let kind = input.u16()?;
    let body = match (kind, fields) {
        (0, 2) => Body::Start(Arc::new(Start::from_bytes(input.bytes()?)?)),
        (1, 8) => Body::Call(CallEntry {
            step: StepId(input.fixed()?),
            args: input.link(Codec::DagCbor)?,
            tetraplets: input.link(Codec::DagCbor)?,
            service: input.text()?.into(),
            function: input.text()?.into(),
            outcome: read_outcome(input)?,
            receipt: input.optional_bytes()?.map(Bytes::copy_from_slice),
        }),
        (2, 5) => Body::Canon(CanonEntry {
            step: StepId(input.fixed()?),
            base: if input.is_null() {
                None
            } else {
                Some(input.u32()?)
            },
            kept: input.u32()?,
            keys: read_steps(input)?,
        }),
        (3, 2) => Body::Hops(read_steps(input)?),
        (4, 1) => Body::Seen,
        (Body::FIRST_OTHER.., 2) => Body::Other {
            kind,
            bytes: Bytes::copy_from_slice(input.bytes()?),
        },
        _ => return Err(Malformed("entry kind")),
    };
    Ok(body)
}

fn read_outcome(input: &mut Reader<'_>) -> Result<Outcome, Malformed> {
    let fields = input.array()?;
    match (input.u16()?, fields) {
        (0, 2) => Ok(Outcome::Value(input.link(Codec::DagCbor)?)),
        (1, 3) => Ok(Outcome::Failed {
            code: input.i32()?,
            message: input.link(Codec::DagCbor)?,
        }),
        (2, 2) => Ok(Outcome::Unused(input.link(Codec::DagCbor)?)),
        _ => Err(Malformed("outcome")),
    }
}

fn read_steps(input: &mut Reader<'_>) -> Result<Vec<StepId>, Malformed> {
    (0..input.array()?)
        .map(|_| input.fixed().map(StepId))
        .collect()
}
