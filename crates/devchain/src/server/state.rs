//! Methods about the state, and calls on it.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, U64};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_eth::state::StateOverride;
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::types::params::ParamsSequence;
use serde_json::Value;

use super::answer::{Method, Quantity, answer, invalid, needed, optional};
use crate::chain::View;
use crate::error::Error;
use crate::sealer::Shared;

pub const METHODS: &[(&str, Method)] = &[
    ("eth_getBalance", |shared, params| {
        let address: Address = needed(params, "address")?;
        let id = at(params, BlockNumberOrTag::Latest)?;
        answer(view(shared, id, |view| Ok(view.account(address).balance)))
    }),
    ("eth_getCode", |shared, params| {
        let address: Address = needed(params, "address")?;
        let id = at(params, BlockNumberOrTag::Latest)?;
        answer(view(shared, id, |view| Ok(view.code(address))))
    }),
    ("eth_getStorageAt", |shared, params| {
        let address: Address = needed(params, "address")?;
        let slot = needed::<Quantity>(params, "slot")?.large();
        let id = at(params, BlockNumberOrTag::Latest)?;
        answer(view(shared, id, |view| {
            Ok(B256::from(view.slot(address, slot)))
        }))
    }),
    ("eth_getTransactionCount", |shared, params| {
        let address: Address = needed(params, "address")?;
        let id = at(params, BlockNumberOrTag::Latest)?;
        answer(shared.look(|chain, now| {
            if id == BlockId::pending() {
                return Ok(U64::from(chain.pending_nonce(address)));
            }
            let view = chain.view(id, now)?;
            Ok::<_, Error>(U64::from(view.account(address).nonce))
        }))
    }),
    ("eth_call", |shared, params| {
        let request: TransactionRequest = needed(params, "transaction")?;
        let id = at(params, BlockNumberOrTag::Latest)?;
        let overrides = overrides(params)?;
        answer(view(shared, id, |view| {
            view.pretend(overrides)?;
            view.call(&request)
        }))
    }),
    ("eth_estimateGas", |shared, params| {
        let request: TransactionRequest = needed(params, "transaction")?;
        let id = at(params, BlockNumberOrTag::Pending)?;
        let overrides = overrides(params)?;
        answer(view(shared, id, |view| {
            view.pretend(overrides)?;
            view.estimate(&request).map(U64::from)
        }))
    }),
];

fn view<T>(
    shared: &Shared,
    id: BlockId,
    ask: impl FnOnce(&mut View<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    shared.look(|chain, now| ask(&mut chain.view(id, now)?))
}

/// A block: number, tag, or the object of EIP-1898.
fn at(
    params: &mut ParamsSequence<'_>,
    otherwise: BlockNumberOrTag,
) -> Result<BlockId, ErrorObjectOwned> {
    Ok(optional(params, "block")?.unwrap_or(BlockId::Number(otherwise)))
}

fn overrides(params: &mut ParamsSequence<'_>) -> Result<StateOverride, ErrorObjectOwned> {
    let overrides = optional(params, "stateOverrides")?.unwrap_or_default();
    match optional::<Value>(params, "blockOverrides")? {
        Some(Value::Object(fields)) if fields.is_empty() => Ok(overrides),
        None => Ok(overrides),
        Some(_) => Err(invalid(
            "invalid argument blockOverrides: they are not supported".to_owned(),
        )),
    }
}
