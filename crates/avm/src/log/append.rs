//! Own entries and the own head.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use weir_identity::{Cid, Keypair, Value};

use super::journal::{Held, Link};
use super::record::Record;
use super::{AuthorIdx, Blob, Body, Entry, INITIATOR, Learnt, Log, LogIndex, StoredBlob};

/// A peer signs its journal at least as often as this many times in what fits into a message.
const HEADS_PER_MESSAGE: usize = 4;

/// Why a log makes no entries and signs no heads. It still merges and forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silent {
    /// It belongs to no peer.
    #[error("an observer makes no entries")]
    Observer,
    /// The host asked for it, for instance because its store is younger than the particle.
    #[error("this peer may not take part in this particle")]
    Muted,
    /// Entries of this peer arrived that it does not hold: somebody else uses its key, or its
    /// store was set back.
    #[error("the key of this peer is used twice")]
    KeyUsedTwice,
}

impl Log {
    /// Why this log makes no entries; none if it does.
    pub fn silent(&self) -> Option<Silent> {
        self.silent
    }

    /// Makes no entries and signs no heads from now on. Not durable: the host decides anew after
    /// a restart.
    pub fn mute(&mut self) {
        self.silent.get_or_insert(Silent::Muted);
    }

    /// Puts a value beside the journals, for an entry that will name it.
    pub fn store(&mut self, value: Value) -> Cid {
        let blob = self.shared(Blob::of(value));
        let cid = *blob.cid();
        self.blobs.entry(cid).or_insert_with(|| {
            self.records.push(Record::blob(&blob));
            StoredBlob {
                blob,
                carrier: None,
            }
        });
        cid
    }

    /// Appends an own entry. The value that it names must be [`store`](Log::store)d. What was
    /// learnt since the own previous entry is added.
    ///
    /// Cost: one leaf hash, one inner hash (amortised), and a visit to each entry that arrived
    /// since the own previous one.
    pub fn append(&mut self, body: Body) -> Result<LogIndex, Silent> {
        let learnt = self.unrecorded();
        self.append_learnt(body, learnt)
    }

    /// Signs the own journal if it has grown, or if a fact was learnt that no own entry records;
    /// then a [`Body::Seen`] is appended first. That others have seen something is no fact: two
    /// peers would tell each other so for ever. True if there is a new head.
    ///
    /// The caller must have evaluated everything that is here: that is what a head says.
    pub fn sign(&mut self, key: &Keypair) -> Result<bool, Silent> {
        self.me_speaking()?;
        let arrived = &self.order[self.recorded..];
        if arrived
            .iter()
            .any(|(author, index)| self.is_fact(*author, *index))
        {
            let learnt = self.unrecorded();
            if !learnt.is_empty() {
                self.append_learnt(Body::Seen, learnt)?;
            }
        }
        self.seal(key)
    }

    fn is_fact(&self, author: AuthorIdx, index: u32) -> bool {
        let held = &self.journals[author.0 as usize].entries[index as usize];
        !matches!(held.entry.body, Body::Seen)
    }

    /// Signs the own journal as it stands, and where it is so large that it must be possible to
    /// send it in parts, also before its end. Adds no entry: whoever restored this log from a store
    /// while another owner of it goes on cannot contradict that owner.
    pub fn seal(&mut self, key: &Keypair) -> Result<bool, Silent> {
        let me = self.me_speaking()?;
        let journal = &self.journals[me.0 as usize];
        let (signed, length) = (journal.signed_len(), journal.len());
        let mut bytes = 0;
        for index in signed..length {
            // Messages are cut at heads only.
            let weight = self.weight(&self.journals[me.0 as usize].entries[index as usize]);
            if bytes > 0 && bytes + weight > self.limits.message_bytes / HEADS_PER_MESSAGE {
                self.sign_at(me, index, key);
                bytes = 0;
            }
            bytes += weight;
        }
        if signed < length {
            self.sign_at(me, length, key);
        }
        Ok(signed < length)
    }

    fn sign_at(&mut self, me: AuthorIdx, length: u32, key: &Keypair) {
        let journal = &mut self.journals[me.0 as usize];
        let root = journal
            .mmr
            .root_at(length)
            .expect("the journal has an entry and this length");
        let head = super::Head {
            particle: self.particle,
            author: journal.author,
            length,
            root,
        };
        let head = head.sign(key);
        self.records.push(Record::own_head(&head));
        journal.set_head(head);
    }

    fn me_speaking(&self) -> Result<AuthorIdx, Silent> {
        match (self.silent, self.me) {
            (Some(silent), _) => Err(silent),
            (None, None) => Err(Silent::Observer),
            (None, Some(me)) => Ok(me),
        }
    }

    fn append_learnt(
        &mut self,
        body: Body,
        learnt: Vec<(AuthorIdx, Learnt)>,
    ) -> Result<LogIndex, Silent> {
        let me = self.me_speaking()?;
        let links = learnt
            .iter()
            .map(|(author, learnt)| Link {
                author: *author,
                branch: None,
                length: learnt.length,
            })
            .collect();
        let learnt = learnt.into_iter().map(|(_, learnt)| learnt).collect();
        let entry = Entry { body, learnt };
        let bytes = entry.to_bytes();
        self.records.push(Record::own_entry(&bytes));
        Ok(self.push_own(me, entry, &bytes, links))
    }

    pub(super) fn push_own(
        &mut self,
        me: AuthorIdx,
        entry: Entry,
        bytes: &[u8],
        links: Box<[Link]>,
    ) -> LogIndex {
        let at = LogIndex(self.order.len() as u32);
        if let Some(cid) = entry.blob() {
            self.carry(*cid, at);
        }
        let journal = &mut self.journals[me.0 as usize];
        let index = journal.len();
        journal.mmr.push(super::mmr::leaf_hash(bytes));
        journal.entries.push(Held {
            entry: Arc::new(entry),
            links,
            at: Some(at),
        });
        self.order.push((me, index));
        self.recorded = self.order.len();
        at
    }

    /// Takes note of the first entry that names a value.
    pub(super) fn carry(&mut self, cid: Cid, at: LogIndex) {
        let stored = self.blobs.get_mut(&cid);
        debug_assert!(
            stored.is_some(),
            "a value is here before the entry that names it"
        );
        if let Some(stored) = stored {
            stored.carrier.get_or_insert(at);
        }
    }

    /// What was learnt since the own last entry, without what other items imply.
    ///
    /// Going backward in the order of arrival, each entry comes before all entries of its past. So
    /// an entry that nothing later covers is the newest of its author and has to be named, and all
    /// that it and the covered entries name is covered.
    fn unrecorded(&self) -> Vec<(AuthorIdx, Learnt)> {
        let mut covered: FxHashMap<AuthorIdx, u32> = FxHashMap::default();
        covered.insert(INITIATOR, 1);
        let mut learnt = Vec::new();
        for &(author, index) in self.order[self.recorded..].iter().rev() {
            let journal = &self.journals[author.0 as usize];
            if Some(author) == self.me || index >= journal.live_len() {
                continue;
            }
            let known = covered.entry(author).or_insert(0);
            if *known <= index {
                *known = index + 1;
                let entry = journal.mmr.leaf(index).expect("every entry has its leaf");
                learnt.push((
                    author,
                    Learnt {
                        author: journal.author,
                        length: index + 1,
                        entry,
                    },
                ));
            }
            for link in &journal.entries[index as usize].links {
                if link.branch.is_none() {
                    let known = covered.entry(link.author).or_insert(0);
                    *known = link.length.max(*known);
                }
            }
        }
        learnt.sort_unstable_by_key(|(_, item)| item.author);
        learnt
    }
}
