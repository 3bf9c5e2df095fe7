//! Everything beside the state, on the host of tests.

use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use weir_guest::context::{self, Tetraplet};
use weir_guest::http::{Request, Response};
use weir_guest::log::Level;
use weir_guest::state::{Error, Item};
use weir_guest::testing::Host;
use weir_guest::{Fault, blobs, entropy, programs, signing};

const COUNT: Item<u64> = Item::new("count");

fn count() -> Result<u64, Error> {
    COUNT.update(|count| count.unwrap_or(0) + 1)
}

#[test]
fn an_update_that_fails_or_panics_changes_nothing() {
    let host = Host::new();
    assert_eq!(host.update(count), Ok(1));
    let failed: Result<(), String> = host.update(|| {
        count()?;
        Err("no".into())
    });
    assert_eq!(failed, Err("no".into()));
    assert_eq!(COUNT.get(), Ok(Some(1)), "an error keeps nothing");
    let trapped = catch_unwind(AssertUnwindSafe(|| {
        host.update(|| -> Result<(), Error> {
            count()?;
            panic!("a trap");
        })
    }));
    assert!(trapped.is_err());
    assert_eq!(COUNT.get(), Ok(Some(1)), "a trap keeps nothing");
}

#[test]
fn a_view_only_reads_and_a_pure_function_does_not_even_that() {
    let host = Host::new();
    host.update(count).expect("room for a number");
    assert_eq!(host.view(|| COUNT.get()), Ok(Some(1)));
    assert_eq!(host.view(count), Err(Error::ReadOnly));
    assert_eq!(host.view(|| COUNT.remove()), Err(Error::ReadOnly));
    assert_eq!(host.update(count), Ok(2), "only inside of the view");
}

#[test]
#[should_panic(expected = "declared `pure`")]
fn a_pure_function_that_uses_the_state_traps() {
    let host = Host::new();
    let _ = host.pure(count);
}

/// What stops a pure function, if something does.
fn trap_of_pure<T>(call: impl FnOnce() -> T) -> Option<String> {
    let host = Host::new();
    let ended = catch_unwind(AssertUnwindSafe(|| host.pure(call)));
    let text = |trap: Box<dyn std::any::Any + Send>| trap.downcast::<String>();
    let told = ended.err().map(text)?;
    Some(told.map_or_else(|_| "another panic".to_owned(), |text| *text))
}

#[test]
fn a_pure_function_that_asks_for_an_effect_traps() {
    let told = |interface: &str| {
        Some(format!(
            "a function declared `pure` asks for weir:host/{interface}"
        ))
    };
    let url = "https://api.example.org/now";
    assert_eq!(trap_of_pure(|| Request::get(url).send()), told("http"));
    assert_eq!(trap_of_pure(|| blobs::size("bafy")), told("blobs"));
    assert_eq!(trap_of_pure(|| blobs::read("bafy", 0, 9)), told("blobs"));
    assert_eq!(trap_of_pure(|| blobs::put(b"x")), told("blobs"));
    assert_eq!(trap_of_pure(|| signing::sign(b"x")), told("signing"));
    assert_eq!(
        trap_of_pure(|| programs::run("date", &[])),
        told("programs")
    );
    assert_eq!(trap_of_pure(|| entropy::bytes(9)), told("entropy"));

    let harmless = || {
        weir_guest::info!("it says so");
        let refused = entropy::bytes(4_097);
        assert!(matches!(refused, Err(Fault::Invalid(_))), "{refused:?}");
        assert!(!signing::verify(
            "worker",
            "service",
            b"x",
            &context::get().salt
        ));
    };
    assert_eq!(trap_of_pure(harmless), None, "none of these is an effect");
}

#[test]
fn origins_of_arguments_are_checked_in_one_line() {
    let origin = |peer: &str, service: &str, function: &str, lens: &str| Tetraplet {
        peer: peer.into(),
        service: service.into(),
        function: function.into(),
        lens: lens.into(),
    };
    let host = Host::new();
    assert!(context::provenance(0)[0].is_literal());
    assert!(
        context::provenance(0).is_from("initiator"),
        "a literal is the initiator's"
    );

    host.provenance(0, "oracle", "price");
    assert!(context::provenance(0).is("oracle", "price"));
    assert!(!context::provenance(0).is("oracle", "guess"));
    let from = |peer| -> Result<(), context::Untrusted> {
        context::provenance(0)
            .require_from(peer)?
            .require("oracle", "price")?;
        Ok(())
    };
    assert!(from("host").is_ok());
    let told = from("other").expect_err("a service of that name on another peer");
    assert_eq!(
        told.to_string(),
        "argument 1 must come from peer other, and comes from oracle.price on host"
    );
    assert!(context::provenance(1)[0].is_literal(), "another argument");

    host.origins(
        0,
        vec![
            origin("a", "oracle", "price", ".$.eur"),
            origin("b", "oracle", "price", ".$.eur"),
        ],
    );
    let origins = context::provenance(0);
    assert!(origins.is("oracle", "price") && origins.has_lens("eur") && origins.has_lens("$.eur"));
    assert!(!origins.is_from("a") && !origins.has_lens("usd"));

    host.origins(
        0,
        vec![
            origin("a", "oracle", "price", ""),
            origin("a", "cheat", "price", ""),
        ],
    );
    let told = context::provenance(0)
        .require("oracle", "price")
        .expect_err("one of two");
    assert_eq!(
        told.to_string(),
        "argument 1 must come from oracle.price, and comes from oracle.price on a"
    );
    host.origins(0, vec![]);
    let told = context::provenance(0)
        .require_from("a")
        .expect_err("nothing is no proof");
    assert_eq!(
        told.to_string(),
        "argument 1 must come from peer a, and nothing is known of its origin"
    );
}

#[test]
fn the_circumstances_are_those_of_the_test() {
    let host = Host::new();
    host.initiator("Ada");
    host.at(5);
    let info = context::get();
    assert_eq!(
        (&*info.initiator, info.timestamp_ms, info.salt.len()),
        ("Ada", 5, 32)
    );
    drop(host);
    assert_eq!(
        context::get().initiator,
        "initiator",
        "the next test begins anew"
    );
}

#[test]
fn notes_are_kept_in_their_order() {
    let host = Host::new();
    weir_guest::warn!("low: {}", 3);
    weir_guest::debug!("x");
    assert_eq!(
        host.log(),
        [(Level::Warn, "low: 3".into()), (Level::Debug, "x".into())]
    );
}

#[cfg(feature = "log")]
#[test]
fn records_of_the_crate_log_are_notes() {
    let host = Host::new();
    weir_guest::log::install(::log::LevelFilter::Info);
    weir_guest::log::install(::log::LevelFilter::Info);
    ::log::info!(target: "sums", "{} and {}", 1, 2);
    ::log::debug!("not so much");
    assert_eq!(host.log(), [(Level::Info, "sums: 1 and 2".into())]);
}

#[test]
fn requests_are_answered_as_the_test_says() {
    let host = Host::new();
    let url = "https://api.example.org/now";
    let denied = Request::get(url)
        .send()
        .expect_err("nothing is granted yet");
    assert!(matches!(&denied, Fault::Denied(_)), "{denied}");
    let response = Response {
        status: 404,
        headers: vec![("Content-Type".into(), "text/plain".into())],
        body: b"nothing".into(),
    };
    host.answer("POST", url, response.clone());
    let given = Request::post(url, "x")
        .header("accept", "*/*")
        .send()
        .expect("an answer");
    assert_eq!(given, response);
    assert_eq!(given.header("content-type"), Some("text/plain"));
    assert_eq!(
        given.success(),
        Err(Fault::Failed("the server answered 404".into()))
    );
    host.answer("GET", url, Fault::TimedOut);
    assert_eq!(Request::get(url).send(), Err(Fault::TimedOut));
    let sent = host.requests();
    assert_eq!(sent.len(), 3);
    assert_eq!((&*sent[1].method, &*sent[1].body), ("POST", &b"x"[..]));
    assert_eq!(sent[1].headers, [("accept".into(), "*/*".into())]);
}

#[test]
fn blobs_have_the_cids_that_a_peer_gives_them() {
    let host = Host::new();
    let cid = blobs::put(b"hello").expect("room for a blob");
    assert_eq!(
        cid,
        "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"
    );
    let large: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
    let cid = host.blob(&large);
    assert_eq!(blobs::size(&cid), Ok(200_000));
    assert_eq!(blobs::get(&cid), Ok(large.clone()));
    assert_eq!(blobs::read(&cid, 199_999, 9), Ok(vec![large[199_999]]));
    assert_eq!(blobs::read(&cid, u64::MAX, 9), Ok(vec![]));
    let most = blobs::READ_BYTES_MAX;
    assert_eq!(
        blobs::read(&cid, 1, most + 1),
        Ok(large[1..=most as usize].to_vec()),
        "more than one read gives is cut"
    );
    let mut read = Vec::new();
    blobs::Reader::new(&cid)
        .read_to_end(&mut read)
        .expect("it is there");
    assert_eq!(read, large);
    assert!(matches!(blobs::get("bafy"), Err(Fault::NotFound(_))));
}

#[test]
fn the_rest_answers_as_a_host_would() {
    let host = Host::new();
    let signature = signing::sign(b"x").expect("a worker has a key");
    assert_eq!(signature.len(), 65);
    let holds = |peer, service, message| signing::verify(peer, service, message, &signature);
    assert!(holds("worker", "service", b"x"));
    assert!(!holds("worker", "service", b"y"));
    assert!(!holds("other", "service", b"x") && !holds("worker", "other", b"x"));

    assert!(matches!(programs::run("date", &[]), Err(Fault::Denied(_))));
    host.program("date", |arguments| programs::Output {
        code: 0,
        stdout: arguments.join(" ").into(),
        stderr: vec![],
        truncated: false,
    });
    assert_eq!(
        programs::run("date", &["-u", "+%s"])
            .expect("it is offered")
            .stdout,
        b"-u +%s"
    );

    let a: [u8; 40] = entropy::array().expect("a few bytes");
    let b: [u8; 40] = entropy::array().expect("a few bytes");
    assert_ne!(a, b);
    assert_eq!(entropy::bytes(4_096).map(|bytes| bytes.len()), Ok(4_096));
    assert!(matches!(entropy::bytes(4_097), Err(Fault::Invalid(_))));
}
