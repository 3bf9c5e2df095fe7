//! `weir provider init`, `plan`, `apply` and `consent`: a provider as a file.

use super::differences::{Chain, Difference, Next};
use super::file::ProviderFile;
use super::usual;
use crate::args::{Apply, Asked, Global, Init};
use crate::code::Code;
use crate::consent::consent as agree;
use crate::failure::Failure;
use crate::market::{Context, Standing, whole};
use crate::output::{Cell, Column, Output, Report, Table};
use crate::seat::unusable_key;
use alloy_primitives::{Address, B256, U256};
use serde::Serialize;
use std::io::Write;
use std::path::Path;
use weir_chain::ChainError;
use weir_node::keyfile;

/// After so many rounds nothing new comes: what is registered in one is added to in the next.
const ROUNDS_MAX: usize = 16;

#[derive(Serialize)]
struct Written {
    file: String,
}

/// Writes a file to begin with.
pub(super) fn init(args: &Init) -> Result<Report, Failure> {
    let unwritable = |error: std::io::Error| {
        let what = format!("cannot write {}", args.file.display());
        let failure = Failure::new(Code::FileUnwritable, what).cause(&error);
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => failure.fix("choose another name with --file"),
            _ => failure,
        }
    };
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = format!(
        "# What this provider has in the market. `weir provider plan` says what differs from the chain.\n\n\
         [provider]\nname = {}\n\n\
         [offer.main]\n\
         # The least price of a compute unit for an epoch, in whole tokens.\n\
         price = {}\n\
         # pay, or the address of a token that the market takes.\n\
         token = \"pay\"\n\
         # Versions of the protocol, both included.\n\
         versions = [1, 1]\n\
         # Ids of what all peers of the offer have.\n\
         capabilities = []\n",
        quoted(&args.name),
        quoted(&args.price)
    );
    // Names of key files are seen from the folder of the file.
    let is_here = args
        .file
        .parent()
        .is_none_or(|folder| folder.as_os_str().is_empty());
    for (number, key) in (1..).zip(&args.keys) {
        let absolute = std::path::absolute(key).map_err(unwritable)?;
        let key = if is_here { key } else { &absolute };
        text.push_str(&format!(
            "\n[peer.node-{number}]\noffer = \"main\"\nunits = {}\n\
             # Its key file; or `public_key` and `signature`, from `weir provider consent` where the key is.\nkey = {}\n",
            args.units,
            quoted(&key.display().to_string())
        ));
    }
    text.push_str(&format!(
        "\n[commitment]\n# For how many epochs each peer is promised, with collateral.\nepochs = {}\n",
        args.epochs
    ));
    let file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .open(&args.file);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(unwritable)?;
    let written = Written {
        file: args.file.display().to_string(),
    };
    let text = format!("wrote {}", written.file);
    Ok(Report::new(&written, text).then("weir provider plan"))
}

#[derive(Serialize)]
struct Plan {
    account: Address,
    /// Whether the chain has all that the file says.
    done: bool,
    steps: Vec<Step>,
    /// What all of it puts down, in the smallest unit of the stake token.
    collateral: String,
    /// What the account has of it.
    balance: String,
}

#[derive(Serialize)]
struct Step {
    what: String,
    /// `todo`, `done`, `follows` or `blocked`.
    state: &'static str,
    collateral: String,
    /// What its gas would cost now, in wei; absent if that shows only when others are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    gas: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<B256>,
}

/// What differs now.
async fn read(
    context: &Context,
    file: &ProviderFile,
    account: Address,
) -> Result<Vec<Difference>, Failure> {
    let read = async {
        let (market, deployment) = (context.market(), &context.deployment);
        let standing = Standing::read(context, account).await?;
        let peers = file.offers.iter().flat_map(|offer| &offer.peers);
        let ids: Vec<Address> = peers.map(|peer| peer.id).collect();
        let views = market.peers(&ids).await?;
        let parties = (account, deployment.capacity);
        let chain = Chain {
            deployment,
            standing: &standing,
            peers: views.into_iter().map(|view| (view.peerId, view)).collect(),
            collateral_per_unit: market.collateral(1).await?,
            allowance: market.allowance(deployment.stake_token, parties).await?,
        };
        Ok::<_, ChainError>(chain.differences(file))
    };
    let read = read.await;
    read.map_err(|error| context.failed("the market cannot be read", &error))
}

async fn planned(
    context: &Context,
    account: Address,
    differences: &[Difference],
) -> Result<Plan, Failure> {
    let mut steps = Vec::new();
    for difference in differences {
        let (state, reason, gas) = match &difference.next {
            Next::Blocked(why) => ("blocked", Some(why.clone()), None),
            Next::Follows => ("follows", None, None),
            // One that needs another to be done first is refused now, and says nothing of its cost.
            Next::Send(call) => match context.client.gas_cost(account, call).await {
                Ok(cost) => ("todo", None, Some(cost.to_string())),
                Err(ChainError::Revert { .. }) => ("todo", None, None),
                Err(error) => return Err(context.failed("the chain cannot be asked", &error)),
            },
        };
        steps.push(Step {
            what: difference.what.clone(),
            state,
            collateral: difference.collateral.to_string(),
            gas,
            reason,
            transaction: None,
        });
    }
    let sum = differences.iter().fold(U256::ZERO, |sum, difference| {
        sum.saturating_add(difference.collateral)
    });
    let token = context.deployment.stake_token;
    let balance = context.market().tokens(token, account).await;
    let balance = balance.map_err(|error| context.failed("the balance cannot be read", &error))?;
    Ok(Plan {
        account,
        done: differences.is_empty(),
        steps,
        collateral: sum.to_string(),
        balance: balance.to_string(),
    })
}

/// What `apply` would do.
pub(super) async fn plan(args: &Apply, output: &Output) -> Result<Report, Failure> {
    let context = Context::current()?;
    let account = context.account(args.who.account.as_deref(), &usual())?;
    let file = ProviderFile::read(&args.file, &context)?;
    let differences = read(&context, &file, account).await?;
    let plan = planned(&context, account, &differences).await?;
    let text = text(&plan, output);
    let report = Report::new(&plan, text);
    Ok(if plan.done {
        report
    } else {
        report.then("weir provider apply")
    })
}

/// Does what differs.
pub(super) async fn apply(
    args: &Apply,
    yes: bool,
    global: &Global,
    output: &Output,
) -> Result<Report, Failure> {
    let context = Context::current()?;
    let wallet = context.wallet(args.who.account.as_deref(), &usual())?;
    let account = wallet.account();
    let file = ProviderFile::read(&args.file, &context)?;
    let mut differences = read(&context, &file, account).await?;
    let mut plan = planned(&context, account, &differences).await?;
    let is_ready = |differences: &[Difference]| {
        let mut differences = differences.iter();
        differences.any(|difference| matches!(difference.next, Next::Send(_)))
    };
    if is_ready(&differences) {
        let [needs, has] = [&plan.collateral, &plan.balance].map(|text| text.parse());
        ensure_enough(
            account,
            (needs.unwrap_or_default(), has.unwrap_or_default()),
        )?;
        let shown = text(&plan, output);
        agree(yes, global, output, (shown.trim_end(), "apply it?"))?;
    }
    let mut done = Vec::new();
    for _ in 0..ROUNDS_MAX {
        if !is_ready(&differences) {
            break;
        }
        for difference in &differences {
            if let Next::Send(call) = &difference.next {
                let transaction = wallet.send(call).await?;
                done.push(Step {
                    what: difference.what.clone(),
                    state: "done",
                    collateral: difference.collateral.to_string(),
                    gas: None,
                    reason: None,
                    transaction: Some(transaction),
                });
            }
        }
        differences = read(&context, &file, account).await?;
    }
    plan = planned(&context, account, &differences).await?;
    done.append(&mut plan.steps);
    plan.steps = done;
    let text = text(&plan, output);
    Ok(Report::new(&plan, text).then("weir provider status"))
}

/// Whether an account has the collateral that it is to deposit.
pub(in crate::command) fn ensure_enough(
    account: Address,
    (needs, has): (U256, U256),
) -> Result<(), Failure> {
    if needs <= has {
        return Ok(());
    }
    let [needs, has] = [needs, has].map(|amount| whole(&amount.to_string()));
    let what = format!("{account} has not enough for the collateral");
    Err(Failure::new(Code::ChainRefused, what)
        .cause(format!(
            "it needs {needs} stake and has {has}; nothing was sent"
        ))
        .fix("get some, or commit fewer units"))
}

fn text(plan: &Plan, output: &Output) -> String {
    if plan.steps.is_empty() {
        return format!("{} has in the market what the file says", plan.account);
    }
    let mut table = Table::new(&["STATE", "STEP", "COLLATERAL", "GAS"].map(Column::Text));
    for step in &plan.steps {
        let what = match &step.reason {
            Some(reason) => format!("{}: {reason}", step.what),
            None => step.what.clone(),
        };
        let collateral = match step.collateral.as_str() {
            "0" => String::new(),
            amount => whole(amount),
        };
        let gas = step.gas.as_deref().map(whole).unwrap_or_default();
        table.row([
            Cell::new(step.state),
            what.into(),
            collateral.into(),
            gas.into(),
        ]);
    }
    let rest = if plan.done {
        "the market has what the file says".to_owned()
    } else {
        format!(
            "collateral: {} of the {} stake that {} has",
            whole(&plan.collateral),
            whole(&plan.balance),
            plan.account
        )
    };
    format!("{}\n{rest}", output.render(&table))
}

#[derive(Serialize)]
struct Agreed {
    provider: Address,
    public_key: String,
    signature: String,
}

/// The signature with which a node agrees to be a provider's.
pub(super) async fn consent(args: &Asked) -> Result<Report, Failure> {
    let context = Context::current()?;
    let provider = context.account(Some(&args.provider), &usual())?;
    let key = open(&args.key)?;
    let peer = Address::from(key.address().to_bytes());
    let views = context.market().peers(&[peer]).await;
    let views = views.map_err(|error| context.failed("the market cannot be read", &error))?;
    let registrations = views.first().map(|view| view.peer.registrations);
    // Units are no part of what it signs.
    let whose = (provider, registrations.unwrap_or_default());
    let input = context.deployment.peer_input(&key, 1, whose);
    let agreed = Agreed {
        provider,
        public_key: key.public_key().to_string(),
        signature: input.signature.to_string(),
    };
    let text = format!(
        "public_key = \"{}\"\nsignature = \"{}\"",
        agreed.public_key, agreed.signature
    );
    Ok(Report::new(&agreed, text))
}

fn open(file: &Path) -> Result<weir_identity::Keypair, Failure> {
    let passphrase = keyfile::passphrase().map_err(|error| unusable_key(&error))?;
    let passphrase = passphrase.as_ref().map(|text| text.as_str());
    keyfile::open(file, passphrase).map_err(|error| unusable_key(&error))
}
