//! Which compiled code stays in memory.
//!
//! A node has many services that nobody calls for hours. When there is more code in memory than [`Residence`] allows,
//! that of the components is put down that were unused for longest, and the next call brings it back: from the cache of
//! compiled code, in less than a millisecond for a small component, or by compiling it anew. What a module is asked
//! about itself, its functions and its manifest, stays.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard, Semaphore};
use tracing::debug;
use weir_identity::Cid;

use crate::code::Code;

/// How much code of components may be in memory while nobody executes it. Only components with a [`ComponentSource`]
/// are put down; the others stay, and count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Residence {
    /// Bytes of native code with its tables. The engine keeps more beside it: a small component with 120 kB of code took
    /// about half a megabyte.
    pub bytes: u64,
    /// Components. Each with data segments holds an open file.
    pub components: usize,
}

impl Default for Residence {
    fn default() -> Self {
        Self {
            bytes: 256 << 20,
            components: 512,
        }
    }
}

/// Where the bytes of a component are found again.
pub trait ComponentSource: Send + Sync {
    /// The bytes, or why there are none, in words for an operator. They must be those of the CID. Blocks.
    fn read(&self, cid: &Cid) -> Result<Vec<u8>, String>;
}

/// How many components are brought back at once.
const RETURNS: usize = 4;

/// The code of all modules of a runtime that is in memory.
pub(crate) struct Residents {
    bounds: Residence,
    /// Counts uses, so that they can be compared.
    clock: AtomicU64,
    seats: Mutex<Vec<Weak<Seat>>>,
    pub(crate) returns: Arc<Semaphore>,
}

/// The place for the code of one module.
pub(crate) struct Seat {
    code: Mutex<Option<Arc<Code>>>,
    residents: Arc<Residents>,
    /// Held by each who could not bring the code back.
    pin: Arc<()>,
    /// When it was used, by the clock of all.
    used: AtomicU64,
    turn: Arc<Turn<()>>,
}

/// While there is one, the code stays.
pub(crate) type Pin = Arc<()>;

impl Residents {
    pub(crate) fn new(bounds: Residence) -> Arc<Self> {
        Arc::new(Self {
            bounds,
            clock: AtomicU64::new(0),
            seats: Mutex::default(),
            returns: Arc::new(Semaphore::new(RETURNS)),
        })
    }

    /// A place with code in it.
    pub(crate) fn seat(self: &Arc<Self>, code: Arc<Code>) -> Arc<Seat> {
        let seat = Arc::new(Seat {
            code: Mutex::new(None),
            residents: Arc::clone(self),
            pin: Arc::default(),
            used: AtomicU64::new(0),
            turn: Arc::default(),
        });
        seat.put(code);
        seat
    }

    /// How much there is.
    pub(crate) fn in_memory(&self) -> Residence {
        let taken = self.taken();
        Residence {
            bytes: taken.iter().map(|(_, bytes)| bytes).sum(),
            components: taken.len(),
        }
    }

    /// The places with code in them, and how much that is.
    fn taken(&self) -> Vec<(Arc<Seat>, u64)> {
        let mut taken = Vec::new();
        lock(&self.seats).retain(|seat| {
            let seat = seat.upgrade();
            let code = seat.as_ref().and_then(|seat| lock(&seat.code).clone());
            let bytes = code.map(|code| code.bytes());
            taken.extend(seat.zip(bytes));
            bytes.is_some()
        });
        taken
    }

    /// Puts down what is too much, but not what was put in last.
    fn make_room(&self, newest: &Arc<Seat>) {
        let mut taken = self.taken();
        let mut count = taken.len();
        let mut sum: u64 = taken.iter().map(|(_, bytes)| bytes).sum();
        taken.sort_by_cached_key(|(seat, _)| seat.used.load(Ordering::Relaxed));
        for (seat, bytes) in taken {
            if count <= self.bounds.components && sum <= self.bounds.bytes {
                break;
            }
            if !Arc::ptr_eq(&seat, newest) && seat.put_down() {
                count -= 1;
                sum -= bytes;
            }
        }
    }
}

impl Seat {
    /// The code, if it is in memory. That counts as a use.
    pub(crate) fn code(&self) -> Option<Arc<Code>> {
        let now = self.residents.clock.fetch_add(1, Ordering::Relaxed);
        self.used.store(now, Ordering::Relaxed);
        lock(&self.code).clone()
    }

    /// Puts code in, and others down for it.
    pub(crate) fn put(self: &Arc<Self>, code: Arc<Code>) {
        let now = self.residents.clock.fetch_add(1, Ordering::Relaxed);
        self.used.store(now, Ordering::Relaxed);
        let before = lock(&self.code).replace(code);
        if before.is_none() {
            lock(&self.residents.seats).push(Arc::downgrade(self));
        }
        self.residents.make_room(self);
    }

    /// Keeps the code, from when it is there.
    pub(crate) fn pin(&self) -> Pin {
        Arc::clone(&self.pin)
    }

    /// Waits until nobody else brings the code back.
    pub(crate) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Whether the code could be put down. Calls that execute it hold on to it.
    fn put_down(&self) -> bool {
        let mut code = lock(&self.code);
        let free = Arc::strong_count(&self.pin) == 1;
        if free && code.take().is_some() {
            debug!("put down code that was not used for long");
        }
        free
    }
}

/// Locks. Every change is complete in itself, whatever another thread panicked at.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
