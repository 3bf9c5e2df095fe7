//! What happens to one deal, step by step.

use std::sync::Arc;

use expect_test::expect;
use weir_identity::Keypair;
use weir_peer::deals::{
    Effect, Event, Intent, Outcome, Phase, Policy, Reconciler, Stand, Work, WorkerStatus, prefix,
};

use crate::market::{BLOCK_MS, Deal, EPOCH_BLOCKS, NOTICE_EPOCHS, REORG_BLOCKS, code};
use crate::world::{World, policy};

/// A world with deal 1, for which this peer is matched.
fn matched(deal: Deal) -> World {
    let mut world = World::new(1, policy());
    world.block(|market, _| {
        market.state_mut().deals.insert(1, deal);
        market.match_deal(1).expect("there is room");
    });
    world
}

/// One that serves deal 1.
fn serving() -> World {
    let mut world = matched(Deal::new(code(1)));
    for _ in 0..EPOCH_BLOCKS {
        if world.serves(1) {
            return world;
        }
        world.blocks(1);
    }
    panic!("not served in an epoch: {}", world.report());
}

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
fn of_two_peers_that_claim_one_place_the_loser_lets_go() {
    let rules = Policy {
        claims: 1,
        ..policy()
    };
    let mut world = World::new(1, rules);
    let mut deal = Deal::new(code(1));
    deal.open = true;
    world.block(|market, _| {
        market.state_mut().deals.insert(1, deal);
    });
    assert_eq!(world.deals.claims().count(), 1);
    world.block(|market, _| {
        market.state_mut().deals.get_mut(&1).unwrap().places = 0;
    });
    expect![[r#"
        deal 1: claim failed; the claim failed: FilterFailed(12); it is left alone for 51 s
    "#]]
    .assert_eq(&world.report());
    assert_eq!(world.deals.records().count(), 0);
    // The rival leaves, and after a pause the place is claimed again.
    world.block(|market, _| {
        market.state_mut().deals.get_mut(&1).unwrap().places = 1;
    });
    world.blocks(EPOCH_BLOCKS);
    assert!(world.serves(1), "{}", world.report());
    assert_eq!(world.deals.claims().count(), 0);
}

#[test]
fn deals_that_are_not_claimed_are_named_with_the_reason() {
    let rules = Policy {
        claims: 1,
        ..policy()
    };
    let mut world = World::new(1, rules);
    let mut deal = Deal::new(code(1));
    (deal.open, deal.price) = (true, 9);
    world.block(|market, _| {
        market.state_mut().deals.insert(1, deal);
    });
    expect![[r#"
        deal 1: not claimed; it pays 9 for a unit and epoch, the policy asks for at least 100 (`prices`)
    "#]].assert_eq(&world.report());
}

#[test]
fn a_worker_answers_after_a_restart_before_the_chain_is_heard_of() {
    let mut world = serving();
    world.crash();
    assert_eq!(world.machine.running.len(), 1);
    world.now = world.now.plus(300_000);
    expect![[r#"
        nothing has been heard of the chain since the start
        deal 1: serving
    "#]]
    .assert_eq(&world.report());
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
fn a_transaction_without_outcome_is_waited_for_before_the_worker_is_judged_anew() {
    let mut deal = Deal::new(code(1));
    deal.price = 7;
    let mut world = matched(deal);
    world.machine.trouble.transaction_delayed = 100;
    world.machine.trouble.withdrawal_fails = 100;
    let id = world.market.worker_of(1).expect("it is matched").0;
    // The match is gone for good, and comes again for a better price.
    world.block(|market, _| {
        market.state_mut().workers.remove(&id);
    });
    world.blocks(REORG_BLOCKS + 2);
    world.block(|market, _| {
        market.state_mut().deals.get_mut(&1).unwrap().price = 100;
        assert_eq!(market.match_deal(1), Ok(id));
    });
    let pending = |world: &World| {
        let record = world.record(1).expect("it is recorded");
        record.chain.pending.as_ref().map(|pending| {
            (
                pending.abandoned,
                matches!(pending.intent, Intent::Decline { .. }),
            )
        })
    };
    assert_eq!(pending(&world), Some((true, true)));
    world.machine.trouble.transaction_delayed = 0;
    world.blocks(EPOCH_BLOCKS);
    // Withdrawn, or mined as it was: then the customer matches anew.
    if world.status(1).is_none() {
        world.block(|market, _| assert_eq!(market.match_deal(1), Ok(id)));
        world.blocks(EPOCH_BLOCKS);
    }
    assert!(world.serves(1), "{}", world.report());
}

#[test]
fn what_is_decided_is_written_before_it_goes_out() {
    let mut world = matched(Deal::new(code(1)));
    world.blocks(1);
    world.market.mine();
    world.market.end_deal(1);
    let view = Arc::new(world.market.view());
    let effects = world.deals.handle(Event::View(view), world.now);
    assert!(matches!(effects[0], Effect::Persist(_)), "{effects:?}");
    let persists = |effect: &&Effect| matches!(effect, Effect::Persist(_));
    assert_eq!(effects.iter().filter(persists).count(), 1);
}

#[test]
fn outcomes_of_other_transactions_change_nothing() {
    let mut world = serving();
    let before: Vec<_> = world.deals.records().cloned().collect();
    let key = *world.machine.disk.transactions.keys().next().unwrap();
    let outcome = lost();
    let effects = world
        .deals
        .handle(Event::Transaction { key, outcome }, world.now);
    assert!(effects.is_empty(), "{effects:?}");
    assert_eq!(world.deals.records().cloned().collect::<Vec<_>>(), before);
}

#[test]
fn an_operator_who_leaves_a_deal_serves_to_the_end_of_the_notice() {
    let mut world = serving();
    world.handle(Event::Leave { deal: 1 });
    world.blocks(2);
    assert_eq!(world.status(1), Some(WorkerStatus::Notice));
    assert_eq!(world.machine.running.len(), 1);
    world.blocks(3 * EPOCH_BLOCKS);
    assert!(world.machine.running.is_empty());
    assert_eq!(world.status(1), None);
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

#[test]
fn records_of_another_peer_are_refused() {
    let world = serving();
    let host = Arc::new(Keypair::from_secret(&[8; 32]).unwrap());
    let (policy, timing) = (world.policy.clone(), world.timing.clone());
    let records = world.machine.disk.records.clone();
    let refused = Reconciler::restore(host, policy, timing, records).unwrap_err();
    assert!(refused.to_string().contains("does not follow"), "{refused}");
}

#[test]
fn damaged_records_are_errors_that_name_their_key() {
    let world = serving();
    let records = &world.machine.disk.records;
    let mut refused = 0;
    for (key, value) in records {
        for at in 0..value.len() {
            let mut damaged = value.clone();
            damaged[at] ^= 0xff;
            let host = Arc::new(Keypair::from_secret(&[7; 32]).unwrap());
            let (policy, timing) = (world.policy.clone(), world.timing.clone());
            let records = [(key.clone(), damaged)];
            let restored = Reconciler::restore(host, policy, timing, records);
            refused += usize::from(restored.is_err());
        }
    }
    assert!(refused > 100, "{refused}");
}

fn lost() -> Outcome {
    Outcome::Lost {
        reason: "late".to_owned(),
    }
}

#[test]
fn an_outcome_of_an_earlier_transaction_does_not_end_the_present_one() {
    let mut world = matched(Deal::new(code(1)));
    world.machine.trouble.transaction_lost = 100;
    while world.machine.disk.transactions.len() < 2 {
        world.blocks(1);
    }
    world.machine.trouble.transaction_delayed = 100;
    world.blocks(1);
    let record = world.record(1).expect("it is recorded").clone();
    let pending = record.chain.pending.clone().expect("one is sent");
    let mut keys = world.machine.disk.transactions.keys();
    let first = *keys.next().expect("it was sent");
    assert_ne!(first.number, pending.number);
    world.handle(Event::Transaction {
        key: first,
        outcome: lost(),
    });
    assert_eq!(world.record(1), Some(&record));
}

#[test]
fn a_result_of_another_life_of_a_worker_changes_nothing() {
    let mut world = matched(Deal::new(code(1)));
    let record = world.record(1).expect("it is recorded").clone();
    let mut worker = record.identity;
    worker.incarnation += 1;
    let work = Work::Fetch(code(1));
    world.handle(Event::Done { worker, work });
    assert_eq!(world.record(1), Some(&record));
    let worker = record.identity;
    world.handle(Event::Done { worker, work });
    assert_ne!(world.record(1), Some(&record));
}

#[test]
fn what_the_last_transaction_did_is_seen_before_the_next_is_decided() {
    let mut world = matched(Deal::new(code(1)));
    let has_sent = |world: &World| !world.machine.disk.transactions.is_empty();
    while !has_sent(&world) {
        world.blocks(1);
    }
    // It is mined, and the outcome comes before a view of that block.
    world.views_lost = 100;
    world.blocks(3);
    assert_eq!(world.status(1), Some(WorkerStatus::Active));
    let record = world.record(1).expect("it is recorded");
    assert_eq!(record.chain.pending, None);
    assert_eq!(world.machine.disk.transactions.len(), 1);
    world.views_lost = 0;
    world.blocks(1);
    assert!(world.serves(1));
    assert_eq!(world.machine.disk.transactions.len(), 1);
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
fn claims_take_rows_of_free_units() {
    let rules = Policy {
        claims: 3,
        ..policy()
    };
    let mut world = World::new(1, rules);
    world.block(|market, _| {
        for id in 1..=4 {
            let mut deal = Deal::new(code(id as u32));
            (deal.open, deal.units, deal.price) = (true, 2, 200);
            market.state_mut().deals.insert(id, deal);
        }
    });
    assert_eq!(world.deals.claims().count(), 3);
    world.blocks(EPOCH_BLOCKS);
    let served = (1..=4).filter(|id| world.serves(*id));
    assert_eq!(served.count(), 3, "{}", world.report());
    let outcomes = world.machine.disk.transactions.values();
    let mined = |outcome: &Option<Outcome>| matches!(outcome, Some(Outcome::Mined { .. }));
    assert!(outcomes.map(|found| &found.outcome).all(mined));
    expect![[r#"
        deal 1: serving
        deal 2: serving
        deal 3: serving
        deal 4: not claimed; it needs 2 compute units, 0 are free (of those of the policy, `units`, and the commitment)
    "#]].assert_eq(&world.report());
}
