//! Methods that only a development chain has: time, blocks on demand, snapshots, values set by hand.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, U64};
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::types::params::ParamsSequence;
use serde_json::Value;

use super::answer::{Answer, Method, Quantity, answer, invalid, json, needed, optional};
use crate::config::Mining;
use crate::error::Error;
use crate::sealer::{Order, Shared};

pub const METHODS: &[(&str, Method)] = &[
    ("evm_increaseTime", increase_time),
    ("anvil_increaseTime", increase_time),
    ("evm_setNextBlockTimestamp", set_next_timestamp),
    ("anvil_setNextBlockTimestamp", set_next_timestamp),
    ("evm_mine", mine_one),
    ("anvil_mine", mine_many),
    ("hardhat_mine", mine_many),
    ("evm_snapshot", snapshot),
    ("anvil_snapshot", snapshot),
    ("evm_revert", revert),
    ("anvil_revert", revert),
    ("evm_setAutomine", set_automine),
    ("anvil_setAutomine", set_automine),
    ("anvil_getAutomine", |shared, _| {
        json(&shared.look(|chain, _| chain.mining() == Mining::Instant))
    }),
    ("evm_setIntervalMining", set_interval),
    ("anvil_setIntervalMining", set_interval),
    ("anvil_setBalance", set_balance),
    ("hardhat_setBalance", set_balance),
    ("anvil_setNonce", set_nonce),
    ("hardhat_setNonce", set_nonce),
    ("anvil_setCode", set_code),
    ("hardhat_setCode", set_code),
    ("anvil_setStorageAt", set_storage),
    ("hardhat_setStorageAt", set_storage),
];

fn increase_time(shared: &Shared, params: &mut ParamsSequence<'_>) -> Answer {
    let seconds = needed::<Quantity>(params, "seconds")?.small("seconds")?;
    answer(shared.change(|chain, _| chain.increase_time(seconds)))
}

fn set_next_timestamp(shared: &Shared, params: &mut ParamsSequence<'_>) -> Answer {
    let timestamp = needed::<Quantity>(params, "timestamp")?.small("timestamp")?;
    answer(shared.change(|chain, _| chain.set_next_timestamp(timestamp)))
}

/// Takes a time, or an object with `timestamp` and `blocks`, or nothing.
fn mine_one(shared: &Shared, params: &mut ParamsSequence<'_>) -> Answer {
    let quantity = |value: &Value, name: &str| -> Result<u64, ErrorObjectOwned> {
        let quantity = serde_json::from_value::<Quantity>(value.clone());
        quantity
            .map_err(|error| invalid(format!("invalid argument {name}: {error}")))?
            .small(name)
    };
    let (mut timestamp, mut blocks) = (None, 1);
    match optional::<Value>(params, "timestamp")? {
        None => {}
        Some(Value::Object(fields)) => {
            if let Some(at) = fields.get("timestamp").filter(|at| !at.is_null()) {
                timestamp = Some(quantity(at, "timestamp")?);
            }
            if let Some(count) = fields.get("blocks").filter(|count| !count.is_null()) {
                blocks = quantity(count, "blocks")?;
            }
        }
        Some(at) => timestamp = Some(quantity(&at, "timestamp")?),
    }
    if let Some(timestamp) = timestamp {
        shared.change(|chain, _| chain.set_next_timestamp(timestamp))?;
    }
    mine(shared, blocks, None)?;
    json(&"0x0")
}

fn mine_many(shared: &Shared, params: &mut ParamsSequence<'_>) -> Answer {
    let blocks = optional::<Quantity>(params, "blocks")?;
    let blocks = blocks.map_or(Ok(1), |blocks| blocks.small("blocks"))?;
    let interval = optional::<Quantity>(params, "interval")?;
    let interval = interval.map(|one| one.small("interval")).transpose()?;
    mine(shared, blocks, interval)?;
    json(&())
}

/// Makes blocks, with so many seconds between them.
fn mine(shared: &Shared, blocks: u64, interval: Option<u64>) -> Result<(), Error> {
    let limit = shared.limits().mine_blocks;
    if blocks > limit {
        return Err(Error::Limit(format!(
            "{blocks} blocks at once are more than the limit of {limit}; ask for fewer at a time"
        )));
    }
    for number in 0..blocks {
        shared.change(|chain, now| {
            if let Some(interval) = interval
                && number > 0
            {
                let last = chain.head().header.timestamp;
                chain.set_next_timestamp(last.saturating_add(interval))?;
            }
            chain.mine(now)
        })?;
    }
    Ok(())
}

fn snapshot(shared: &Shared, _: &mut ParamsSequence<'_>) -> Answer {
    answer(shared.change(|chain, _| chain.snapshot().map(U64::from)))
}

fn revert(shared: &Shared, params: &mut ParamsSequence<'_>) -> Answer {
    let id = needed::<Quantity>(params, "id")?.small("id")?;
    answer(shared.change(|chain, _| chain.revert(id)))
}

fn set_automine(shared: &Shared, params: &mut ParamsSequence<'_>) -> Answer {
    let on: bool = needed(params, "enabled")?;
    set_mining(
        shared,
        if on {
            Mining::Instant
        } else {
            Mining::OnDemand
        },
    )
}

/// Takes seconds, as anvil does; 0 ends it.
fn set_interval(shared: &Shared, params: &mut ParamsSequence<'_>) -> Answer {
    let seconds = needed::<Quantity>(params, "seconds")?.small("seconds")?;
    set_mining(
        shared,
        if seconds == 0 {
            Mining::OnDemand
        } else {
            Mining::Every(Duration::from_secs(seconds))
        },
    )
}

/// Changes when blocks are made; what could have been executed already is.
fn set_mining(shared: &Shared, mining: Mining) -> Answer {
    shared.change(|chain, now| {
        chain.set_mining(mining);
        chain.mine_if_instant(now)
    })?;
    shared.order(Order::Wake);
    json(&())
}

fn set_balance(shared: &Shared, params: &mut ParamsSequence<'_>) -> Answer {
    let address: Address = needed(params, "address")?;
    let balance = needed::<Quantity>(params, "balance")?.large();
    answer(shared.change(|chain, _| chain.set_balance(address, balance)))
}

fn set_nonce(shared: &Shared, params: &mut ParamsSequence<'_>) -> Answer {
    let address: Address = needed(params, "address")?;
    let nonce = needed::<Quantity>(params, "nonce")?.small("nonce")?;
    answer(shared.change(|chain, _| chain.set_nonce(address, nonce)))
}

fn set_code(shared: &Shared, params: &mut ParamsSequence<'_>) -> Answer {
    let address: Address = needed(params, "address")?;
    let code: Bytes = needed(params, "code")?;
    answer(shared.change(|chain, _| chain.set_code(address, code)))
}

fn set_storage(shared: &Shared, params: &mut ParamsSequence<'_>) -> Answer {
    let address: Address = needed(params, "address")?;
    let slot = needed::<Quantity>(params, "slot")?.large();
    let value = needed::<Quantity>(params, "value")?.large();
    answer(shared.change(|chain, _| chain.set_slot(address, slot, value).map(|()| true)))
}
