//! What other peers know: the past of an author, and what a peer acknowledged.
//!
//! A past is a clock (author → length). It is computed when somebody asks, and then kept: each
//! entry is visited at most once per author whose past contains it, and authors who are never
//! asked about cost nothing.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use weir_identity::PeerId;

use super::journal::{Held, Journal, Link};
use super::{AuthorIdx, Body, Log, LogIndex};

/// The closure of everything that an author's signed journal names.
#[derive(Clone, Debug, Default)]
pub struct Past {
    clock: FxHashMap<AuthorIdx, u32>,
    /// The same for branches, as far as they were followed.
    branches: FxHashMap<(AuthorIdx, u32), u32>,
    /// How many entries, in order of arrival, are all in this past.
    prefix: u32,
}

impl Past {
    /// How many entries of this author's journal are in this past.
    pub fn length(&self, author: AuthorIdx) -> u32 {
        self.clock.get(&author).copied().unwrap_or(0)
    }

    fn extend(&mut self, journals: &[Journal], author: AuthorIdx, length: u32) {
        let mut work = vec![Link {
            author,
            branch: None,
            length,
        }];
        while let Some(link) = work.pop() {
            let journal = &journals[link.author.0 as usize];
            let common = match link.branch {
                None => link.length,
                Some(branch) => {
                    let held = &journal.branches[branch as usize];
                    let done = self
                        .branches
                        .entry((link.author, branch))
                        .or_insert(held.fork);
                    let from = (*done).min(link.length);
                    *done = link.length.max(*done);
                    let entries = &held.entries
                        [(from - held.fork) as usize..(link.length - held.fork) as usize];
                    push_links(&mut work, entries);
                    held.fork
                }
            };
            let done = self.clock.entry(link.author).or_insert(0);
            if *done < common {
                let entries = &journal.entries[*done as usize..common as usize];
                *done = common;
                push_links(&mut work, entries);
            }
        }
    }
}

fn push_links(work: &mut Vec<Link>, entries: &[Held]) {
    work.extend(entries.iter().flat_map(|held| held.links.iter().copied()));
}

/// What one peer acknowledged or sent itself. Not durable: after a restart it is sent again.
#[derive(Clone, Debug, Default)]
pub(super) struct Acknowledged {
    pub(super) start: bool,
    pub(super) clock: FxHashMap<AuthorIdx, u32>,
    /// Branch and its length.
    pub(super) branches: FxHashMap<(AuthorIdx, u32), u32>,
    pub(super) proofs: FxHashSet<AuthorIdx>,
    prefix: u32,
}

impl Acknowledged {
    pub(super) fn advance(&mut self, author: AuthorIdx, length: u32) {
        let known = self.clock.entry(author).or_insert(0);
        *known = length.max(*known);
    }
}

/// What is known about what is known elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Knowledge {
    pasts: FxHashMap<AuthorIdx, Past>,
    pub(super) peers: BTreeMap<PeerId, Acknowledged>,
}

impl Knowledge {
    /// A peer lacks *start*, whatever was acknowledged.
    pub(super) fn forget_start(&mut self, peer: &PeerId) {
        if let Some(known) = self.peers.get_mut(peer) {
            known.start = false;
        }
    }

    /// A peer lacks a journal from this length on, and its branches, whatever was acknowledged.
    pub(super) fn forget(&mut self, peer: &PeerId, author: AuthorIdx, length: u32) {
        if let Some(known) = self.peers.get_mut(peer) {
            known
                .clock
                .entry(author)
                .and_modify(|known| *known = length.min(*known));
            known
                .branches
                .retain(|(branched, _), _| *branched != author);
            known.prefix = 0;
        }
    }
}

/// What a message tells, in terms of the log that made it; for [`Log::acknowledged`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    pub(super) start: bool,
    pub(super) journals: Vec<(AuthorIdx, u32)>,
    /// Author, branch, length.
    pub(super) branches: Vec<(AuthorIdx, u32, u32)>,
    pub(super) proofs: Vec<AuthorIdx>,
    pub(super) partial: bool,
}

impl Extent {
    /// Whether the receiver lacks more than the message tells, because it would have become too
    /// large. Once it is acknowledged, [`Log::message_for`] gives the rest.
    pub fn is_partial(&self) -> bool {
        self.partial
    }
}

impl Log {
    /// The past of this author's signed journal, as far as it is held here.
    pub fn past(&mut self, author: AuthorIdx) -> &Past {
        let length = self.journals[author.0 as usize].signed_len();
        let past = self.knowledge.pasts.entry(author).or_default();
        if past.length(author) < length {
            past.extend(&self.journals, author, length);
        }
        past
    }

    /// The length of the longest prefix of this log, in order of arrival, that the author's signed
    /// journal shows it to have known. What no delivery needs counts as known: entries that were cut
    /// off, *start*, and those that state no fact.
    pub fn prefix_known_to(&mut self, author: AuthorIdx) -> LogIndex {
        self.past(author);
        let (journals, order) = (&self.journals, &self.order);
        let past = self.knowledge.pasts.entry(author).or_default();
        let mut prefix = past.prefix as usize;
        while order.get(prefix).is_some_and(|(author, index)| {
            *index < past.length(*author) || is_needless(journals, *author, *index)
        }) {
            prefix += 1;
        }
        past.prefix = prefix as u32;
        LogIndex(past.prefix)
    }

    /// Whether an author has built on the other branch of somebody who
    /// contradicted itself. What it says then need not fit what is evaluated
    /// here, and is no lie of its own.
    pub fn builds_on_branch(&mut self, author: AuthorIdx) -> bool {
        !self.past(author).branches.is_empty()
    }

    /// Whether a peer is known to have this entry: by its own signed journal, by an
    /// acknowledgement, or because it sent it.
    pub fn is_known_to(&mut self, peer: &PeerId, entry: LogIndex) -> bool {
        let Some(&(author, index)) = self.order.get(entry.0 as usize) else {
            return false;
        };
        self.length_known_to(peer, author) > index
    }

    /// How much of an author's journal a peer is known to have.
    pub fn length_known_to(&mut self, peer: &PeerId, author: AuthorIdx) -> u32 {
        if let Some(idx) = self.author_idx(peer) {
            self.past(idx);
        }
        self.length_seen_by(peer, author)
    }

    /// The same as far as it was found out before.
    pub(super) fn length_seen_by(&self, peer: &PeerId, author: AuthorIdx) -> u32 {
        let past = self
            .author_idx(peer)
            .and_then(|idx| self.knowledge.pasts.get(&idx))
            .map_or(0, |past| past.length(author));
        let acknowledged = self
            .knowledge
            .peers
            .get(peer)
            .and_then(|a| a.clock.get(&author))
            .copied();
        past.max(acknowledged.unwrap_or(0))
    }

    /// Whether a peer is known to have *start* and script.
    pub fn start_known_to(&self, peer: &PeerId) -> bool {
        *peer == self.start.initiator
            || self
                .author_idx(peer)
                .is_some_and(|idx| self.journals[idx.0 as usize].head.is_some())
            || self
                .knowledge
                .peers
                .get(peer)
                .is_some_and(|known| known.start)
    }

    /// Takes note that a peer has received a message of this [`Extent`].
    pub fn acknowledged(&mut self, peer: &PeerId, extent: &Extent) {
        let known = self.knowledge.peers.entry(*peer).or_default();
        known.start |= extent.start;
        for (author, length) in &extent.journals {
            known.advance(*author, *length);
        }
        for (author, branch, length) in &extent.branches {
            let held = known.branches.entry((*author, *branch)).or_insert(0);
            *held = (*length).max(*held);
        }
        known.proofs.extend(&extent.proofs);
    }

    /// The length of the longest prefix of this log that a peer is known to have in any way, or
    /// does not need because it was cut off.
    pub(super) fn prefix_held_by(&mut self, peer: &PeerId) -> usize {
        let empty = Past::default();
        let past = match self.author_idx(peer) {
            Some(idx) => {
                self.past(idx);
                self.knowledge.pasts.get(&idx).unwrap_or(&empty)
            }
            None => &empty,
        };
        let mut fresh = Acknowledged::default();
        let known = self.knowledge.peers.get_mut(peer).unwrap_or(&mut fresh);
        let mut prefix = known.prefix as usize;
        let journals = &self.journals;
        while self.order.get(prefix).is_some_and(|(author, index)| {
            *index >= journals[author.0 as usize].live_len()
                || *index < past.length(*author)
                || *index < known.clock.get(author).copied().unwrap_or(0)
                || (*author, *index) == (AuthorIdx(0), 0)
        }) {
            prefix += 1;
        }
        known.prefix = prefix as u32;
        prefix
    }
}

/// *Start*, which everybody knows, entries that state no fact, and entries behind a cut: what no
/// delivery needs.
fn is_needless(journals: &[Journal], author: AuthorIdx, index: u32) -> bool {
    let journal = &journals[author.0 as usize];
    (author, index) == (AuthorIdx(0), 0)
        || index >= journal.live_len()
        || matches!(journal.entries[index as usize].entry.body, Body::Seen)
}
