//! Methods about transactions.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{B256, Bytes, U64};
use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use serde_json::{Map, Value, json as object};

use super::answer::{Answer, Method, answer, json, needed};
use crate::chain::Chain;
use crate::sealer::{Shared, closed};
use crate::transaction::Signed;

pub const METHODS: &[(&str, Method)] = &[
    ("eth_getTransactionByHash", |shared, params| {
        let hash: B256 = needed(params, "hash")?;
        answer(shared.look(|chain, _| chain.find_transaction(hash)))
    }),
    ("eth_getRawTransactionByHash", |shared, params| {
        let hash: B256 = needed(params, "hash")?;
        let found = shared.look(|chain, _| chain.find_transaction(hash))?;
        json(&found.map(|found| Bytes::from(found.inner.encoded_2718())))
    }),
    ("eth_getTransactionReceipt", |shared, params| {
        let hash: B256 = needed(params, "hash")?;
        let found = shared.look(|chain, _| chain.find_mined(hash))?;
        json(&found.and_then(|(block, index)| block.rpc_receipt(index)))
    }),
    ("eth_pendingTransactions", |shared, _| {
        json(&shared.look(|chain, _| {
            let waiting = chain.pool().all();
            waiting.map(crate::pool::Waiting::rpc).collect::<Vec<_>>()
        }))
    }),
    ("txpool_status", |shared, _| {
        let (pending, queued) = shared.look(|chain, _| {
            let all = chain.pool().all();
            let (pending, queued): (Vec<_>, Vec<_>) = all.partition(|one| is_next(chain, one));
            (pending.len(), queued.len())
        });
        json(&object!({ "pending": U64::from(pending), "queued": U64::from(queued) }))
    }),
    ("txpool_content", |shared, _| {
        json(&shared.look(|chain, _| {
            let (mut pending, mut queued) = (Map::new(), Map::new());
            for one in chain.pool().all() {
                let lists = if is_next(chain, one) {
                    &mut pending
                } else {
                    &mut queued
                };
                let sender = one.signed.sender.to_checksum(None);
                let of_sender = lists.entry(sender).or_insert_with(|| object!({}));
                of_sender[one.signed.tx.nonce().to_string()] = object!(one.rpc());
            }
            object!({ "pending": Value::Object(pending), "queued": Value::Object(queued) })
        }))
    }),
];

/// Whether a transaction waits for nothing but a block.
fn is_next(chain: &Chain, waiting: &crate::pool::Waiting) -> bool {
    waiting.signed.tx.nonce() < chain.pending_nonce(waiting.signed.sender)
}

/// The method that sends a transaction: it waits without blocking a thread.
pub fn register(module: &mut RpcModule<Shared>) -> Result<(), RegisterMethodError> {
    module.register_async_method("eth_sendRawTransaction", |params, shared, _| async move {
        let raw: Bytes = needed(&mut params.sequence(), "data")?;
        send(shared, raw).await
    })?;
    Ok(())
}

async fn send(shared: Arc<Shared>, raw: Bytes) -> Answer {
    let limit = shared.limits().transaction_bytes;
    let signed = tokio::task::spawn_blocking(move || Signed::decode(&raw, limit)).await;
    let signed = signed.map_err(|_| closed())?;
    let signed = signed.map_err(crate::error::Error::from)?;
    let answered = shared.submit(signed)?;
    let taken = answered.await.map_err(|_| closed())?;
    answer(taken)
}
