//! Makes blocks.

use std::sync::Arc;

use alloy_consensus::proofs::{calculate_receipt_root, calculate_transaction_root};
use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Eip658Value, Header, Receipt, ReceiptEnvelope,
    Transaction as _,
};
use alloy_primitives::{Address, B256, Bloom, keccak256};

use super::{Chain, RECENT};
use crate::block::Block;
use crate::changes::Changes;
use crate::config::{Config, Mining};
use crate::error::{Error, Refusal};
use crate::event::Event;
use crate::execute;
use crate::overlay::Overlay;
use crate::pool::Waiting;
use crate::state::Read as _;

/// A block that nobody knows yet.
pub(super) struct Made {
    pub block: Block,
    pub changes: Changes,
    included: Vec<Waiting>,
    /// Those that can never be executed, and why.
    impossible: Vec<(Waiting, String)>,
}

/// Changes of the pool that the store does not know yet.
#[derive(Default)]
pub(super) struct Unsaved {
    pub added: Vec<Waiting>,
    /// Sequences of those that were replaced.
    pub replaced: Vec<u64>,
}

/// Block 0.
pub(super) fn genesis(config: &Config, timestamp: u64, changes: &Changes) -> Block {
    let header = Header {
        timestamp,
        base_fee_per_gas: Some(config.base_fee),
        state_root: chained_root(B256::ZERO, changes),
        ..header(config)
    };
    Block {
        hash: header.hash_slow(),
        header,
        transactions: Vec::new(),
        senders: Vec::new(),
        receipts: Vec::new(),
    }
}

/// What headers have in common.
fn header(config: &Config) -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: Address::ZERO,
        gas_limit: config.gas_limit,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        ..Header::default()
    }
}

/// What headers have in place of the root of the state's tree: a hash over the one before and what the block changed.
/// It follows from genesis and transactions alone, but nothing can be proved with it.
fn chained_root(before: B256, changes: &Changes) -> B256 {
    keccak256([&before[..], &changes.encode()[..]].concat())
}

impl Chain {
    /// Makes a block of what waits. With [`Mining::Instant`], more of them until nothing that could be executed waits.
    pub fn mine(&mut self, now: u64) -> Result<(), Error> {
        self.writable()?;
        let made = self.make(now);
        self.append(made, Unsaved::default(), now)?;
        if self.mining == Mining::Instant {
            self.mine_all(Unsaved::default(), now)?;
        }
        Ok(())
    }

    /// With [`Mining::Instant`], makes blocks of what waits already.
    pub fn mine_if_instant(&mut self, now: u64) -> Result<(), Error> {
        self.writable()?;
        if self.mining == Mining::Instant {
            self.mine_all(Unsaved::default(), now)?;
        }
        Ok(())
    }

    /// Makes blocks until nothing that could be executed waits, and saves the pool.
    pub(super) fn mine_all(&mut self, mut unsaved: Unsaved, now: u64) -> Result<(), Error> {
        while self.is_ready() {
            let made = self.make(now);
            let unsaved = std::mem::take(&mut unsaved);
            if made.included.is_empty() {
                self.forget(made.impossible, unsaved)?;
            } else {
                self.append(made, unsaved, now)?;
            }
        }
        self.save(&unsaved)
    }

    /// Whether something waits that can be executed.
    pub(super) fn is_ready(&self) -> bool {
        let mut ready = self.pool.ready(self.next_base_fee(), |of| self.nonce(of));
        ready.next().is_some()
    }

    pub(super) fn nonce(&self, address: Address) -> u64 {
        self.state.account(address).map_or(0, |found| found.nonce)
    }

    /// The next block, if it were made now.
    pub(super) fn make(&self, now: u64) -> Made {
        let number = self.head.number() + 1;
        let base_fee = self.next_base_fee();
        let mut header = Header {
            parent_hash: self.head.hash,
            number,
            timestamp: self.next_timestamp(now),
            base_fee_per_gas: Some(base_fee),
            mix_hash: execute::randomness(self.head.hash, number),
            ..header(&self.config)
        };
        let (mut included, mut impossible) = (Vec::new(), Vec::new());
        let mut receipts = Vec::<ReceiptEnvelope>::new();
        let mut ready = self.pool.ready(base_fee, |of| self.nonce(of));
        let mut current: Option<&Waiting> = None;
        let mut gas_used = 0;
        let gas_limit = header.gas_limit;
        let overlay = Overlay::new(&self.state, &self.hashes);
        let next = |outcome: Option<Result<_, _>>| {
            match (outcome, current.take()) {
                (Some(Ok(result)), Some(waiting)) => {
                    let result: revm::context::result::ExecutionResult = result;
                    gas_used += result.tx_gas_used();
                    let receipt = Receipt {
                        status: Eip658Value::Eip658(result.is_success()),
                        cumulative_gas_used: gas_used,
                        logs: if result.is_success() {
                            result.into_logs()
                        } else {
                            Vec::new()
                        },
                    };
                    receipts.push(ReceiptEnvelope::from_typed(
                        waiting.signed.tx.tx_type(),
                        receipt,
                    ));
                    ready.taken(waiting);
                    included.push(waiting.clone());
                }
                (Some(Err(error)), Some(waiting)) => {
                    let error: revm::context::result::InvalidTransaction = error;
                    impossible.push((waiting.clone(), error.to_string()));
                }
                _ => {}
            }
            let waiting = loop {
                let waiting = ready.next()?;
                let gas = waiting.signed.tx.gas_limit();
                if gas <= gas_limit - gas_used {
                    break waiting;
                }
                // The limit was lower when the chain was opened this time.
                if gas > gas_limit {
                    let what = Refusal::GasLimit.to_string();
                    impossible.push((waiting.clone(), what));
                }
            };
            current = Some(waiting);
            Some(execute::transaction(&waiting.signed))
        };
        let overlay = execute::run(self.config.chain_id, &header, overlay, next);
        let changes = overlay.changes;

        let transactions = included.iter().map(|one| one.signed.tx.clone());
        let transactions: Vec<_> = transactions.collect();
        header.gas_used = gas_used;
        header.state_root = chained_root(self.head.header.state_root, &changes);
        header.transactions_root = calculate_transaction_root(&transactions);
        header.receipts_root = calculate_receipt_root(&receipts);
        header.logs_bloom = receipts
            .iter()
            .fold(Bloom::ZERO, |bloom, one| bloom | *one.logs_bloom());
        let block = Block {
            hash: header.hash_slow(),
            header,
            transactions,
            senders: included.iter().map(|one| one.signed.sender).collect(),
            receipts,
        };
        Made {
            block,
            changes,
            included,
            impossible,
        }
    }

    /// Puts a block onto the chain: first into the store, then where it is seen.
    fn append(&mut self, made: Made, unsaved: Unsaved, now: u64) -> Result<(), Error> {
        let undo = self.state.before(&made.changes);
        let mut meta = self.meta.clone();
        meta.time = self.time_after(&made.block.header, now);
        let gone = made.included.iter();
        let gone = gone.chain(made.impossible.iter().map(|(waiting, _)| waiting));
        let gone: Vec<u64> = gone.map(|waiting| waiting.sequence).collect();
        let kept = self.config.limits.state_history_blocks;
        let oldest = made.block.number().saturating_sub(kept);
        meta.oldest_state = meta.oldest_state.max(oldest);
        let result = self.store.write(|writer| {
            writer.block(&made.block, &undo)?;
            writer.state(&made.changes)?;
            writer.forget_undo(meta.oldest_state)?;
            for waiting in &unsaved.added {
                if !gone.contains(&waiting.sequence) {
                    writer.wait(waiting.sequence, &waiting.raw())?;
                }
            }
            for sequence in gone.iter().chain(&unsaved.replaced) {
                writer.wait_no_more(*sequence)?;
            }
            writer.meta(&meta)
        });
        self.written(result)?;
        self.meta = meta;
        self.state.apply(made.changes);
        for waiting in made.included {
            self.pool.remove(waiting.signed.hash());
        }
        self.drop_impossible(made.impossible);
        self.put_head(Arc::new(made.block));
        Ok(())
    }

    /// Takes transactions out of the pool without a block.
    fn forget(
        &mut self,
        impossible: Vec<(Waiting, String)>,
        unsaved: Unsaved,
    ) -> Result<(), Error> {
        let gone: Vec<u64> = impossible.iter().map(|(one, _)| one.sequence).collect();
        self.drop_impossible(impossible);
        let mut added = unsaved.added;
        added.retain(|waiting| !gone.contains(&waiting.sequence));
        let mut replaced = unsaved.replaced;
        replaced.extend(gone);
        self.save(&Unsaved { added, replaced })
    }

    fn drop_impossible(&mut self, impossible: Vec<(Waiting, String)>) {
        for (waiting, error) in impossible {
            let hash = waiting.signed.hash();
            tracing::warn!(%hash, error, "a transaction that waited can no longer be executed and is dropped");
            self.pool.remove(hash);
        }
    }

    /// Saves what changed in the pool.
    pub(super) fn save(&mut self, unsaved: &Unsaved) -> Result<(), Error> {
        if unsaved.added.is_empty() && unsaved.replaced.is_empty() {
            return Ok(());
        }
        let result = self.store.write(|writer| {
            for waiting in &unsaved.added {
                writer.wait(waiting.sequence, &waiting.raw())?;
            }
            for sequence in &unsaved.replaced {
                writer.wait_no_more(*sequence)?;
            }
            writer.meta(&self.meta)
        });
        self.written(result)
    }

    fn put_head(&mut self, block: Arc<Block>) {
        self.numbers.insert(block.hash, block.number());
        self.hashes.push(block.hash);
        self.recent.push_back(block.clone());
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        self.head = block.clone();
        self.emit(Event::Head(block));
    }
}
