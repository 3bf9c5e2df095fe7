//! Blocks that are here.

mod folder;

use std::collections::BTreeMap;

use bytes::Bytes;
use weir_identity::Cid;

use crate::block::Block;
use crate::error::StoreError;

pub use folder::Folder;

/// Keeps blocks by their names. Whoever puts and collects does it one after the other.
pub trait BlockStore {
    /// The bytes of a block, which are held against its name; nothing if it is not here.
    fn get(&self, cid: &Cid) -> Result<Option<Bytes>, StoreError>;

    /// Whether a block is here, without a look at its bytes.
    fn contains(&self, cid: &Cid) -> bool;

    /// Keeps a block; when this returns, it is durable.
    fn put(&mut self, block: &Block) -> Result<(), StoreError>;

    /// Deletes a block; that it is not here is no error.
    fn remove(&mut self, cid: &Cid) -> Result<(), StoreError>;

    /// The names of all blocks, in order.
    fn list(&self) -> Result<Vec<Cid>, StoreError>;
}

/// Blocks in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory(BTreeMap<Cid, Bytes>);

impl BlockStore for Memory {
    fn get(&self, cid: &Cid) -> Result<Option<Bytes>, StoreError> {
        Ok(self.0.get(cid).cloned())
    }

    fn contains(&self, cid: &Cid) -> bool {
        self.0.contains_key(cid)
    }

    fn put(&mut self, block: &Block) -> Result<(), StoreError> {
        self.0.insert(block.cid(), block.bytes().clone());
        Ok(())
    }

    fn remove(&mut self, cid: &Cid) -> Result<(), StoreError> {
        self.0.remove(cid);
        Ok(())
    }

    fn list(&self) -> Result<Vec<Cid>, StoreError> {
        Ok(self.0.keys().copied().collect())
    }
}
