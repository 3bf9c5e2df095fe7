//! Journals: records one after the other in a file, so that a change is safe after one write at one place.
//!
//! A database of pages writes many of them for a small change. A store writes the change into a journal instead, keeps
//! it in memory, and gives it to the database later, with many others. Then the journal is removed. After a crash the
//! journals that are left hold what the database may not have.
//!
//! ```text
//! journal = "weir.jnl" ‖ u64 store ‖ u32 checksum of these 16 bytes ‖ record*
//! record  = u32 length ‖ u64 number ‖ u32 checksum of the payload ‖ u32 checksum of these 16 bytes ‖ payload
//! ```
//! Integers are big endian, the checksum is CRC-32, those of a record begin with `store`. That is a random number of the
//! store that wrote it: a journal of another store, which was here before, is not taken for one of this one, and nobody
//! can make a payload that has the head of a record inside. Records are numbered one after the other, from journal to journal, and a journal is named after its
//! first number.
//!
//! The last record may have been cut off in the middle, or, when the power went, have holes; then it was not
//! acknowledged, and the journal ends before it. If a later record follows on one that cannot be read, then the file was
//! damaged afterwards.

mod files;
mod media;
mod read;

use std::io;

use crate::Durability;

pub use files::JournalFiles;
pub use media::{Journals, Log, MemoryJournals};
pub use read::{JournalError, journal_payloads};

const MAGIC: &[u8; 8] = b"weir.jnl";

/// Magic, store, checksum.
const HEADER_BYTES: usize = 8 + 8 + 4;

/// Length, number, checksums.
const HEAD_BYTES: usize = 4 + 8 + 4 + 4;

/// A journal that is written.
#[derive(Debug)]
pub struct Journal {
    log: Box<dyn Log>,
    store: u64,
    first: u64,
    durability: Durability,
    bytes: u64,
    /// The last record, to use its memory again.
    record: Vec<u8>,
}

impl Journal {
    /// Begins a journal of a store, whose first record will have this number.
    pub fn begin(
        journals: &dyn Journals,
        store: u64,
        first: u64,
        durability: Durability,
    ) -> io::Result<Self> {
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&store.to_be_bytes());
        header.extend_from_slice(&crc32fast::hash(&header).to_be_bytes());
        let mut log = journals.create(first)?;
        log.append(&header)?;
        if durability == Durability::Power {
            log.sync()?;
            journals.sync_names()?;
        }
        Ok(Self {
            log,
            store,
            first,
            durability,
            bytes: header.len() as u64,
            record: Vec::new(),
        })
    }

    /// The number of its first record, which is also its name.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends the record that `write` makes. When this returns it survives what the durability promises; after an error
    /// nobody knows, and nothing may be appended any more.
    pub fn append(&mut self, number: u64, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let record = &mut self.record;
        record.clear();
        record.extend_from_slice(&[0; HEAD_BYTES]);
        write(record);
        let (head, payload) = record.split_at_mut(HEAD_BYTES);
        let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "more than 4 GiB at once");
        let length = u32::try_from(payload.len()).map_err(too_long)?;
        head[..4].copy_from_slice(&length.to_be_bytes());
        head[4..12].copy_from_slice(&number.to_be_bytes());
        head[12..16].copy_from_slice(&checksum(self.store, payload));
        let of_head = checksum(self.store, &head[..16]);
        head[16..].copy_from_slice(&of_head);
        self.log.append(record)?;
        if self.durability == Durability::Power {
            self.log.sync()?;
        }
        self.bytes += record.len() as u64;
        // One large record is no reason to keep its memory.
        record.clear();
        record.shrink_to(1 << 20);
        Ok(())
    }
}

/// The checksum of a part of a record.
fn checksum(store: u64, bytes: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&store.to_be_bytes());
    hasher.update(bytes);
    hasher.finalize().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Writes down what is asked of it.
    #[derive(Debug, Clone, Default)]
    struct Told(Arc<Mutex<Vec<&'static str>>>);

    impl Told {
        fn tell(&self, what: &'static str) {
            self.0.lock().expect("nobody panics").push(what);
        }

        fn take(&self) -> Vec<&'static str> {
            std::mem::take(&mut self.0.lock().expect("nobody panics"))
        }
    }

    impl Log for Told {
        fn append(&mut self, _: &[u8]) -> io::Result<()> {
            self.tell("append");
            Ok(())
        }

        fn sync(&mut self) -> io::Result<()> {
            self.tell("sync");
            Ok(())
        }
    }

    impl Journals for Told {
        fn list(&self) -> io::Result<Vec<u64>> {
            Ok(Vec::new())
        }

        fn path(&self, _: u64) -> PathBuf {
            PathBuf::new()
        }

        fn read(&self, _: u64) -> io::Result<Vec<u8>> {
            Ok(Vec::new())
        }

        fn create(&self, _: u64) -> io::Result<Box<dyn Log>> {
            self.tell("create");
            Ok(Box::new(self.clone()))
        }

        fn sync_names(&self) -> io::Result<()> {
            self.tell("sync names");
            Ok(())
        }

        fn remove(&self, _: u64) -> io::Result<()> {
            self.tell("remove");
            Ok(())
        }
    }

    #[test]
    fn what_has_to_survive_a_loss_of_power_is_on_the_disk_before_it_is_acknowledged() {
        for (durability, begun, appended) in [
            (
                Durability::Power,
                &["create", "append", "sync", "sync names"][..],
                &["append", "sync"][..],
            ),
            (Durability::Process, &["create", "append"], &["append"]),
        ] {
            let told = Told::default();
            let mut journal = Journal::begin(&told, 1, 1, durability).expect("nothing fails");
            assert_eq!(told.take(), begun);
            let record = |out: &mut Vec<u8>| out.push(1);
            journal.append(1, record).expect("nothing fails");
            assert_eq!(told.take(), appended);
        }
    }
}
