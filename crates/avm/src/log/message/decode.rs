//! Bytes as a message. Nothing in them is trusted: lengths are checked against what is there,
//! counts against the limits, and the result is encoded again and compared, so that a message has
//! exactly one encoding.

use std::sync::Arc;

use bytes::Bytes;
use weir_identity::{Cid, Codec, PeerId};

use super::encode::{
    BLOB_ELSEWHERE, BLOB_HERE, CANON, CANON_ON_BASE, FAILED, HAS_LEARNT, HAS_RECEIPT, HOPS, KIND,
    OTHER, SEEN, UNUSED, VALUE, VERSION, WANT_BLOB, WANT_JOURNAL, WANT_START,
};
use super::table::Things;
use super::{Message, MessageLimits, Suffix, Want};
use crate::log::key::{KEY_LEN, peer_of_key};
use crate::log::wire::In;
use crate::log::{
    Blob, Body, CallEntry, CanonEntry, Entry, Equivocation, Head, Learnt, Malformed, Outcome,
    ParticleId, SignedHead, Start, StepId,
};

impl Message {
    /// Reads a message. Checks its form, that *start* belongs to the particle and the script to
    /// *start*, and computes the CIDs of the values; signatures and roots are left to
    /// [`Log::merge`](crate::log::Log::merge).
    pub fn decode(bytes: &[u8], limits: &MessageLimits) -> Result<Message, Malformed> {
        if bytes.len() > limits.bytes {
            return Err(Malformed("message over the limit"));
        }
        let mut decoder = Decoder {
            input: In::new(bytes),
            limits,
            entries: 0,
            listed: 0,
            blobs: Vec::new(),
            authors: Things::new(),
            names: Things::new(),
            digests: Things::new(),
            steps: Things::new(),
        };
        let message = decoder.message()?;
        if message.encode() == bytes {
            Ok(message)
        } else {
            Err(Malformed("message is not canonical"))
        }
    }
}

struct Decoder<'a> {
    input: In<'a>,
    limits: &'a MessageLimits,
    entries: usize,
    /// Steps in canons and hops so far.
    listed: usize,
    blobs: Vec<Blob>,
    authors: Things<PeerId>,
    names: Things<Arc<str>>,
    digests: Things<[u8; 32]>,
    steps: Things<StepId>,
}

impl Decoder<'_> {
    fn message(&mut self) -> Result<Message, Malformed> {
        if self.input.byte()? != VERSION {
            return Err(Malformed("message version"));
        }
        let particle = ParticleId::from(self.input.hash()?);
        let start = if self.input.flag()? {
            Some(self.start(particle)?)
        } else {
            None
        };
        let script = if self.input.flag()? {
            Some(self.script(start.as_deref())?)
        } else {
            None
        };
        let suffixes = (0..self.input.count(self.limits.suffixes)?)
            .map(|_| self.suffix(particle))
            .collect::<Result<_, _>>()?;
        for _ in 0..self
            .input
            .count(self.limits.blobs.saturating_sub(self.blobs.len()))?
        {
            self.new_blob()?;
        }
        let equivocations = (0..self.input.count(self.limits.equivocations)?)
            .map(|_| Equivocation::read(&mut self.input, particle))
            .collect::<Result<_, _>>()?;
        let wants = (0..self.input.count(self.limits.wants)?)
            .map(|_| self.want())
            .collect::<Result<_, _>>()?;
        self.input.end()?;
        let blobs = std::mem::take(&mut self.blobs);
        Ok(Message {
            particle,
            start,
            script,
            suffixes,
            blobs,
            equivocations,
            wants,
        })
    }

    fn start(&mut self, particle: ParticleId) -> Result<Arc<Start>, Malformed> {
        let bytes = self.input.bytes()?;
        if ParticleId::of_start(bytes) != particle {
            return Err(Malformed("start of another particle"));
        }
        Start::from_bytes(bytes).map(Arc::new)
    }

    fn script(&mut self, start: Option<&Start>) -> Result<Arc<str>, Malformed> {
        let text = self.input.text()?;
        if start.is_some_and(|start| start.script != Cid::of_raw(text.as_bytes())) {
            return Err(Malformed("script of another particle"));
        }
        Ok(text.into())
    }

    fn suffix(&mut self, particle: ParticleId) -> Result<Suffix, Malformed> {
        let author = self.author()?;
        let from = self.input.u32()?;
        let count = self.input.count(self.limits.entries - self.entries)?;
        self.entries += count;
        let length = u32::try_from(count)
            .ok()
            .and_then(|count| from.checked_add(count));
        let length = length.ok_or(Malformed("journal length"))?;
        if length == 0 {
            return Err(Malformed("head of an empty journal"));
        }
        let entries = (0..count)
            .map(|_| self.entry().map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        let head = Head {
            particle,
            author,
            length,
            root: self.input.hash()?,
        };
        let signature = self.input.signature()?;
        Ok(Suffix {
            head: SignedHead { head, signature },
            entries,
        })
    }

    fn entry(&mut self) -> Result<Entry, Malformed> {
        let bits = self.input.byte()?;
        let learnt = if bits & HAS_LEARNT == 0 {
            Vec::new()
        } else {
            self.learnt()?
        };
        let body = match bits & KIND {
            kind @ (VALUE | FAILED | UNUSED) => Body::Call(self.call(kind, bits)?),
            kind @ (CANON | CANON_ON_BASE) => Body::Canon(self.canon(kind)?),
            HOPS => {
                let count = self.step_count()?;
                let steps = (0..count).map(|_| self.input.fixed().map(StepId));
                Body::Hops(steps.collect::<Result<_, _>>()?)
            }
            SEEN => Body::Seen,
            OTHER => Body::Other {
                kind: self
                    .input
                    .uint()?
                    .try_into()
                    .map_err(|_| Malformed("entry kind"))?,
                bytes: Bytes::copy_from_slice(self.input.bytes()?),
            },
            _ => return Err(Malformed("entry kind")),
        };
        let entry = Entry { body, learnt };
        entry.check_shape()?;
        Ok(entry)
    }

    fn learnt(&mut self) -> Result<Vec<Learnt>, Malformed> {
        (0..self.input.count(usize::MAX)?)
            .map(|_| {
                Ok(Learnt {
                    author: self.author()?,
                    length: self.input.u32()?,
                    entry: self.input.hash()?,
                })
            })
            .collect()
    }

    fn call(&mut self, kind: u8, bits: u8) -> Result<CallEntry, Malformed> {
        let step = self.step()?;
        let (args, tetraplets) = (self.digest()?, self.digest()?);
        let (service, function) = (self.name()?, self.name()?);
        let outcome = match kind {
            VALUE => Outcome::Value(self.blob()?),
            FAILED => Outcome::Failed {
                code: self.input.int()?,
                message: self.blob()?,
            },
            _ => Outcome::Unused(self.digest()?),
        };
        let receipt = if bits & HAS_RECEIPT == 0 {
            None
        } else {
            Some(Bytes::copy_from_slice(self.input.bytes()?))
        };
        Ok(CallEntry {
            step,
            args,
            tetraplets,
            service,
            function,
            outcome,
            receipt,
        })
    }

    fn canon(&mut self, kind: u8) -> Result<CanonEntry, Malformed> {
        let step = self.step()?;
        let (base, kept) = if kind == CANON_ON_BASE {
            (Some(self.input.u32()?), self.input.u32()?)
        } else {
            (None, 0)
        };
        let keys = (0..self.step_count()?)
            .map(|_| {
                self.steps
                    .read(&mut self.input, |input| input.fixed().map(StepId))
            })
            .collect::<Result<_, _>>()?;
        Ok(CanonEntry {
            step,
            base,
            kept,
            keys,
        })
    }

    fn want(&mut self) -> Result<Want, Malformed> {
        match self.input.byte()? {
            WANT_START => Ok(Want::Start),
            WANT_JOURNAL => Ok(Want::Journal {
                author: self.author()?,
                from: self.input.u32()?,
            }),
            WANT_BLOB => Ok(Want::Blob(Cid::from_digest(
                Codec::DagCbor,
                self.input.fixed()?,
            ))),
            _ => Err(Malformed("want")),
        }
    }

    fn author(&mut self) -> Result<PeerId, Malformed> {
        self.authors.read(&mut self.input, |input| {
            peer_of_key(&input.fixed::<KEY_LEN>()?)
        })
    }

    fn name(&mut self) -> Result<Arc<str>, Malformed> {
        self.names
            .read(&mut self.input, |input| input.text().map(Arc::from))
    }

    fn digest(&mut self) -> Result<Cid, Malformed> {
        let digest = self.digests.read(&mut self.input, In::fixed)?;
        Ok(Cid::from_digest(Codec::DagCbor, digest))
    }

    fn step(&mut self) -> Result<StepId, Malformed> {
        let step = StepId(self.input.fixed()?);
        self.steps.enter(step);
        Ok(step)
    }

    fn step_count(&mut self) -> Result<usize, Malformed> {
        let count = self.input.count(self.limits.steps - self.listed)?;
        self.listed += count;
        Ok(count)
    }

    fn blob(&mut self) -> Result<Cid, Malformed> {
        match self.input.uint()? {
            BLOB_HERE => self.new_blob(),
            BLOB_ELSEWHERE => self.digest(),
            number => usize::try_from(number - BLOB_ELSEWHERE - 1)
                .ok()
                .and_then(|index| self.blobs.get(index))
                .map(|blob| *blob.cid())
                .ok_or(Malformed("reference")),
        }
    }

    fn new_blob(&mut self) -> Result<Cid, Malformed> {
        if self.blobs.len() >= self.limits.blobs {
            return Err(Malformed("count over the limit"));
        }
        let blob = Blob::from_bytes(self.input.bytes()?)?;
        let cid = *blob.cid();
        self.blobs.push(blob);
        Ok(cid)
    }
}
