//! Executions get receipts that stand in chains, whatever happens in between.

mod net;

use net::{Net, execution};
use weir_identity::{Hash, Value};
use weir_peer::{CallOutcome, Event, Execution, ParticleId};
use weir_receipt::{Entry, Receipt, ReceiptDomain, SignedReceipt, function_id};

const CALL: &str = r#"(seq (call @1 ("SERVICE" "f") [] x) (call @0 ("callbackSrv" "done") [x]))"#;

/// Starts a call of a service on peer 1, lets it end there, and gives the receipt that peer 0 got.
fn call(net: &mut Net, service: &str, execution: Option<Execution>) -> Option<Receipt> {
    let before = net.seats[1].calls.len();
    let particle = net.submit(0, &CALL.replace("SERVICE", service));
    net.run();
    let call = net.seats[1].calls[before].id;
    let outcome = CallOutcome::Value(Value::from("done"));
    net.handle(
        1,
        Event::CallFinished {
            call,
            outcome,
            execution,
        },
    );
    net.run();
    receipt_of(net, &particle)
}

/// The receipt in the entry of peer 1, as peer 0 holds and checks it.
fn receipt_of(net: &mut Net, particle: &ParticleId) -> Option<Receipt> {
    let author = net.seats[1].id;
    let log = net.peer(0).log(particle).expect("it is in memory");
    let export = weir_avm::Export::of(log);
    let story = weir_avm::trace(&export).expect("an honest log");
    let deeds = story.visits.iter().flat_map(|visit| &visit.deeds);
    deeds.into_iter().find_map(|deed| match &deed.what {
        weir_avm::What::Call {
            function,
            step,
            receipt: Some(receipt),
            answer: weir_avm::TracedAnswer::Value(value),
            ..
        } => {
            let entry = Entry {
                author: &author,
                particle: &particle.0,
                step: &step.0,
                function,
                succeeded: true,
                result: Some(value),
            };
            let signed = SignedReceipt::of_entry(receipt, &entry).expect("it is that of the entry");
            Some(signed.receipt)
        }
        _ => None,
    })
}

#[test]
fn receipts_form_a_chain_of_the_worker_and_one_of_each_service() {
    let mut net = Net::new(2);
    net.seats[1].behaviour = |_| None;
    net.register(1, "s", true);
    net.register(1, "t", true);
    let first = call(&mut net, "s", Some(execution(1))).expect("a receipt");
    assert_eq!(call(&mut net, "s", None), None, "no execution, no receipt");
    let second = call(&mut net, "t", Some(execution(2))).expect("a receipt");
    net.crash(1);
    net.restart(1);
    net.run();
    let third = call(&mut net, "s", Some(execution(3))).expect("a receipt");

    let domain = ReceiptDomain::local();
    assert_eq!((first.seq, first.service_seq, first.fuel), (0, 0, 1));
    assert_eq!(first.function_id, function_id("f"));
    second.follows(&first, &domain).expect("the worker's next");
    assert_eq!(
        (second.service_seq, second.prev_service_receipt),
        (0, Hash::ZERO)
    );
    third
        .follows(&second, &domain)
        .expect("the worker's next, over a restart");
    third
        .follows_in_service(&first, &domain)
        .expect("the service's next");
}
