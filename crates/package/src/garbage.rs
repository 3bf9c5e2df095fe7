//! What a store has of packages, and which blocks may go: those that nothing refers to which somebody wants.

use std::collections::{BTreeMap, BTreeSet};

use weir_identity::{Cid, Codec};

use crate::block::Block;
use crate::error::{FetchError, StoreError};
use crate::store::BlockStore;

/// Roots that are kept, each with the reasons for it, such as `deal 7`. A root stays as long as one reason does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins(BTreeMap<Cid, BTreeSet<String>>);

impl Pins {
    /// Keeps a root. A package that is being fetched is pinned before its first block is kept.
    pub fn pin(&mut self, root: Cid, reason: impl Into<String>) {
        self.0.entry(root).or_default().insert(reason.into());
    }

    /// Takes a reason back. Returns whether the root has none left.
    pub fn unpin(&mut self, root: &Cid, reason: &str) -> bool {
        let Some(reasons) = self.0.get_mut(root) else {
            return false;
        };
        reasons.remove(reason);
        let free = reasons.is_empty();
        if free {
            self.0.remove(root);
        }
        free
    }

    /// The roots, each with its reasons.
    pub fn iter(&self) -> impl Iterator<Item = (&Cid, &BTreeSet<String>)> {
        self.0.iter()
    }

    /// Whether a root is kept.
    pub fn contains(&self, root: &Cid) -> bool {
        self.0.contains_key(root)
    }
}

/// The blocks of the store that no pinned root reaches, in order. Fails, without a list, if a block on the way cannot
/// be read: what is behind it is not known.
///
/// A block that is not here is no error: a fetch may be on its way. Because a fetch keeps what links before what is
/// linked, everything that it has is reached from its root.
pub fn collectable(store: &dyn BlockStore, pins: &Pins) -> Result<Vec<Cid>, FetchError> {
    let reached = reach(store, pins.iter().map(|(root, _)| *root).collect())?;
    let mut all = store.list()?;
    all.retain(|cid| !reached.contains_key(cid));
    Ok(all)
}

/// Whether the store has a package with all its blocks. Fails as [`collectable`] does.
pub fn is_whole(store: &dyn BlockStore, package: Cid) -> Result<bool, FetchError> {
    let reached = reach(store, vec![package])?;
    Ok(reached.values().all(|is_here| *is_here))
}

/// The blocks that are reached from these, and which of them are here.
fn reach(store: &dyn BlockStore, mut pending: Vec<Cid>) -> Result<BTreeMap<Cid, bool>, FetchError> {
    let mut reached = BTreeMap::new();
    while let Some(cid) = pending.pop() {
        if reached.contains_key(&cid) {
            continue;
        }
        if cid.codec() == Codec::Raw {
            // It links to nothing, and may be large.
            reached.insert(cid, store.contains(&cid));
            continue;
        }
        let block = store.get(&cid)?.map(|bytes| {
            Block::verified(cid, bytes).ok_or(FetchError::Store(StoreError::Damaged { cid }))
        });
        let block = block.transpose()?;
        reached.insert(cid, block.is_some());
        if let Some(block) = block {
            let links = block.links();
            pending.extend(links.map_err(|problem| FetchError::NotAPackage { cid, problem })?);
        }
    }
    Ok(reached)
}

/// Deletes what is [`collectable`], and says what that was.
pub fn collect(store: &mut dyn BlockStore, pins: &Pins) -> Result<Vec<Cid>, FetchError> {
    let garbage = collectable(store, pins)?;
    for cid in &garbage {
        store.remove(cid)?;
    }
    Ok(garbage)
}
