//! A worker is a peer of its own, with its host as its relay.

mod net;

use std::sync::Arc;

use net::{Net, config, execution};
use weir_identity::{Address, Hash, Value};
use weir_peer::deals::{DealTable, Local, WorkerId};
use weir_peer::store::{epoch_of_receipt, epoch_prefix, receipts_prefix};
use weir_peer::{CallOutcome, Employment, Event, ParticleId, PeerConfig};
use weir_receipt::{ReceiptDomain, ReceiptTree, SignedReceipt};

/// Two hosts; the third peer is a worker on the first.
fn with_worker() -> Net {
    let mut net = Net::new(2);
    let relays = vec![net.contact(0)];
    net.add(PeerConfig {
        addresses: Vec::new(),
        relay: false,
        employment: Some(Employment {
            host: net.seats[0].id,
            deal: 7,
            worker: WorkerId(Hash::new([0xa1; 32])),
            market: ReceiptDomain::new(31_337, Address::ZERO),
        }),
        relays,
        ..config(2)
    });
    net.run();
    net
}

#[test]
fn a_call_on_a_worker_knows_worker_and_host() {
    let mut net = with_worker();
    net.seats[2].behaviour = |call| {
        let names = [call.context.worker, call.context.host];
        let names = names.map(|name| Value::from(name.to_string()));
        Some(CallOutcome::Value(Value::from(names.to_vec())))
    };
    net.register(2, "s", true);
    net.submit(
        1,
        r#"(seq (call @0 ("op" "noop") [])
             (seq (call @2 ("s" "f") [] x) (call %init_peer_id% ("callbackSrv" "done") [x])))"#,
    );
    net.run();
    let expected = format!(r#"[["{}","{}"]]"#, net.seats[2].id, net.seats[0].id);
    assert_eq!(net.callbacks(1), [expected]);
}

#[test]
fn services_of_a_host_and_of_its_worker_are_not_seen_by_each_other() {
    let mut net = with_worker();
    net.register(0, "of-host", true);
    net.register(2, "of-worker", true);
    net.submit(
        1,
        r#"(seq (call @0 ("op" "noop") [])
             (seq (xor (call @2 ("of-host" "f") [] x) (ap "absent" x))
               (seq (xor (call @0 ("of-worker" "f") [] y) (ap "absent" y))
                 (call %init_peer_id% ("callbackSrv" "done") [x y]))))"#,
    );
    net.run();
    assert_eq!(net.callbacks(1), [r#"["absent","absent"]"#]);
}

#[test]
fn scripts_see_the_workers_of_a_deal_as_the_market_last_had_them() {
    let mut net = with_worker();
    let here = Local {
        peer: net.seats[2].id,
        running: true,
    };
    let table = DealTable {
        here: [(7, here)].into(),
        ..DealTable::default()
    };
    let script = r#"(seq (call @0 ("worker" "get_worker_id") ["7"] x)
        (call %init_peer_id% ("callbackSrv" "done") [x]))"#;
    net.submit(0, script);
    net.handle(0, Event::Deals(Arc::new(table)));
    net.submit(0, script);
    net.run();
    let expected = format!(r#"[["{}"]]"#, net.seats[2].id);
    assert_eq!(net.callbacks(0), ["[[]]".to_owned(), expected]);
}

#[test]
fn a_receipt_of_a_worker_names_deal_worker_and_epoch() {
    let mut net = with_worker();
    net.seats[2].behaviour = |_| None;
    net.register(2, "s", true);
    epoch(&mut net, 6);
    let particle = execute(&mut net, 2);
    assert_eq!(net.callbacks(1), [r#"["done"]"#]);
    let worker = net.seats[2].id;
    let log = net.peer(1).log(&particle).expect("it is in memory");
    let story = weir_avm::trace(&weir_avm::Export::of(log)).expect("an honest log");
    let mut deeds = story.visits.iter().flat_map(|visit| &visit.deeds);
    let receipt = deeds.find_map(|deed| match &deed.what {
        weir_avm::What::Call { receipt, .. } => receipt.clone(),
        _ => None,
    });
    let signed = SignedReceipt::decode(&receipt.expect("a receipt")).expect("a valid one");
    let receipt = &signed.receipt;
    let found = (
        receipt.deal_id,
        receipt.worker_id,
        receipt.epoch,
        receipt.seq,
    );
    assert_eq!(found, (7, Hash::new([0xa1; 32]), 6, 0));
    assert_eq!(signed.signer().expect("it is signed").peer_id(), worker);
    assert_eq!(kept(&net, 6), [signed]);
}

/// The receipts of an epoch that the worker keeps.
fn kept(net: &Net, epoch: u32) -> Vec<SignedReceipt> {
    let prefix = epoch_prefix(epoch);
    let store = net.seats[2].store.iter();
    let found = store.filter(|(key, _)| key.starts_with(&prefix));
    let found = found.inspect(|(key, _)| assert_eq!(epoch_of_receipt(key), Some(epoch)));
    found
        .map(|(_, bytes)| SignedReceipt::decode(bytes).expect("a receipt"))
        .collect()
}

fn epoch(net: &mut Net, epoch: u32) {
    let table = DealTable {
        epoch,
        ..DealTable::default()
    };
    net.handle(2, Event::Deals(Arc::new(table)));
}

/// Lets a peer execute a call.
fn execute(net: &mut Net, seat: usize) -> ParticleId {
    let particle = net.submit(
        1,
        &format!(
            r#"(seq (call @0 ("op" "noop") [])
                 (seq (call @{seat} ("s" "f") [] x) (call %init_peer_id% ("callbackSrv" "done") [x])))"#
        ),
    );
    net.run();
    let call = net.seats[seat].calls.last().expect("it was called").id;
    let finished = Event::CallFinished {
        call,
        outcome: CallOutcome::Value(Value::from("done")),
        execution: Some(execution(1)),
    };
    net.handle(seat, finished);
    net.run();
    particle
}

#[test]
fn the_receipts_of_an_epoch_are_kept_in_their_order_and_none_is_added_later() {
    let mut net = with_worker();
    net.seats[2].behaviour = |_| None;
    net.register(2, "s", true);
    epoch(&mut net, 3);
    for _ in 0..3 {
        execute(&mut net, 2);
    }
    epoch(&mut net, 4);
    execute(&mut net, 2);
    // The chain goes back, and the worker dies before it hears of an epoch again.
    epoch(&mut net, 3);
    execute(&mut net, 2);
    net.crash(2);
    net.restart(2);
    net.run();
    execute(&mut net, 2);
    let numbers = |epoch| -> Vec<u64> {
        let kept = kept(&net, epoch).into_iter();
        kept.map(|signed| {
            assert_eq!(signed.receipt.epoch, u64::from(epoch));
            signed.receipt.seq
        })
        .collect()
    };
    assert_eq!(numbers(3), [0, 1, 2]);
    assert_eq!(numbers(4), [3, 4, 5]);
    let mut tree = ReceiptTree::new();
    for signed in kept(&net, 4) {
        tree.push(&signed).expect("they follow each other");
    }
}

#[test]
fn an_epoch_that_begins_is_written_down_before_anything_is_signed_in_it() {
    let mut net = with_worker();
    net.seats[2].behaviour = |_| None;
    net.register(2, "s", true);
    epoch(&mut net, 3);
    execute(&mut net, 2);
    epoch(&mut net, 9);
    net.crash(2);
    net.restart(2);
    net.run();
    execute(&mut net, 2);
    assert_eq!((kept(&net, 3).len(), kept(&net, 9).len()), (1, 1));
}

#[test]
fn a_peer_that_is_no_worker_keeps_no_receipts() {
    let mut net = with_worker();
    net.seats[0].behaviour = |_| None;
    net.register(0, "s", true);
    execute(&mut net, 0);
    assert_eq!(net.callbacks(1), [r#"["done"]"#]);
    let receipts = receipts_prefix();
    let mut keys = net.seats[0].store.keys();
    assert!(!keys.any(|key| key.starts_with(&receipts)));
}
