//! What the chain says.

use crate::code::Code;
use crate::failure::Failure;
use crate::market::{Account, Context, whole};
use crate::output::{Cell, Column, Output, Report, Table};
use crate::project::Project;
use alloy_primitives::{Address, B256, Bytes};
use serde::Serialize;
use weir_chain::ChainError;

#[derive(Serialize)]
struct Info {
    url: String,
    chain_id: u64,
    block: u64,
    /// Of the latest block, in seconds since 1970.
    time: u64,
    epoch: u32,
    /// When the next epoch begins, in seconds since 1970.
    next_epoch: u64,
    contracts: Vec<Contract>,
    accounts: Vec<Held>,
}

#[derive(Serialize)]
struct Contract {
    name: &'static str,
    address: Address,
}

#[derive(Serialize)]
struct Held {
    name: String,
    address: Address,
    /// In the smallest units.
    coins: String,
    stake: String,
    pay: String,
}

const WHAT: &str = "the chain does not say";

/// Where the chain is, and who has what.
pub(super) async fn info(output: &Output) -> Result<Report, Failure> {
    let context = Context::current()?;
    let time = context.market().time().await;
    let time = time.map_err(|error| context.failed(WHAT, &error))?;
    let places = &context.deployment;
    let contracts = [
        ("params", places.params),
        ("registry", places.registry),
        ("capacity", places.capacity),
        ("market", places.market),
        ("audit", places.audit),
        ("lens", places.lens),
        ("stake token", places.stake_token),
        ("pay token", places.pay_token),
    ];
    let info = Info {
        url: context.urls.first().cloned().unwrap_or_default(),
        chain_id: context.client.chain_id(),
        block: time.block,
        time: time.seconds,
        epoch: time.epoch,
        next_epoch: time.next_epoch,
        contracts: contracts
            .map(|(name, address)| Contract { name, address })
            .into(),
        accounts: accounts(&context).await?,
    };
    let mut contracts = Table::new(&["CONTRACT", "ADDRESS"].map(Column::Text));
    for contract in &info.contracts {
        contracts.row([
            Cell::new(contract.name),
            contract.address.to_string().into(),
        ]);
    }
    let mut accounts =
        Table::new(&["ACCOUNT", "ADDRESS", "COINS", "STAKE", "PAY"].map(Column::Text));
    for held in &info.accounts {
        let amounts = [&held.coins, &held.stake, &held.pay].map(|amount| whole(amount));
        let [coins, stake, pay] = amounts.map(Cell::new);
        accounts.row([
            Cell::new(&*held.name),
            held.address.to_string().into(),
            coins,
            stake,
            pay,
        ]);
    }
    let text = format!(
        "{} (chain {}), block {}, epoch {}, the next in {} s\n\n{}\n{}",
        info.url,
        info.chain_id,
        info.block,
        info.epoch,
        info.next_epoch.saturating_sub(info.time),
        output.render(&contracts),
        output.render(&accounts)
    );
    Ok(Report::new(&info, text))
}

/// Who acts here: on the local network its accounts, elsewhere that of the context.
fn known(context: &Context) -> Result<Vec<(String, Address)>, Failure> {
    if !context.is_local() {
        let account = context.account(None, &Account::Customer)?;
        return Ok(vec![(context.name.clone(), account)]);
    }
    let network = Project::here()?.network()?;
    let providers = network.peers.iter();
    let providers = providers.map(|peer| Account::Provider(peer.name.clone()));
    [Account::Customer, Account::Market]
        .into_iter()
        .chain(providers)
        .map(|account| Ok((account.to_string(), account.address()?)))
        .collect()
}

/// What they have.
async fn accounts(context: &Context) -> Result<Vec<Held>, Failure> {
    let (market, places) = (context.market(), &context.deployment);
    let mut held = Vec::new();
    for (name, address) in known(context)? {
        let amounts = async {
            Ok::<_, ChainError>((
                context.client.balance(address).await?,
                market.tokens(places.stake_token, address).await?,
                market.tokens(places.pay_token, address).await?,
            ))
        };
        let amounts = amounts.await;
        let (coins, stake, pay) = amounts.map_err(|error| context.failed(WHAT, &error))?;
        held.push(Held {
            name,
            address,
            coins: coins.to_string(),
            stake: stake.to_string(),
            pay: pay.to_string(),
        });
    }
    Ok(held)
}

#[derive(Serialize)]
struct Transaction {
    hash: B256,
    /// Absent while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<u64>,
    /// `waits`, `succeeded` or `failed`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gas_used: Option<u64>,
    logs: usize,
}

/// What became of a transaction.
pub(super) async fn transaction(hash: &str, output: &Output) -> Result<Report, Failure> {
    let hash: B256 = hash.parse().map_err(|_| {
        Failure::new(Code::Usage, format!("`{hash}` is no hash of a transaction"))
            .cause("it has 0x and 64 hexadecimal digits")
    })?;
    let context = Context::current()?;
    let found = context.client.transaction(hash).await;
    let found = found.map_err(|error| context.failed(WHAT, &error))?;
    let Some(found) = found else {
        let what = format!("the chain knows no transaction {hash}");
        return Err(
            Failure::new(Code::ChainRefused, what).cause("it was never sent, or to another chain")
        );
    };
    let status = match found.succeeded {
        None => "waits",
        Some(true) => "succeeded",
        Some(false) => "failed",
    };
    let transaction = Transaction {
        hash,
        block: found.block,
        status,
        gas_used: found.gas_used,
        logs: found.logs,
    };
    let mut table = Table::new(&["STATUS", "BLOCK", "GAS", "LOGS"].map(Column::Text));
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    table.row([
        Cell::new(status),
        number(transaction.block).into(),
        number(transaction.gas_used).into(),
        transaction.logs.to_string().into(),
    ]);
    Ok(Report::new(&transaction, output.render(&table)))
}

#[derive(Serialize)]
struct Answer {
    data: Bytes,
}

/// What a contract answers.
pub(super) async fn call(to: &str, data: &str) -> Result<Report, Failure> {
    let context = Context::current()?;
    let to = context.account(Some(to), &Account::Customer)?;
    let data: Bytes = data.parse().map_err(|_| {
        Failure::new(Code::Usage, "the data of the call is not hexadecimal")
            .cause("write it like 0x01ab")
    })?;
    let answer = context.client.ask(to, data).await;
    let data = answer.map_err(|error| context.failed("the contract does not answer", &error))?;
    let text = data.to_string();
    Ok(Report::new(&Answer { data }, text))
}
