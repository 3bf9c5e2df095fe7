//! Matches that the chain takes back.

use expect_test::expect;
use weir_identity::Keypair;
use weir_peer::deals::{Phase, Stand, WorkerStatus};

use crate::market::{BLOCK_MS, Deal, EPOCH_BLOCKS, REORG_BLOCKS, code};
use crate::world::{World, matched, serving};

#[test]
fn a_match_that_is_undone_is_stopped_kept_and_then_removed() {
    let mut world = serving();
    let id = world.market.worker_of(1).expect("it serves").0;
    world.block(|market, _| {
        market.state_mut().workers.remove(&id);
    });
    assert!(world.machine.running.is_empty());
    expect![[r#"
        deal 1: missing; the chain does not show it since block 5; it is stopped and kept for 6 more blocks
    "#]].assert_eq(&world.report());
    world.blocks(REORG_BLOCKS - 1);
    assert_eq!(world.machine.disk.workers.len(), 1);
    let keep = world.timing.keep_ms / BLOCK_MS;
    world.blocks(keep + 10);
    assert!(world.machine.disk.workers.is_empty());
}

#[test]
fn a_match_that_comes_back_goes_on_with_the_same_key() {
    let mut world = serving();
    let (id, worker) = world.market.worker_of(1).expect("it serves");
    let worker = worker.clone();
    let key = world.record(1).expect("it is recorded").identity;
    world.block(|market, _| {
        market.state_mut().workers.remove(&id);
    });
    world.blocks(REORG_BLOCKS - 2);
    world.block(|market, _| {
        market.state_mut().workers.insert(id, worker);
    });
    world.blocks(1);
    assert!(world.serves(1));
    assert_eq!(world.record(1).map(|record| record.identity), Some(key));
}

#[test]
fn a_name_that_comes_again_after_removal_has_another_key() {
    let mut world = serving();
    let id = world.market.worker_of(1).expect("it serves").0;
    let first = world.record(1).expect("it is recorded").identity;
    world.block(|market, _| {
        market.state_mut().workers.remove(&id);
    });
    world.blocks(REORG_BLOCKS + world.timing.keep_ms / BLOCK_MS + 20);
    assert_eq!(world.deals.records().count(), 0);
    world.block(|market, _| {
        assert_eq!(market.match_deal(1), Ok(id));
    });
    world.blocks(EPOCH_BLOCKS);
    assert!(world.serves(1), "{}", world.report());
    let second = world.record(1).expect("it is recorded").identity;
    assert_ne!(second.peer, first.peer);
    let mut secret = [7; 32];
    secret[1] = 1;
    let host = Keypair::from_secret(&secret).unwrap();
    assert_eq!(second.keypair(&host).unwrap().peer_id(), second.peer);
}

#[test]
fn an_installed_match_that_is_undone_stays_as_long_as_it_may_come_back() {
    let mut world = matched(Deal::new(code(1)));
    world.machine.trouble.transaction_delayed = 100;
    while world.machine.disk.workers.is_empty() {
        world.blocks(1);
    }
    world.blocks(1);
    let id = world.market.worker_of(1).expect("it is matched").0;
    world.machine.trouble.transaction_delayed = 0;
    world.block(|market, _| {
        market.state_mut().workers.remove(&id);
    });
    for _ in 1..REORG_BLOCKS {
        world.blocks(1);
        assert_eq!(world.machine.disk.workers.len(), 1);
    }
    world.blocks(6);
    assert!(world.machine.disk.workers.is_empty());
    assert_eq!(world.deals.records().count(), 0);
}

#[test]
fn nothing_is_removed_while_an_activation_may_still_be_mined() {
    let mut world = matched(Deal::new(code(1)));
    world.machine.trouble.transaction_delayed = 100;
    world.machine.trouble.withdrawal_fails = 100;
    let has_sent = |world: &World| {
        let record = world.record(1).expect("it is recorded");
        record.chain.pending.is_some()
    };
    while !has_sent(&world) {
        world.blocks(1);
    }
    world.block(|market, _| market.end_deal(1));
    world.blocks(3);
    let record = world.record(1).expect("it is recorded");
    assert!(matches!(record.stand, Stand::Declined { .. }));
    assert!(matches!(record.phase, Phase::Installed { .. }));
    // The end is undone, and the activation comes first.
    world.reorganise(4);
    world.machine.trouble.transaction_delayed = 0;
    world.blocks(3);
    assert_eq!(world.status(1), Some(WorkerStatus::Notice), "it leaves");
}

#[test]
fn a_swap_whose_epoch_is_undone_stops_the_worker_until_it_is_known_what_answers() {
    let mut world = serving();
    world.block(|market, _| market.set_version(1, code(2)));
    let is_swapping = |world: &World| {
        let record = world.record(1).expect("it is recorded");
        matches!(&record.phase, Phase::Installed { coming: Some(coming), .. } if coming.swapping)
    };
    while !is_swapping(&world) {
        world.block(|_, _| {});
    }
    assert_eq!(world.market.block() % EPOCH_BLOCKS, 0);
    // The swap is done, the process dies before it knows, and the chain goes back by a block.
    world.crash();
    for found in world.machine.disk.workers.values_mut() {
        found.code = code(2);
    }
    world.reorganise(2);
    world.look();
    assert!(world.machine.running.is_empty());
    world.blocks(10);
    assert!(world.serves(1), "{}", world.report());
}
