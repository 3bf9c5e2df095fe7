//! `weir chain`: the chain of the local network, looked at and moved.

mod control;
mod look;

use crate::args::Chain;
use crate::code::Code;
use crate::failure::Failure;
use crate::market::Account;
use crate::output::{Output, Report};
use crate::schema;
use alloy_primitives::Address;
use std::future::Future;

/// Runs the command and names the schema of its result.
pub(crate) fn run(args: &Chain, output: &Output) -> (&'static str, Result<Report, Failure>) {
    match args {
        Chain::Info => (schema::CHAIN_INFO, asking(look::info(output))),
        Chain::Tx { hash } => (schema::CHAIN_TX, asking(look::transaction(hash, output))),
        Chain::Call { to, data } => (schema::CHAIN_CALL, asking(look::call(to, data))),
        Chain::Faucet {
            account,
            amount,
            token,
        } => (
            schema::CHAIN_FAUCET,
            asking(control::faucet(account, amount, *token)),
        ),
        Chain::Warp { time } => (schema::CHAIN_BLOCK, asking(control::warp(*time))),
        Chain::Mine { blocks } => (schema::CHAIN_BLOCK, asking(control::mine(*blocks))),
    }
}

/// Asks the chain and waits for what it says.
pub(super) fn asking<T>(question: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal("no runtime can be made", error))?
        .block_on(question)
}

/// An account by its address, or by its name on the chain of the local network.
fn account(text: &str) -> Result<Address, Failure> {
    if let Some(account) = Account::named(text) {
        return account.address();
    }
    text.parse().map_err(|_| {
        Failure::new(Code::Usage, format!("`{text}` is no account"))
            .cause("an address has 0x and 40 hexadecimal digits; names are customer, market, provider-a, …")
    })
}
