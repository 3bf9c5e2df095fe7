//! Where journals are.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The journals of one store, by the numbers of their first records.
pub trait Journals: Debug + Send + Sync {
    /// Which there are, in ascending order.
    fn list(&self) -> io::Result<Vec<u64>>;

    /// What one is called where people read.
    fn path(&self, first: u64) -> PathBuf;

    /// The bytes of one.
    fn read(&self, first: u64) -> io::Result<Vec<u8>>;

    /// Makes an empty one, in place of what has this name.
    fn create(&self, first: u64) -> io::Result<Box<dyn Log>>;

    /// Waits until the disk knows which there are.
    fn sync_names(&self) -> io::Result<()>;

    /// Removes one.
    fn remove(&self, first: u64) -> io::Result<()>;
}

/// A file that grows at its end.
pub trait Log: Debug + Send {
    /// Writes bytes at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits until the disk has them.
    fn sync(&mut self) -> io::Result<()>;
}

/// Journals in memory, for stores in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournals(Arc<Mutex<BTreeMap<u64, Vec<u8>>>>);

impl MemoryJournals {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a journal there.
    pub fn insert(&self, first: u64, bytes: Vec<u8>) {
        self.lock().insert(first, bytes);
    }
}

impl Journals for MemoryJournals {
    fn list(&self) -> io::Result<Vec<u64>> {
        Ok(self.lock().keys().copied().collect())
    }

    fn path(&self, first: u64) -> PathBuf {
        format!("journal-{first:016x}").into()
    }

    fn read(&self, first: u64) -> io::Result<Vec<u8>> {
        let found = self.lock().get(&first).cloned();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create(&self, first: u64) -> io::Result<Box<dyn Log>> {
        self.insert(first, Vec::new());
        let journals = self.clone();
        Ok(Box::new(MemoryLog { journals, first }))
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, first: u64) -> io::Result<()> {
        self.lock().remove(&first);
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryLog {
    journals: MemoryJournals,
    first: u64,
}

impl Log for MemoryLog {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut journals = self.journals.lock();
        journals
            .entry(self.first)
            .or_default()
            .extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
