//! A deal from its beginning to its end, and where every token is then.

mod support;

use alloy::primitives::{Address, B256, U256};
use support::{Chain, TOKEN, Town, address, anvil, key, plan};
use weir_chain::bindings::Market;
use weir_chain::{ChainError, Cursor, Follower, Index, News, Sender, enter_market};

#[tokio::test(flavor = "multi_thread")]
async fn every_token_is_accounted_for_at_the_end() {
    every_token_is_accounted_for(&Chain::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_anvil_every_token_is_accounted_for() {
    if let Some(chain) = anvil() {
        every_token_is_accounted_for(&chain).await;
    }
}

async fn every_token_is_accounted_for(chain: &Chain) {
    let town = Town::found(&chain.url).await;
    let (client, deployment) = (&town.client, &town.deployment);
    let market = client.market(deployment);
    let (stake, pay) = (deployment.stake_token, deployment.pay_token);

    // Three providers with one node each.
    let mut providers = Vec::new();
    for number in 0..3 {
        let sender = town.person(10 + number).await;
        let node = key(20 + number);
        for _ in 0..2 {
            // The second time there is nothing left to do.
            let entered = enter_market((client, deployment), &sender, &plan(), &[(&node, 4)]).await;
            let entered = entered.expect("it enters");
            assert_eq!(entered.peers, [(address(&node), 4)]);
            assert_eq!(entered.offer, u64::from(number) + 1);
        }
        providers.push((sender, node));
    }
    town.pass(1).await;

    // A customer orders three workers.
    let customer = town.person(30).await;
    let deposit = 30 * TOKEN;
    let created = customer
        .send("deal", &deployment.create_deal(town.order(), deposit))
        .await;
    created.expect("it is created");
    let again = customer
        .send("deal", &deployment.create_deal(town.order(), deposit))
        .await;
    again.expect("it is the same transaction");
    let other = customer
        .send("deal", &deployment.create_deal(town.order(), 1))
        .await;
    assert!(matches!(other, Err(ChainError::KeyReused { .. })));
    assert_eq!(market.deals(1, 10).await.expect("they are read").len(), 1);
    let nodes = providers.iter().map(|(_, node)| address(node));
    let entries: Vec<Market::Entry> = nodes
        .map(|peer| Market::Entry { peer, firstUnit: 0 })
        .collect();
    let matched = deployment.match_deal(1, entries.clone(), Vec::new(), true);
    customer.send("match", &matched).await.expect("they fit");
    // The same again does not, and says why before it costs anything.
    let error = customer
        .send("match/again", &matched)
        .await
        .expect_err("they have a place");
    assert_eq!(
        error.to_string(),
        "the choice of workers would fail: the peer does not fit the deal: the deal has all the workers that it wants"
    );

    // The nodes take it over, each with a key for its worker.
    let mut workers = Vec::new();
    for (number, (sender, node)) in providers.iter().enumerate() {
        let worker = market
            .worker_of(1, address(node))
            .await
            .expect("it has a place");
        let worker_key = key(40 + number as u8);
        let signature = deployment.worker_signature(worker, &worker_key);
        let activate = deployment.activate_worker(worker, address(&worker_key), signature);
        let stranger = customer
            .send(&format!("activate/{number}"), &activate)
            .await;
        assert!(stranger.is_err(), "only peer and provider may");
        sender
            .send("activate", &activate)
            .await
            .expect("it is its place");
        workers.push(worker);
    }
    town.pass(1).await;

    // They serve for three epochs and prove it.
    for _ in 0..3 {
        town.pass(1).await;
        let epoch = town.epoch().await - 1;
        for (sender, node) in &providers {
            let root = B256::repeat_byte(epoch as u8);
            let commit =
                deployment.commit_receipts(address(node), epoch, pay, (root, 0), Vec::new());
            sender
                .send(&format!("receipts/{epoch}"), &commit)
                .await
                .expect("it is in time");
        }
    }
    let more = deployment.top_up(1, pay, 3 * TOKEN);
    customer
        .send("more", &more)
        .await
        .expect("anybody may pay for it");
    customer
        .send("end", &deployment.end_deal(1))
        .await
        .expect("it is the customer's");
    town.pass(8).await;

    // What was earned is paid, the rest goes back.
    let start = 0;
    for ((sender, _), worker) in providers.iter().zip(&workers) {
        sender
            .send("claim", &deployment.claim(vec![*worker], start))
            .await
            .expect("it is due");
        sender
            .send("release", &deployment.release_worker(*worker))
            .await
            .expect("it is over");
        sender
            .send("refund", &deployment.refund_unproven(*worker, start))
            .await
            .expect("it was not proven");
        withdraw(
            sender,
            &deployment.withdraw_pay(pay, sender.account()),
            "pay",
        )
        .await;
    }
    customer
        .send("close", &deployment.close_deal(1))
        .await
        .expect("nothing is left to pay");
    withdraw(
        &customer,
        &deployment.withdraw_pay(pay, customer.account()),
        "pay",
    )
    .await;
    for (sender, node) in &providers {
        let peer = address(node);
        town_exit(&town, sender, peer).await;
    }

    // Every token is somewhere.
    let faucet = U256::from(10).pow(U256::from(30));
    let tokens =
        async |token: Address, account| market.tokens(token, account).await.expect("it is read");
    let mut sum = tokens(pay, customer.account()).await;
    let spent = faucet - sum;
    for (sender, _) in &providers {
        let has = tokens(pay, sender.account()).await;
        assert!(has > faucet, "it earned something");
        sum += has;
        assert_eq!(
            tokens(stake, sender.account()).await,
            faucet,
            "collateral comes home"
        );
    }
    let treasury = market
        .pay_credit(pay, address(&key(1)))
        .await
        .expect("it is read");
    assert_eq!(
        tokens(pay, deployment.market).await,
        treasury,
        "the market holds its fee and nothing else"
    );
    assert_eq!(sum + treasury, faucet * U256::from(4));
    assert_eq!(
        spent,
        U256::from(9 * TOKEN),
        "three workers for three epochs"
    );

    follow(&town, deposit).await;
}

async fn withdraw(sender: &Sender, call: &weir_chain::Call, what: &str) {
    sender
        .send(&format!("withdraw/{what}"), call)
        .await
        .expect("there is credit");
}

/// Takes the collateral of a peer home.
async fn town_exit(town: &Town, sender: &Sender, peer: Address) {
    let deployment = &town.deployment;
    while town
        .client
        .market(deployment)
        .peers(&[peer])
        .await
        .expect("it is read")[0]
        .end
        > town.epoch().await
    {
        town.pass(1).await;
    }
    sender
        .send("exit", &deployment.request_exit(peer))
        .await
        .expect("it is over");
    town.pass(3).await;
    sender
        .send("finish", &deployment.finish_commitment(peer))
        .await
        .expect("the lock is over");
    withdraw(
        sender,
        &deployment.withdraw_stake(sender.account()),
        "stake",
    )
    .await;
}

/// What a follower from the first block learns of all that.
async fn follow(town: &Town, deposit: u128) {
    let cursor = Cursor::before(&town.deployment);
    let mut follower = Follower::new(town.client.clone(), town.deployment.clone(), cursor);
    let mut index = Index::default();
    let mut claimed = 0;
    loop {
        let news = follower.next().await.expect("the chain answers");
        index.learn(&news);
        match news {
            News::Nothing => break,
            News::RolledBack { to } => panic!("nothing was undone, yet it goes back to {to}"),
            News::Blocks { events, .. } => {
                claimed += events
                    .iter()
                    .filter(|happened| {
                        format!("{:?}", happened.event).starts_with("Market(Claimed")
                    })
                    .count();
            }
        }
    }
    assert_eq!(claimed, 3);
    let deal = index.deal(1).expect("it was created");
    assert_eq!(deal.versions.len(), 1);
    assert_eq!(index.places_in(1).count(), 3);
    assert_eq!(index.places_of(address(&key(20))).count(), 1);
    assert_ne!(deposit, 0);
    // From what was kept, another goes on where this one was.
    let kept = serde_json::to_string(follower.cursor()).expect("it can be written");
    let cursor = serde_json::from_str(&kept).expect("it can be read");
    let mut other = Follower::new(town.client.clone(), town.deployment.clone(), cursor);
    assert!(matches!(other.next().await, Ok(News::Nothing)));
}
