//! A call is executed again from the evidence of its receipt, on another runtime that has never held the state.

use std::sync::Arc;

use crate::support::keeper;
use crate::support::service::{KEY, Service};
use futures::executor::block_on;
use weir_identity::{Hash, keccak256};
use weir_marine::{Answer, Effector, Module, Outside, Verdict};
use weir_receipt::state::{self, Root, Transaction, Tree};
use weir_receipt::{Evidence, Receipt, ReceiptDomain};

struct Sevens;

impl Effector for Sevens {
    fn entropy(&self, len: u32) -> Answer<'_, Vec<u8>> {
        Box::pin(async move { Ok(vec![7; len as usize]) })
    }
}

/// A service whose state has a hundred keys.
fn service(module: &Module) -> Service {
    let mut service = Service::new("keeper", module.clone());
    let tree = Tree::new(Root::EMPTY, &service.nodes);
    let mut transaction = Transaction::new(tree, state::Limits::default());
    for key in 0..100_u8 {
        let key = [b'k', key];
        transaction.set(&key, vec![key[1]; 40]).expect("it fits");
    }
    let commit = transaction.commit().expect("nothing is missing");
    service.nodes.apply(&commit);
    service.root = commit.root;
    service.limits.fuel = 10_000_000;
    service.outside = Outside::Open(Arc::new(Sevens));
    service
}

fn evidence(module: &Module, function: &str, arguments: &str) -> Evidence {
    let evidence = service(module).execute(function, arguments);
    evidence.expect("everybody finds the same")
}

const CALLS: &[(&str, &str)] = &[
    ("take", "[[50]]"),
    ("take", "[[50, 1]]"),
    ("put", "[[50], [1, 2, 3]]"),
    ("put", "[[200], [1, 2, 3]]"),
    ("list", "[[40], 5]"),
    ("draw", "[8]"),
    ("put-and-trap", "[[50], []]"),
    ("put-and-fail", "[[50], []]"),
    ("draw-twice", "[8]"),
];

#[test]
fn a_call_is_the_same_on_a_runtime_that_never_held_the_state() {
    let (here, there) = (keeper(), keeper());
    for (function, arguments) in CALLS {
        let evidence = evidence(&here, function, arguments);
        let sent = Evidence::decode(evidence.encode()).expect("it is whole");
        assert_eq!(sent, evidence);
        let verdict = block_on(there.replay(&sent, 10_000));
        assert!(matches!(verdict, Verdict::Same), "{function}: {verdict:?}");
    }
}

#[test]
fn no_changed_byte_of_the_evidence_passes() {
    let module = keeper();
    for (function, arguments) in [("put", "[[50], [1]]"), ("draw", "[2]")] {
        let bytes = evidence(&module, function, arguments).encode();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            let Ok(changed) = Evidence::decode(changed) else {
                continue;
            };
            if changed.receipt.verify(&KEY.peer_id()).is_err()
                || changed.material.component != module.cid()
            {
                continue;
            }
            let verdict = block_on(module.replay(&changed, 10_000));
            assert!(!matches!(verdict, Verdict::Same), "byte {at}");
        }
    }
}

/// Signs something else than what was executed.
fn forge(evidence: &Evidence, change: impl FnOnce(&mut Receipt)) -> Evidence {
    let mut receipt = evidence.receipt.receipt.clone();
    change(&mut receipt);
    Evidence {
        receipt: receipt.sign(&ReceiptDomain::local(), &KEY),
        ..evidence.clone()
    }
}

#[test]
fn the_first_thing_that_is_not_so_is_named() {
    let module = keeper();
    let honest = evidence(&module, "put", "[[50], [1]]");
    let other = keccak256(&[b"other"]);
    let verdict = |forged: &Evidence| match block_on(module.replay(forged, 10_000)) {
        Verdict::Differs { what, .. } => what.to_owned(),
        Verdict::Unfit(error) => error.to_string(),
        verdict => format!("{verdict:?}"),
    };
    let forged =
        |change: fn(&mut Receipt, Hash)| verdict(&forge(&honest, |receipt| change(receipt, other)));
    assert_eq!(forged(|it, other| it.result_hash = other), "result_hash");
    assert_eq!(
        forged(|it, other| it.post_state_root = other),
        "post_state_root"
    );
    assert_eq!(forged(|it, _| it.fuel += 1), "fuel");
    assert_eq!(
        forged(|it, other| it.module_set_hash = other),
        "module_set_hash"
    );
    let elsewhere = forged(|it, other| it.pre_state_root = other);
    assert!(elsewhere.contains("a state"), "{elsewhere}");
    let effects = forged(|it, other| it.host_log_hash = other);
    assert!(effects.contains("effects"), "{effects}");
    let outcome = forged(|it, _| it.outcome = weir_receipt::Outcome::GuestError);
    assert_eq!(outcome, "outcome");

    // Evidence that ends too early accuses nobody.
    let mut short = honest.clone();
    let elsewhere = evidence(&module, "take", "[[7]]");
    short.material.witness = elsewhere.material.witness;
    assert!(
        verdict(&short).starts_with("Undecided"),
        "{}",
        verdict(&short)
    );
}
