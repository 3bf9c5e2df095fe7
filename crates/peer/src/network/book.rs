//! The address book.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weir_identity::{Hash, PeerId, keccak256};

use crate::reach::{Contact, Reach};
use crate::time::Timestamp;

/// Where peers can be found: by what they signed, and by what the operator
/// or a script said.
///
/// Bounded; what expires first leaves first. What the operator said stays, and
/// nobody else changes it.
#[derive(Debug, Default)]
pub(crate) struct AddressBook {
    entries: BTreeMap<PeerId, Entry>,
    expiries: BTreeSet<(Timestamp, PeerId)>,
}

#[derive(Debug)]
struct Entry {
    signed: Option<Reach>,
    /// Hash of the record.
    record: Option<Hash>,
    told: Vec<Arc<str>>,
    /// `told` is from the operator.
    operator: bool,
    /// Without meaning for an entry of the operator.
    expires: Timestamp,
}

/// There is room for what the operator said only.
#[derive(Debug)]
pub(crate) struct BookFull;

impl AddressBook {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes in a verified record unless a later one is known.
    pub(crate) fn learn(
        &mut self,
        reach: Reach,
        record: &[u8],
        now: Timestamp,
        max: usize,
    ) -> Result<(), BookFull> {
        if reach.expires <= now {
            return Ok(());
        }
        let peer = reach.peer;
        let known = self
            .entries
            .get(&peer)
            .and_then(|entry| entry.signed.as_ref());
        if known.is_some_and(|known| known.issued >= reach.issued && known.expires > now) {
            return Ok(());
        }
        let former = self.take(&peer);
        let operator = former.as_ref().is_some_and(|entry| entry.operator);
        let told = former.map_or_else(Vec::new, |entry| entry.told);
        let expires = reach.expires;
        self.put(
            peer,
            Entry {
                signed: Some(reach),
                record: Some(keccak256(&[record])),
                told,
                operator,
                expires,
            },
            max,
        )
    }

    /// Takes in what the operator says (`expires` is `None`) or what a script says.
    pub(crate) fn tell(
        &mut self,
        contact: Contact,
        expires: Option<Timestamp>,
        max: usize,
    ) -> Result<(), BookFull> {
        let operator = expires.is_none();
        let expires = expires.unwrap_or_default();
        let known = self.entries.get(&contact.peer);
        if !operator && known.is_some_and(|entry| entry.operator) {
            return Ok(());
        }
        let former = self.take(&contact.peer);
        let expires = former
            .as_ref()
            .map_or(expires, |entry| entry.expires.max(expires));
        let (signed, record) = former.map_or((None, None), |entry| (entry.signed, entry.record));
        self.put(
            contact.peer,
            Entry {
                signed,
                record,
                told: contact.addresses,
                operator,
                expires,
            },
            max,
        )
    }

    /// Whether this very record is known.
    pub(crate) fn has(&self, peer: &PeerId, record: &[u8]) -> bool {
        let known = self.entries.get(peer).and_then(|entry| entry.record);
        known.is_some_and(|known| known == keccak256(&[record]))
    }

    fn take(&mut self, peer: &PeerId) -> Option<Entry> {
        let entry = self.entries.remove(peer)?;
        self.expiries.remove(&(entry.expires, *peer));
        Some(entry)
    }

    fn put(&mut self, peer: PeerId, entry: Entry, max: usize) -> Result<(), BookFull> {
        while self.entries.len() >= max {
            let (_, first) = self.expiries.first().copied().ok_or(BookFull)?;
            self.take(&first);
        }
        if !entry.operator {
            self.expiries.insert((entry.expires, peer));
        }
        self.entries.insert(peer, entry);
        Ok(())
    }

    /// Forgets what is no longer to be believed.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        while let Some((expires, peer)) = self.expiries.first().copied() {
            if expires > now {
                return;
            }
            self.take(&peer);
        }
    }

    /// Where `peer` can be dialled, best first.
    pub(crate) fn addresses(&self, peer: &PeerId, now: Timestamp) -> Vec<Arc<str>> {
        let Some(entry) = self.entries.get(peer) else {
            return Vec::new();
        };
        let mut addresses = entry.told.clone();
        for address in signed(entry, now)
            .into_iter()
            .flat_map(|reach| &reach.addresses)
        {
            if !addresses.contains(address) {
                addresses.push(address.clone());
            }
        }
        addresses
    }

    /// Who holds packets for `peer`.
    pub(crate) fn relays(&self, peer: &PeerId, now: Timestamp) -> Vec<Contact> {
        let entry = self.entries.get(peer);
        entry
            .and_then(|entry| signed(entry, now))
            .map_or_else(Vec::new, |r| r.relays.clone())
    }
}

fn signed(entry: &Entry, now: Timestamp) -> Option<&Reach> {
    entry.signed.as_ref().filter(|reach| reach.expires > now)
}
