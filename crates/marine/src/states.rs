//! The states of many services in one store: who may change them, and how long old ones can be read.
//!
//! A state is a tree of nodes ([`weir_receipt::state`]) under a root. [`States`] reads nodes from a [`Backing`] and
//! says, as data, what is to be written there ([`StateWrite`]); the owner of the store writes it in a transaction of
//! its own, together with whatever else follows from the call. So a state, its receipt and the record of the call are
//! on the disk together or not at all.
//!
//! - [`States::view`] gives the last commit. Any number of views read at once, and beside a writer.
//! - [`States::update`] gives the right to change the state, to one after the other in the order in which they asked.
//!   What [`Update::commit`] makes is seen by the next one at once; until [`States::written`] the new nodes are in
//!   memory. At [`StatesConfig::unwritten_bytes`] the next writers wait.
//! - [`States::at`] gives an old root, as long as it is kept: [`StatesConfig::keep_roots_ms`] after it was replaced,
//!   but not beyond [`StatesConfig::keep_roots_bytes`], and longer if it or an older one is held.
//!
//! # Invariants
//! - The first key after the letter of a table is a hash that the service cannot choose: no service reaches what
//!   another one has.
//! - Commits of a service come into the store in their order. After a crash the state is that of one of its commits,
//!   and no commit that was [written](States::written) is missing.
//! - What a snapshot shows can be read until it is dropped.
//! - After an old root is forgotten nothing remains of it that a later one does not need.
//! - A commit deletes about as much as it writes. What is left of services that commit nothing more is deleted by
//!   [`States::tidy`] in portions, for which the owner of the store calls it at [`States::tidy_at`].
//! - A service that nobody uses takes no memory: at most [`StatesConfig::services`] are remembered, and of others only
//!   when they have something to forget.
//! - Nothing here reads a clock.

mod agenda;
mod backing;
mod forgetting;
mod layout;
mod life;
mod snapshot;
mod update;
mod written;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Notify;
use weir_identity::Hash;
use weir_receipt::state::{Limits, Node, NodeKey, Root, StateError, Tree};

pub use backing::{Backing, BackingError, Record, StateWrite};
pub use life::{Ticket, Writes};
pub use snapshot::Snapshot;
pub use update::Update;

use agenda::Agenda;
use forgetting::Garbage;
use layout::{Head, Id, decode_replaced, encode_garbage, head_key};
use life::Life;

/// Bounds of the states of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatesConfig {
    /// What the state of one service and one transaction may come to.
    pub limits: Limits,
    /// How long a root can be read after it was replaced, in milliseconds.
    pub keep_roots_ms: u64,
    /// How much a service may write, in bytes, until a root that was replaced before is forgotten though its time is
    /// not over: in the store it has no more than its quota and this, and for a while what was dropped in many small
    /// pieces, because a commit forgets about as many things as it writes. Counted while the service is in memory.
    pub keep_roots_bytes: u64,
    /// Memory for decoded nodes of all services, in bytes.
    pub cache_bytes: usize,
    /// Bytes of nodes that are not in the store yet. At the limit [`States::update`] waits; an update that has begun
    /// may go beyond it by what it commits.
    pub unwritten_bytes: usize,
    /// Services of which the last root is kept in memory while nobody uses them. More are in memory only while they
    /// are used.
    pub services: usize,
}

impl Default for StatesConfig {
    /// A minute and 1 GiB for old roots, 64 MiB for nodes, as many that are not written, 1,024 services.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            keep_roots_ms: 60_000,
            keep_roots_bytes: 1 << 30,
            cache_bytes: 64 << 20,
            unwritten_bytes: 64 << 20,
            services: 1_024,
        }
    }
}

/// Deletions of one call of [`States::tidy`], or not many more.
const TIDY_CHANGES: usize = 500;

/// Why a state cannot be used. None of it is the fault of the service.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StatesError {
    /// The store cannot be read.
    #[error("the store of the state cannot be read: {0}")]
    Store(#[from] BackingError),
    /// The store holds something that was not written like this.
    #[error("the store of the state is damaged: it does not hold {0}; restore it from a backup")]
    Damaged(&'static str),
    /// The service was removed.
    #[error("the service was removed, and its state with it")]
    Removed,
    /// An earlier commit did not come into the store.
    #[error(
        "an earlier change of this state could not be written; restart the node when its store works"
    )]
    Lost,
}

/// The states of all services of a node. Cheap to clone.
#[derive(Clone)]
pub struct States {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    backing: Arc<dyn Backing>,
    config: StatesConfig,
    nodes: Cache<(Id, NodeKey), Arc<Node>, Weight>,
    lives: Mutex<Lives>,
    garbage: Mutex<Garbage>,
    /// Locked last, and for moments.
    agenda: Mutex<Agenda>,
    tickets: AtomicU64,
    unwritten_bytes: AtomicUsize,
    /// Called when there are fewer unwritten bytes.
    room: Notify,
}

/// The services in memory.
#[derive(Default)]
struct Lives {
    by_name: HashMap<Hash, Arc<Life>>,
    /// At how many the unused ones are looked for.
    look_at: usize,
}

#[derive(Clone)]
struct Weight;

impl Weighter<(Id, NodeKey), Arc<Node>> for Weight {
    fn weight(&self, _: &(Id, NodeKey), node: &Arc<Node>) -> u64 {
        node.memory_bytes() as u64 + 128
    }
}

impl Shared {
    fn garbage(&self) -> MutexGuard<'_, Garbage> {
        self.garbage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn agenda(&self) -> MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lives(&self) -> MutexGuard<'_, Lives> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service of this name, from memory or from the store.
    fn life(&self, name: Hash) -> Result<Arc<Life>, StatesError> {
        let mut lives = self.lives();
        if let Some(life) = lives.by_name.get(&name) {
            return Ok(life.clone());
        }
        let found = self.backing.get(&head_key(&name))?;
        let found = found
            .map(|bytes| Head::decode(&bytes).ok_or(StatesError::Damaged("the root of a service")));
        let found = found.transpose()?;
        let garbage = self.garbage();
        // While the removal of the last one is on its way into the store, its head is still there.
        let head = found.filter(|head| !garbage.has(&name, head.generation));
        let head = head.unwrap_or(Head {
            generation: garbage.next_generation(),
            ..Head::EMPTY
        });
        drop(garbage);
        if lives.by_name.len() >= lives.look_at.max(self.config.services) {
            lives
                .by_name
                .retain(|_, life| Arc::strong_count(life) > 1 || life.check().is_err());
            lives.look_at = 2 * lives.by_name.len();
        }
        let life = Arc::new(Life::new(name, head));
        lives.by_name.insert(name, life.clone());
        Ok(life)
    }
}

impl States {
    /// The states in a store, which may be empty.
    pub fn open(backing: Arc<dyn Backing>, config: StatesConfig) -> Result<Self, StatesError> {
        let garbage = Garbage::load(&*backing)?;
        let items = (config.cache_bytes / 2_048).max(16);
        let shared = Shared {
            backing,
            config,
            nodes: Cache::with_weighter(items, config.cache_bytes as u64, Weight),
            lives: Mutex::default(),
            garbage: Mutex::new(garbage),
            agenda: Mutex::new(Agenda::of_store()),
            tickets: AtomicU64::new(0),
            unwritten_bytes: AtomicUsize::new(0),
            room: Notify::new(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The bounds.
    pub fn config(&self) -> &StatesConfig {
        &self.shared.config
    }

    /// The state of a service after its last commit; that of a service without commits is empty.
    pub fn view(&self, service: &str) -> Result<Snapshot, StatesError> {
        let life = self.shared.life(layout::name(service))?;
        self.last(&life)
    }

    fn last(&self, life: &Arc<Life>) -> Result<Snapshot, StatesError> {
        life.check()?;
        let mut inner = life.lock();
        if inner.removed {
            return Err(StatesError::Removed);
        }
        let (number, root) = (inner.number, inner.root);
        Ok(Snapshot::hold(&self.shared, life, &mut inner, number, root))
    }

    /// The state with this [root hash](Root::hash), if it is the last one or is still kept.
    pub fn at(&self, service: &str, root: &Hash) -> Result<Option<Snapshot>, StatesError> {
        let shared = &self.shared;
        let life = shared.life(layout::name(service))?;
        let last = self.last(&life)?;
        if last.root().hash() == *root {
            return Ok(Some(last));
        }
        let Some(found) = life.read(&*shared.backing, &life.id.root(root))? else {
            return Ok(None);
        };
        let (replaced_by, root) =
            decode_replaced(&found).ok_or(StatesError::Damaged("an old root"))?;
        let mut inner = life.lock();
        // It may be about to be forgotten.
        let kept = forgetting::oldest_kept(&*shared.backing, &life, &mut inner)?;
        let snapshot = (replaced_by >= kept)
            .then(|| Snapshot::hold(shared, &life, &mut inner, replaced_by - 1, root));
        drop(inner);
        Ok(snapshot)
    }

    /// Waits for the turn to change the state of a service, which comes in the order of asking; and for room in memory,
    /// if the store does not keep up. Dropping the future gives the place in the queue up. If the service is removed
    /// after this is called, it fails, also if there is another service of this name by then.
    pub fn update(
        &self,
        service: &str,
    ) -> impl Future<Output = Result<Update, StatesError>> + Send + use<> {
        let life = self.shared.life(layout::name(service));
        let states = self.clone();
        async move { states.turn(life?).await }
    }

    async fn turn(self, life: Arc<Life>) -> Result<Update, StatesError> {
        let shared = &self.shared;
        let turn = life.writer.clone().lock_owned().await;
        loop {
            let room = shared.room.notified();
            let mut room = std::pin::pin!(room);
            // From here on no call is missed.
            room.as_mut().enable();
            let unwritten = shared.unwritten_bytes.load(Ordering::Acquire);
            if unwritten < shared.config.unwritten_bytes {
                break;
            }
            room.await;
        }
        let snapshot = self.last(&life)?;
        Ok(Update::new(shared.clone(), life, snapshot, turn))
    }

    /// Says that the writes of this ticket are in the store and every later read finds them.
    pub fn written(&self, mut ticket: Ticket) {
        ticket.settle();
    }

    /// Bytes of nodes and values that are not in the store yet.
    pub fn unwritten_bytes(&self) -> usize {
        self.shared.unwritten_bytes.load(Ordering::Acquire)
    }

    /// When there may be something to [forget](States::tidy), in milliseconds since 1970; none until the next commit or
    /// removal.
    pub fn tidy_at(&self) -> Option<u64> {
        let shared = &self.shared;
        if shared.garbage().can_go_on() {
            return Some(0);
        }
        shared.agenda().next_ms()
    }

    /// Forgets a portion of what nobody can ask for any more: of old roots whose time is over, whichever service they
    /// belong to, and of removed states. Nothing comes if nothing is to be done now. Calling it again and again at
    /// [`States::tidy_at`] forgets everything.
    ///
    /// What was committed before this has to be in the store before these writes, or together with them.
    ///
    /// A service whose state cannot be used is left alone, and named in the log.
    pub fn tidy(&self, now_ms: u64) -> Vec<Writes> {
        let shared = &self.shared;
        let mut all = Vec::new();
        if let Err(error) = self.look_at_unseen(now_ms) {
            tracing::error!(%error, "old states cannot be found");
        }
        let mut left = TIDY_CHANGES;
        for _ in 0..agenda::AT_ONCE {
            if left == 0 {
                break;
            }
            let Some(name) = shared.agenda().take(now_ms) else {
                break;
            };
            match self.tidy_one(name, now_ms, left) {
                Ok(writes) => {
                    let changes = writes.as_ref().map_or(0, |writes| writes.writes.len());
                    left = left.saturating_sub(changes);
                    all.extend(writes);
                }
                Err(error) => tracing::error!(service = %name, %error, "a state is not tidied"),
            }
        }
        let swept = self.sweep(left);
        all.extend(swept.unwrap_or_else(|error| {
            tracing::error!(%error, "a removed state is not deleted");
            None
        }));
        all
    }

    /// Notes which services had something to forget when the store was opened, some at a time.
    fn look_at_unseen(&self, now_ms: u64) -> Result<(), StatesError> {
        let shared = &self.shared;
        let unseen = shared.agenda().unseen(&*shared.backing)?;
        for name in unseen {
            let next_ms = shared.life(name).and_then(|life| {
                let mut inner = life.lock();
                forgetting::next_ms(shared, &life, &mut inner, now_ms)
            });
            match next_ms {
                Ok(Some(at_ms)) => shared.agenda().add(name, at_ms),
                Ok(None) => {}
                Err(error) => tracing::error!(service = %name, %error, "a state is not tidied"),
            }
        }
        Ok(())
    }

    fn tidy_one(
        &self,
        name: Hash,
        now_ms: u64,
        budget: usize,
    ) -> Result<Option<Writes>, StatesError> {
        let shared = &self.shared;
        let life = shared.life(name)?;
        life.check()?;
        let mut writes = Vec::new();
        let mut inner = life.lock();
        if inner.removed {
            return Ok(None);
        }
        forgetting::old_roots(shared, &life, &mut inner, now_ms, budget, &mut writes)?;
        let next_ms = forgetting::next_ms(shared, &life, &mut inner, now_ms)?;
        let writes = (!writes.is_empty()).then(|| self.writes(&life, &mut inner, writes, false));
        if let Some(at_ms) = next_ms {
            shared.agenda().add(name, at_ms);
        }
        Ok(writes)
    }

    /// Deletes a portion of a removed state.
    fn sweep(&self, budget: usize) -> Result<Option<Writes>, StatesError> {
        let shared = &self.shared;
        let mut writes = Vec::new();
        let sweeps = shared.garbage().portion(shared, budget, &mut writes)?;
        // It belongs to no service: all writes of the removed one are done.
        let nobody = Arc::new(Life::new(Hash::ZERO, Head::EMPTY));
        let mut inner = nobody.lock();
        Ok(sweeps.then(|| self.writes(&nobody, &mut inner, writes, sweeps)))
    }

    /// Removes the state of a service: it is gone at once, and what it took in the store is deleted in portions with
    /// later commits of any service. Updates that have begun fail; snapshots can be read until they are dropped. None
    /// if it has no state.
    pub fn remove(&self, service: &str) -> Result<Option<Writes>, StatesError> {
        let name = layout::name(service);
        let life = self.shared.life(name)?;
        // In this order, and with the first one held: nobody finds the old state or makes a new one in between.
        let mut lives = self.shared.lives();
        let mut inner = life.lock();
        if inner.removed {
            return Ok(None);
        }
        inner.removed = true;
        lives.by_name.remove(&name);
        if inner.number == 0 {
            return Ok(None);
        }
        let writes = vec![
            StateWrite::Delete {
                key: head_key(&name),
            },
            StateWrite::Put {
                key: life.id.garbage(),
                value: encode_garbage(&name, life.generation),
            },
        ];
        let writes = self.writes(&life, &mut inner, writes, false);
        self.shared.garbage().add(life.clone());
        drop(inner);
        drop(lives);
        Ok(Some(writes))
    }

    fn writes(
        &self,
        life: &Arc<Life>,
        inner: &mut life::Inner,
        writes: Vec<StateWrite>,
        sweeps: bool,
    ) -> Writes {
        let ticket = self.shared.tickets.fetch_add(1, Ordering::Relaxed);
        inner.keep(ticket, Vec::new());
        Writes {
            writes,
            ticket: Ticket::new(self.shared.clone(), life.clone(), ticket, 0, sweeps),
        }
    }

    /// How many removed states still take room in the store.
    pub fn removed(&self) -> usize {
        self.shared.garbage().len()
    }

    /// Reads the whole state of a service from the store, and hashes all of it. For stores in doubt: takes some
    /// microseconds per entry, and little memory.
    pub fn verify(&self, service: &str) -> Result<Root, StateError> {
        let failed = |error| weir_receipt::state::NodesError::Store(Arc::new(error));
        let snapshot = self.view(service).map_err(failed)?.uncached();
        Tree::new(snapshot.root(), snapshot.nodes()).verify()?;
        Ok(snapshot.root())
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("States")
            .field("config", &self.shared.config)
            .field("unwritten_bytes", &self.unwritten_bytes())
            .finish_non_exhaustive()
    }
}
