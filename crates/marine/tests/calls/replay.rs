//! A call is executed again from the evidence of its receipt, on another runtime that has never held the state.

use std::sync::Arc;

use crate::support::keeper;
use crate::support::service::{KEY, Service};
use futures::executor::block_on;
use weir_identity::{Hash, Value, keccak256};
use weir_marine::{Answer, Effector, Module, Outside, Verdict};
use weir_receipt::state::{self, Root, Transaction, Tree};
use weir_receipt::{
    Effect, Evidence, Material, Receipt, ReceiptDomain, Transcript, TranscriptLimits, args_hash,
    function_id,
};

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
    let code = forged(|it, other| it.module_set_hash = other);
    assert!(code.contains("an execution profile"), "{code}");
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
    let mut none = honest.clone();
    none.material.witness = None;
    assert!(
        verdict(&none).starts_with("Undecided"),
        "{}",
        verdict(&none)
    );
    // Nor does evidence with other bounds.
    let mut bounds = honest;
    bounds.material.bounds.fuel += 1;
    assert!(verdict(&bounds).contains("bounds"), "{}", verdict(&bounds));
}

/// Evidence with another record of effects, which the receipt covers.
fn with_effects(evidence: &Evidence, transcript: &Transcript) -> Evidence {
    let root = transcript.root();
    let mut forged = forge(evidence, |receipt| receipt.host_log_hash = root);
    forged.material.transcript = transcript.encode().into();
    forged
}

#[test]
fn who_records_other_effects_than_the_call_has_is_shown_wrong() {
    let module = keeper();
    let honest = evidence(&module, "draw", "[2]");
    let (none, limits) = (Transcript::default(), TranscriptLimits::default());
    let recorded = Transcript::decode(honest.material.transcript.clone(), &limits);
    let effect = recorded.expect("it is whole").effects()[0].clone();
    let push = |effects: &[Effect]| {
        let mut transcript = Transcript::default();
        for effect in effects {
            transcript
                .push(effect.clone(), &limits)
                .expect("there is room");
        }
        transcript
    };
    let twice = push(&[effect.clone(), effect.clone()]);
    let unreadable = push(&[Effect {
        answer: vec![0xf6].into(),
        ..effect.clone()
    }]);
    let another = push(&[Effect {
        request: keccak256(&[b"another"]),
        ..effect
    }]);
    for transcript in [none, twice, unreadable, another] {
        let verdict = block_on(module.replay(&with_effects(&honest, &transcript), 10_000));
        assert!(
            matches!(
                &verdict,
                Verdict::Differs {
                    what: "host_log_hash",
                    ..
                }
            ),
            "{verdict:?}"
        );
    }
}

#[test]
fn who_signs_for_a_call_that_fits_no_function_is_shown_wrong() {
    let module = keeper();
    let honest = evidence(&module, "put", "[[50], [1]]");
    let mut unknown = forge(&honest, |receipt| {
        receipt.function_id = function_id("nothing");
    });
    unknown.material.function = "nothing".to_owned();
    let (_, context) = honest.material.read_call().expect("it is whole");
    let arguments = Value::from(vec![Value::from(7_i64)]);
    let mut unfit = forge(&honest, |receipt| {
        receipt.args_hash = args_hash(&arguments, &context);
    });
    unfit.material.call = Material::call_bytes(&arguments, &context).into();
    for forged in [unknown, unfit] {
        let verdict = block_on(module.replay(&forged, 10_000));
        assert!(
            matches!(
                &verdict,
                Verdict::Differs {
                    what: "outcome",
                    ..
                }
            ),
            "{verdict:?}"
        );
    }
}

#[test]
fn a_call_that_reaches_the_limits_of_its_effects_is_the_same() {
    let module = keeper();
    for (function, arguments, transcript, outcome) in [
        // One effect too many, and an answer that the record has no room for.
        (
            "draw-twice",
            "[1]",
            TranscriptLimits {
                effects: 1,
                bytes: 10_000,
            },
            weir_receipt::Outcome::Limit,
        ),
        (
            "draw",
            "[4000]",
            TranscriptLimits {
                effects: 10,
                bytes: 2_000,
            },
            weir_receipt::Outcome::GuestError,
        ),
    ] {
        let mut service = service(&module);
        service.transcript = transcript;
        let evidence = service.execute(function, arguments);
        let evidence = evidence.expect("everybody finds the same");
        assert_eq!(evidence.receipt.receipt.outcome, outcome, "{function}");
        let verdict = block_on(keeper().replay(&evidence, 10_000));
        assert!(matches!(verdict, Verdict::Same), "{function}: {verdict:?}");
    }
}

#[test]
fn a_name_that_is_spelt_at_any_length_is_none() {
    let module = keeper();
    let long = format!("take{}", "_".repeat(1_021));
    assert!(module.function(&long[..1_024]).is_ok());
    let error = module.function(&long).expect_err("it is too long");
    assert_eq!(error.code(), "contract/unknown-function");
    assert!(error.to_string().len() < 1_000);
}
