//! Changes that the database does not have yet, by table and key.
//!
//! In a journal, with integers in LEB128 where not said otherwise:
//! ```text
//! layer  = change*
//! change = u8 table ‖ bytes(key) ‖ (0x00 ‖ bytes(value) | 0x01 | 0x02 ‖ u64 big endian number of a commit)
//! ```

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bytes::Bytes;

use super::change::{Change, Table};

/// What an entry takes beside its bytes, about.
const ENTRY_BYTES: usize = 128;

const PUT: u8 = 0;
const DELETE: u8 = 1;
const DELETE_OLDER: u8 = 2;

/// What became of keys.
#[derive(Debug, Default)]
pub(super) struct Layer {
    tables: [BTreeMap<Bytes, Change>; Table::ALL.len()],
    bytes: usize,
}

impl Layer {
    /// Memory that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.iter().all(BTreeMap::is_empty)
    }

    pub(super) fn table(&self, table: Table) -> &BTreeMap<Bytes, Change> {
        &self.tables[table as usize]
    }

    /// Adds a change to those before.
    pub(super) fn add(&mut self, table: Table, key: Bytes, change: Change) {
        let weight = |change: &Change| match change {
            Change::Put(value) => value.len(),
            Change::Delete | Change::DeleteOlder(_) => 0,
        };
        match self.tables[table as usize].entry(key) {
            Entry::Vacant(place) => {
                self.bytes += place.key().len() + weight(&change) + ENTRY_BYTES;
                place.insert(change);
            }
            Entry::Occupied(mut place) => {
                let before = place.get();
                self.bytes -= weight(before);
                let change = change.after(before.clone());
                self.bytes += weight(&change);
                place.insert(change);
            }
        }
    }

    /// Adds what a later one has.
    pub(super) fn add_all(&mut self, later: Self) {
        for (table, changes) in Table::ALL.into_iter().zip(later.tables) {
            for (key, change) in changes {
                self.add(table, key, change);
            }
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for table in Table::ALL {
            for (key, change) in self.table(table) {
                out.push(table as u8);
                put_bytes(out, key);
                match change {
                    Change::Put(value) => {
                        out.push(PUT);
                        put_bytes(out, value);
                    }
                    Change::Delete => out.push(DELETE),
                    Change::DeleteOlder(than) => {
                        out.push(DELETE_OLDER);
                        out.extend_from_slice(&than.to_be_bytes());
                    }
                }
            }
        }
    }

    /// Adds what was encoded; nothing if it cannot be read to its end.
    pub(super) fn add_encoded(&mut self, bytes: &[u8]) -> Option<()> {
        let mut later = Self::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let table = Table::ALL.get(usize::from(byte(&mut rest)?))?;
            let key = take_bytes(&mut rest)?;
            let change = match byte(&mut rest)? {
                PUT => Change::Put(take_bytes(&mut rest)?),
                DELETE => Change::Delete,
                DELETE_OLDER => {
                    let than = take(&mut rest, 8)?;
                    Change::DeleteOlder(u64::from_be_bytes(than.try_into().ok()?))
                }
                _ => return None,
            };
            later.add(*table, key, change);
        }
        self.add_all(later);
        Some(())
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
}

fn take_bytes(rest: &mut &[u8]) -> Option<Bytes> {
    let mut length: usize = 0;
    for shift in (0..35).step_by(7) {
        let next = byte(rest)?;
        length |= usize::from(next & 0x7f) << shift;
        if next < 0x80 {
            return take(rest, length).map(Bytes::copy_from_slice);
        }
    }
    None
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    take(rest, 1)?.first().copied()
}
