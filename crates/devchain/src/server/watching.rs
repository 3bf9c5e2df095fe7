//! Methods about logs and filters.

use alloy_primitives::U64;
use alloy_rpc_types_eth::Filter;
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::types::params::ParamsSequence;

use super::answer::{Answer, Method, Quantity, answer, json, needed};
use crate::error::Error;
use crate::filters::{Happened, Watched};
use crate::sealer::Shared;

pub const METHODS: &[(&str, Method)] = &[
    ("eth_getLogs", |shared, params| {
        let filter: Filter = needed(params, "filter")?;
        answer(shared.look(|chain, _| chain.logs(&filter)))
    }),
    ("eth_newFilter", |shared, params| {
        let filter: Filter = needed(params, "filter")?;
        install(shared, Watched::Logs(Box::new(filter)))
    }),
    ("eth_newBlockFilter", |shared, _| {
        install(shared, Watched::Blocks)
    }),
    ("eth_newPendingTransactionFilter", |shared, _| {
        install(shared, Watched::Transactions)
    }),
    ("eth_getFilterChanges", |shared, params| {
        let id = id(params)?;
        match shared.change(|chain, now| chain.filters().changes(id, now))? {
            Happened::Hashes(hashes) => json(&hashes),
            Happened::Logs(logs) => json(&logs),
        }
    }),
    ("eth_getFilterLogs", |shared, params| {
        let id = id(params)?;
        let watched = shared.change(|chain, now| chain.filters().watched(id, now))?;
        let Watched::Logs(filter) = watched else {
            return Err(Error::UnknownFilter.into());
        };
        answer(shared.look(|chain, _| chain.logs(&filter)))
    }),
    ("eth_uninstallFilter", |shared, params| {
        let id = id(params)?;
        json(&shared.change(|chain, _| chain.filters().uninstall(id)))
    }),
];

fn install(shared: &Shared, watched: Watched) -> Answer {
    let id = shared.change(|chain, now| chain.filters().install(watched, now));
    answer(id.map(U64::from))
}

fn id(params: &mut ParamsSequence<'_>) -> Result<u64, ErrorObjectOwned> {
    needed::<Quantity>(params, "id")?.small("id")
}
