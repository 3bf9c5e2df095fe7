//! A disk that ends in the middle of something.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use redb::backends::FileBackend;
use redb::{DatabaseError, StorageBackend};

/// What disks write whole or not at all, in bytes.
const SECTOR: usize = 512;

/// A file to which nothing can be written after so many operations, as if the process or the machine ended there.
#[derive(Debug)]
pub struct Cut {
    file: FileBackend,
    left: Arc<AtomicUsize>,
    /// How many sectors of the write at which it ends are written.
    sectors: usize,
}

impl Cut {
    /// A file with so many operations left, of whose last write so many sectors are written.
    pub fn new(file: File, left: Arc<AtomicUsize>, sectors: usize) -> Result<Self, DatabaseError> {
        Ok(Self {
            file: FileBackend::new(file)?,
            left,
            sectors,
        })
    }

    fn check(&self) -> io::Result<()> {
        let less = |left: usize| left.checked_sub(1);
        let order = Ordering::SeqCst;
        match self.left.fetch_update(order, order, less) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::ErrorKind::StorageFull.into()),
        }
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
        self.check()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.left.load(Ordering::SeqCst) == 1 {
            let written = data.len().min(self.sectors * SECTOR);
            self.file.write(offset, &data[..written])?;
            if written < data.len() {
                self.left.store(0, Ordering::SeqCst);
            }
        }
        self.check()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}
