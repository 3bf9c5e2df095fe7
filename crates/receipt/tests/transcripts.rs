//! Recorded effects: their root, their bytes, their replay.

use bytes::Bytes;
use proptest::prelude::*;
use weir_identity::{Hash, keccak256};
use weir_receipt::{Effect, ReplayError, Transcript, TranscriptError, TranscriptLimits};

fn effect(interface: &str, function: &str, request: &str, answer: &str) -> Effect {
    Effect {
        interface: interface.into(),
        function: function.into(),
        request: keccak256(&[request.as_bytes()]),
        answer: Bytes::copy_from_slice(answer.as_bytes()),
    }
}

fn transcript(effects: &[Effect]) -> Transcript {
    let mut transcript = Transcript::default();
    for effect in effects {
        transcript
            .push(effect.clone(), &TranscriptLimits::default())
            .unwrap();
    }
    transcript
}

#[test]
fn the_root_rolls_over_names_requests_and_answers() {
    assert_eq!(transcript(&[]).root(), Hash::ZERO);
    let (clock, now) = ("wasi:clocks/wall-clock@0.2.0", "now");
    let effects = [effect(clock, now, "", "1"), effect(clock, now, "", "2")];
    let mut root = Hash::ZERO;
    for effect in &effects {
        root = keccak256(&[
            root.as_bytes(),
            keccak256(&[b"wasi:clocks/wall-clock@0.2.0#now"]).as_bytes(),
            keccak256(&[]).as_bytes(),
            keccak256(&[&effect.answer]).as_bytes(),
        ]);
    }
    assert_eq!(transcript(&effects).root(), root);
}

#[test]
fn replay_answers_what_was_recorded_and_nothing_else() {
    let recorded = transcript(&[
        effect("a:b/c", "f", "x", "1"),
        effect("a:b/c", "g", "y", "2"),
    ]);
    let (x, y) = (keccak256(&[b"x"]), keccak256(&[b"y"]));
    let mut replay = recorded.replay();
    assert_eq!(
        replay.answer("a:b/c", "f", &x).unwrap(),
        &Bytes::from_static(b"1")
    );
    assert_eq!(replay.clone().finish(), Err(ReplayError::Left(1)));
    let other = replay.clone().answer("a:b/c", "f", &y).unwrap_err();
    assert_eq!(
        other.to_string(),
        "the call asks for a:b/c#f, but a:b/c#g was recorded"
    );
    let other = replay.clone().answer("a:b/c", "g", &x);
    assert_eq!(other, Err(ReplayError::Request("a:b/c#g".into())));
    replay.answer("a:b/c", "g", &y).unwrap();
    assert!(matches!(
        replay.clone().answer("a:b/c", "g", &y),
        Err(ReplayError::Ended { .. })
    ));
    assert_eq!(replay.finish(), Ok(()));
}

#[test]
fn limits_and_names_are_refused_by_name() {
    let limits = TranscriptLimits {
        effects: 1,
        bytes: 200,
    };
    let mut transcript = Transcript::default();
    let long = "x".repeat(200);
    let refused = transcript.push(effect("i", "f", "", &long), &limits);
    assert_eq!(refused, Err(TranscriptError::Bytes(200)));
    let refused = transcript.push(effect("i#", "f", "", ""), &limits);
    assert_eq!(refused, Err(TranscriptError::Name));
    transcript.push(effect("i", "f#", "", ""), &limits).unwrap();
    let refused = transcript.push(effect("i", "f", "", ""), &limits);
    assert_eq!(refused, Err(TranscriptError::Effects(1)));
    assert_eq!(transcript.effects().len(), 1);
    let bytes = transcript.encode();
    assert!(bytes.len() <= 200);
    assert!(Transcript::decode(bytes, &limits).is_ok());
}

proptest! {
    #[test]
    fn a_transcript_has_one_encoding_and_no_byte_of_it_can_change(
        effects in proptest::collection::vec(("[ab]{0,2}", "[ab#]{0,2}", "[xy]?", "[01]{0,40}"), 0..12),
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let effects: Vec<Effect> = effects
            .iter()
            .map(|(interface, function, request, answer)| effect(interface, function, request, answer))
            .collect();
        let recorded = transcript(&effects);
        let limits = TranscriptLimits::default();
        let bytes = recorded.encode();
        prop_assert_eq!(&Transcript::decode(bytes.clone(), &limits).unwrap(), &recorded);
        let mut wrong = bytes;
        let at = at.index(wrong.len());
        wrong[at] ^= flip;
        if let Ok(other) = Transcript::decode(wrong.clone(), &limits) {
            prop_assert_eq!(other.encode(), wrong);
            prop_assert_ne!(other.root(), recorded.root());
        }
    }
}
