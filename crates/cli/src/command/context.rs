//! `weir context`: which market commands are about, with whose key, and what it may cost.

use crate::args::{AddContext, Context as Args};
use crate::code::Code;
use crate::entrance::entry_points;
use crate::failure::Failure;
use crate::market::{
    Account, Context, Contexts, LOCAL, Saved, address_of, check_name, choose, chosen, market_file,
    smallest, whole,
};
use crate::output::{Cell, Column, Output, Report, Table};
use crate::schema;
use alloy_primitives::Address;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Runs the command and names the schema of its result.
pub(crate) fn run(args: &Args, output: &Output) -> (&'static str, Result<Report, Failure>) {
    match args {
        Args::Ls => (schema::CONTEXT_LS, list(output)),
        Args::Show { name } => (schema::CONTEXT_SHOW, show(name.as_deref(), output)),
        Args::Use { name } => (schema::CONTEXT_LS, take(name, output)),
        Args::Add(args) => (schema::CONTEXT_SHOW, add(args, output)),
        Args::Rm { name } => (schema::CONTEXT_LS, remove(name, output)),
    }
}

#[derive(Serialize)]
struct Listed {
    name: String,
    /// Whether commands of this folder use it.
    used: bool,
    /// Absent for the network of the folder, which may not be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    chain_id: Option<u64>,
    rpc: Vec<String>,
}

fn list(output: &Output) -> Result<Report, Failure> {
    let chosen = chosen()?;
    let local = Listed {
        name: LOCAL.to_owned(),
        used: chosen == LOCAL,
        chain_id: None,
        rpc: Vec::new(),
    };
    let kept = Contexts::load()?.context;
    let kept = kept.into_iter().map(|(name, saved)| Listed {
        used: chosen == name,
        name,
        chain_id: Some(saved.market.chain_id),
        rpc: saved.rpc,
    });
    let listed: Vec<Listed> = [local].into_iter().chain(kept).collect();
    let mut table = Table::new(&["CONTEXT", "USED", "CHAIN", "RPC"].map(Column::Text));
    for context in &listed {
        let chain = context.chain_id.map(|id| id.to_string());
        let is_local = context.name == LOCAL;
        table.row([
            Cell::new(&*context.name),
            if context.used { "here" } else { "" }.into(),
            chain.unwrap_or_default().into(),
            if is_local {
                "the network of the folder".to_owned()
            } else {
                context.rpc.join(", ")
            }
            .into(),
        ]);
    }
    Ok(Report::new(&listed, output.render(&table)))
}

#[derive(Serialize)]
struct Shown {
    name: String,
    chain_id: u64,
    rpc: Vec<String>,
    /// Who acts.
    account: Address,
    /// The key file; absent on the local network, whose keys are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The most wei for the gas of one transaction; absent without a cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    gas_cap: Option<String>,
    token_caps: Vec<Cap>,
    /// Entry points of the network.
    peers: Vec<String>,
    market: weir_chain::Deployment,
}

#[derive(Serialize)]
struct Cap {
    token: Address,
    /// In the smallest unit.
    most: String,
}

fn show(name: Option<&str>, output: &Output) -> Result<Report, Failure> {
    let name = match name {
        Some(name) => name.to_owned(),
        None => chosen()?,
    };
    if name == LOCAL {
        let context = Context::named(LOCAL)?;
        let shown = Shown {
            name,
            chain_id: context.deployment.chain_id,
            rpc: context.urls,
            account: Account::Customer.address()?,
            key: None,
            gas_cap: None,
            token_caps: Vec::new(),
            peers: Vec::new(),
            market: context.deployment,
        };
        return Ok(report(&shown, output));
    }
    Ok(report(
        &saved(&name, Contexts::load()?.named(&name)?)?,
        output,
    ))
}

fn saved(name: &str, saved: &Saved) -> Result<Shown, Failure> {
    Ok(Shown {
        name: name.to_owned(),
        chain_id: saved.market.chain_id,
        rpc: saved.rpc.clone(),
        account: address_of(saved)?,
        key: Some(saved.key.display().to_string()),
        gas_cap: Some(saved.terms()?.gas_cap.to_string()),
        token_caps: saved
            .caps()?
            .into_iter()
            .map(|(token, most)| Cap {
                token,
                most: most.to_string(),
            })
            .collect(),
        peers: saved.peers.clone(),
        market: saved.market.clone(),
    })
}

fn report(shown: &Shown, output: &Output) -> Report {
    let mut table = Table::new(&["", ""].map(Column::Text));
    let mut row = |name: &str, value: String| table.row([Cell::new(name), value.into()]);
    row("context", shown.name.clone());
    row("chain", shown.chain_id.to_string());
    row("rpc", shown.rpc.join(", "));
    row("account", shown.account.to_string());
    if let Some(key) = &shown.key {
        row("key", key.clone());
    }
    if let Some(cap) = &shown.gas_cap {
        row("gas", format!("at most {} for a transaction", whole(cap)));
    }
    for cap in &shown.token_caps {
        let most = format!("at most {} of {}", whole(&cap.most), cap.token);
        row("tokens", most);
    }
    for peer in &shown.peers {
        row("peer", peer.clone());
    }
    let places = &shown.market;
    row("market", places.market.to_string());
    row("stake token", places.stake_token.to_string());
    row("pay token", places.pay_token.to_string());
    let text = output.render(&table);
    Report::new(shown, text.trim_start().to_owned())
}

fn take(name: &str, output: &Output) -> Result<Report, Failure> {
    if name != LOCAL {
        Contexts::load()?.named(name)?;
    }
    choose(name)?;
    list(output)
}

fn add(args: &AddContext, output: &Output) -> Result<Report, Failure> {
    check_name(&args.name)?;
    let mut contexts = Contexts::load()?;
    if contexts.context.contains_key(&args.name) {
        let what = format!("there is a context `{}` already", args.name);
        let fix = format!("choose another name, or weir context rm {}", args.name);
        return Err(Failure::new(Code::Usage, what).fix(fix));
    }
    let mut token_caps = BTreeMap::new();
    for cap in &args.token_cap {
        let Some((token, amount)) = cap.split_once('=') else {
            return Err(Failure::new(Code::Usage, format!("`{cap}` is no cap"))
                .cause("a cap names a token and an amount, like pay=20"));
        };
        smallest(amount)?;
        token_caps.insert(token.to_owned(), amount.to_owned());
    }
    let added = Saved {
        rpc: args.rpc.clone(),
        key: absolute(&args.key)?,
        peers: args.peer.clone(),
        gas_cap: args.gas_cap.clone(),
        token_caps,
        market: market_file(&args.market)?,
    };
    // All that it says is understood before it is kept; nobody is asked.
    entry_points(&args.peer)?;
    let shown = saved(&args.name, &added)?;
    weir_chain::Client::new(&added.rpc, added.market.chain_id)
        .map_err(|error| Failure::new(Code::Usage, "the endpoints cannot be used").cause(error))?;
    contexts.context.insert(args.name.clone(), added);
    contexts.store()?;
    let report = report(&shown, output);
    Ok(report.then(format!("weir context use {}", args.name)))
}

fn absolute(path: &Path) -> Result<std::path::PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        let what = format!("cannot tell where {} is", path.display());
        Failure::new(Code::FileUnreadable, what).cause(error)
    })
}

fn remove(name: &str, output: &Output) -> Result<Report, Failure> {
    let mut contexts = Contexts::load()?;
    contexts.named(name)?;
    contexts.context.remove(name);
    contexts.store()?;
    if chosen()? == name && std::env::var_os("WEIR_CONTEXT").is_none() {
        choose(LOCAL)?;
    }
    list(output)
}
