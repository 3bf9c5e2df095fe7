//! What is left to do until a provider, or some of its peers, are out of the market.

use super::super::claim::claims;
use crate::market::{NEVER, Peer, Standing, Work};
use alloy_primitives::{Address, U256};
use weir_chain::{Call, Deployment};

/// A step on the way out.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// What it is, in words.
    pub(super) what: String,
    /// What it is about: an offer, a peer, a worker or a token.
    pub(super) subject: String,
    pub(super) next: Next,
}

/// What can be done about a step.
#[derive(Debug, Clone)]
pub(super) enum Next {
    /// A transaction, now.
    Send(Call),
    /// The withdrawal of credit in a token, when nothing else can be done.
    Withdraw(Address, Call),
    /// Nothing before this epoch.
    Wait(u32),
}

/// All that is left, in the order in which it is done.
pub(super) fn left(standing: &Standing, leaving: &[Address], deployment: &Deployment) -> Vec<Step> {
    let mut steps = Vec::new();
    let is_leaving = |peer: &&Peer| leaving.contains(&peer.view.peerId);
    for view in &standing.offers {
        let staying = standing.peers.iter().filter(|peer| {
            peer.view.peer.units != 0 && peer.view.peer.offerId == view.offerId && !is_leaving(peer)
        });
        let known = standing.peers.iter().filter(is_leaving);
        let concerns = leaving.len() == standing.peers.len()
            || known
                .into_iter()
                .any(|peer| peer.view.peer.offerId == view.offerId);
        if !view.offer.paused && concerns && staying.count() == 0 {
            let offer = view.offerId.to::<u64>();
            steps.push(Step {
                what: "pause the offer".to_owned(),
                subject: format!("offer {offer}"),
                next: Next::Send(deployment.pause_offer(offer, true)),
            });
        }
    }
    for peer in standing.peers.iter().filter(is_leaving) {
        for work in &peer.workers {
            steps.extend(of_worker(standing, work, deployment));
        }
        for call in claims(deployment, peer.workers.iter()) {
            steps.push(Step {
                what: "claim what its workers earned".to_owned(),
                subject: format!("peer {}", peer.view.peerId),
                next: Next::Send(call),
            });
        }
        steps.extend(of_commitment(standing, peer, deployment));
    }
    steps.extend(of_credits(standing, deployment));
    steps
}

fn of_worker(standing: &Standing, work: &Work, deployment: &Deployment) -> Vec<Step> {
    let (epoch, id, end) = (standing.time.epoch, work.view.workerId, work.view.end);
    let step = |what: &str, next: Next| Step {
        what: what.to_owned(),
        subject: format!("deal {}, worker {id}", work.deal.dealId),
        next,
    };
    let mut steps = Vec::new();
    match work.view.worker.status {
        1 => steps.push(step("refuse the match", Next::Send(deployment.decline(id)))),
        2 | 3 if epoch >= end => steps.push(step(
            "release the worker",
            Next::Send(deployment.release_worker(id)),
        )),
        2 if work.deal.deal.endEpoch == 0 => {
            steps.push(step("give notice", Next::Send(deployment.leave_deal(id))));
        }
        2 | 3 => steps.push(step("serve until the end of the notice", Next::Wait(end))),
        _ => {}
    }
    if let Some(paid) = work.paid_from(standing.maturity)
        && epoch < paid
        // While it has no notice its end is not decided.
        && (work.view.worker.status != 2 || work.deal.deal.endEpoch != 0)
    {
        let what = "claim what it proves until then";
        steps.push(step(what, Next::Wait(paid)));
    }
    steps
}

fn of_commitment(standing: &Standing, peer: &Peer, deployment: &Deployment) -> Option<Step> {
    let (epoch, view, commitment) = (standing.time.epoch, &peer.view, &peer.view.commitment);
    let id = view.peerId;
    let has_workers = peer
        .workers
        .iter()
        .any(|work| matches!(work.view.worker.status, 1..=3));
    let unlocked = commitment
        .exitEpoch
        .saturating_add(u32::from(commitment.lockEpochs));
    let (what, next) = match commitment.status {
        1 => (
            "take back the commitment, which has no collateral",
            Next::Send(deployment.cancel_commitment(id)),
        ),
        2 | 3 if commitment.exitEpoch == 0 && epoch < view.end => {
            ("end the commitment", Next::Wait(view.end))
        }
        2 | 3 if commitment.exitEpoch == 0 => (
            "ask for the end of the commitment",
            Next::Send(deployment.request_exit(id)),
        ),
        2 | 3 if epoch < unlocked => ("finish the commitment", Next::Wait(unlocked)),
        // They are released first, each when its time has come.
        2 | 3 if has_workers => return None,
        2 | 3 => (
            "finish the commitment",
            Next::Send(deployment.finish_commitment(id)),
        ),
        _ if view.peer.units != 0 && !has_workers => {
            ("retire the peer", Next::Send(deployment.retire_peer(id)))
        }
        _ => return None,
    };
    Some(Step {
        what: what.to_owned(),
        subject: format!("peer {id}"),
        next,
    })
}

fn of_credits(standing: &Standing, deployment: &Deployment) -> Vec<Step> {
    let account = standing.account;
    let pay = standing.pay.iter().map(|(token, credit)| {
        let call = deployment.withdraw_pay(*token, account);
        ("withdraw pay", *token, *credit, call)
    });
    let stake = deployment.stake_token;
    let call = deployment.withdraw_stake(account);
    let steps = pay.chain([("withdraw collateral", stake, standing.stake, call)]);
    steps
        .filter(|(_, _, credit, _)| *credit != U256::ZERO)
        .map(|(what, token, _, call)| Step {
            what: what.to_owned(),
            subject: format!("token {token}"),
            next: Next::Withdraw(token, call),
        })
        .collect()
}

/// The epoch in which the first of those that wait can go on.
pub(super) fn soonest(steps: &[Step]) -> Option<u32> {
    let waits = steps.iter().filter_map(|step| match step.next {
        Next::Wait(epoch) => Some(epoch),
        _ => None,
    });
    waits.filter(|epoch| *epoch != NEVER).min()
}
