//! Transactions and what becomes of them.

use std::sync::Arc;

use weir_peer::deals::{Effect, Event, Intent, Outcome, WorkerStatus};

use crate::market::{Deal, EPOCH_BLOCKS, REORG_BLOCKS, code};
use crate::world::{World, matched, serving};

fn lost() -> Outcome {
    Outcome::Lost {
        reason: "late".to_owned(),
    }
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
