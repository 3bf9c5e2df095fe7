//! Where the tokens of a market are.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, U256};
use weir_chain::{Call, ChainError, Sender};

use super::chain::{Town, address, key};

/// What everybody has of each token in the beginning.
fn faucet() -> U256 {
    U256::from(10).pow(U256::from(30))
}

/// Closes deals that have ended and whose workers are released, and takes home what they hold: all tokens are with
/// somebody, and the market has its fee and nothing else. Says what the customer paid.
pub async fn settled(town: &Town, deals: &[u64], customer: &Sender, providers: &[&Sender]) -> U256 {
    let market = &town.deployment;
    // Until then everything can be claimed or goes back.
    town.pass(6).await;
    for deal in deals {
        for worker in workers(town, *deal).await {
            let claim = market.claim(vec![worker], 0);
            send_if_due(customer, &format!("claim {worker}"), &claim).await;
            let refund = market.refund_unproven(worker, 0);
            send_if_due(customer, &format!("refund {worker}"), &refund).await;
        }
        let closed = market.close_deal(*deal);
        let closed = customer.send(&format!("close {deal}"), &closed).await;
        closed.expect("nothing is left to pay");
    }
    let reader = town.client.market(market);
    let pay = market.pay_token;
    let mut sum = U256::ZERO;
    for person in providers.iter().copied().chain([customer]) {
        let account = person.account();
        let home = market.withdraw_pay(pay, account);
        send_if_due(person, "pay comes home", &home).await;
        sum += reader.tokens(pay, account).await.expect("it is read");
    }
    let treasury = reader.pay_credit(pay, address(&key(1))).await;
    let treasury = treasury.expect("it is read");
    let held = reader.tokens(pay, market.market).await;
    assert_eq!(held.expect("it is read"), treasury, "it holds its fee");
    let people = U256::from(providers.len() + 1);
    assert_eq!(sum + treasury, faucet() * people, "no token is lost");
    let left = reader.tokens(pay, customer.account()).await;
    faucet() - left.expect("it is read")
}

/// Ends the commitment of a peer and takes its collateral home: none of it is lost.
pub async fn exited(town: &Town, provider: &Sender, peer: Address) {
    let (market, account) = (&town.deployment, provider.account());
    let reader = town.client.market(market);
    let known = reader.peers(&[peer]).await.expect("it is read");
    let left = known[0].end.saturating_sub(town.epoch().await);
    if left > 0 {
        town.pass(u64::from(left)).await;
    }
    let send = async |name: &str, call: &Call| {
        let sent = provider.send(name, call).await;
        sent.expect("it is time");
    };
    send("exit", &market.request_exit(peer)).await;
    town.pass(3).await;
    send("finish", &market.finish_commitment(peer)).await;
    send("stake comes home", &market.withdraw_stake(account)).await;
    let has = reader.tokens(market.stake_token, account).await;
    assert_eq!(has.expect("it is read"), faucet());
}

/// The names of all places that a deal gave.
async fn workers(town: &Town, deal: u64) -> BTreeSet<B256> {
    let index = town.index().await;
    index.places_in(deal).map(|place| place.worker).collect()
}

async fn send_if_due(sender: &Sender, name: &str, call: &Call) {
    match sender.send(name, call).await {
        Err(ChainError::Revert { why, .. }) if why.name == "NothingDue" => {}
        sent => {
            sent.expect("it is due");
        }
    }
}
