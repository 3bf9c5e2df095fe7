//! Prices of gas: the base fee of EIP-1559, and what others paid above it.

use alloy_consensus::Transaction as _;
use alloy_eips::BlockNumberOrTag;
use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use alloy_rpc_types_eth::FeeHistory;

use super::Chain;
use crate::block::Block;
use crate::error::Error;

/// What clients are told to pay above the base fee, in wei for a unit of gas.
pub const TIP: u128 = 1_000_000_000;

/// Blocks that one request for the history of fees gets.
const HISTORY_BLOCKS: u64 = 1_024;

/// Percentiles that it may ask for.
const PERCENTILES: usize = 100;

fn next_base_fee(block: &Block) -> u64 {
    let header = &block.header;
    calc_next_block_base_fee(
        header.gas_used,
        header.gas_limit,
        block.base_fee(),
        BaseFeeParams::ethereum(),
    )
}

impl Chain {
    /// The base fee of the next block, in wei for a unit of gas.
    pub fn next_base_fee(&self) -> u64 {
        next_base_fee(&self.head)
    }

    /// A price at which the next block takes a transaction, in wei for a unit of gas.
    pub fn gas_price(&self) -> u128 {
        u128::from(self.next_base_fee()) + TIP
    }

    /// What blocks up to `newest` cost. For each of them, `percentiles` of what was paid above the base fee, weighed
    /// by gas.
    pub fn fee_history(
        &self,
        count: u64,
        newest: BlockNumberOrTag,
        percentiles: &[f64],
    ) -> Result<FeeHistory, Error> {
        if percentiles.len() > PERCENTILES {
            return Err(Error::Limit(format!(
                "over the query limit {PERCENTILES} of reward percentiles"
            )));
        }
        let rising = percentiles.windows(2).all(|pair| pair[0] <= pair[1]);
        if !rising || !percentiles.iter().all(|one| (0.0..=100.0).contains(one)) {
            let what = "invalid reward percentile: they must rise from 0 to 100";
            return Err(Error::Argument(what.to_owned()));
        }
        let head = self.head.number();
        let asked = self.number_at(newest);
        if asked > head && newest != BlockNumberOrTag::Pending {
            return Err(Error::UnknownBlock {
                asked,
                newest: head,
            });
        }
        let last = asked.min(head);
        let count = count.min(HISTORY_BLOCKS).min(last + 1);
        let mut history = FeeHistory {
            oldest_block: last + 1 - count,
            reward: (!percentiles.is_empty()).then(Vec::new),
            ..FeeHistory::default()
        };
        for number in history.oldest_block..=last {
            if count == 0 {
                break;
            }
            let block = self.block(number)?;
            let block = block.ok_or_else(|| self.store.damaged("a block is not there"))?;
            history.base_fee_per_gas.push(block.base_fee().into());
            let header = &block.header;
            let ratio = header.gas_used as f64 / header.gas_limit as f64;
            history.gas_used_ratio.push(ratio);
            history.base_fee_per_blob_gas.push(1);
            history.blob_gas_used_ratio.push(0.0);
            if let Some(reward) = &mut history.reward {
                reward.push(rewards(&block, percentiles));
            }
            if number == last {
                history.base_fee_per_gas.push(next_base_fee(&block).into());
                history.base_fee_per_blob_gas.push(1);
            }
        }
        Ok(history)
    }
}

fn rewards(block: &Block, percentiles: &[f64]) -> Vec<u128> {
    let transactions = block.transactions.iter().enumerate();
    let mut paid: Vec<(u128, u64)> = transactions
        .map(|(index, tx)| {
            let tip = tx.effective_tip_per_gas(block.base_fee());
            (tip.unwrap_or_default(), block.gas_used(index))
        })
        .collect();
    paid.sort_unstable();
    let percentiles = percentiles.iter();
    let rewards = percentiles.map(|percentile| {
        let wanted = block.header.gas_used as f64 * percentile / 100.0;
        let mut sum = 0;
        let found = paid.iter().find(|(_, gas)| {
            sum += gas;
            sum as f64 >= wanted
        });
        found.map_or(0, |(tip, _)| *tip)
    });
    rewards.collect()
}
