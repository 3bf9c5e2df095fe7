//! What is found in the store, and by whom.

use std::sync::Arc;

use expect_test::expect;
use weir_identity::Keypair;
use weir_peer::deals::{Event, Reconciler, Work};

use crate::market::{Deal, code};
use crate::world::{matched, serving};

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
