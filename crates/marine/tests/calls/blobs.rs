//! Byte lists that arguments name by their content, instead of holding them.

use std::sync::Arc;

use crate::support::service::{Service, show};
use crate::support::{json, load, marine};
use weir_identity::Cid;
use weir_marine::{
    Answer, BlobRead, Call, CallContext, Effector, Fault, Limits, Module, Outside, Profiler,
    Verdict, World,
};
use weir_receipt::{Effect, Transcript, TranscriptLimits};

use futures::executor::block_on;

/// Has one blob.
struct Shelf(Vec<u8>);

impl Shelf {
    fn find(&self, cid: &str) -> Result<&[u8], Fault> {
        let missing = || Fault::NotFound(format!("there is no blob {cid}"));
        let is_it = Cid::of_raw(&self.0).to_string() == cid;
        is_it.then_some(&*self.0).ok_or_else(missing)
    }
}

impl Effector for Shelf {
    fn blob_size(&self, cid: String) -> Answer<'_, u64> {
        Box::pin(async move { self.find(&cid).map(|bytes| bytes.len() as u64) })
    }

    fn blob_read(&self, read: BlobRead) -> Answer<'_, Vec<u8>> {
        Box::pin(async move {
            let bytes = self.find(&read.cid)?.iter().skip(read.offset as usize);
            Ok(bytes.take(read.len as usize).copied().collect())
        })
    }
}

/// Functions that give back what they are given, declared pure: one of bytes alone, one of bytes among others.
fn echo() -> Module {
    load(&echo_component())
}

fn echo_component() -> Vec<u8> {
    let pair = "(i32.store (i32.const 8) (local.get 0)) (i32.store (i32.const 12) (local.get 1)) (i32.const 8)";
    crate::support::component(
        "package test:echo; world w {
            record named { data: list<u8>, other: list<u8> }
            export bytes: func(v: list<u8>) -> list<u8>;
            export many: func(v: list<named>) -> list<named>;
        }",
        &crate::support::module(&format!(
            r#"(func (export "bytes") (param i32 i32) (result i32) {pair})
            (func (export "many") (param i32 i32) (result i32) {pair})"#
        )),
    )
}

fn blob() -> Vec<u8> {
    (0..200_000_u32).map(|index| (index % 251) as u8).collect()
}

fn service() -> (Service, String) {
    let mut service = Service::new("echo", echo());
    service.outside = Outside::Open(Arc::new(Shelf(blob())));
    (service, Cid::of_raw(&blob()).to_string())
}

#[test]
fn a_blob_is_passed_by_its_name_wherever_bytes_are_expected() {
    let (mut service, cid) = service();
    let encoded = data_encoding::BASE64URL_NOPAD.encode(&blob());
    let given = show(&service.call("bytes", &format!(r#"[{{"cid":"{cid}"}}]"#)));
    assert!(
        given == format!("\"b64:{encoded}\""),
        "{} bytes",
        given.len()
    );
    let given = service.call(
        "many",
        &format!(r#"[[{{"data":{{"cid":"{cid}"}},"other":"b64:AQ"}}]]"#),
    );
    let expected = format!(r#"[{{"data":"b64:{encoded}","other":"b64:AQ"}}]"#);
    assert!(show(&given) == expected);
    // Its size, and four pieces.
    assert_eq!(given.transcript.effects().len(), 5);
}

#[test]
fn a_name_without_a_blob_says_why() {
    let (mut service, cid) = service();
    let other = Cid::of_raw(b"other").to_string();
    let not_here = show(&service.call("bytes", &format!(r#"[{{"cid":"{other}"}}]"#)));
    assert!(
        not_here.starts_with("contract/bad-argument: argument 1 `v`: expected list<u8>")
            && not_here.ends_with(&format!(
                "a blob that cannot be read: there is no blob {other}"
            )),
        "{not_here}"
    );
    let no_cid = show(&service.call("bytes", r#"[{"cid":"Qm"}]"#));
    assert!(no_cid.ends_with(r#"got "Qm", no content id"#), "{no_cid}");
    let more = show(&service.call("bytes", &format!(r#"[{{"cid":"{cid}","size":1}}]"#)));
    assert!(more.starts_with("contract/bad-argument"), "{more}");
    service.limits.argument_bytes = 100_000;
    let large = show(&service.call("bytes", &format!(r#"[{{"cid":"{cid}"}}]"#)));
    assert!(
        large.ends_with("it has 200000 bytes, and 100000 are left for arguments"),
        "{large}"
    );
    service.limits.argument_bytes = 300_000;
    let both = format!(r#"[[{{"data":{{"cid":"{cid}"}},"other":{{"cid":"{cid}"}}}}]]"#);
    let twice = show(&service.call("many", &both));
    assert!(twice.starts_with("limit/argument-size"), "{twice}");
    service.outside = Outside::Closed;
    let denied = show(&service.call("bytes", &format!(r#"[{{"cid":"{cid}"}}]"#)));
    assert!(
        denied.contains("weir:host/blobs is not granted"),
        "{denied}"
    );
}

#[test]
fn a_call_with_a_blob_is_repeated_without_it_and_only_with_its_own_bytes() {
    let (mut service, cid) = service();
    let evidence = service.execute("bytes", &format!(r#"[{{"cid":"{cid}"}}]"#));
    let evidence = evidence.expect("it has a receipt");
    let elsewhere = echo();
    let verdict = block_on(elsewhere.replay(&evidence, 10_000));
    assert!(matches!(verdict, Verdict::Same), "{verdict:?}");

    // A record of other bytes is worth nothing, whoever signed it.
    let honest = Transcript::decode(
        evidence.material.transcript.clone(),
        &TranscriptLimits::default(),
    );
    let mut forged = Transcript::default();
    for effect in honest.expect("it is whole").effects() {
        let mut answer = effect.answer.to_vec();
        if effect.function.as_ref() == "read" {
            *answer.last_mut().expect("there are bytes") ^= 1;
        }
        let effect = Effect {
            answer: answer.into(),
            ..effect.clone()
        };
        let pushed = forged.push(effect, &TranscriptLimits::default());
        pushed.expect("there is room");
    }
    service.outside = Outside::Recorded(Arc::new(forged));
    let refused = show(&service.call("bytes", &format!(r#"[{{"cid":"{cid}"}}]"#)));
    assert!(refused.starts_with("infra/replay"), "{refused}");
}

#[test]
fn a_profile_of_a_call_with_a_blob_has_all_of_its_fuel() {
    let cid = Cid::of_raw(&blob()).to_string();
    let arguments = json(&format!(r#"[{{"cid":"{cid}"}}]"#));
    let world = World {
        outside: Outside::Open(Arc::new(Shelf(blob()))),
        ..World::default()
    };
    let call = Call {
        function: "bytes",
        arguments: arguments.as_array().expect("arguments are an array"),
        context: &CallContext::default(),
        limits: &Limits::default(),
        world: &world,
    };
    let plain = block_on(echo().call(call));
    let profiler = Profiler::new(&marine(), &echo_component()).expect("it can have probes");
    let profiled = block_on(profiler.call(call)).expect("it can be called");
    assert!(plain.result.is_ok(), "{:?}", plain.result);
    assert!(profiled.result.as_ref().ok() == plain.result.as_ref().ok());
    assert_eq!(profiled.fuel, plain.fuel);
    let functions: u64 = profiled.functions().iter().map(|cost| cost.self_fuel).sum();
    assert_eq!(functions + profiled.engine_fuel, profiled.fuel);
}
