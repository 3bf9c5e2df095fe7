//! What happens to one deal, step by step.

use expect_test::expect;
use weir_peer::deals::{Event, WorkerStatus, prefix};

use crate::market::{BLOCK_MS, Deal, EPOCH_BLOCKS, NOTICE_EPOCHS, REORG_BLOCKS, code};
use crate::world::{World, matched, serving};

fn is_matched(world: &World) -> bool {
    matches!(world.status(1), Some(WorkerStatus::Matched { .. }))
}

#[test]
fn a_match_is_fetched_installed_activated_and_served() {
    let mut world = matched(Deal::new(code(1)));
    let mut seen = vec![world.report()];
    while !world.serves(1) {
        world.blocks(1);
        let report = world.report();
        if seen.last() != Some(&report) {
            seen.push(report);
        }
    }
    expect![[r#"
        deal 1: fetching; waits for package bafkreifua4i2rddqhf2w7ofhhat6vprmb7s2andmu7qkcbfnyd6hmt2sru from peers
        deal 1: installing; waits until the services of bafkreifua4i2rddqhf2w7ofhhat6vprmb7s2andmu7qkcbfnyd6hmt2sru are made
        deal 1: activating; it is not active yet; the activation waits to be mined
        deal 1: serving
    "#]].assert_eq(&seen.concat());
}

#[test]
fn a_match_that_pays_too_little_is_declined() {
    let mut deal = Deal::new(code(1));
    deal.price = 7;
    let mut world = matched(deal);
    expect![[r#"
        deal 1: declining; it pays 7 for a unit and epoch, the policy asks for at least 100 (`prices`); declining the match waits to be mined
    "#]].assert_eq(&world.report());
    world.blocks(2);
    assert_eq!(world.status(1), None);
    assert_eq!(world.machine.jobs_done, 0);
}

#[test]
fn a_package_that_is_not_what_the_deal_says_is_declined_and_nothing_stays() {
    let mut world = matched(Deal::new(code(666)));
    world.blocks(10);
    assert_eq!(world.status(1), None);
    world.blocks(2 * REORG_BLOCKS);
    assert_eq!(world.deals.records().count(), 0);
    assert!(world.machine.disk.workers.is_empty());
}

#[test]
fn a_package_that_nobody_has_is_declined_before_the_match_lapses() {
    let mut world = matched(Deal::new(code(1)));
    world.machine.trouble.job_fails = 100;
    world.blocks(2 * EPOCH_BLOCKS);
    assert!(is_matched(&world), "{}", world.report());
    let mut last = String::new();
    while is_matched(&world) {
        last = world.report();
        world.blocks(1);
    }
    assert!(world.market.epoch() <= crate::market::ACTIVATION_EPOCHS);
    expect![[r#"
        deal 1: removing; it was not ready in time: no peer has the package; waits until all that it has is deleted; declining the match waits to be mined; no peer has the package
    "#]].assert_eq(&last);
}

#[test]
fn a_deal_that_ends_in_the_middle_of_an_installation_leaves_nothing() {
    for blocks in 0..8 {
        let mut world = matched(Deal::new(code(1)));
        world.blocks(blocks);
        world.block(|market, _| market.end_deal(1));
        world.blocks(3 * EPOCH_BLOCKS + 2 * REORG_BLOCKS + 60_000 / BLOCK_MS);
        assert_eq!(world.status(1), None, "after {blocks} blocks");
        let left = world.machine.disk.workers.len();
        let served = world.record(1).is_some_and(|record| record.served);
        assert_eq!(left, usize::from(served), "after {blocks} blocks");
    }
}

#[test]
fn an_ended_deal_is_served_to_its_end_and_its_data_is_kept() {
    let mut world = serving();
    world.block(|market, _| market.end_deal(1));
    let end = world.market.epoch() + NOTICE_EPOCHS;
    while world.market.epoch() < end {
        assert_eq!(world.machine.running.len(), 1);
        world.blocks(1);
    }
    world.blocks(1);
    assert!(world.machine.running.is_empty());
    assert_eq!(world.machine.disk.workers.len(), 1);
    assert_eq!(world.status(1), None, "its units are free");
    world.blocks(world.timing.keep_ms / BLOCK_MS + 10);
    assert!(world.machine.disk.workers.is_empty());
    assert_eq!(world.deals.records().count(), 0);
    let records = world.machine.disk.records.keys();
    let left: Vec<_> = records
        .filter(|key| key.len() > prefix().len() + 1)
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn new_code_is_fetched_ahead_and_swapped_with_its_epoch() {
    let mut world = serving();
    world.block(|market, _| market.set_version(1, code(2)));
    let switch = world.market.epoch() + 1;
    let mut is_here = false;
    while world.market.epoch() < switch {
        assert!(world.serves(1), "{}", world.report());
        is_here = world.machine.disk.packages.contains(&code(2));
        world.blocks(1);
    }
    assert!(is_here, "before its epoch began");
    world.blocks(5);
    assert!(world.serves(1), "{}", world.report());
    assert_eq!(world.machine.running.len(), 1);
}

#[test]
fn former_code_does_not_answer_after_the_epoch_of_the_switch() {
    let mut world = serving();
    world.machine.trouble.job_fails = 100;
    world.block(|market, _| market.set_version(1, code(2)));
    let switch = world.market.epoch() + 1;
    while world.market.epoch() <= switch {
        assert_eq!(world.machine.running.len(), 1);
        world.blocks(1);
    }
    assert!(world.machine.running.is_empty());
    assert!(
        world
            .report()
            .contains("its services are not those of the deal's code"),
        "{}",
        world.report()
    );
    world.machine.trouble.job_fails = 0;
    world.blocks(20);
    assert!(world.serves(1), "{}", world.report());
}

#[test]
fn a_worker_leaves_whose_new_code_can_never_be_served() {
    let mut world = serving();
    world.block(|market, _| market.set_version(1, code(666)));
    world.blocks(2 * EPOCH_BLOCKS);
    assert_eq!(world.status(1), Some(WorkerStatus::Notice));
    assert!(world.machine.running.is_empty());
    assert_eq!(world.machine.disk.workers.len(), 1, "its data is kept");
}

#[test]
fn without_funds_a_worker_stops_and_goes_on_when_there_are_some() {
    let mut world = serving();
    let fund = |world: &mut World, epochs| {
        world.block(|market, _| {
            let deal = market.state_mut().deals.get_mut(&1);
            deal.expect("it is there").funded_epochs = epochs;
        });
    };
    fund(&mut world, 0);
    assert!(world.machine.running.is_empty());
    expect![[r#"
        deal 1: stopped; the deal has no funds (`unfunded`)
    "#]]
    .assert_eq(&world.report());
    fund(&mut world, 5);
    assert!(world.serves(1));
    fund(&mut world, 0);
    world.blocks(4 * EPOCH_BLOCKS);
    assert_ne!(world.status(1), Some(WorkerStatus::Active), "it has left");
}

fn gives_notice_and_serves_until_it_is_over(world: &mut World) {
    world.blocks(2);
    assert_eq!(world.status(1), Some(WorkerStatus::Notice));
    assert_eq!(world.machine.running.len(), 1);
    world.blocks(3 * EPOCH_BLOCKS);
    assert!(world.machine.running.is_empty());
    assert_eq!(world.status(1), None);
}

#[test]
fn a_deal_that_announces_less_than_the_policy_asks_for_is_left_and_served_to_the_end_of_the_notice()
{
    let mut world = serving();
    let announce = |world: &mut World, from, to| {
        world.block(|market, _| {
            let deal = market.state_mut().deals.get_mut(&1);
            let deal = deal.expect("it is there");
            (deal.price_now, deal.price) = (from, to);
        });
    };
    announce(&mut world, 200, 100);
    announce(&mut world, 90, 90);
    world.blocks(2);
    // The one is enough, the other is not announced: the policy may have been another when the deal was taken.
    assert_eq!(world.status(1), Some(WorkerStatus::Active));
    announce(&mut world, 100, 99);
    assert!(
        world.report().contains("is left: it pays"),
        "{}",
        world.report()
    );
    gives_notice_and_serves_until_it_is_over(&mut world);
}

#[test]
fn a_worker_that_another_program_activated_is_left() {
    let mut world = serving();
    world.block(|market, _| {
        let (id, worker) = market.worker_of(1).expect("it serves");
        let mut worker = worker.clone();
        worker.key = Some(crate::market::customer(5));
        market.state_mut().workers.insert(id, worker);
    });
    assert!(world.machine.running.is_empty());
    world.blocks(2);
    assert_eq!(world.status(1), Some(WorkerStatus::Notice));
}

#[test]
fn an_operator_who_leaves_a_deal_serves_to_the_end_of_the_notice() {
    let mut world = serving();
    world.handle(Event::Leave { deal: 1 });
    gives_notice_and_serves_until_it_is_over(&mut world);
}

#[test]
fn an_operator_who_leaves_a_deal_gives_a_match_back() {
    let mut world = matched(Deal::new(code(1)));
    world.handle(Event::Leave { deal: 1 });
    world.blocks(10);
    assert_eq!(world.status(1), None);
    assert!(world.machine.disk.workers.is_empty());
}

#[test]
fn another_policy_is_for_deals_that_come() {
    let mut world = serving();
    world.handle(Event::Policy(Box::default()));
    world.block(|market, _| {
        market.state_mut().deals.insert(2, Deal::new(code(2)));
        market.match_deal(2).expect("there is room");
    });
    world.blocks(10);
    assert!(world.serves(1));
    assert_eq!(world.market.worker_of(2).map(|(id, _)| id), None);
}
