//! Blocks and transactions as they are found.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use alloy_rpc_types_eth::Transaction;

use super::Chain;
use crate::block::{Block, Place};
use crate::error::Error;
use crate::pool::Waiting;

impl Chain {
    /// A block by its number.
    pub fn block(&self, number: u64) -> Result<Option<Arc<Block>>, Error> {
        let recent = self.recent.iter().rev();
        let mut recent = recent.take_while(|block| block.number() >= number);
        if let Some(block) = recent.find(|block| block.number() == number) {
            return Ok(Some(block.clone()));
        }
        if number > self.head.number() {
            return Ok(None);
        }
        Ok(self.store.block(number)?.map(Arc::new))
    }

    /// The number of a block.
    pub fn number_of(&self, hash: B256) -> Option<u64> {
        self.numbers.get(&hash).copied()
    }

    /// The number that a tag stands for; that of the next block for `pending`.
    pub fn number_at(&self, tag: BlockNumberOrTag) -> u64 {
        match tag {
            BlockNumberOrTag::Number(number) => number,
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Pending => self.head.number() + 1,
            // There are no forks: what is newest is final.
            BlockNumberOrTag::Latest | BlockNumberOrTag::Safe | BlockNumberOrTag::Finalized => {
                self.head.number()
            }
        }
    }

    /// A block by number, tag or hash. The pending one is made on the spot, of what waits.
    pub fn find_block(&self, id: BlockId, now: u64) -> Result<Option<Arc<Block>>, Error> {
        match id {
            BlockId::Number(BlockNumberOrTag::Pending) => Ok(Some(Arc::new(self.make(now).block))),
            BlockId::Number(tag) => self.block(self.number_at(tag)),
            BlockId::Hash(hash) => match self.number_of(hash.block_hash) {
                Some(number) => self.block(number),
                None => Ok(None),
            },
        }
    }

    /// The block in which a transaction stands, and its number in it.
    pub fn find_mined(&self, hash: B256) -> Result<Option<(Arc<Block>, usize)>, Error> {
        let Some(Place { block, index }) = self.store.place(hash)? else {
            return Ok(None);
        };
        let block = self.block(block)?;
        Ok(block.map(|block| (block, index as usize)))
    }

    /// A transaction, in a block or waiting.
    pub fn find_transaction(&self, hash: B256) -> Result<Option<Transaction>, Error> {
        if let Some((block, index)) = self.find_mined(hash)? {
            return Ok(block.rpc_transaction(index));
        }
        Ok(self.pool.get(hash).map(Waiting::rpc))
    }
}
