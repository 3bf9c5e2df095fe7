//! Where a provider stands.

use super::standing;
use crate::args::Who;
use crate::failure::Failure;
use crate::market::{Context, NEVER, Standing, commitment_state, free_units, whole, worker_state};
use crate::output::{Cell, Column, Output, Report, Table};
use alloy_primitives::{Address, B256};
use serde::Serialize;
use weir_chain::bindings::Lens;

#[derive(Serialize)]
struct Status {
    account: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    epoch: u32,
    offers: Vec<Offer>,
    peers: Vec<Peer>,
    workers: Vec<Worker>,
    /// What can be withdrawn, in the smallest units.
    stake_credit: String,
    pay_credits: Vec<Credit>,
}

#[derive(Serialize)]
struct Offer {
    id: u64,
    /// Of a unit for an epoch, in the token's smallest unit.
    min_price: String,
    token: Address,
    versions: [u16; 2],
    paused: bool,
    peers: usize,
}

#[derive(Serialize)]
struct Peer {
    #[serde(rename = "peer")]
    id: Address,
    offer: u64,
    /// 0 once it is retired.
    units: u16,
    free_units: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    commitment: Option<Commitment>,
}

#[derive(Clone, Serialize)]
struct Commitment {
    id: u64,
    peer: Address,
    state: &'static str,
    units: u16,
    /// Absent without collateral.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_epoch: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_epoch: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_epoch: Option<u32>,
    /// What the contract holds, in the smallest unit of the stake token.
    collateral: String,
    slashed: String,
    staker: Address,
}

#[derive(Serialize)]
struct Worker {
    #[serde(rename = "worker")]
    id: B256,
    peer: Address,
    deal: u64,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_epoch: Option<u32>,
    /// Of an epoch, in the token's smallest unit.
    price: String,
    token: Address,
    /// What it has earned and not claimed, before the market's fee and the staker's part.
    claimable: String,
}

#[derive(Serialize)]
struct Credit {
    token: Address,
    amount: String,
}

fn offer(view: &Lens::OfferView, standing: &Standing) -> Offer {
    let (id, offer) = (view.offerId.to::<u64>(), &view.offer);
    let peers = standing.peers.iter().map(|peer| &peer.view.peer);
    Offer {
        id,
        min_price: offer.minPrice.to_string(),
        token: offer.payToken,
        versions: [offer.verMin, offer.verMax],
        paused: offer.paused,
        peers: peers
            .filter(|peer| peer.units != 0 && peer.offerId.to::<u64>() == id)
            .count(),
    }
}

fn commitment(peer: &crate::market::Peer, epoch: u32) -> Option<Commitment> {
    let (view, commitment) = (&peer.view, &peer.view.commitment);
    let id = view.commitmentId.to::<u64>();
    let epoch_of = |epoch: u32| (epoch != 0).then_some(epoch);
    (id != 0).then(|| Commitment {
        id,
        peer: view.peerId,
        state: commitment_state(view, epoch),
        units: commitment.units,
        start_epoch: epoch_of(commitment.startEpoch),
        end_epoch: epoch_of(view.end),
        exit_epoch: epoch_of(commitment.exitEpoch),
        collateral: peer.collateral().to_string(),
        slashed: commitment.slashed.to_string(),
        staker: commitment.staker,
    })
}

fn read(standing: &Standing) -> Status {
    let epoch = standing.time.epoch;
    let peers = standing.peers.iter().map(|peer| Peer {
        id: peer.view.peerId,
        offer: peer.view.peer.offerId.to(),
        units: peer.view.peer.units,
        free_units: free_units(&peer.view, epoch),
        commitment: commitment(peer, epoch),
    });
    let workers = standing.peers.iter().flat_map(|peer| &peer.workers);
    let workers = workers.map(|work| Worker {
        id: work.view.workerId,
        peer: work.view.worker.peer,
        deal: work.deal.dealId,
        state: worker_state(&work.view, epoch),
        end_epoch: (work.view.end != NEVER).then_some(work.view.end),
        price: work.deal.priceNow.to_string(),
        token: work.deal.deal.payToken,
        claimable: work.claimable().to_string(),
    });
    Status {
        account: standing.account,
        description: standing.description.clone(),
        epoch,
        offers: standing
            .offers
            .iter()
            .map(|view| offer(view, standing))
            .collect(),
        peers: peers.collect(),
        workers: workers.collect(),
        stake_credit: standing.stake.to_string(),
        pay_credits: standing
            .pay
            .iter()
            .map(|(token, amount)| Credit {
                token: *token,
                amount: amount.to_string(),
            })
            .collect(),
    }
}

pub(super) async fn status(who: &Who, output: &Output) -> Result<Report, Failure> {
    let standing = standing(&Context::current()?, who).await?;
    let status = read(&standing);
    let name = status.description.as_deref().unwrap_or("without a name");
    let mut text = format!("{} ({name}), epoch {}\n", status.account, status.epoch);
    let mut section = |table: &Table, is_empty: bool| {
        if !is_empty {
            text.push('\n');
            text.push_str(&output.render(table));
        }
    };
    section(&offers_table(&status.offers), status.offers.is_empty());
    section(&peers_table(&status.peers), status.peers.is_empty());
    let commitments = of_peers(&status);
    section(&commitments_table(&commitments), commitments.is_empty());
    section(&workers_table(&status.workers), status.workers.is_empty());
    text.push_str(&format!(
        "\nto withdraw: {} stake",
        whole(&status.stake_credit)
    ));
    for credit in &status.pay_credits {
        text.push_str(&format!(", {} of {}", whole(&credit.amount), credit.token));
    }
    Ok(Report::new(&status, text))
}

pub(super) async fn offers(who: &Who, output: &Output) -> Result<Report, Failure> {
    let status = read(&standing(&Context::current()?, who).await?);
    let text = if status.offers.is_empty() {
        "no offers".to_owned()
    } else {
        output.render(&offers_table(&status.offers))
    };
    Ok(Report::new(&status.offers, text))
}

pub(super) async fn commitments(who: &Who, output: &Output) -> Result<Report, Failure> {
    let status = read(&standing(&Context::current()?, who).await?);
    let commitments = of_peers(&status);
    let text = if commitments.is_empty() {
        "no commitments".to_owned()
    } else {
        output.render(&commitments_table(&commitments))
    };
    Ok(Report::new(&commitments, text))
}

fn of_peers(status: &Status) -> Vec<Commitment> {
    let peers = status.peers.iter();
    peers.filter_map(|peer| peer.commitment.clone()).collect()
}

fn offers_table(offers: &[Offer]) -> Table {
    let columns = ["OFFER", "PRICE", "TOKEN", "VERSIONS", "STATE", "PEERS"].map(Column::Text);
    let mut table = Table::new(&columns);
    for offer in offers {
        let [first, last] = offer.versions;
        table.row([
            Cell::new(offer.id.to_string()),
            whole(&offer.min_price).into(),
            offer.token.to_string().into(),
            format!("{first} to {last}").into(),
            if offer.paused { "paused" } else { "open" }.into(),
            offer.peers.to_string().into(),
        ]);
    }
    table
}

fn peers_table(peers: &[Peer]) -> Table {
    let mut table = Table::new(&["PEER", "OFFER", "UNITS", "FREE"].map(Column::Text));
    for peer in peers {
        let is_retired = peer.units == 0;
        table.row([
            Cell::new(peer.id.to_string()),
            if is_retired {
                "retired".to_owned()
            } else {
                peer.offer.to_string()
            }
            .into(),
            peer.units.to_string().into(),
            peer.free_units.to_string().into(),
        ]);
    }
    table
}

fn commitments_table(commitments: &[Commitment]) -> Table {
    let columns = [
        "COMMITMENT",
        "PEER",
        "UNITS",
        "STATE",
        "EPOCHS",
        "COLLATERAL",
        "SLASHED",
    ];
    let mut table = Table::new(&columns.map(Column::Text));
    for commitment in commitments {
        let epochs = match (commitment.start_epoch, commitment.end_epoch) {
            (Some(start), Some(end)) => format!("{start} to {}", end.saturating_sub(1)),
            _ => String::new(),
        };
        table.row([
            Cell::new(commitment.id.to_string()),
            commitment.peer.to_string().into(),
            commitment.units.to_string().into(),
            commitment.state.into(),
            epochs.into(),
            whole(&commitment.collateral).into(),
            whole(&commitment.slashed).into(),
        ]);
    }
    table
}

fn workers_table(workers: &[Worker]) -> Table {
    let columns = [
        "DEAL", "WORKER", "PEER", "STATE", "END", "PRICE", "TO CLAIM",
    ];
    let columns = columns.map(|name| match name {
        "WORKER" => Column::Id(name),
        other => Column::Text(other),
    });
    let mut table = Table::new(&columns);
    for worker in workers {
        let end = worker.end_epoch.map(|end| end.to_string());
        table.row([
            Cell::new(worker.deal.to_string()),
            worker.id.to_string().into(),
            worker.peer.to_string().into(),
            worker.state.into(),
            end.unwrap_or_default().into(),
            whole(&worker.price).into(),
            whole(&worker.claimable).into(),
        ]);
    }
    table
}
