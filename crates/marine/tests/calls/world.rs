//! State and effects: what a call finds, what it leaves, and that it can be repeated from what was noted.

use std::sync::{Arc, Mutex};

use crate::support::service::{Service, show};
use crate::support::{json, keeper, load};
use futures::executor::block_on;
use weir_marine::{
    Answer, Call, CallContext, CallOutput, Effector, Limits, Mode, Module, Outside, StateAt, World,
};
use weir_receipt::state::{Root, Witness};
use weir_receipt::{Effect, Transcript, TranscriptLimits};

fn call(module: &Module, function: &str, arguments: &str, world: &World) -> CallOutput {
    let arguments = json(arguments);
    block_on(module.call(Call {
        function,
        arguments: arguments.as_array().expect("arguments are an array"),
        context: &CallContext::default(),
        limits: &Limits::default(),
        world,
    }))
}

#[test]
fn what_a_call_keeps_the_next_one_finds() {
    let mut service = Service::new("keeper", keeper());
    assert_eq!(show(&service.call("take", "[[1]]")), "null");
    assert_eq!(service.root, Root::EMPTY);
    assert_eq!(show(&service.call("put", "[[1], [2, 3]]")), "null");
    assert_eq!(service.root.entries(), 1);
    assert_eq!(show(&service.call("take", "[[1]]")), r#""b64:AgM""#);
    service.call("put", "[[1, 1], []]");
    service.call("put", "[[2], [9]]");
    assert_eq!(
        show(&service.call("list", "[[1, 0], 10]")),
        r#"[{"key":"b64:AQE","value":"b64:"},{"key":"b64:Ag","value":"b64:CQ"}]"#
    );
}

#[test]
fn what_fails_leaves_the_state_as_it_is() {
    let mut service = Service::new("keeper", keeper());
    service.call("put", "[[1], [1]]");
    let before = service.root;
    for function in ["put-and-trap", "put-and-fail"] {
        let output = service.call(function, "[[1], [2]]");
        assert!(output.result.is_err());
        assert!(output.commit.is_none());
    }
    assert_eq!(service.root, before);
    let long = vec!["7"; 256].join(",");
    let refused = show(&service.call("try-put", &format!("[[{long}], []]")));
    assert!(
        refused.contains("a key of 256 bytes: at most 255 are possible"),
        "{refused}"
    );
}

#[test]
fn a_call_can_be_repeated_from_its_witness() {
    let mut service = Service::new("keeper", keeper());
    for key in 0..200 {
        service.call("put", &format!("[[{key}], [{key}, 1]]"));
    }
    for (function, arguments) in [
        ("take", "[[77]]"),
        ("take", "[[77, 0]]"),
        ("put", "[[78], [5]]"),
        ("put", "[[78, 78], [6]]"),
        ("list", "[[100], 7]"),
        ("put-and-trap", "[[99], []]"),
    ] {
        let before = service.root;
        let output = service.call(function, arguments);
        let witness = output.witness.clone().expect("it was asked for");
        let witness = Witness::decode(witness, 1 << 20).expect("it is whole");
        witness.proves(&before.hash()).expect("it is of this state");
        let world = World {
            state: StateAt {
                root: *witness.root(),
                nodes: Arc::new(witness),
                ..StateAt::default()
            },
            ..World::default()
        };
        let again = call(&service.module, function, arguments, &world);
        assert_eq!(show(&again), show(&output), "{function}");
        assert_eq!(again.fuel, output.fuel, "{function}");
        let root = |output: &CallOutput| output.commit.as_ref().map(|commit| commit.root);
        assert_eq!(root(&again), root(&output), "{function}");
        // Of another key it says nothing.
        let other = call(&service.module, "take", "[[3, 3, 3]]", &world);
        assert!(
            show(&other).starts_with("infra/witness") || show(&other) == "null",
            "{}",
            show(&other)
        );
    }
}

/// Gives numbers in order.
#[derive(Default)]
struct Counting(Mutex<u8>);

impl Effector for Counting {
    fn entropy(&self, len: u32) -> Answer<'_, Vec<u8>> {
        let mut next = self.0.lock().expect("nobody panicked");
        *next += 1;
        let bytes = vec![*next; len as usize];
        Box::pin(async { Ok(bytes) })
    }
}

#[test]
fn effects_are_recorded_and_answered_again_from_the_record() {
    let module = keeper();
    let open = World {
        outside: Outside::Open(Arc::new(Counting::default())),
        ..World::default()
    };
    let first = call(&module, "draw", "[2]", &open);
    assert_eq!(show(&first), r#""b64:AQE""#);
    let second = call(&module, "draw", "[2]", &open);
    assert_ne!(show(&first), show(&second));
    let recorded = |transcript: &Transcript| World {
        outside: Outside::Recorded(Arc::new(transcript.clone())),
        ..World::default()
    };
    let again = call(&module, "draw", "[2]", &recorded(&first.transcript));
    assert_eq!(show(&again), show(&first));
    assert_eq!(again.fuel, first.fuel);
    assert_eq!(again.transcript, first.transcript);

    // Another question, one question more, and one less.
    for (function, arguments) in [("draw", "[3]"), ("draw-twice", "[2]"), ("take", "[[1]]")] {
        let differs = call(&module, function, arguments, &recorded(&first.transcript));
        assert!(
            show(&differs).starts_with("infra/replay"),
            "{}",
            show(&differs)
        );
    }
    // A record that does not fit the type.
    let mut forged = Transcript::default();
    let effect = &first.transcript.effects()[0];
    forged
        .push(
            Effect {
                answer: vec![0xf6].into(),
                ..effect.clone()
            },
            &TranscriptLimits::default(),
        )
        .expect("there is room");
    let differs = call(&module, "draw", "[2]", &recorded(&forged));
    assert!(
        show(&differs).starts_with("infra/replay"),
        "{}",
        show(&differs)
    );
}

#[test]
fn what_nobody_grants_is_denied_and_what_is_too_much_is_refused() {
    let module = keeper();
    let denied = call(&module, "draw", "[2]", &World::default());
    assert_eq!(
        show(&denied),
        r#"guest/err: the function failed: {"denied":"weir:host/entropy is not granted to this service"}"#
    );
    assert_eq!(denied.transcript.effects().len(), 1);
    let invalid = call(&module, "draw", "[5000]", &World::default());
    assert!(show(&invalid).contains("invalid"), "{}", show(&invalid));

    let one = World {
        transcript: TranscriptLimits {
            effects: 1,
            ..TranscriptLimits::default()
        },
        ..World::default()
    };
    let twice = call(&module, "draw-twice", "[1]", &one);
    assert!(
        show(&twice).starts_with("limit/effects"),
        "{}",
        show(&twice)
    );
    let small = World {
        transcript: TranscriptLimits {
            effects: 10,
            bytes: 2_000,
        },
        outside: Outside::Open(Arc::new(Counting::default())),
        ..World::default()
    };
    let large = call(&module, "draw", "[4000]", &small);
    assert!(show(&large).contains("too-large"), "{}", show(&large));
}

#[test]
fn what_a_component_imports_says_what_its_functions_may_do() {
    let modes = |module: &Module| module.functions()[0].mode();
    assert_eq!(modes(&keeper()), Mode::Update);
    assert_eq!(modes(&load(&crate::support::run(""))), Mode::Pure);
}
