//! Methods about the chain and its blocks.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, Bytes, U64, U128, keccak256};
use alloy_rpc_types_eth::TransactionReceipt;
use jsonrpsee::types::params::ParamsSequence;

use super::answer::{Answer, Method, Quantity, answer, json, needed, optional};
use crate::block::Block;
use crate::chain::TIP;
use crate::error::Error;
use crate::sealer::Shared;

pub const METHODS: &[(&str, Method)] = &[
    ("web3_clientVersion", |_, _| {
        json(&concat!("weir-devchain/v", env!("CARGO_PKG_VERSION")))
    }),
    ("web3_sha3", |_, params| {
        json(&keccak256(needed::<Bytes>(params, "data")?))
    }),
    ("net_version", |shared, _| {
        json(&shared.look(|chain, _| chain.config().chain_id.to_string()))
    }),
    ("net_listening", |_, _| json(&true)),
    ("net_peerCount", |_, _| json(&U64::ZERO)),
    ("eth_chainId", |shared, _| {
        json(&U64::from(shared.look(|chain, _| chain.config().chain_id)))
    }),
    ("eth_syncing", |_, _| json(&false)),
    ("eth_mining", |_, _| json(&true)),
    ("eth_accounts", |shared, _| {
        json(&shared.look(|chain, _| chain.accounts().to_vec()))
    }),
    ("eth_coinbase", |shared, _| {
        json(&shared.look(|chain, _| chain.head().header.beneficiary))
    }),
    ("eth_blockNumber", |shared, _| {
        json(&U64::from(shared.look(|chain, _| chain.head().number())))
    }),
    ("eth_getBlockByNumber", |shared, params| {
        let block = find(shared, number(params)?)?;
        let whole = optional(params, "fullTransactions")?.unwrap_or(false);
        json(&block.map(|block| block.rpc(whole)))
    }),
    ("eth_getBlockByHash", |shared, params| {
        let block = find(shared, hash(params)?)?;
        let whole = optional(params, "fullTransactions")?.unwrap_or(false);
        json(&block.map(|block| block.rpc(whole)))
    }),
    ("eth_getHeaderByNumber", |shared, params| {
        let block = find(shared, number(params)?)?;
        json(&block.map(|block| block.rpc_header()))
    }),
    ("eth_getHeaderByHash", |shared, params| {
        let block = find(shared, hash(params)?)?;
        json(&block.map(|block| block.rpc_header()))
    }),
    ("eth_getBlockTransactionCountByNumber", |shared, params| {
        count(find(shared, number(params)?)?)
    }),
    ("eth_getBlockTransactionCountByHash", |shared, params| {
        count(find(shared, hash(params)?)?)
    }),
    ("eth_getUncleCountByBlockNumber", |shared, params| {
        json(&find(shared, number(params)?)?.map(|_| U64::ZERO))
    }),
    ("eth_getUncleCountByBlockHash", |shared, params| {
        json(&find(shared, hash(params)?)?.map(|_| U64::ZERO))
    }),
    ("eth_getBlockReceipts", |shared, params| {
        let id: BlockId = needed(params, "block")?;
        let block = find(shared, id)?;
        json(&block.map(|block| {
            let all = 0..block.receipts.len();
            all.filter_map(|at| block.rpc_receipt(at))
                .collect::<Vec<TransactionReceipt>>()
        }))
    }),
    (
        "eth_getTransactionByBlockNumberAndIndex",
        |shared, params| {
            let block = find(shared, number(params)?)?;
            in_block(block, params)
        },
    ),
    ("eth_getTransactionByBlockHashAndIndex", |shared, params| {
        let block = find(shared, hash(params)?)?;
        in_block(block, params)
    }),
    ("eth_gasPrice", |shared, _| {
        json(&U128::from(shared.look(|chain, _| chain.gas_price())))
    }),
    ("eth_maxPriorityFeePerGas", |_, _| json(&U128::from(TIP))),
    ("eth_blobBaseFee", |_, _| json(&U64::from(1))),
    ("eth_feeHistory", |shared, params| {
        let count = needed::<Quantity>(params, "blockCount")?.small("blockCount")?;
        let newest: BlockNumberOrTag = needed(params, "newestBlock")?;
        let percentiles: Vec<f64> = optional(params, "rewardPercentiles")?.unwrap_or_default();
        answer(shared.look(|chain, _| chain.fee_history(count, newest, &percentiles)))
    }),
];

fn number(params: &mut ParamsSequence<'_>) -> Result<BlockId, jsonrpsee::types::ErrorObjectOwned> {
    Ok(BlockId::Number(needed(params, "blockNumber")?))
}

fn hash(params: &mut ParamsSequence<'_>) -> Result<BlockId, jsonrpsee::types::ErrorObjectOwned> {
    Ok(BlockId::from(needed::<B256>(params, "blockHash")?))
}

fn find(shared: &Shared, id: BlockId) -> Result<Option<Arc<Block>>, Error> {
    shared.look(|chain, now| chain.find_block(id, now))
}

fn count(block: Option<Arc<Block>>) -> Answer {
    json(&block.map(|block| U64::from(block.transactions.len())))
}

fn in_block(block: Option<Arc<Block>>, params: &mut ParamsSequence<'_>) -> Answer {
    let index = needed::<Quantity>(params, "index")?.small("index")?;
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    json(&block.and_then(|block| block.rpc_transaction(index)))
}
