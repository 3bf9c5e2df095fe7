//! A file system over an ordered map of byte strings: what a guest sees through WASI of the state of its service.
//!
//! It knows nothing of the engine. [`Volume`] holds what a call has open; together with the entries it makes
//! [`Files`], on which every operation is one method. An operation touches the entries of the path and the chunks that
//! it is about, never the whole file; what has no such bound (dropping the content of a file) comes in steps, so that
//! whoever counts the work can stop in between.
//!
//! # Entries
//! Everything that is not a directory or a regular file does not exist here: no links, no devices, no owners.
//! Directories and files have numbers, so that names can change without touching content. Integers are big endian:
//! ```text
//! "f"                          next number, u64
//! "f" ‖ u64 number             u8 kind, u64 size (file) or number of the parent (directory), u64 s and u32 ns modified
//! "d" ‖ u64 directory ‖ name   u8 kind, u64 number
//! "c" ‖ u64 file ‖ u32 index   4,096 bytes from 4,096 × index on, without the zeros at their end
//! ```
//! The root directory has the number 0 and needs no entry of its own. A chunk of zeros is not stored, and neither is
//! what lies behind the end of a file: so the content of a file, not the way it came about, decides what is stored.
//!
//! # Failures
//! A failure is either one that the guest hears of ([`Refusal`]), and then nothing has happened, or one that ends
//! the call: entries that cannot be read, and a quota that is met in the middle of a change.

mod content;
mod entries;
mod layout;
mod names;

use std::collections::{BTreeSet, HashMap, HashSet};

use weir_receipt::state::{NodesError, StateError};

pub(crate) use content::{CHUNK_BYTES, FILE_BYTES_MAX, READ_BYTES_MAX};
pub(crate) use entries::Entries;
pub(crate) use layout::{Kind, Meta, Number, ROOT, Time};
pub(crate) use names::{NAME_BYTES_MAX, Opening, PATH_BYTES_MAX, components};

/// The most descriptors and streams that a call may have open on a volume.
pub(crate) const OPEN_MAX: u64 = 1_000;

/// What a guest is told when an operation is not possible, with POSIX's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("EEXIST")]
    Exists,
    #[error("EFBIG")]
    FileTooLarge,
    #[error("EILSEQ")]
    IllegalName,
    #[error("EINVAL")]
    Invalid,
    #[error("EISDIR")]
    IsDirectory,
    #[error("ELOOP")]
    TooDeep,
    #[error("ENAMETOOLONG")]
    NameTooLong,
    #[error("ENFILE")]
    TooManyOpen,
    #[error("ENOENT")]
    NoEntry,
    #[error("ENOSPC")]
    NoSpace,
    #[error("ENOTDIR")]
    NotDirectory,
    #[error("ENOTEMPTY")]
    NotEmpty,
    #[error("EPERM")]
    NotPermitted,
    #[error("EROFS")]
    ReadOnly,
    #[error("EIO")]
    Damaged,
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The guest is told; nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The entries could not be read. It says nothing about the call.
    #[error(transparent)]
    Nodes(NodesError),
    /// The call has changed more than it may, in the middle of something. It cannot go on.
    #[error("a file was being changed when {0}")]
    Halfway(StateError),
}

impl From<StateError> for FileError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Nodes(error) => Self::Nodes(error),
            StateError::KeyTooLong(_) => Refusal::NameTooLong.into(),
            StateError::ValueTooLong(_) => Refusal::FileTooLarge.into(),
            StateError::Quota { .. } | StateError::Transaction { .. } => Refusal::NoSpace.into(),
        }
    }
}

/// For changes that others rely on, which were made: there is no way back.
fn halfway(error: StateError) -> FileError {
    match error {
        StateError::Nodes(error) => FileError::Nodes(error),
        other => FileError::Halfway(other),
    }
}

type Result<T, E = FileError> = std::result::Result<T, E>;

/// What a call keeps of a file system beside its entries.
pub(crate) struct Volume {
    writable: bool,
    now: Time,
    /// How often each file or directory is open.
    open: HashMap<Number, u64>,
    open_total: u64,
    /// Files without a name that are still open.
    nameless: BTreeSet<Number>,
    /// Chunks that this call has written.
    written: HashSet<(Number, u32)>,
}

impl Volume {
    /// Nothing is open. `now` is the time that changes are given.
    pub(crate) fn new(writable: bool, now: Time) -> Self {
        Self {
            writable,
            now,
            open: HashMap::new(),
            open_total: 0,
            nameless: BTreeSet::new(),
            written: HashSet::new(),
        }
    }

    /// Whether anything can be changed.
    pub(crate) fn is_writable(&self) -> bool {
        self.writable
    }

    /// The time that changes are given.
    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// Together with the entries.
    pub(crate) fn with<'a>(&'a mut self, entries: &'a mut dyn Entries) -> Files<'a> {
        Files {
            volume: self,
            entries,
        }
    }

    /// Counts one more that is open.
    pub(crate) fn hold(&mut self, number: Number) -> Result<()> {
        if self.open_total >= OPEN_MAX {
            return Err(Refusal::TooManyOpen.into());
        }
        self.open_total += 1;
        *self.open.entry(number).or_default() += 1;
        Ok(())
    }

    /// Counts one less. Says whether the file has no name either, so that its content is to be dropped.
    pub(crate) fn release(&mut self, number: Number) -> bool {
        let Some(count) = self.open.get_mut(&number) else {
            return false;
        };
        self.open_total -= 1;
        *count -= 1;
        if *count > 0 {
            return false;
        }
        self.open.remove(&number);
        self.nameless.contains(&number)
    }

    /// How many of the chunks that a write touches this call has not written yet.
    pub(crate) fn fresh_chunks(&self, number: Number, offset: u64, len: u64) -> u64 {
        content::chunks(offset, len)
            .filter(|index| {
                u32::try_from(*index).is_ok_and(|index| !self.written.contains(&(number, index)))
            })
            .count() as u64
    }
}

/// A file system during one operation.
pub(crate) struct Files<'a> {
    volume: &'a mut Volume,
    entries: &'a mut dyn Entries,
}

impl Files<'_> {
    fn writable(&self) -> Result<()> {
        if self.volume.writable {
            Ok(())
        } else {
            Err(Refusal::ReadOnly.into())
        }
    }

    /// What is known of a file or directory. [`Refusal::NoEntry`] if it was removed.
    pub(crate) fn meta(&self, number: Number) -> Result<Meta> {
        match self.entries.get(&layout::meta_key(number))? {
            Some(value) => Ok(Meta::decode(&value)?),
            None if number == ROOT => Ok(Meta::ROOT),
            None => Err(Refusal::NoEntry.into()),
        }
    }

    /// Sets the time of the last change.
    pub(crate) fn set_modified(&mut self, number: Number, modified: Time) -> Result<()> {
        self.writable()?;
        let meta = self.meta(number)?;
        self.keep(number, &Meta { modified, ..meta })
    }

    /// Notes what is known of a file or directory, if that is new.
    fn keep(&mut self, number: Number, meta: &Meta) -> Result<()> {
        let (key, value) = (layout::meta_key(number), meta.encode());
        if self.entries.get(&key)?.as_deref() != Some(&value[..]) {
            self.entries.set(&key, value.to_vec().into())?;
        }
        Ok(())
    }

    /// Notes that a directory changed now.
    fn touch(&mut self, directory: Number) -> Result<()> {
        let meta = self.meta(directory)?;
        let modified = self.volume.now;
        self.keep(directory, &Meta { modified, ..meta })
    }

    /// Ends what was open: content without a name is dropped.
    pub(crate) fn finish(&mut self) -> Result<()> {
        while let Some(&number) = self.volume.nameless.first() {
            while self.drop_chunks(number, 0)? > 0 {}
            self.forget(number)?;
        }
        Ok(())
    }

    /// Forgets a file whose name and content are gone.
    pub(crate) fn forget(&mut self, number: Number) -> Result<()> {
        let key = layout::meta_key(number);
        self.entries.delete(&key).map_err(halfway)?;
        self.volume.nameless.remove(&number);
        Ok(())
    }
}
