//! `weir:host/state`: the guest's view of its service's state.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::{ComponentType, Lift, Linker, Lower};
use wasmtime::{Error, Result, StoreContextMut, format_err};
use weir_receipt::state::{
    Commit, KEY_BYTES_MAX, KeyRange, Node, NodeKey, Nodes, NodesError, Order, Recorder, StateError,
    Transaction, Tree, Versions, Visit,
};

use super::CallState;
use super::metered::charge;
use crate::world::{Mode, SharedNodes, StateAt};

type Store<'a> = StoreContextMut<'a, CallState>;

/// Fuel units for a look at the state.
pub(super) const READ_FUEL: u64 = 20_000;

/// Fuel units for a change of one key, most of it for hashing the new root.
pub(crate) const WRITE_FUEL: u64 = 200_000;

/// Fuel units for each byte that is written.
pub(crate) const WRITE_BYTE_FUEL: u64 = 10;

/// Fuel units for each further entry of a scan, and for each that the same call deleted and the scan passes.
pub(crate) const ENTRY_FUEL: u64 = 5_000;

/// The first byte of the keys of guests in the tree.
const GUEST_KEYS: u8 = b'k';

/// Longest key of a guest, in bytes.
const GUEST_KEY_BYTES_MAX: usize = KEY_BYTES_MAX - 1;

/// The most entries that one scan gives, and the bytes after which it ends.
const SCAN_ENTRIES_MAX: u32 = 1_000;
const SCAN_BYTES_MAX: usize = 1 << 20;

/// As a part of the profile.
pub(super) fn description() -> String {
    format!(
        "weir:host 0.1 read {READ_FUEL} entry {ENTRY_FUEL} write {WRITE_FUEL} byte {WRITE_BYTE_FUEL} \
         scan {SCAN_ENTRIES_MAX} bytes {SCAN_BYTES_MAX}"
    )
}

/// The transaction of a call.
pub(crate) struct Session {
    mode: Mode,
    /// Whether an instance is being made.
    starting: bool,
    transaction: Transaction<Arc<Source>>,
    source: Arc<Source>,
}

/// What a transaction reads: the nodes themselves, or with a note of what was touched.
pub(crate) enum Source {
    Plain(SharedNodes),
    Noted(Recorder<SharedNodes>),
}

impl Source {
    fn nodes(&self) -> &dyn Nodes {
        match self {
            Self::Plain(nodes) => nodes,
            Self::Noted(recorder) => recorder,
        }
    }
}

impl Nodes for Source {
    fn node(&self, key: &NodeKey) -> std::result::Result<Arc<Node>, NodesError> {
        self.nodes().node(key)
    }

    fn value(&self, key: &NodeKey) -> std::result::Result<Bytes, NodesError> {
        self.nodes().value(key)
    }

    fn versions(&self) -> Versions {
        self.nodes().versions()
    }

    fn visited(&self, visit: Visit<'_>) {
        self.nodes().visited(visit);
    }
}

/// The state could not be read. It says nothing about the call.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct StateFailure(pub(crate) NodesError);

impl Session {
    pub(super) fn new(at: &StateAt, mode: Mode, witness: bool) -> Self {
        let nodes = at.nodes.clone();
        let source = Arc::new(if witness {
            Source::Noted(Recorder::new(nodes))
        } else {
            Source::Plain(nodes)
        });
        Self {
            mode,
            starting: false,
            transaction: Transaction::new(Tree::new(at.root, source.clone()), at.limits),
            source,
        }
    }

    /// Says whether an instance is being made. Code of the guest that runs meanwhile has nothing of what a call is about, so
    /// that it cannot do the call's work without its fuel.
    pub(crate) fn set_starting(&mut self, starting: bool) {
        self.starting = starting;
    }

    /// Refuses what only a function may use.
    pub(super) fn started(&self, what: &str) -> Result<()> {
        if self.starting {
            return Err(format_err!(
                "code that runs when the component starts used {what}, which only its functions can"
            ));
        }
        Ok(())
    }

    /// The transaction, for reading. A pure function has none.
    pub(super) fn reading(&self) -> Result<&Transaction<Arc<Source>>> {
        self.started("the state")?;
        match self.mode {
            Mode::Pure => Err(format_err!(
                "a function declared pure used the state; declare it view or update in the manifest"
            )),
            Mode::View | Mode::Update => Ok(&self.transaction),
        }
    }

    /// The transaction, for changing. None in a view.
    pub(super) fn writing(&mut self) -> Result<Option<&mut Transaction<Arc<Source>>>> {
        self.reading()?;
        Ok((self.mode == Mode::Update).then_some(&mut self.transaction))
    }

    /// The transaction for files, which keep the rules of modes themselves.
    pub(super) fn transaction(&mut self) -> &mut Transaction<Arc<Source>> {
        &mut self.transaction
    }

    /// Makes the new root. None if there is nothing to change.
    pub(crate) fn commit(self) -> std::result::Result<(Option<Commit>, Arc<Source>), StateError> {
        let Self {
            transaction,
            source,
            ..
        } = self;
        let commit = transaction
            .is_changed()
            .then(|| transaction.commit())
            .transpose()?;
        Ok((commit, source))
    }

    /// What was read, without a new root.
    pub(crate) fn roll_back(self) -> Arc<Source> {
        self.source
    }
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum Refusal {
    #[component(name = "read-only")]
    ReadOnly,
    #[component(name = "too-long")]
    TooLong(String),
    #[component(name = "quota")]
    Quota(String),
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Entry {
    key: Vec<u8>,
    value: Vec<u8>,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct GuestRange {
    start: Vec<u8>,
    end: Option<Vec<u8>>,
}

#[derive(Clone, Copy, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "only the engine makes them, by their numbers")]
enum GuestOrder {
    #[component(name = "ascending")]
    Ascending,
    #[component(name = "descending")]
    Descending,
}

type Changed = std::result::Result<bool, Refusal>;

/// Links the interface.
pub(super) fn add_to_linker(linker: &mut Linker<CallState>) -> Result<()> {
    let mut state = linker.instance("weir:host/state@0.1.0")?;
    state.func_wrap_async("get", |mut store, (key,): (Vec<u8>,)| {
        Box::new(async move {
            charge(&mut store, READ_FUEL + key.len() as u64).await?;
            let value = match own(&key) {
                Some(key) => readable(store.data().session.reading()?.get(&key))?,
                None => None,
            };
            charge(&mut store, value.as_ref().map_or(0, Bytes::len) as u64).await?;
            Ok((value.map(|value| value.to_vec()),))
        })
    })?;
    state.func_wrap_async("length", |mut store, (key,): (Vec<u8>,)| {
        Box::new(async move {
            charge(&mut store, READ_FUEL + key.len() as u64).await?;
            let session = store.data().session.reading()?;
            Ok((match own(&key) {
                Some(key) => readable(session.value_len(&key))?,
                None => None,
            },))
        })
    })?;
    state.func_wrap_async("set", |mut store, (key, value): (Vec<u8>, Vec<u8>)| {
        Box::new(async move {
            let bytes = (key.len() + value.len()) as u64;
            let work = WRITE_FUEL.saturating_add(bytes.saturating_mul(WRITE_BYTE_FUEL));
            charge(&mut store, work).await?;
            Ok((change(&mut store, &key, Some(value))?,))
        })
    })?;
    state.func_wrap_async("delete", |mut store, (key,): (Vec<u8>,)| {
        Box::new(async move {
            charge(&mut store, WRITE_FUEL + key.len() as u64).await?;
            Ok((change(&mut store, &key, None)?,))
        })
    })?;
    state.func_wrap_async(
        "scan",
        |mut store, (range, order, limit): (GuestRange, GuestOrder, u32)| {
            Box::new(async move {
                charge(&mut store, READ_FUEL + range.bytes()).await?;
                let session = store.data().session.reading()?;
                let mut range = session.range(&range.in_tree(), order.in_tree());
                let entries = range.by_ref().map(|entry| {
                    let (mut key, value) = readable(entry)?;
                    key.remove(0);
                    let value = value.to_vec();
                    Ok(Entry { key, value })
                });
                let size = |entry: &Entry| entry.key.len() + entry.value.len();
                let (found, bytes) = take(entries, limit, size)?;
                let work = scan_fuel(found.len(), bytes, range.passed());
                charge(&mut store, work).await?;
                Ok((found,))
            })
        },
    )?;
    state.func_wrap_async(
        "keys",
        |mut store, (range, order, limit): (GuestRange, GuestOrder, u32)| {
            Box::new(async move {
                charge(&mut store, READ_FUEL + range.bytes()).await?;
                let session = store.data().session.reading()?;
                let mut range = session.keys(&range.in_tree(), order.in_tree());
                let keys = range.by_ref().map(|key| {
                    let mut key = readable(key)?;
                    key.remove(0);
                    Ok(key)
                });
                let (found, bytes) = take(keys, limit, Vec::len)?;
                let work = scan_fuel(found.len(), bytes, range.passed());
                charge(&mut store, work).await?;
                Ok((found,))
            })
        },
    )
}

/// The key in the tree; none if no guest can have one like it.
fn own(key: &[u8]) -> Option<Vec<u8>> {
    if key.len() > GUEST_KEY_BYTES_MAX {
        return None;
    }
    Some([&[GUEST_KEYS], key].concat())
}

impl GuestRange {
    fn bytes(&self) -> u64 {
        let end = self.end.as_ref().map_or(0, Vec::len);
        (self.start.len() + end) as u64
    }

    fn in_tree(&self) -> KeyRange {
        // Bounds may be longer than keys: where they are cut, no key of a guest lies in between.
        let bound = |key: &[u8]| {
            let cut = &key[..key.len().min(GUEST_KEY_BYTES_MAX + 1)];
            [&[GUEST_KEYS], cut].concat()
        };
        KeyRange {
            start: bound(&self.start),
            end: Some(match &self.end {
                Some(end) => bound(end),
                None => vec![GUEST_KEYS + 1],
            }),
        }
    }
}

impl GuestOrder {
    fn in_tree(self) -> Order {
        match self {
            Self::Ascending => Order::Ascending,
            Self::Descending => Order::Descending,
        }
    }
}

fn change(store: &mut Store<'_>, key: &[u8], value: Option<Vec<u8>>) -> Result<Changed> {
    let Some(transaction) = store.data_mut().session.writing()? else {
        return Ok(Err(Refusal::ReadOnly));
    };
    let Some(own) = own(key) else {
        return Ok(Err(Refusal::TooLong(format!(
            "a key of {} bytes: at most {GUEST_KEY_BYTES_MAX} are possible",
            key.len()
        ))));
    };
    let changed = match value {
        Some(value) => transaction.set(&own, value),
        None => transaction.delete(&own),
    };
    Ok(match changed {
        Ok(held) => Ok(held),
        Err(StateError::Nodes(error)) => return Err(StateFailure(error).into()),
        Err(error @ (StateError::KeyTooLong(_) | StateError::ValueTooLong(_))) => {
            Err(Refusal::TooLong(error.to_string()))
        }
        Err(error @ (StateError::Quota { .. } | StateError::Transaction { .. })) => {
            Err(Refusal::Quota(error.to_string()))
        }
    })
}

/// What was read; reading fails only for want of nodes.
fn readable<T>(read: std::result::Result<T, StateError>) -> Result<T> {
    read.map_err(|error| match error {
        StateError::Nodes(error) => StateFailure(error).into(),
        other => Error::from(other),
    })
}

/// The first of them, and their size.
fn take<T>(
    items: impl Iterator<Item = Result<T>>,
    limit: u32,
    size: impl Fn(&T) -> usize,
) -> Result<(Vec<T>, usize)> {
    let mut found = Vec::new();
    let mut bytes = 0;
    for item in items.take(limit.min(SCAN_ENTRIES_MAX) as usize) {
        let item = item?;
        bytes += size(&item);
        found.push(item);
        if bytes >= SCAN_BYTES_MAX {
            break;
        }
    }
    Ok((found, bytes))
}

/// What a scan costs beside a look at the state.
fn scan_fuel(entries: usize, bytes: usize, passed: u64) -> u64 {
    (entries as u64 + passed) * ENTRY_FUEL + bytes as u64
}
