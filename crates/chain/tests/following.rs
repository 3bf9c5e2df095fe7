//! Following a chain that changes its mind.

mod support;

use std::time::{Duration, Instant};

use support::liar::{Liar, Lie};
use support::{Chain, Town, anvil};
use weir_chain::{ChainError, Cursor, Follower, Index, News, REORGANISATION_MAX, Sender};

fn follower(town: &Town) -> Follower {
    Follower::new(
        town.client.clone(),
        town.deployment.clone(),
        Cursor::before(&town.deployment),
    )
}

/// Learns until there is nothing new, and says how far it went back.
async fn learn(follower: &mut Follower, index: &mut Index) -> Result<Vec<u64>, ChainError> {
    let mut back = Vec::new();
    loop {
        let news = follower.next().await?;
        index.learn(&news);
        match news {
            News::Nothing => return Ok(back),
            News::RolledBack { to } => back.push(to),
            News::Blocks { .. } => {}
        }
    }
}

async fn order(town: &Town, customer: &Sender, key: &str) {
    let call = town
        .deployment
        .create_deal(town.order(), 30 * support::TOKEN);
    customer.send(key, &call).await.expect("it is created");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reorganisation_undid_is_undone() {
    reorganised(&Chain::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_anvil_what_a_reorganisation_undid_is_undone() {
    if let Some(chain) = anvil() {
        reorganised(&chain).await;
    }
}

async fn reorganised(chain: &Chain) {
    let town = Town::found(&chain.url).await;
    let (one, two) = (town.person(60).await, town.person(61).await);
    order(&town, &one, "stays").await;
    let (mut follower, mut index) = (follower(&town), Index::default());
    assert_eq!(
        learn(&mut follower, &mut index).await.expect("it answers"),
        Vec::<u64>::new()
    );
    let base = town.client.block_number().await.expect("it answers");
    let snapshot = town.control("evm_snapshot", ()).await;
    for number in 0..10 {
        order(&town, &one, &format!("undone/{number}")).await;
    }
    learn(&mut follower, &mut index).await.expect("it answers");
    assert_eq!((index.deals().count(), index.block()), (11, base + 10));

    town.control("evm_revert", (snapshot,)).await;
    // Whoever asks while the chain is shorter learns it too.
    order(&town, &two, "another").await;
    let kept = serde_json::to_string(follower.cursor()).expect("it can be written");
    assert_eq!(
        learn(&mut follower, &mut index).await.expect("it answers"),
        [base]
    );
    assert_eq!((index.deals().count(), index.block()), (2, base + 1));

    // One that was asleep meanwhile wakes up on a longer chain.
    town.client.mine(20).await.expect("it makes blocks");
    let cursor = serde_json::from_str(&kept).expect("it can be read");
    let mut asleep = Follower::new(town.client.clone(), town.deployment.clone(), cursor);
    let back = learn(&mut asleep, &mut Index::default()).await;
    assert_eq!(back.expect("it answers"), [base]);
    learn(&mut follower, &mut index).await.expect("it answers");
    assert_eq!(asleep.cursor(), follower.cursor());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_deeper_than_is_remembered_is_an_error() {
    let chain = Chain::embedded().await;
    let town = Town::found(&chain.url).await;
    let customer = town.person(60).await;
    town.client.mine(100).await.expect("it makes blocks");
    let snapshot = town.control("evm_snapshot", ()).await;
    order(&town, &customer, "undone").await;
    town.client
        .mine(REORGANISATION_MAX as u32)
        .await
        .expect("it makes blocks");
    let (mut follower, mut index) = (follower(&town), Index::default());
    learn(&mut follower, &mut index).await.expect("it answers");
    town.control("evm_revert", (snapshot,)).await;
    town.client.mine(70).await.expect("it makes blocks");
    let error = learn(&mut follower, &mut index)
        .await
        .expect_err("it goes too far back");
    assert!(matches!(error, ChainError::TooDeep { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("follow it again from its beginning"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_chain_at_the_same_address_is_no_reorganisation() {
    let chain = Chain::embedded().await;
    let other = Chain::numbered(1).await;
    let liar = Liar::before(&chain.url, Lie::Honest).await;
    let town = Town::found(&liar.url).await;
    let (mut follower, mut index) = (follower(&town), Index::default());
    let learnt = learn(&mut follower, &mut index).await;
    learnt.expect("it answers");
    let before = follower.cursor().clone();
    liar.now(Lie::Elsewhere(other.url.clone()));
    let error = learn(&mut follower, &mut index).await;
    let text = error.expect_err("it is another one").to_string();
    assert!(text.contains("it serves chain 1, not 31337"), "{text}");
    assert_eq!(follower.cursor(), &before);
}

/// The target is 100,000 blocks in 60 s, and this is a tenth of both, in a build without optimisation.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_blocks_are_caught_up_within_six_seconds() {
    let chain = Chain::embedded().await;
    let town = Town::found(&chain.url).await;
    let customer = town.person(60).await;
    for number in 0..10 {
        town.client.mine(1_000).await.expect("it makes blocks");
        order(&town, &customer, &format!("deal/{number}")).await;
    }
    let (mut follower, mut index) = (follower(&town), Index::default());
    let begin = Instant::now();
    learn(&mut follower, &mut index).await.expect("it answers");
    let took = begin.elapsed();
    println!("caught up {} blocks in {took:?}", index.block());
    assert_eq!(index.deals().count(), 10);
    assert!(took < Duration::from_secs(6), "{took:?}");
}
