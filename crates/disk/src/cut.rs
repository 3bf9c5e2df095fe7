//! A disk that ends in the middle of something.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use redb::backends::FileBackend;
use redb::{DatabaseError, StorageBackend};

use crate::journal::{JournalFiles, Journals, Log};

/// What disks write whole or not at all, in bytes.
const SECTOR: usize = 512;

/// When writing ends.
#[derive(Debug, Clone)]
struct End {
    /// Operations that are left.
    left: Arc<AtomicUsize>,
    /// How many sectors of the write at which it ends are written.
    sectors: usize,
}

impl End {
    fn check(&self) -> io::Result<()> {
        let less = |left: usize| left.checked_sub(1);
        let order = Ordering::SeqCst;
        match self.left.fetch_update(order, order, less) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    /// Does as much of this write as the disk still does.
    fn write(
        &self,
        bytes: &[u8],
        mut write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let most = self.sectors * SECTOR;
        if self.left.load(Ordering::SeqCst) == 1 && most < bytes.len() {
            write(&bytes[..most])?;
            self.left.store(0, Ordering::SeqCst);
        }
        self.check()?;
        write(bytes)
    }
}

/// A file to which nothing can be written after so many operations, as if the process or the machine ended there.
#[derive(Debug)]
pub struct Cut {
    file: FileBackend,
    end: End,
}

impl Cut {
    /// A file with so many operations left, of whose last write so many sectors are written.
    pub fn new(file: File, left: Arc<AtomicUsize>, sectors: usize) -> Result<Self, DatabaseError> {
        Ok(Self {
            file: FileBackend::new(file)?,
            end: End { left, sectors },
        })
    }
}

impl StorageBackend for Cut {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.end.check()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.end.check()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.end.write(data, |data| self.file.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

/// The journals on the same disk.
#[derive(Debug)]
pub struct CutJournals {
    files: JournalFiles,
    end: End,
}

impl CutJournals {
    /// Those of the store at a path, with so many operations left for them and the store.
    pub fn new(store: &Path, left: Arc<AtomicUsize>, sectors: usize) -> Self {
        Self {
            files: JournalFiles::of(store),
            end: End { left, sectors },
        }
    }
}

impl Journals for CutJournals {
    fn list(&self) -> io::Result<Vec<u64>> {
        self.files.list()
    }

    fn path(&self, first: u64) -> PathBuf {
        self.files.path(first)
    }

    fn read(&self, first: u64) -> io::Result<Vec<u8>> {
        self.files.read(first)
    }

    fn create(&self, first: u64) -> io::Result<Box<dyn Log>> {
        self.end.check()?;
        Ok(Box::new(CutLog {
            log: self.files.create(first)?,
            path: self.path(first),
            end: self.end.clone(),
            bytes: 0,
            synced: 0,
        }))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.end.check()
    }

    fn remove(&self, first: u64) -> io::Result<()> {
        self.end.check()?;
        self.files.remove(first)
    }
}

/// A journal that loses what was not synced when writing ends, if an even number of sectors is written then.
#[derive(Debug)]
struct CutLog {
    log: Box<dyn Log>,
    path: PathBuf,
    end: End,
    bytes: u64,
    synced: u64,
}

impl Log for CutLog {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Self { log, end, .. } = self;
        end.write(bytes, |bytes| log.append(bytes))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.end.check()?;
        self.synced = self.bytes;
        Ok(())
    }
}

impl Drop for CutLog {
    fn drop(&mut self) {
        if self.end.left.load(Ordering::SeqCst) == 0 && self.end.sectors.is_multiple_of(2) {
            let file = File::options().write(true).open(&self.path);
            // It may be gone.
            let _ = file.and_then(|file| file.set_len(self.synced));
        }
    }
}
