//! How commits get to the disk: into a journal at once, and into the database many at a time, in a thread of its own.
//!
//! A commit is one write at the end of a file. To the database a small commit is many pages, mostly the same
//! ones as for the commit before: those it gets when [`Medium::buffer_bytes`] have come together, and when the store is
//! closed. Then the journal goes. When a store is opened, what its journals hold goes into the database first.

use std::sync::Arc;
use std::thread::JoinHandle;

use weir_disk::{Durability, Journal, JournalError, Journals, journal_payloads};

use super::about::About;
use super::contents::Contents;
use super::layer::Layer;
use super::{StoreError, damaged};

/// Changes that are brought into the database together, in bytes.
pub(crate) const BUFFER_BYTES: usize = 4 << 20;

/// How many times as many may wait while the ones before are on their way. Then commits wait.
const BEHIND: usize = 4;

/// Where a store is.
pub(crate) struct Medium<F> {
    /// Makes that of the database.
    pub(crate) backend: F,
    pub(crate) journals: Arc<dyn Journals>,
    /// After so many bytes of changes, or of their journal, the database gets them.
    pub(crate) buffer_bytes: usize,
}

/// Who commits.
#[derive(Debug)]
pub(super) struct Writer {
    contents: Arc<Contents>,
    journals: Arc<dyn Journals>,
    journal: Option<Journal>,
    /// The number of the store, which its journals have.
    store: u64,
    /// The number of the next record.
    next: u64,
    durability: Durability,
    buffer_bytes: usize,
    /// Who brings the layer before this one into the database.
    settling: Option<JoinHandle<Result<(), StoreError>>>,
    /// A commit failed, or is under way.
    broken: bool,
}

impl Writer {
    /// Brings what the journals of an open database hold into it.
    pub(super) fn open(
        contents: Arc<Contents>,
        journals: Arc<dyn Journals>,
        buffer_bytes: usize,
        durability: Durability,
        about: &About,
    ) -> Result<Self, StoreError> {
        let refused = |error| contents.refused(error);
        let names = journals.list().map_err(refused)?;
        let mut layer = Layer::default();
        let mut last = about.settled;
        for first in &names {
            let damaged = |what: &str| damaged(&journals.path(*first), what);
            let bytes = journals.read(*first).map_err(refused)?;
            let payloads = journal_payloads(&bytes, about.store, *first);
            let payloads = payloads.map_err(|error| match error {
                JournalError::Damaged(_) => damaged(&error.to_string()),
                JournalError::OfAnother => StoreError::Foreign {
                    path: journals.path(*first),
                },
            })?;
            for (payload, number) in payloads.into_iter().zip(*first..) {
                if number <= about.settled {
                    continue;
                }
                if number != last + 1 {
                    return Err(damaged("the journal before it is missing"));
                }
                last = number;
                let added = layer.add_encoded(payload);
                added.ok_or_else(|| damaged("it cannot be understood"))?;
            }
        }
        if last > about.settled {
            contents.settle(&layer, last)?;
        }
        for first in names {
            remove(&*journals, first);
        }
        Ok(Self {
            contents,
            journals,
            journal: None,
            store: about.store,
            next: last + 1,
            durability,
            buffer_bytes,
            settling: None,
            broken: false,
        })
    }

    /// Commits the changes that `make` adds. After an error, or a panic, nothing can be committed any more.
    pub(super) fn commit(
        &mut self,
        make: impl FnOnce(&Contents, &mut Layer) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.broken {
            let what =
                "an earlier change could not be written; restart the node when its disk works";
            return Err(self.contents.refused(what));
        }
        self.broken = true;
        if self.settling.as_ref().is_some_and(JoinHandle::is_finished) {
            self.wait()?;
        }
        let mut changes = Layer::default();
        make(&self.contents, &mut changes)?;
        if !changes.is_empty() {
            let written = self.append(&changes);
            let written = written.map_err(|error| self.contents.refused(error))?;
            let waiting = self.contents.add(changes).max(written);
            let full = waiting / BEHIND >= self.buffer_bytes;
            if full || waiting >= self.buffer_bytes && self.settling.is_none() {
                self.settle_aside()?;
            }
        }
        self.broken = false;
        Ok(())
    }

    /// Writes changes into the journal. The bytes that it has then.
    fn append(&mut self, changes: &Layer) -> std::io::Result<usize> {
        let journal = match &mut self.journal {
            Some(journal) => journal,
            none => {
                let begun =
                    Journal::begin(&*self.journals, self.store, self.next, self.durability)?;
                none.insert(begun)
            }
        };
        journal.append(self.next, |out| changes.encode(out))?;
        self.next += 1;
        Ok(usize::try_from(journal.bytes()).unwrap_or(usize::MAX))
    }

    /// Waits until the last layer is in the database.
    pub(super) fn wait(&mut self) -> Result<(), StoreError> {
        let Some(settling) = self.settling.take() else {
            return Ok(());
        };
        let panicked = |_| Err(self.contents.refused("writing to the database panicked"));
        settling.join().unwrap_or_else(panicked)
    }

    /// Has a thread bring everything into the database; if the one before is not done yet, after it.
    fn settle_aside(&mut self) -> Result<(), StoreError> {
        self.wait()?;
        if let Some(rest) = self.rest() {
            let thread = std::thread::Builder::new().name("store".to_owned());
            let thread = thread.spawn(rest);
            self.settling = Some(thread.map_err(|error| self.contents.refused(error))?);
        }
        Ok(())
    }

    /// What brings everything into the database that it does not have. The next commit begins a journal.
    fn rest(&mut self) -> Option<impl FnOnce() -> Result<(), StoreError> + use<>> {
        let layer = self.contents.freeze();
        let first = self.journal.take()?.first();
        let (contents, journals) = (self.contents.clone(), self.journals.clone());
        let through = self.next - 1;
        Some(move || {
            if let Some(layer) = layer {
                contents.settle(&layer, through)?;
            }
            remove(&*journals, first);
            Ok(())
        })
    }

    /// Brings everything into the database. After this the writer is of no use.
    pub(super) fn close(&mut self) {
        // What is in a journal is safe, and the next one who opens the store brings it there.
        let settled = self.wait().and_then(|()| {
            let rest = if self.broken { None } else { self.rest() };
            rest.map_or(Ok(()), |rest| rest())
        });
        self.broken = true;
        if let Err(error) = settled {
            tracing::warn!(%error, "a store was closed before its database had everything");
        }
    }
}

/// Removes a journal of which the database has everything. If it stays, whoever opens the store skips it.
fn remove(journals: &dyn Journals, first: u64) {
    if let Err(error) = journals.remove(first) {
        let journal = journals.path(first);
        tracing::warn!(%error, journal = %journal.display(), "a journal that is not needed cannot be removed");
    }
}
