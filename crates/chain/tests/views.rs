//! What a node learns of its peer.

mod support;

use alloy::primitives::{B256, Bytes, Uint};
use support::{Chain, TOKEN, Town, address, anvil, key, plan};
use weir_chain::bindings::Market;
use weir_chain::bindings::Market::MarketEvents;
use weir_chain::{ChainError, CommitmentStatus, DealStatus, WorkerStatus, enter_market};

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_sees_its_workers_from_match_to_notice() {
    from_match_to_notice(&Chain::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_anvil_a_peer_sees_its_workers_from_match_to_notice() {
    if let Some(chain) = anvil() {
        from_match_to_notice(&chain).await;
    }
}

async fn from_match_to_notice(chain: &Chain) {
    let town = Town::found(&chain.url).await;
    let (client, deployment) = (&town.client, &town.deployment);
    let market = client.market(deployment);
    let (node, other) = (key(20), key(21));
    let peer = address(&node);
    let view = async || {
        market
            .peer_view(peer, &town.index().await)
            .await
            .expect("it can be read whole")
    };

    // A stranger to the market.
    let stranger = view().await;
    assert_eq!((stranger.listing, stranger.commitment), (None, None));
    assert!(stranger.workers.is_empty() && stranger.members.is_empty());

    let sender = town.person(10).await;
    let provider = enter_market(
        (client, deployment),
        &sender,
        &plan(),
        &[(&node, 4), (&other, 4)],
    )
    .await;
    let provider = provider.expect("it enters");
    town.pass(1).await;
    let listed = view().await;
    let listing = listed.listing.expect("it is registered");
    assert_eq!(
        (listing.provider, listing.offer, listing.units),
        (sender.account(), provider.offer, 4)
    );
    let commitment = listed.commitment.expect("it has one");
    assert_eq!(
        (commitment.status, commitment.units),
        (CommitmentStatus::Active, 4)
    );
    assert_eq!(commitment.end_epoch, commitment.start_epoch + 20);

    // A deal that anybody may fill, and one that nobody else may.
    let customer = town.person(30).await;
    let open = Market::DealInput {
        openMatch: true,
        minWorkers: 1,
        targetWorkers: 2,
        maxPerProvider: 2,
        ..town.order()
    };
    customer
        .send("open", &deployment.create_deal(open, 30 * TOKEN))
        .await
        .expect("it is created");
    customer
        .send("own", &deployment.create_deal(town.order(), 30 * TOKEN))
        .await
        .expect("it is created");
    let deals = market
        .open_deals(&town.index().await)
        .await
        .expect("they are read");
    assert_eq!(deals.iter().map(|deal| deal.id).collect::<Vec<_>>(), [1]);
    let deal = &deals[0];
    assert_eq!(
        (deal.status, deal.owner, deal.price),
        (DealStatus::Open, customer.account(), TOKEN)
    );
    assert_eq!(
        (deal.funded_epochs, deal.live_workers, deal.target_workers),
        (30, 0, 2)
    );
    assert_eq!(
        (&deal.code.cid, deal.code.module_set),
        (&town.order().cid, B256::repeat_byte(9))
    );
    assert_eq!(
        (deal.former.clone(), deal.end_epoch, deal.callers),
        (None, None, None)
    );

    for (number, node) in [&node, &other].into_iter().enumerate() {
        let claim = deployment.claim_deal(1, address(node), 1, Vec::new());
        sender
            .send(&format!("claim/{number}"), &claim)
            .await
            .expect("there is a place");
    }
    let full = market
        .open_deals(&town.index().await)
        .await
        .expect("they are read");
    assert!(full.is_empty());
    let matched = view().await;
    let worker = &matched.workers[0];
    assert!(
        matches!(worker.member.status, WorkerStatus::Matched { deadline } if deadline >= matched.time.epoch)
    );
    assert_eq!(
        (worker.deal.id, worker.member.first_unit, worker.member.key),
        (1, 1, None)
    );
    assert_eq!(matched.members[&1].len(), 2);

    let id = worker.member.worker;
    let worker_key = key(40);
    let signature = deployment.worker_signature(id, &worker_key);
    let activate = deployment.activate_worker(id, address(&worker_key), signature);
    sender
        .send("activate", &activate)
        .await
        .expect("it is its place");
    let active = view().await;
    let member = active.workers[0].member;
    assert_eq!(
        (member.status, member.key),
        (WorkerStatus::Active, Some(address(&worker_key)))
    );
    assert_eq!(
        (member.join_epoch, member.end_epoch),
        (Some(active.time.epoch + 1), Some(commitment.end_epoch))
    );
    // The keys behind the addresses, from the events.
    let index = town.index().await;
    assert_eq!(index.peer_id(address(&node)), Some(node.peer_id()));
    assert_eq!(index.peer_id(address(&worker_key)), None);
    let activation = index.activation(id).expect("it was activated");
    let found = client.worker_id(deployment, activation).await;
    assert_eq!(found.expect("it is read"), Some(worker_key.peer_id()));

    // New code, of which the second replaces the first before it is the deal's.
    for byte in [5, 6] {
        let cid = Bytes::copy_from_slice(&[1, 0x55, 0x12, 0x20, byte]);
        let set = deployment.set_version(1, cid, B256::repeat_byte(byte));
        customer
            .send(&format!("version/{byte}"), &set)
            .await
            .expect("it is the customer's");
    }
    let renewed = view().await;
    let deal = &renewed.workers[0].deal;
    assert_eq!(
        (deal.code.module_set, deal.code_epoch),
        (B256::repeat_byte(6), renewed.time.epoch + 1)
    );
    assert_eq!(
        deal.former.as_ref().map(|code| code.module_set),
        Some(B256::repeat_byte(9))
    );

    sender
        .send("leave", &deployment.leave_deal(id))
        .await
        .expect("it may");
    let leaving = view().await;
    let member = leaving.workers[0].member;
    assert_eq!(member.status, WorkerStatus::Notice);
    let end = member.end_epoch.expect("it was told");
    while town.epoch().await < end {
        town.pass(1).await;
    }
    sender
        .send("release", &deployment.release_worker(id))
        .await
        .expect("its time is over");
    let over = view().await;
    assert!(over.workers.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_refused_if_events_are_missing_that_the_chain_shows() {
    let chain = Chain::embedded().await;
    let town = Town::found(&chain.url).await;
    let (client, deployment) = (&town.client, &town.deployment);
    let market = client.market(deployment);
    let (node, other) = (key(20), key(21));
    let sender = town.person(10).await;
    let nodes = [(&node, 4), (&other, 4)];
    let entered = enter_market((client, deployment), &sender, &plan(), &nodes).await;
    entered.expect("it enters");
    town.pass(1).await;
    let customer = town.person(30).await;
    let order = Market::DealInput {
        minWorkers: 1,
        targetWorkers: 2,
        maxPerProvider: 2,
        cuPerWorker: 3,
        price: Uint::from(3 * TOKEN),
        ..town.order()
    };
    let deal = deployment.create_deal(order, 30 * TOKEN);
    customer.send("deal", &deal).await.expect("it is created");
    let places = [&node, &other].map(|node| Market::Entry {
        peer: address(node),
        firstUnit: 0,
    });
    let matched = deployment.match_deal(1, places.to_vec(), Vec::new(), true);
    customer.send("match", &matched).await.expect("they fit");
    let code = deployment.set_version(1, Bytes::from_static(b"new"), B256::repeat_byte(8));
    customer.send("code", &code).await.expect("it may");

    // All events but those that an endpoint keeps back.
    let refused = async |keeps_back: fn(&MarketEvents) -> bool| {
        let index = town.index_without(keeps_back).await;
        let view = market.peer_view(address(&node), &index).await;
        match view {
            Err(ChainError::MissingEvents(what)) => what,
            other => panic!("{other:?}"),
        }
    };
    let none = refused(|event| matches!(event, MarketEvents::WorkerMatched(_))).await;
    let peer = address(&node);
    assert_eq!(
        none,
        format!("3 compute units of peer {peer} are busy, and they told of workers with 0")
    );
    let others = refused(
        |event| matches!(event, MarketEvents::WorkerMatched(of) if of.peer != address(&key(20))),
    );
    assert_eq!(others.await, "deal 1 has 2 workers, and they told of 1");
    let deals = refused(|event| matches!(event, MarketEvents::DealCreated(_)));
    assert_eq!(deals.await, "deal 1 is there, and none told of it");
    let versions = refused(|event| matches!(event, MarketEvents::VersionSet(_)));
    assert_eq!(versions.await, "deal 1 has other code than they told of");
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_sizes_and_keys_change() {
    changes(&Chain::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_anvil_prices_sizes_and_keys_change() {
    if let Some(chain) = anvil() {
        changes(&chain).await;
    }
}

async fn changes(chain: &Chain) {
    let town = Town::found(&chain.url).await;
    let (client, deployment) = (&town.client, &town.deployment);
    let market = client.market(deployment);
    let (node, worker_key, second) = (key(20), key(40), key(41));
    let provider = town.person(10).await;
    let entered = enter_market((client, deployment), &provider, &plan(), &[(&node, 4)]).await;
    entered.expect("it enters");
    town.pass(1).await;
    let customer = town.person(30).await;
    let order = Market::DealInput {
        minWorkers: 1,
        targetWorkers: 1,
        noticeEpochs: 3,
        ..town.order()
    };
    let calls = [
        deployment.create_deal(order, 30 * TOKEN),
        deployment.match_deal(1, vec![entry(&node)], Vec::new(), true),
    ];
    for (number, call) in calls.iter().enumerate() {
        let sent = customer.send(&format!("deal/{number}"), call).await;
        sent.expect("it may");
    }
    let id = market
        .worker_of(1, address(&node))
        .await
        .expect("it is read");
    let signature = deployment.worker_signature(id, &worker_key);
    let activate = deployment.activate_worker(id, address(&worker_key), signature);
    let activated = provider.send("activate", &activate).await;
    activated.expect("it is its place");
    town.pass(1).await;

    // A lower price, which acts after the notice; until then the deal lasts as long as the higher one says.
    let lower = deployment.set_price(1, TOKEN / 2);
    customer.send("lower", &lower).await.expect("it may");
    let epoch = town.epoch().await;
    for (at, price) in [(epoch, TOKEN), (epoch + 2, TOKEN), (epoch + 3, TOKEN / 2)] {
        assert_eq!(market.price_of(1, at).await.expect("it is read"), price);
    }
    let view = market.deal(1).await.expect("it is read");
    assert_eq!(
        (view.priceNow.to::<u128>(), view.deal.price.to::<u128>()),
        (TOKEN, TOKEN / 2)
    );
    let index = town.index().await;
    let seen = market.peer_view(address(&node), &index).await;
    let seen = seen.expect("it is read");
    // 29 are left, for this worker and one more.
    let terms = &seen.workers[0].deal;
    assert_eq!((terms.price, terms.funded_epochs), (TOKEN / 2, 14));
    let again = customer
        .send("again", &deployment.set_price(1, TOKEN))
        .await;
    let lasts = market.price_epochs().await.expect("it is read");
    assert_eq!(
        refusal(again),
        format!("this can be done from epoch {} on; wait", epoch + 3 + lasts)
    );

    // Another number of workers, with the least number as it is; with workers it does not rise.
    let resize = deployment.resize_deal(1, (1, 2));
    customer.send("resize", &resize).await.expect("it may");
    let terms = market.deal(1).await.expect("it is read").deal;
    assert_eq!((terms.minWorkers, terms.targetWorkers), (1, 2));
    let rise = deployment.resize_deal(1, (2, 2));
    assert!(refusal(customer.send("rise", &rise).await).contains("the deal has workers"));

    // Another key signs from the next epoch on.
    let signature = deployment.worker_signature(id, &second);
    let rotate = deployment.rotate_worker_key(id, address(&second), signature);
    assert!(refusal(customer.send("rotate", &rotate).await).contains("another provider"));
    provider.send("rotate", &rotate).await.expect("it may");
    let epoch = town.epoch().await;
    for (at, key) in [(epoch, &worker_key), (epoch + 1, &second)] {
        let signer = market.key_of_worker(id, at).await;
        assert_eq!(signer.expect("it is read"), address(key));
    }
    let third = deployment.worker_signature(id, &key(42));
    let third = deployment.rotate_worker_key(id, address(&key(42)), third);
    assert!(refusal(provider.send("third", &third).await).contains("can still be judged"));
}

fn entry(node: &weir_identity::Keypair) -> Market::Entry {
    Market::Entry {
        peer: address(node),
        firstUnit: 0,
    }
}

/// Why a contract did not do it.
fn refusal<T: std::fmt::Debug>(sent: Result<T, ChainError>) -> String {
    match sent {
        Err(ChainError::Revert { why, .. }) => why.words,
        sent => panic!("{sent:?}"),
    }
}
