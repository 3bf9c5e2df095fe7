//! Blocks with their receipts: how they are kept, and how clients see them.

use alloy_consensus::transaction::{Recovered, TransactionInfo};
use alloy_consensus::{BlockBody, Header, ReceiptEnvelope, Transaction as _, TxEnvelope};
use alloy_primitives::{Address, B256, U256};
use alloy_rlp::{Encodable as _, RlpDecodable, RlpEncodable};
use alloy_rpc_types_eth::{BlockTransactions, Filter, Log, Transaction, TransactionReceipt};

/// A block, whole.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Block {
    /// The keccak of the header.
    pub hash: B256,
    /// The header.
    pub header: Header,
    /// The transactions, in their order.
    pub transactions: Vec<TxEnvelope>,
    /// Who sent each of them.
    pub senders: Vec<Address>,
    /// What became of each of them.
    pub receipts: Vec<ReceiptEnvelope>,
}

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of the block.
    pub block: u64,
    /// The number in the block.
    pub index: u32,
}

impl Block {
    /// The number of the block.
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// Wei for a unit of gas that nobody gets.
    pub fn base_fee(&self) -> u64 {
        self.header.base_fee_per_gas.unwrap_or_default()
    }

    /// The header as clients see it.
    pub fn rpc_header(&self) -> alloy_rpc_types_eth::Header {
        let body = BlockBody {
            transactions: self.transactions.clone(),
            ommers: Vec::new(),
            withdrawals: Some(Vec::new().into()),
        };
        let size = body.into_block(self.header.clone()).length();
        alloy_rpc_types_eth::Header {
            hash: self.hash,
            inner: self.header.clone(),
            total_difficulty: Some(U256::ZERO),
            size: Some(U256::from(size)),
        }
    }

    /// The block as clients see it, with whole transactions or their hashes.
    pub fn rpc(&self, whole: bool) -> alloy_rpc_types_eth::Block {
        let transactions = if whole {
            let all = 0..self.transactions.len();
            BlockTransactions::Full(all.filter_map(|at| self.rpc_transaction(at)).collect())
        } else {
            BlockTransactions::Hashes(self.transactions.iter().map(|tx| *tx.hash()).collect())
        };
        alloy_rpc_types_eth::Block::new(self.rpc_header(), transactions)
            .with_withdrawals(Some(Vec::new().into()))
    }

    /// A transaction as clients see it.
    pub fn rpc_transaction(&self, index: usize) -> Option<Transaction> {
        let tx = self.transactions.get(index)?.clone();
        let info = TransactionInfo {
            hash: Some(*tx.hash()),
            index: Some(index as u64),
            block_hash: Some(self.hash),
            block_number: Some(self.number()),
            base_fee: Some(self.base_fee()),
            block_timestamp: Some(self.header.timestamp),
        };
        let sender = *self.senders.get(index)?;
        Some(Transaction::from_transaction(
            Recovered::new_unchecked(tx, sender),
            info,
        ))
    }

    /// Gas that the transaction used itself.
    pub fn gas_used(&self, index: usize) -> u64 {
        let until = |at: usize| {
            let receipt = self.receipts.get(at);
            receipt.map_or(0, ReceiptEnvelope::cumulative_gas_used)
        };
        let before = index.checked_sub(1).map_or(0, until);
        until(index).saturating_sub(before)
    }

    /// A receipt as clients see it.
    pub fn rpc_receipt(&self, index: usize) -> Option<TransactionReceipt> {
        let tx = self.transactions.get(index)?;
        let sender = *self.senders.get(index)?;
        let logs_before = self.receipts.get(..index)?.iter();
        let first = logs_before.map(|receipt| receipt.logs().len()).sum();
        let mut number = first;
        let inner = self.receipts.get(index)?.clone().map_logs(|log| {
            let log = self.log(log, index, number, false);
            number += 1;
            log
        });
        Some(TransactionReceipt {
            inner,
            transaction_hash: *tx.hash(),
            transaction_index: Some(index as u64),
            block_hash: Some(self.hash),
            block_number: Some(self.number()),
            gas_used: self.gas_used(index),
            effective_gas_price: tx.effective_gas_price(Some(self.base_fee())),
            blob_gas_used: None,
            blob_gas_price: None,
            from: sender,
            to: tx.to(),
            contract_address: tx.is_create().then(|| sender.create(tx.nonce())),
        })
    }

    /// The logs that fit the addresses and topics of a filter, as clients see them. `removed`: the block is no longer
    /// part of the chain.
    pub fn logs<'a>(&'a self, filter: &'a Filter, removed: bool) -> impl Iterator<Item = Log> + 'a {
        let matches = filter.matches_bloom(self.header.logs_bloom);
        let receipts = self.receipts.iter().enumerate().filter(move |_| matches);
        let logs = receipts.flat_map(|(index, receipt)| {
            let logs = receipt.logs().iter();
            logs.map(move |log| (index, log))
        });
        let numbered = logs.enumerate();
        let fitting = numbered.filter(|(_, (_, log))| filter.matches(log));
        fitting.map(move |(number, (index, log))| self.log(log.clone(), index, number, removed))
    }

    fn log(&self, inner: alloy_primitives::Log, index: usize, number: usize, removed: bool) -> Log {
        Log {
            inner,
            block_hash: Some(self.hash),
            block_number: Some(self.number()),
            block_timestamp: Some(self.header.timestamp),
            transaction_hash: self.transactions.get(index).map(|tx| *tx.hash()),
            transaction_index: Some(index as u64),
            log_index: Some(number as u64),
            removed,
        }
    }
}
