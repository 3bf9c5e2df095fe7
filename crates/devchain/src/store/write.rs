//! What one write to the store does.

use redb::{ReadableTable as _, WriteTransaction};

use super::{ABOUT, ACCOUNTS, BLOCKS, CODE, HASHES, Meta, PLACES, POOL, STORAGE, UNDO, VERSION};
use crate::block::Block;
use crate::changes::Changes;

/// A write that is not finished.
pub struct Writer(pub(super) WriteTransaction);

impl Writer {
    /// Makes the tables that are not there.
    pub(super) fn tables(&self) -> Result<(), redb::Error> {
        self.0.open_table(ABOUT)?;
        self.0.open_table(BLOCKS)?;
        self.0.open_table(HASHES)?;
        self.0.open_table(PLACES)?;
        self.0.open_table(UNDO)?;
        self.0.open_table(ACCOUNTS)?;
        self.0.open_table(STORAGE)?;
        self.0.open_table(CODE)?;
        self.0.open_table(POOL)?;
        Ok(())
    }

    /// What there is once.
    pub fn meta(&self, meta: &Meta) -> Result<(), redb::Error> {
        let mut about = self.0.open_table(ABOUT)?;
        about.insert("version", &VERSION.to_be_bytes()[..])?;
        about.insert("chain", &alloy_rlp::encode(meta)[..])?;
        Ok(())
    }

    /// A new block, and what undoes it.
    pub fn block(&self, block: &Block, undo: &Changes) -> Result<(), redb::Error> {
        let number = block.number();
        let mut blocks = self.0.open_table(BLOCKS)?;
        blocks.insert(number, &alloy_rlp::encode(block)[..])?;
        let mut hashes = self.0.open_table(HASHES)?;
        hashes.insert(number, block.hash.0)?;
        let mut places = self.0.open_table(PLACES)?;
        for (index, tx) in (0u32..).zip(&block.transactions) {
            places.insert(tx.hash().0, (number, index))?;
        }
        self.undo(number, undo)
    }

    /// What undoes a block, in place of what did.
    pub fn undo(&self, number: u64, undo: &Changes) -> Result<(), redb::Error> {
        let mut table = self.0.open_table(UNDO)?;
        table.insert(number, &undo.encode()[..])?;
        Ok(())
    }

    /// Forgets what undoes blocks up to this one.
    pub fn forget_undo(&self, last: u64) -> Result<(), redb::Error> {
        let mut table = self.0.open_table(UNDO)?;
        loop {
            let first = table.first()?.map(|(number, _)| number.value());
            match first {
                Some(first) if first <= last => table.remove(first)?,
                _ => return Ok(()),
            };
        }
    }

    /// Forgets a block.
    pub fn remove_block(&self, block: &Block) -> Result<(), redb::Error> {
        let number = block.number();
        self.0.open_table(BLOCKS)?.remove(number)?;
        self.0.open_table(HASHES)?.remove(number)?;
        self.0.open_table(UNDO)?.remove(number)?;
        let mut places = self.0.open_table(PLACES)?;
        for tx in &block.transactions {
            places.remove(tx.hash().0)?;
        }
        Ok(())
    }

    /// Changes the newest state.
    pub fn state(&self, changes: &Changes) -> Result<(), redb::Error> {
        let mut accounts = self.0.open_table(ACCOUNTS)?;
        for (address, account) in &changes.accounts {
            match account {
                Some(account) => accounts.insert(address.0.0, &alloy_rlp::encode(account)[..])?,
                None => accounts.remove(address.0.0)?,
            };
        }
        let mut storage = self.0.open_table(STORAGE)?;
        for ((address, slot), value) in &changes.storage {
            let place = (address.0.0, slot.to_be_bytes());
            if value.is_zero() {
                storage.remove(place)?;
            } else {
                storage.insert(place, value.to_be_bytes())?;
            }
        }
        let mut table = self.0.open_table(CODE)?;
        for (hash, code) in &changes.code {
            table.insert(hash.0, &code[..])?;
        }
        Ok(())
    }

    /// A transaction waits.
    pub fn wait(&self, sequence: u64, raw: &[u8]) -> Result<(), redb::Error> {
        self.0.open_table(POOL)?.insert(sequence, raw)?;
        Ok(())
    }

    /// A transaction waits no more.
    pub fn wait_no_more(&self, sequence: u64) -> Result<(), redb::Error> {
        self.0.open_table(POOL)?.remove(sequence)?;
        Ok(())
    }
}
