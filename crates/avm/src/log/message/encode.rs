//! A message as bytes. `docs/wire.md` is the specification.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use weir_identity::{Cid, PeerId};

use super::table::Numbers;
use super::{Message, Suffix, Want};
use crate::log::key::key_bytes;
use crate::log::wire::Out;
use crate::log::{Blob, Body, CallEntry, Entry, Outcome, StepId};

/// First byte of every message.
pub(super) const VERSION: u8 = 1;

pub(super) const VALUE: u8 = 0;
pub(super) const FAILED: u8 = 1;
pub(super) const UNUSED: u8 = 2;
pub(super) const CANON: u8 = 3;
pub(super) const CANON_ON_BASE: u8 = 4;
pub(super) const HOPS: u8 = 5;
pub(super) const SEEN: u8 = 6;
pub(super) const OTHER: u8 = 7;
pub(super) const KIND: u8 = 0x07;
pub(super) const HAS_LEARNT: u8 = 0x08;
pub(super) const HAS_RECEIPT: u8 = 0x10;

/// In place of the number of a value: it stands here in full.
pub(super) const BLOB_HERE: u64 = 0;
/// In place of the number of a value: only its digest stands here.
pub(super) const BLOB_ELSEWHERE: u64 = 1;

pub(super) const WANT_START: u8 = 0;
pub(super) const WANT_JOURNAL: u8 = 1;
pub(super) const WANT_BLOB: u8 = 2;

impl Message {
    /// The bytes that [`Message::decode`] reads.
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(&self.blobs);
        encoder.message(self);
        encoder.out.finish()
    }
}

struct Encoder<'a> {
    out: Out,
    blobs: FxHashMap<Cid, &'a Blob>,
    authors: Numbers<PeerId>,
    names: Numbers<Arc<str>>,
    digests: Numbers<[u8; 32]>,
    steps: Numbers<StepId>,
    sent: Numbers<Cid>,
}

impl<'a> Encoder<'a> {
    fn new(blobs: &'a [Blob]) -> Encoder<'a> {
        Encoder {
            out: Out::new(),
            blobs: blobs.iter().map(|blob| (*blob.cid(), blob)).collect(),
            authors: Numbers::new(),
            names: Numbers::new(),
            digests: Numbers::new(),
            steps: Numbers::new(),
            sent: Numbers::new(),
        }
    }

    fn message(&mut self, message: &Message) {
        self.out.byte(VERSION);
        self.out.raw(message.particle.as_bytes());
        self.out.byte(message.start.is_some().into());
        if let Some(start) = &message.start {
            self.out.bytes(&start.to_bytes());
        }
        self.out.byte(message.script.is_some().into());
        if let Some(script) = &message.script {
            self.out.bytes(script.as_bytes());
        }
        self.out.uint(message.suffixes.len() as u64);
        for suffix in &message.suffixes {
            self.suffix(suffix);
        }
        let rest: Vec<&Blob> = message
            .blobs
            .iter()
            .filter(|blob| self.sent.number(blob.cid()).is_none())
            .collect();
        self.out.uint(rest.len() as u64);
        for blob in rest {
            self.out.bytes(blob.bytes());
        }
        self.out.uint(message.equivocations.len() as u64);
        for proof in &message.equivocations {
            proof.write(&mut self.out);
        }
        self.out.uint(message.wants.len() as u64);
        for want in &message.wants {
            self.want(want);
        }
    }

    fn suffix(&mut self, suffix: &Suffix) {
        let head = &suffix.head.head;
        self.author(&head.author);
        self.out.uint(suffix.from().into());
        self.out.uint(suffix.entries.len() as u64);
        for entry in &suffix.entries {
            self.entry(entry);
        }
        self.out.raw(head.root.as_bytes());
        self.out.raw(&suffix.head.signature.to_bytes());
    }

    fn entry(&mut self, entry: &Entry) {
        let mut kind = match &entry.body {
            Body::Start(_) => unreachable!("start is never part of a suffix"),
            Body::Call(call) => {
                let outcome = match call.outcome {
                    Outcome::Value(_) => VALUE,
                    Outcome::Failed { .. } => FAILED,
                    Outcome::Unused(_) => UNUSED,
                };
                if call.receipt.is_some() {
                    outcome | HAS_RECEIPT
                } else {
                    outcome
                }
            }
            Body::Canon(canon) if canon.base.is_some() => CANON_ON_BASE,
            Body::Canon(_) => CANON,
            Body::Hops(_) => HOPS,
            Body::Seen => SEEN,
            Body::Other { .. } => OTHER,
        };
        if !entry.learnt.is_empty() {
            kind |= HAS_LEARNT;
        }
        self.out.byte(kind);
        if !entry.learnt.is_empty() {
            self.out.uint(entry.learnt.len() as u64);
            for learnt in &entry.learnt {
                self.author(&learnt.author);
                self.out.uint(learnt.length.into());
                self.out.raw(learnt.entry.as_bytes());
            }
        }
        match &entry.body {
            Body::Call(call) => self.call(call),
            Body::Canon(canon) => {
                self.step(&canon.step);
                if let Some(base) = canon.base {
                    self.out.uint(base.into());
                    self.out.uint(canon.kept.into());
                }
                self.out.uint(canon.keys.len() as u64);
                for key in &canon.keys {
                    self.steps
                        .write(&mut self.out, *key, |out, key| out.raw(&key.0));
                }
            }
            Body::Hops(steps) => {
                self.out.uint(steps.len() as u64);
                for step in steps {
                    self.out.raw(&step.0);
                }
            }
            Body::Other { kind, bytes } => {
                self.out.uint((*kind).into());
                self.out.bytes(bytes);
            }
            Body::Start(_) | Body::Seen => {}
        }
    }

    fn call(&mut self, call: &CallEntry) {
        self.step(&call.step);
        self.digest(&call.args);
        self.digest(&call.tetraplets);
        for name in [&call.service, &call.function] {
            self.names.write(&mut self.out, name.clone(), |out, name| {
                out.bytes(name.as_bytes());
            });
        }
        match &call.outcome {
            Outcome::Value(cid) => self.blob(cid),
            Outcome::Failed { code, message } => {
                self.out.int(*code);
                self.blob(message);
            }
            Outcome::Unused(cid) => self.digest(cid),
        }
        if let Some(receipt) = &call.receipt {
            self.out.bytes(receipt);
        }
    }

    fn want(&mut self, want: &Want) {
        match want {
            Want::Start => self.out.byte(WANT_START),
            Want::Journal { author, from } => {
                self.out.byte(WANT_JOURNAL);
                self.author(author);
                self.out.uint((*from).into());
            }
            Want::Blob(cid) => {
                self.out.byte(WANT_BLOB);
                self.out.raw(cid.digest());
            }
        }
    }

    fn author(&mut self, author: &PeerId) {
        self.authors.write(&mut self.out, *author, |out, author| {
            out.raw(&key_bytes(author));
        });
    }

    fn digest(&mut self, cid: &Cid) {
        self.digests
            .write(&mut self.out, *cid.digest(), |out, digest| out.raw(digest));
    }

    /// The step of an entry: always in full, since it occurs once, but numbered for canons.
    fn step(&mut self, step: &StepId) {
        self.out.raw(&step.0);
        self.steps.enter(*step);
    }

    fn blob(&mut self, cid: &Cid) {
        if let Some(number) = self.sent.number(cid) {
            self.out.uint(number + BLOB_ELSEWHERE);
        } else if let Some(blob) = self.blobs.get(cid) {
            self.out.uint(BLOB_HERE);
            self.out.bytes(blob.bytes());
            self.sent.enter(*cid);
        } else {
            self.out.uint(BLOB_ELSEWHERE);
            self.digest(cid);
        }
    }
}
