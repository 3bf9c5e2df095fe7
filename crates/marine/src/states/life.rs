//! One service while somebody works with it: the last commit, and what the store does not have yet.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use weir_identity::Hash;

use super::backing::{Backing, Record, StateWrite};
use super::layout::{Head, Id, ListAt, VersionedRoot};
use super::written::Written;
use super::{Shared, StatesError};

/// See the module. Whoever holds one keeps the service from being forgotten by the memory.
pub(super) struct Life {
    pub(super) id: Id,
    pub(super) name: Hash,
    pub(super) generation: u64,
    /// Whoever has it may change the state. First come, first served.
    pub(super) writer: Arc<tokio::sync::Mutex<()>>,
    /// Writes were dropped, so nothing that was built on them may be used.
    lost: AtomicBool,
    inner: Mutex<Inner>,
}

/// What changes with every commit.
pub(super) struct Inner {
    /// Of the last commit; 0 before the first.
    pub(super) number: u64,
    pub(super) root: VersionedRoot,
    pub(super) removed: bool,
    /// The numbers of the commits whose roots are being read, and by how many.
    held: BTreeMap<u64, usize>,
    /// What is not in the store yet, by key, and the ticket of the commit that writes it.
    pending: HashMap<Bytes, (Bytes, u64)>,
    /// What each ticket has in `pending`.
    unwritten: HashMap<u64, Vec<Bytes>>,
    /// Roots before the one that this list replaced are forgotten, or about to be; `None` if it is not known.
    pub(super) oldest: Option<Oldest>,
    pub(super) written: Written,
}

/// The list that is to be worked off next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Oldest {
    pub(super) at: ListAt,
    /// None if there is no such list yet.
    pub(super) replaced_ms: Option<u64>,
}

impl Life {
    /// A service as the store has it, or one without commits.
    pub(super) fn new(name: Hash, head: Head) -> Self {
        Self {
            id: Id::new(&name, head.generation),
            name,
            generation: head.generation,
            writer: Arc::default(),
            lost: AtomicBool::new(false),
            inner: Mutex::new(Inner {
                number: head.number,
                root: head.root,
                removed: false,
                held: BTreeMap::new(),
                pending: HashMap::new(),
                unwritten: HashMap::new(),
                oldest: None,
                written: Written::default(),
            }),
        }
    }

    /// What was changed by a thread that panicked is whole: nothing is changed halfway.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the state can be used.
    pub(super) fn check(&self) -> Result<(), StatesError> {
        if self.lost.load(Ordering::Acquire) {
            return Err(StatesError::Lost);
        }
        Ok(())
    }

    /// What a commit wrote under a key.
    pub(super) fn read(
        &self,
        backing: &dyn Backing,
        key: &Bytes,
    ) -> Result<Option<Bytes>, super::BackingError> {
        if let Some((bytes, _)) = self.lock().pending.get(key) {
            return Ok(Some(bytes.clone()));
        }
        backing.get(key)
    }

    pub(super) fn is_idle(&self) -> bool {
        let inner = self.lock();
        inner.held.is_empty() && inner.unwritten.is_empty()
    }
}

impl Inner {
    pub(super) fn hold(&mut self, number: u64) {
        *self.held.entry(number).or_default() += 1;
    }

    pub(super) fn release(&mut self, number: u64) {
        if let Some(count) = self.held.get_mut(&number) {
            *count -= 1;
            if *count == 0 {
                self.held.remove(&number);
            }
        }
    }

    /// Whether the store has everything.
    pub(super) fn is_written(&self) -> bool {
        self.unwritten.is_empty()
    }

    /// The oldest root that is being read.
    pub(super) fn oldest_held(&self) -> Option<u64> {
        self.held.first_key_value().map(|(number, _)| *number)
    }

    /// Keeps what a ticket writes until it is written.
    pub(super) fn keep(&mut self, ticket: u64, items: Vec<Record>) {
        let keys = items.iter().map(|(key, _)| key.clone()).collect();
        self.unwritten.insert(ticket, keys);
        for (key, bytes) in items {
            self.pending.insert(key, (bytes, ticket));
        }
    }

    fn written(&mut self, ticket: u64) {
        for key in self.unwritten.remove(&ticket).unwrap_or_default() {
            // Unless a later commit writes it again.
            if self.pending.get(&key).is_some_and(|(_, by)| *by == ticket) {
                self.pending.remove(&key);
            }
        }
        if self.pending.is_empty() {
            self.pending.shrink_to(64);
        }
    }
}

/// What a commit has to write.
///
/// All of it belongs into one transaction of the store, and the commits of a service there in their order. Then
/// [`States::written`](super::States::written) wants the ticket.
#[derive(Debug)]
#[must_use = "a state whose writes are dropped cannot be used any more"]
pub struct Writes {
    /// In this order.
    pub writes: Vec<StateWrite>,
    /// What to hand back when they are in the store.
    pub ticket: Ticket,
}

/// Stands for writes that are on their way into the store. If it is dropped they count as lost, and every further use
/// of the state of this service fails with [`StatesError::Lost`] until the store is opened again.
pub struct Ticket {
    shared: Arc<Shared>,
    life: Arc<Life>,
    number: u64,
    /// Bytes that the memory keeps for it.
    bytes: usize,
    /// Whether it deletes a portion of a removed state.
    sweeps: bool,
    written: bool,
}

impl Ticket {
    pub(super) fn new(
        shared: Arc<Shared>,
        life: Arc<Life>,
        number: u64,
        bytes: usize,
        sweeps: bool,
    ) -> Self {
        shared.unwritten_bytes.fetch_add(bytes, Ordering::AcqRel);
        Self {
            shared,
            life,
            number,
            bytes,
            sweeps,
            written: false,
        }
    }

    pub(super) fn settle(&mut self) {
        self.written = true;
        self.life.lock().written(self.number);
        if self.sweeps {
            self.shared.garbage().swept();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.written {
            self.life.lost.store(true, Ordering::Release);
        }
        let unwritten = &self.shared.unwritten_bytes;
        unwritten.fetch_sub(self.bytes, Ordering::AcqRel);
        self.shared.room.notify_waiters();
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ticket").field(&self.number).finish()
    }
}
