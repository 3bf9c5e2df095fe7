//! Leaving the market: all that can be done now, and what the rest waits for.

mod steps;

use self::steps::{Next, Step, left, soonest};
use super::claim::withdraw;
use super::{standing, usual};
use crate::args::{Exit, Global};
use crate::code::Code;
use crate::consent::consent;
use crate::failure::Failure;
use crate::market::{Context, Standing, Wallet, whole};
use crate::output::{Cell, Column, Output, Report, Table};
use alloy_primitives::{Address, B256, U256};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often the chain is asked for its time while an epoch is waited for.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Left {
    account: Address,
    epoch: u32,
    /// Whether nothing is left.
    done: bool,
    steps: Vec<Done>,
    waits: Vec<Wait>,
    stake: Stake,
    pay: Vec<Pay>,
}

#[derive(Serialize)]
struct Done {
    what: String,
    subject: String,
    transaction: B256,
}

#[derive(Serialize)]
struct Wait {
    what: String,
    subject: String,
    until_epoch: u32,
    /// How long that is from now.
    seconds: u64,
}

/// Where the collateral is, in the smallest unit.
#[derive(Serialize)]
struct Stake {
    token: Address,
    /// With the contract, behind commitments.
    held: String,
    /// Lost.
    slashed: String,
    /// Can be withdrawn.
    credit: String,
    /// Came home with this command.
    withdrawn: String,
    /// What the account has.
    balance: String,
}

/// Where the pay is, in the smallest unit.
#[derive(Serialize)]
struct Pay {
    token: Address,
    /// Earned, and not claimed.
    claimable: String,
    credit: String,
    withdrawn: String,
    balance: String,
}

pub(super) async fn exit(args: &Exit, global: &Global, output: &Output) -> Result<Report, Failure> {
    let context = Context::current()?;
    let wallet = context.wallet(args.who.account.as_deref(), &usual())?;
    let mut now = standing(&context, &args.who).await?;
    let leaving = leaving(&args.peers, &now)?;
    let deployment = &context.deployment;
    let mut steps = left(&now, &leaving, deployment);
    let is_ready = |step: &Step| !matches!(step.next, Next::Wait(_));
    if steps.iter().any(|step| args.wait || is_ready(step)) {
        let question = format!("leave the market with {} peers?", leaving.len());
        consent(args.yes, global, output, (&plan(&now, &steps), &question))?;
    }
    let (mut done, mut home) = (Vec::new(), BTreeMap::new());
    loop {
        while act(&context, &wallet, &steps, (&mut done, &mut home)).await? {
            now = read(&context, now.account).await?;
            steps = left(&now, &leaving, deployment);
        }
        match soonest(&steps) {
            Some(epoch) if args.wait => wait(&context, &now, epoch, output).await?,
            _ => break,
        }
        now = read(&context, now.account).await?;
        steps = left(&now, &leaving, deployment);
    }
    let found = report(&context, &now, (&steps, done, &home)).await?;
    let text = text(&found, output);
    let report = Report::new(&found, text);
    Ok(if found.done {
        report
    } else {
        report.then("weir provider exit --wait")
    })
}

/// The peers that leave: those that were named, or all.
fn leaving(named: &[String], standing: &Standing) -> Result<Vec<Address>, Failure> {
    let own = || standing.peers.iter().map(|peer| peer.view.peerId);
    if named.is_empty() {
        return Ok(own().collect());
    }
    let found = named.iter().map(|text| {
        let peer = text.parse::<Address>().ok();
        let peer = peer.filter(|peer| own().any(|own| own == *peer));
        peer.ok_or_else(|| {
            Failure::new(Code::Usage, format!("`{text}` is no peer of this provider"))
                .cause("peers are named by their addresses")
                .fix("weir provider status lists them")
        })
    });
    found.collect()
}

async fn read(context: &Context, account: Address) -> Result<Standing, Failure> {
    let standing = Standing::read(context, account).await;
    standing.map_err(|error| context.failed("the market cannot be read", &error))
}

/// Does what can be done: all transactions, or where there is none all withdrawals. Whether it did anything.
async fn act(
    context: &Context,
    wallet: &Wallet,
    steps: &[Step],
    (done, home): (&mut Vec<Done>, &mut BTreeMap<Address, U256>),
) -> Result<bool, Failure> {
    let mut acted = false;
    let mut note = |step: &Step, transaction| {
        done.push(Done {
            what: step.what.clone(),
            subject: step.subject.clone(),
            transaction,
        });
    };
    for step in steps {
        if let Next::Send(call) = &step.next {
            note(step, wallet.send(call).await?);
            acted = true;
        }
    }
    if acted {
        return Ok(true);
    }
    for step in steps {
        if let Next::Withdraw(token, call) = &step.next {
            let (hash, amount) = withdraw(context, wallet, *token, call).await?;
            note(step, hash);
            let sum = home.entry(*token).or_insert(U256::ZERO);
            *sum = sum.saturating_add(amount);
            acted = true;
        }
    }
    Ok(acted)
}

/// Waits until an epoch has begun.
async fn wait(
    context: &Context,
    standing: &Standing,
    epoch: u32,
    output: &Output,
) -> Result<(), Failure> {
    let _progress = output.progress(format!(
        "epoch {epoch}, in {}",
        duration(standing.seconds_until(epoch))
    ));
    loop {
        let time = context.market().time().await;
        let time = time.map_err(|error| context.failed("the chain has no time", &error))?;
        if time.epoch >= epoch {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Rounded up, so that it is over by then.
fn duration(seconds: u64) -> String {
    let unit = match seconds {
        0..60 => 1,
        60..86_400 => 60,
        _ => 3600,
    };
    let rounded = seconds.div_ceil(unit).saturating_mul(unit);
    humantime::format_duration(Duration::from_secs(rounded)).to_string()
}

fn plan(standing: &Standing, steps: &[Step]) -> String {
    let mut text = format!("{} leaves the market:", standing.account);
    for step in steps {
        let when = match step.next {
            Next::Wait(epoch) => format!("in epoch {epoch}"),
            _ => "now".to_owned(),
        };
        text.push_str(&format!("\n  {when}: {} ({})", step.what, step.subject));
    }
    text
}

async fn report(
    context: &Context,
    now: &Standing,
    (steps, done, home): (&[Step], Vec<Done>, &BTreeMap<Address, U256>),
) -> Result<Left, Failure> {
    let waits = steps.iter().filter_map(|step| match step.next {
        Next::Wait(until_epoch) => Some(Wait {
            what: step.what.clone(),
            subject: step.subject.clone(),
            until_epoch,
            seconds: now.seconds_until(until_epoch),
        }),
        _ => None,
    });
    let waits: Vec<Wait> = waits.collect();
    let balance = async |token| {
        let has = context.market().tokens(token, now.account).await;
        has.map_err(|error| context.failed("the balance cannot be read", &error))
    };
    let withdrawn = |token: Address| home.get(&token).copied().unwrap_or_default();
    let own = now
        .peers
        .iter()
        .filter(|peer| peer.view.commitment.staker == now.account);
    let (held, slashed) = own.fold((U256::ZERO, U256::ZERO), |(held, slashed), peer| {
        let lost = U256::from(peer.view.commitment.slashed);
        (
            held.saturating_add(peer.collateral()),
            slashed.saturating_add(lost),
        )
    });
    let token = context.deployment.stake_token;
    let stake = Stake {
        token,
        held: held.to_string(),
        slashed: slashed.to_string(),
        credit: now.stake.to_string(),
        withdrawn: withdrawn(token).to_string(),
        balance: balance(token).await?.to_string(),
    };
    let mut pay = Vec::new();
    for (token, credit) in &now.pay {
        let works = now.peers.iter().flat_map(|peer| &peer.workers);
        let claimable = works
            .filter(|work| work.deal.deal.payToken == *token)
            .fold(U256::ZERO, |sum, work| sum.saturating_add(work.claimable()));
        pay.push(Pay {
            token: *token,
            claimable: claimable.to_string(),
            credit: credit.to_string(),
            withdrawn: withdrawn(*token).to_string(),
            balance: balance(*token).await?.to_string(),
        });
    }
    Ok(Left {
        account: now.account,
        epoch: now.time.epoch,
        done: waits.is_empty(),
        steps: done,
        waits,
        stake,
        pay,
    })
}

fn text(found: &Left, output: &Output) -> String {
    let mut text = String::new();
    for step in &found.steps {
        text.push_str(&format!("done: {} ({})\n", step.what, step.subject));
    }
    for wait in &found.waits {
        text.push_str(&format!(
            "waits until epoch {} (in {}): {} ({})\n",
            wait.until_epoch,
            duration(wait.seconds),
            wait.what,
            wait.subject
        ));
    }
    let columns = [
        "TOKEN", "HELD", "LOST", "TO CLAIM", "CREDIT", "HOME NOW", "BALANCE",
    ];
    let mut table = Table::new(&columns.map(Column::Text));
    let stake = &found.stake;
    let amount = |text: &str| Cell::new(whole(text));
    table.row([
        Cell::new("stake"),
        amount(&stake.held),
        amount(&stake.slashed),
        Cell::new(""),
        amount(&stake.credit),
        amount(&stake.withdrawn),
        amount(&stake.balance),
    ]);
    for pay in &found.pay {
        table.row([
            Cell::new(pay.token.to_string()),
            Cell::new(""),
            Cell::new(""),
            amount(&pay.claimable),
            amount(&pay.credit),
            amount(&pay.withdrawn),
            amount(&pay.balance),
        ]);
    }
    text.push('\n');
    text.push_str(&output.render(&table));
    text.push_str(if found.done {
        "\nout of the market"
    } else {
        "\nnot out yet: the same command goes on then, and --wait waits"
    });
    text
}
