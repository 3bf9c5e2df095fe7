//! What a peer keeps on disk: ordered keys and values in a database of one file, with journals beside it while the
//! store is open.
//!
//! A commit is all or nothing. When [`Store::commit`] returns, the batch
//! survives what the store's [`Durability`] promises. The file is locked while
//! it is open. Closing (dropping) a store writes everything to the file and
//! removes the journals.

mod about;
mod change;
mod contents;
mod evidence;
#[cfg(test)]
mod failing;
mod layer;
#[cfg(test)]
mod model;
mod states;
mod writer;

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Bound;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use redb::{Database, DatabaseError, StorageBackend};
use thiserror::Error;
use weir_disk::{Backend, JournalFiles, Refusal};
use weir_marine::states::StateWrite;
use weir_peer::{Batch, Write};

use crate::evidence::EvidenceWrite;
use about::{About, VERSION};
use change::{Change, Table};
use contents::{Contents, Range};
use layer::Layer;
use writer::{BUFFER_BYTES, Writer};

pub use states::StateTable;
pub use weir_disk::Durability;
pub(crate) use writer::Medium;

/// Memory for pages of the file.
const CACHE_BYTES: usize = 32 << 20;

/// A key and its value.
pub type Record = (Vec<u8>, Vec<u8>);

/// Why a store cannot be opened, read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Somebody else has it open.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file is no store, or not a whole one.
    #[error("{} is damaged: {what}; restore it from a backup, or remove it and lose what it holds", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A journal of a store that was here before.
    #[error("{} holds changes of another store than the one beside it; put that store back, or remove this file and lose what it holds", path.display())]
    Foreign {
        /// The journal.
        path: PathBuf,
    },
    /// A later Weir wrote it.
    #[error("{} has layout {found}, this program reads layout {VERSION}; a newer Weir wrote it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its layout.
        found: u64,
    },
    /// The system refused to read or write. The store takes no more commits.
    #[error("cannot read or write {}: {what}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        what: String,
    },
}

/// When a store was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Birth {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The key that uses it was made at the same time, so nothing can have
    /// been signed that is not in this store.
    pub with_key: bool,
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    contents: Arc<Contents>,
    writer: Mutex<Writer>,
    birth: Birth,
    durability: Durability,
}

impl Store {
    /// Opens the store at `path`, or makes an empty one that remembers
    /// `birth`.
    ///
    /// Reads the whole file to see that it is sound.
    pub fn open(path: &Path, durability: Durability, birth: Birth) -> Result<Self, StoreError> {
        let source = |source| StoreError::Open {
            path: path.to_owned(),
            source,
        };
        if !path.try_exists().map_err(source)? {
            Self::create(path, birth)?;
        }
        let file = File::options().read(true).write(true).open(path);
        let file = file.map_err(source)?;
        let medium = Medium {
            backend: || Backend::new(file, durability),
            journals: Arc::new(JournalFiles::of(path)),
            buffer_bytes: BUFFER_BYTES,
        };
        Self::on(path, medium, durability, birth)
    }

    /// Makes an empty store, aside, so that a process that is killed meanwhile
    /// leaves nothing at `path` that would count as damaged. If another
    /// process is faster, its store stays.
    fn create(path: &Path, birth: Birth) -> Result<(), StoreError> {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".{}.new", std::process::id()));
        let aside = PathBuf::from(aside);
        let source = |source| StoreError::Open {
            path: aside.clone(),
            source,
        };
        let made = (|| {
            let mut options = File::options();
            let options = options.read(true).write(true).create(true).truncate(true);
            let file = options.open(&aside).map_err(source)?;
            let durability = Durability::Power;
            let medium = Medium {
                backend: || Backend::new(file, durability),
                journals: Arc::new(JournalFiles::of(&aside)),
                buffer_bytes: BUFFER_BYTES,
            };
            Self::on(&aside, medium, durability, birth)?;
            match std::fs::hard_link(&aside, path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(source(error)),
                _ => Ok(()),
            }
        })();
        // What is left of a failed attempt is in nobody's way.
        let _ = std::fs::remove_file(&aside);
        made
    }

    /// Opens the store on a medium; errors name it `path`.
    pub(crate) fn on<B: StorageBackend>(
        path: &Path,
        medium: Medium<impl FnOnce() -> Result<B, DatabaseError>>,
        durability: Durability,
        birth: Birth,
    ) -> Result<Self, StoreError> {
        // The library checks what it reads; a panic of it would still be a damaged file to us.
        let opened = std::panic::catch_unwind(AssertUnwindSafe(|| {
            Database::builder()
                .set_cache_size(CACHE_BYTES)
                .set_check_integrity_on_open(true)
                .create_with_backend((medium.backend)()?)
        }));
        let database = match opened {
            Ok(database) => database.map_err(|error| explain(path, error))?,
            Err(_) => return Err(damaged(path, "it cannot be understood")),
        };
        let contents = Arc::new(Contents::new(path.to_owned(), database));
        let about = About::of(&contents, birth)?;
        let (journals, buffer_bytes) = (medium.journals, medium.buffer_bytes);
        let writer = Writer::open(contents.clone(), journals, buffer_bytes, durability, &about)?;
        Ok(Store {
            contents,
            writer: Mutex::new(writer),
            birth: about.birth,
            durability,
        })
    }

    /// When the store was made.
    pub fn birth(&self) -> Birth {
        self.birth
    }

    /// What a commit survives.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// Writes a batch. Blocks; with [`Durability::Power`] for as long as the
    /// disk takes. After an error the store takes no more commits.
    pub fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        self.commit_with(batch, [])
    }

    /// The same, together with what is to be written to the
    /// [states](StateTable) of services.
    pub fn commit_with<'a>(
        &self,
        batch: &Batch,
        states: impl IntoIterator<Item = &'a StateWrite>,
    ) -> Result<(), StoreError> {
        self.commit_all(batch, states, &[])
    }

    /// The same, together with what is kept of calls.
    pub(crate) fn commit_all<'a>(
        &self,
        batch: &Batch,
        states: impl IntoIterator<Item = &'a StateWrite>,
        kept: &[EvidenceWrite],
    ) -> Result<(), StoreError> {
        // Whoever panicked here left it broken, and it says so.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.commit(|contents, changes| {
            for write in &batch.writes {
                add(changes, write, contents)?;
            }
            for write in states {
                states::add(changes, write);
            }
            for write in kept {
                evidence::add(changes, write);
            }
            Ok(())
        })
    }

    /// All records whose key begins with `prefix`, in key order.
    pub fn scan(&self, prefix: &[u8]) -> Result<Vec<Record>, StoreError> {
        self.page(prefix, None, usize::MAX)
    }

    /// The same from behind the key `after` on, and not more than `most`.
    pub fn page(
        &self,
        prefix: &[u8],
        after_key: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let end = after(prefix);
        let begin = after_key.map_or(Bound::Included(prefix), Bound::Excluded);
        self.read((begin, bound(end.as_deref())), most)
    }

    /// All records whose key is less than `end`, in key order.
    pub fn scan_before(&self, end: &[u8]) -> Result<Vec<Record>, StoreError> {
        self.read((Bound::Unbounded, Bound::Excluded(end)), usize::MAX)
    }

    fn read(&self, range: Range<'_>, most: usize) -> Result<Vec<Record>, StoreError> {
        self.contents.view(None, |view| {
            let copy = |key: &[u8], value: &[u8]| (key.to_vec(), value.to_vec());
            view.range(Table::Records, range, most, copy)
        })
    }

    /// Waits until nothing is on its way into the database.
    #[cfg(test)]
    fn rest(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.wait().expect("the disk works");
    }

    /// The error for a commit of which nobody knows how it ended.
    pub(crate) fn gave_up(&self, what: String) -> StoreError {
        self.contents.refused(what)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.close();
    }
}

/// Adds what a batch does to the records.
fn add(changes: &mut Layer, write: &Write, contents: &Contents) -> Result<(), StoreError> {
    match write {
        Write::Put { key, value } => {
            let change = Change::Put(Bytes::copy_from_slice(value));
            changes.add(Table::Records, Bytes::copy_from_slice(key), change);
        }
        Write::Delete { key } => {
            changes.add(Table::Records, Bytes::copy_from_slice(key), Change::Delete);
        }
        Write::DeletePrefix { prefix } => {
            let end = after(prefix);
            let range = (Bound::Included(&prefix[..]), bound(end.as_deref()));
            let keys = contents.view(Some(changes), |view| {
                let copy = |key: &[u8], _: &[u8]| Bytes::copy_from_slice(key);
                view.range(Table::Records, range, usize::MAX, copy)
            })?;
            for key in keys {
                changes.add(Table::Records, key, Change::Delete);
            }
        }
    }
    Ok(())
}

/// The first key after all that begin with `prefix`; none if there is no such
/// key.
fn after(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

fn bound(end: Option<&[u8]>) -> Bound<&[u8]> {
    end.map_or(Bound::Unbounded, Bound::Excluded)
}

fn damaged(path: &Path, what: &str) -> StoreError {
    StoreError::Damaged {
        path: path.to_owned(),
        what: what.to_owned(),
    }
}

/// Why a file cannot be opened as a store.
fn explain(path: &Path, error: DatabaseError) -> StoreError {
    let path = path.to_owned();
    match Refusal::from(error) {
        Refusal::Locked => StoreError::Locked { path },
        Refusal::Io(source) => StoreError::Open { path, source },
        Refusal::Damaged(what) => StoreError::Damaged { path, what },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIRTH: Birth = Birth {
        at_ms: 1_700_000_000_000,
        with_key: true,
    };

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder for the test")
    }

    fn open(folder: &tempfile::TempDir) -> Result<Store, StoreError> {
        Store::open(&folder.path().join("store"), Durability::Process, BIRTH)
    }

    fn put(key: &[u8], value: &str) -> Write {
        Write::Put {
            key: key.to_vec(),
            value: value.as_bytes().to_vec(),
        }
    }

    fn keys(records: &[Record]) -> Vec<&[u8]> {
        records.iter().map(|(key, _)| &key[..]).collect()
    }

    #[test]
    fn batches_are_applied_in_order_and_read_in_key_order() {
        let folder = folder();
        let store = open(&folder).unwrap();
        let writes = vec![
            put(b"b", "1"),
            put(b"a\xff", "2"),
            put(b"a\xff\xff", "3"),
            put(b"a", "4"),
            Write::Delete { key: b"b".to_vec() },
            put(b"b", "5"),
            put(b"\xff\xff", "6"),
        ];
        store.commit(&Batch { writes }).unwrap();
        assert_eq!(
            keys(&store.scan(b"").unwrap()),
            [&b"a"[..], b"a\xff", b"a\xff\xff", b"b", b"\xff\xff"]
        );
        assert_eq!(
            keys(&store.scan(b"a\xff").unwrap()),
            [&b"a\xff"[..], b"a\xff\xff"]
        );
        assert_eq!(keys(&store.scan(b"\xff").unwrap()), [b"\xff\xff"]);
        assert_eq!(
            keys(&store.scan_before(b"a\xff\xff").unwrap()),
            [&b"a"[..], b"a\xff"]
        );
        assert_eq!(store.scan(b"b").unwrap(), [(b"b".to_vec(), b"5".to_vec())]);

        let writes = [&b"a"[..], b"\xff"].map(|prefix| Write::DeletePrefix {
            prefix: prefix.to_vec(),
        });
        store
            .commit(&Batch {
                writes: writes.into(),
            })
            .unwrap();
        assert_eq!(keys(&store.scan(b"").unwrap()), [b"b"]);
    }

    #[test]
    fn a_store_remembers_its_birth() {
        let folder = folder();
        drop(open(&folder).unwrap());
        let later = Birth {
            at_ms: BIRTH.at_ms + 1,
            with_key: false,
        };
        let store = Store::open(&folder.path().join("store"), Durability::Power, later).unwrap();
        assert_eq!(store.birth(), BIRTH);
    }

    #[test]
    fn a_store_in_use_is_named_in_the_error() {
        let folder = folder();
        let _store = open(&folder).unwrap();
        let error = open(&folder).unwrap_err();
        assert!(matches!(error, StoreError::Locked { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .ends_with("store is in use by another process"),
            "{error}"
        );
    }

    #[test]
    fn something_else_than_a_store_is_damaged() {
        let folder = folder();
        std::fs::write(folder.path().join("store"), "not a store".repeat(1000)).unwrap();
        let error = open(&folder).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    }

    #[test]
    fn a_file_cut_short_is_damaged() {
        let folder = folder();
        let store = open(&folder).unwrap();
        store
            .commit(&Batch {
                writes: vec![put(b"key", &"value".repeat(100_000))],
            })
            .unwrap();
        drop(store);
        let file = File::options()
            .write(true)
            .open(folder.path().join("store"))
            .unwrap();
        let len = file.metadata().unwrap().len();
        for cut in [len - 4096, len / 2, 5000, 100] {
            file.set_len(cut).unwrap();
            let found = open(&folder).and_then(|store| store.scan(b""));
            assert!(
                matches!(found, Err(StoreError::Damaged { .. })),
                "{cut} bytes: {found:?}"
            );
        }
    }
}
