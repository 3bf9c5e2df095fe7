//! A call is executed again from the evidence of its receipt, on another runtime that has never held the state.

mod support;

use std::sync::{Arc, LazyLock};

use futures::executor::block_on;
use support::{json, keeper};
use weir_identity::{Hash, Keypair, keccak256};
use weir_marine::{
    Answer, Call, CallContext, Effector, Judgement, Limits, Module, Outside, StateAt, Verdict,
    World,
};
use weir_receipt::state::{MemoryNodes, Root, Transaction, Tree};
use weir_receipt::{
    Evidence, Material, Receipt, ReceiptDomain, args_hash, content_hash, function_id,
    local_request_id, local_worker_id,
};

static KEY: LazyLock<Keypair> =
    LazyLock::new(|| Keypair::from_secret(&[7; 32]).expect("it is a secret key"));

struct Sevens;

impl Effector for Sevens {
    fn entropy(&self, len: u32) -> Answer<'_, Vec<u8>> {
        Box::pin(async move { Ok(vec![7; len as usize]) })
    }
}

/// A state with a hundred keys.
fn state() -> StateAt {
    let mut nodes = MemoryNodes::default();
    let tree = Tree::new(Root::EMPTY, &nodes);
    let mut transaction = Transaction::new(tree, weir_receipt::state::Limits::default());
    for key in 0..100_u8 {
        let key = [b'k', key];
        transaction.set(&key, vec![key[1]; 40]).expect("it fits");
    }
    let commit = transaction.commit().expect("nothing is missing");
    nodes.apply(&commit);
    StateAt {
        root: commit.root,
        nodes: Arc::new(nodes),
        ..StateAt::default()
    }
}

/// Makes the call as a peer does, and what a peer keeps of it.
fn evidence(module: &Module, function: &str, arguments: &str) -> Evidence {
    let arguments = json(arguments);
    let circumstances = weir_receipt::CallContext {
        particle: keccak256(&[b"particle"]),
        initiator: KEY.peer_id(),
        host: KEY.peer_id(),
        worker: KEY.peer_id(),
        timestamp_ms: 1_700_000_000_000,
        ttl_ms: 60_000,
        tetraplets: json(r#"[[{"peer":"p","service":"s","function":"f","lens":""}]]"#),
        salt: keccak256(&[b"salt"]),
    };
    let limits = Limits {
        fuel: 10_000_000,
        ..Limits::default()
    };
    let world = World {
        state: state(),
        outside: Outside::Open(Arc::new(Sevens)),
        witness: true,
        ..World::default()
    };
    let output = block_on(module.call(Call {
        function,
        arguments: arguments.as_array().expect("they are an array"),
        context: &CallContext::of(&circumstances, "keeper"),
        limits: &limits,
        world: &world,
    }));
    let mode = module.function(function).expect("it is there").mode();
    let judgement = Judgement::of(&output, mode, &limits, &world.state.root);
    let judgement = judgement.expect("everybody finds the same");
    let bounds = limits.bounds(&world);
    let receipt = Receipt {
        version: Receipt::VERSION,
        deal_id: 0,
        worker_id: local_worker_id(&KEY.address()),
        service_id: keccak256(&[b"keeper"]),
        seq: 3,
        service_seq: 2,
        module_set_hash: module.set_hash(&bounds),
        function_id: function_id(function),
        args_hash: args_hash(&arguments, &circumstances),
        pre_state_root: judgement.pre_state,
        post_state_root: judgement.post_state,
        result_hash: content_hash(&judgement.result.to_dag_cbor()),
        host_log_hash: judgement.effects,
        fuel: judgement.fuel,
        outcome: judgement.outcome,
        request_id: local_request_id(&circumstances.particle, &[0; 32]),
        prev_receipt: Hash::ZERO,
        prev_service_receipt: Hash::ZERO,
        trace_commit: Hash::ZERO,
        epoch: 0,
    };
    Evidence {
        receipt: receipt.sign(&ReceiptDomain::local(), &KEY),
        material: Material {
            component: module.cid(),
            service: "keeper".to_owned(),
            function: function.to_owned(),
            bounds,
            call: Material::call_bytes(&arguments, &circumstances).into(),
            transcript: output.transcript.encode().into(),
            witness: output.witness.map(Into::into),
        },
    }
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
