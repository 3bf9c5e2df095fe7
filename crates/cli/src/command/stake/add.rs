//! `weir stake add`: collateral for peers whose provider lets others deposit it.

use crate::args::{AddStake, Global};
use crate::code::Code;
use crate::command::provider::{ensure_enough, usual};
use crate::consent::consent;
use crate::failure::Failure;
use crate::market::{Context, commitment_state, pledge, whole};
use crate::output::{Output, Report};
use alloy_primitives::{Address, B256, U256};
use serde::Serialize;
use std::collections::BTreeSet;
use weir_chain::bindings::Lens;

/// Peers in one deposit.
const PEERS_MAX: usize = 32;

#[derive(Serialize)]
struct Added {
    account: Address,
    token: Address,
    peers: Vec<Address>,
    /// In the smallest unit.
    collateral: String,
    transactions: Vec<B256>,
}

/// A peer to be backed.
struct Backed {
    peer: Address,
    collateral: U256,
    /// In words.
    text: String,
}

/// Deposits the collateral.
pub(super) async fn add(
    args: &AddStake,
    global: &Global,
    output: &Output,
) -> Result<Report, Failure> {
    let context = Context::current()?;
    let wallet = context.wallet(args.who.account.as_deref(), &usual())?;
    let (account, deployment) = (wallet.account(), &context.deployment);
    let mut peers = BTreeSet::new();
    for text in &args.peers {
        let peer = text.parse::<Address>().map_err(|error| {
            Failure::new(Code::Usage, format!("`{text}` is no peer"))
                .cause(error)
                .fix("name it by its address, which weir market providers shows")
        })?;
        peers.insert(peer);
    }
    let peers: Vec<Address> = peers.into_iter().collect();
    let failed = |error| context.failed("the market cannot be read", &error);
    let epoch = context.market().time().await.map_err(failed)?.epoch;
    let views = context.market().peers(&peers).await.map_err(failed)?;
    let backed = views.iter().map(|view| backed(view, account, epoch));
    let backed = backed.collect::<Result<Vec<Backed>, Failure>>()?;
    let all = sum(&backed);
    let token = deployment.stake_token;
    let balance = context.market().tokens(token, account).await;
    let balance = balance.map_err(failed)?;
    ensure_enough(account, (all, balance))?;
    let [needs, has] = [all, balance].map(|amount| whole(&amount.to_string()));
    let lines: Vec<&str> = backed.iter().map(|backed| &*backed.text).collect();
    let text = format!(
        "{}\n{needs} of the {has} stake that {account} has",
        lines.join("\n")
    );
    consent(args.yes, global, output, (&text, "deposit it?"))?;
    let mut transactions = Vec::new();
    let parties = (account, deployment.capacity);
    let allowance = context.market().allowance(token, parties).await;
    if allowance.map_err(failed)? < all {
        let call = deployment.approve(token, deployment.capacity, all);
        transactions.push(wallet.send(&call).await?);
    }
    for few in backed.chunks(PEERS_MAX) {
        let peers = few.iter().map(|backed| backed.peer).collect();
        let call = deployment.deposit_collateral(peers, sum(few));
        transactions.push(wallet.send(&call).await?);
    }
    let added = Added {
        account,
        token,
        peers,
        collateral: all.to_string(),
        transactions,
    };
    let text = format!(
        "{needs} stake back {} from epoch {} on",
        match backed.len() {
            1 => "one peer".to_owned(),
            count => format!("{count} peers"),
        },
        epoch.saturating_add(1)
    );
    Ok(Report::new(&added, text).then("weir stake ls"))
}

fn sum(backed: &[Backed]) -> U256 {
    let sums = |sum: U256, backed: &Backed| sum.saturating_add(backed.collateral);
    backed.iter().fold(U256::ZERO, sums)
}

/// What backing a peer takes, if this account may do it.
fn backed(view: &Lens::PeerView, account: Address, epoch: u32) -> Result<Backed, Failure> {
    let (peer, commitment) = (view.peerId, &view.commitment);
    let refused = |cause: String| {
        let what = format!("peer {peer} cannot be backed with collateral");
        Failure::new(Code::ChainRefused, what)
            .cause(cause)
            .fix("weir provider apply makes commitments, with `staker` in provider.toml; weir market providers shows peers")
    };
    match commitment_state(view, epoch) {
        "offered" => {}
        "none" => {
            return Err(refused(
                "its provider has promised nothing of it".to_owned(),
            ));
        }
        state => {
            return Err(refused(format!(
                "its commitment is {state}, none waits for collateral"
            )));
        }
    }
    if commitment.staker != Address::ZERO && commitment.staker != account {
        let cause = format!(
            "it names {} for that, this account is {account}",
            commitment.staker
        );
        return Err(refused(cause));
    }
    let collateral = pledge(commitment);
    let percent = |basis_points: u16| f64::from(basis_points) / 100.0;
    let text = format!(
        "peer {peer} of provider {}: {} units for {} epochs, {} stake; {} % of the fees of its deals and {} % of what it gets while idle are the staker's",
        commitment.provider,
        commitment.units,
        commitment.duration,
        whole(&collateral.to_string()),
        percent(commitment.stakerDealShareBp),
        percent(commitment.stakerShareBp),
    );
    Ok(Backed {
        peer,
        collateral,
        text,
    })
}
