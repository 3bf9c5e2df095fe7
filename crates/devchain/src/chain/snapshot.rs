//! Goes back to a moment before, as a reorganisation would.

use alloy_primitives::Bytes;

use super::Chain;
use crate::changes::Changes;
use crate::error::Error;
use crate::event::Event;
use crate::store::Snapshot;

impl Chain {
    /// Remembers this moment; gives its name.
    pub fn snapshot(&mut self) -> Result<u64, Error> {
        self.writable()?;
        let limit = self.config.limits.snapshots;
        let mut meta = self.meta.clone();
        if meta.snapshots.len() >= limit {
            meta.snapshots.remove(0);
        }
        let id = meta.next_snapshot;
        meta.next_snapshot += 1;
        meta.snapshots.push(Snapshot {
            id,
            block: self.head.number(),
            hash: self.head.hash,
            sequence: meta.next_sequence,
            time: meta.time.clone(),
            undo: Bytes::from(Changes::default().encode()),
        });
        let result = self.store.write(|writer| writer.meta(&meta));
        self.written(result)?;
        self.meta = meta;
        Ok(id)
    }

    /// Goes back to a snapshot: blocks and transactions since are gone, and so are it and later snapshots. `false` if
    /// there is no such snapshot.
    pub fn revert(&mut self, id: u64) -> Result<bool, Error> {
        self.writable()?;
        let mut meta = self.meta.clone();
        let Some(at) = meta.snapshots.iter().position(|one| one.id == id) else {
            return Ok(false);
        };
        let snapshot = meta.snapshots.swap_remove(at);
        meta.snapshots.truncate(at);
        let (head, last) = (self.head.number(), snapshot.block);
        self.oldest_state(last)?;

        let mut removed = Vec::new();
        let undo = Changes::decode(&snapshot.undo);
        let mut undone = undo.map_err(|_| self.store.damaged("a snapshot cannot be read"))?;
        // The older undoing wins, and what was set by hand after the snapshot is undone last.
        for number in last + 1..=head {
            let block = self.block(number)?;
            let block = block.ok_or_else(|| self.store.damaged("a block is not there"))?;
            removed.push(block);
            let undo = self.store.undo(number)?;
            let undo =
                undo.ok_or_else(|| self.store.damaged("what undoes a block is not there"))?;
            undone.keep_from(undo);
        }
        meta.time = snapshot.time;
        let waiting = self.pool.all();
        let newer = waiting.filter(|waiting| waiting.sequence >= snapshot.sequence);
        let newer: Vec<_> = newer.cloned().collect();
        let before = self.block(last)?;
        let before = before.ok_or_else(|| self.store.damaged("a block is not there"))?;
        let result = self.store.write(|writer| {
            for block in &removed {
                writer.remove_block(block)?;
            }
            writer.state(&undone)?;
            for waiting in &newer {
                writer.wait_no_more(waiting.sequence)?;
            }
            writer.meta(&meta)
        });
        self.written(result)?;

        self.meta = meta;
        self.state.apply(undone);
        for waiting in newer {
            self.pool.remove(waiting.signed.hash());
        }
        for block in removed.iter().rev() {
            self.numbers.remove(&block.hash);
            self.recent.retain(|kept| kept.hash != block.hash);
        }
        self.hashes.truncate(last as usize + 1);
        if self.recent.is_empty() {
            self.recent.push_back(before.clone());
        }
        self.head = before;
        for block in removed.into_iter().rev() {
            self.emit(Event::Removed(block));
        }
        Ok(true)
    }
}
