//! What must be durable, and how a log comes back from it.
//!
//! A record is opaque to the host, which keeps the records of a log in order. The first byte says
//! what it is.

use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap;
use weir_identity::PeerId;

use super::intake::Pending;
use super::key::{KEY_LEN, key_bytes, peer_of_key};
use super::merge::Received;
use super::wire::{In, Out};
use super::{
    AuthorIdx, Blob, Blobs, Entry, Equivocation, Head, Log, Malformed, Message, MessageLimits,
    Offence, SignedHead, Start, StartError, StoredBlob,
};

const BLOB: u8 = 0;
const OWN_ENTRY: u8 = 1;
const OWN_HEAD: u8 = 2;
const ACCEPTED: u8 = 3;
const CUT: u8 = 4;
const PROOF: u8 = 5;

/// One change of a [`Log`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record(Bytes);

/// Why a log does not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// *Start* or script.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A record.
    #[error("record {number}: {why}")]
    Record {
        /// Its number, from 0.
        number: usize,
        /// What is wrong with it.
        why: Malformed,
    },
}

impl Record {
    /// The bytes to keep.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// A record that was kept. Its bytes are looked at by [`Log::restore`].
    pub fn from_bytes(bytes: Bytes) -> Record {
        Record(bytes)
    }

    fn new(kind: u8, rest: &[u8]) -> Record {
        let mut bytes = Vec::with_capacity(1 + rest.len());
        bytes.push(kind);
        bytes.extend_from_slice(rest);
        Record(bytes.into())
    }

    pub(super) fn blob(blob: &Blob) -> Record {
        Record::new(BLOB, blob.bytes())
    }

    pub(super) fn own_entry(entry: &[u8]) -> Record {
        Record::new(OWN_ENTRY, entry)
    }

    pub(super) fn own_head(head: &SignedHead) -> Record {
        let mut out = Out::new();
        out.uint(head.head.length.into());
        out.raw(&head.signature.to_bytes());
        Record::new(OWN_HEAD, &out.finish())
    }

    pub(super) fn accepted(message: &Message) -> Record {
        Record::new(ACCEPTED, &message.encode())
    }

    pub(super) fn cut(author: &PeerId, index: u32, offence: Offence) -> Record {
        let mut out = Out::new();
        out.raw(&key_bytes(author));
        out.uint(index.into());
        out.byte(offence.number());
        Record::new(CUT, &out.finish())
    }

    pub(super) fn proof(proof: &Equivocation) -> Record {
        Record::new(PROOF, &proof.to_bytes())
    }
}

impl Log {
    /// The log that gave these records, with the same order of arrival. What was parked or
    /// acknowledged is not part of it. Signatures were checked when the records were made and are
    /// not checked again; roots are.
    pub fn restore(
        start: Arc<Start>,
        script: Arc<str>,
        me: PeerId,
        records: impl IntoIterator<Item = Record>,
    ) -> Result<Log, RestoreError> {
        Log::restore_sharing(start, script, me, records, None)
    }

    /// Like [`Log::restore`], with values shared as after [`Log::share_values`].
    pub fn restore_sharing(
        start: Arc<Start>,
        script: Arc<str>,
        me: PeerId,
        records: impl IntoIterator<Item = Record>,
        values: Option<Arc<Blobs>>,
    ) -> Result<Log, RestoreError> {
        let mut log = Log::new(start, script, me)?;
        log.values = values;
        for (number, record) in records.into_iter().enumerate() {
            log.replay(&record)
                .map_err(|why| RestoreError::Record { number, why })?;
        }
        log.records.clear();
        Ok(log)
    }

    fn replay(&mut self, record: &Record) -> Result<(), Malformed> {
        let (kind, rest) = record.0.split_first().ok_or(Malformed("empty record"))?;
        match *kind {
            BLOB => {
                let blob = self.shared(Blob::from_bytes(rest)?);
                let stored = StoredBlob {
                    blob,
                    carrier: None,
                };
                self.blobs.entry(*stored.blob.cid()).or_insert(stored);
                Ok(())
            }
            OWN_ENTRY => self.replay_entry(rest),
            OWN_HEAD => self.replay_head(rest),
            ACCEPTED => self.replay_accepted(rest),
            CUT => self.replay_cut(rest),
            PROOF => {
                let proof = Equivocation::from_bytes(rest)?;
                let author = self
                    .author_idx(&proof.author)
                    .ok_or(Malformed("author of a proof"))?;
                self.equivocations.insert(author, proof);
                Ok(())
            }
            _ => Err(Malformed("kind of a record")),
        }
    }

    fn own(&self) -> Result<AuthorIdx, Malformed> {
        self.me.ok_or(Malformed("own record of an observer"))
    }

    fn replay_entry(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let me = self.own()?;
        let entry = Entry::from_bytes(bytes)?;
        if entry
            .blob()
            .is_some_and(|cid| !self.blobs.contains_key(cid))
        {
            return Err(Malformed("own entry without its value"));
        }
        let links = entry
            .learnt
            .iter()
            .map(|learnt| {
                self.resolve(learnt)
                    .ok_or(Malformed("own entry names what is not here"))
            })
            .collect::<Result<_, _>>()?;
        self.push_own(me, entry, bytes, links);
        Ok(())
    }

    fn replay_head(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let me = self.own()?;
        let mut input = In::new(bytes);
        let length = input.u32()?;
        let signature = input.signature()?;
        input.end()?;
        let journal = &mut self.journals[me.0 as usize];
        let root = journal.mmr.root_at(length).ok_or(Malformed("own head"))?;
        let head = Head {
            particle: self.particle,
            author: journal.author,
            length,
            root,
        };
        journal.set_head(SignedHead { head, signature });
        Ok(())
    }

    fn replay_accepted(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let message = Message::decode(bytes, &MessageLimits::UNLIMITED)?;
        if message.particle != self.particle {
            return Err(Malformed("record of another particle"));
        }
        let initiator = self.start.initiator;
        let pendings = message
            .suffixes
            .into_iter()
            .map(|s| Pending::new(initiator, s, true))
            .collect();
        let blobs: FxHashMap<_, _> = message
            .blobs
            .into_iter()
            .map(|blob| (*blob.cid(), self.shared(blob)))
            .collect();
        let mut received = Received::default();
        self.settle(pendings, &blobs, &mut received);
        if self.parking.len() == 0 && received.refused.is_empty() {
            Ok(())
        } else {
            Err(Malformed("accepted entries do not fit"))
        }
    }

    fn replay_cut(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut input = In::new(bytes);
        let author = peer_of_key(&input.fixed::<KEY_LEN>()?)?;
        let index = input.u32()?;
        let offence = Offence::of_number(input.byte()?).ok_or(Malformed("offence"))?;
        input.end()?;
        let author = self
            .author_idx(&author)
            .ok_or(Malformed("author of a cut"))?;
        if self.cut(author, index, offence) {
            Ok(())
        } else {
            Err(Malformed("cut"))
        }
    }
}
