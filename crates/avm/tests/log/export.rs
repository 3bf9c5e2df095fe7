use weir_avm::log::{Body, Log, Message, Outcome};
use weir_avm::{Export, audit};
use weir_identity::Value;

use crate::equivocation::{begun, says, suffix};
use crate::group::{call_entry, key, new_log};

/// Inputs of the fuzz target.
pub(crate) fn seeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let (witness, _) = crate::fuzz::contradiction();
    vec![
        ("export", "contradiction", text_of(&witness)),
        ("export", "length-0", length_0().into_bytes()),
    ]
}

fn text_of(log: &Log) -> Vec<u8> {
    Export::of(log).to_json().into_bytes()
}

/// Peer 2 names peer 1 in an export that says that it has learnt none of its entries.
fn length_0() -> String {
    let (mut log, mut message) = begun();
    let named = says("named", &[]);
    message.suffixes = vec![
        suffix(1, vec![named.clone()]),
        suffix(2, vec![says("names", &[(1, &named)])]),
    ];
    log.merge(message, key(1).peer_id()).unwrap();
    let mut none = says("names", &[(1, &named)]);
    none.learnt[0].length = 0;
    let text = Export::of(&log).to_json();
    let (honest, lie) = (
        suffix(2, vec![says("names", &[(1, &named)])]).head,
        suffix(2, vec![none.clone()]).head,
    );
    let leaf = says("names", &[(1, &named)]).leaf();
    let text = text
        .replace(&leaf.to_string(), &none.leaf().to_string())
        .replace(&honest.head.root.to_string(), &lie.head.root.to_string())
        .replace(&honest.signature.to_string(), &lie.signature.to_string());
    let (before, after) = text.split_once("\"learnt\"").unwrap();
    let after = after.replacen("\"length\": 1", "\"length\": 0", 1);
    format!("{before}\"learnt\"{after}")
}

#[test]
fn an_entry_of_no_shape_is_named_by_the_audit() {
    let export = Export::parse(&length_0()).unwrap();
    let fault = audit(&export).unwrap_err();
    assert_eq!(
        (fault.author, fault.index),
        (Some(key(2).peer_id()), Some(0))
    );
    assert!(fault.what.contains("learnt length 0"), "{fault}");
}

#[test]
fn the_deepest_value_reads_back() {
    let nested =
        |depth| (1..depth).fold(Value::from(Vec::new()), |inner, _| Value::from(vec![inner]));
    let mut log = new_log(0);
    let value = log.store(nested(128));
    let body = Body::Call(call_entry("deep", Outcome::Value(value)));
    log.append(body).unwrap();
    log.sign(&key(0)).unwrap();
    let export = Export::of(&log);
    let text = export.to_json();
    assert_eq!(Export::parse(&text), Ok(export));
    let deeper = text.replacen("[]", "[[]]", 1);
    assert!(Export::parse(&deeper).is_err());
}

#[test]
fn a_text_of_brackets_is_refused_before_it_is_read() {
    let text = "[".repeat(1 << 20);
    let error = Export::parse(&text).unwrap_err();
    assert!(error.to_string().contains("more than 136"), "{error}");
}

#[test]
fn who_contradicted_itself_is_named_and_not_who_built_on_it() {
    let (d, r) = (says("d", &[]), says("r", &[]));
    let suffixes = vec![
        suffix(1, vec![d]),
        suffix(1, vec![r.clone(), says("r2", &[])]),
        suffix(2, vec![says("x", &[(1, &r)])]),
    ];
    let (mut log, empty) = begun();
    let message = Message { suffixes, ..empty };
    assert_eq!(log.merge(message, key(2).peer_id()).unwrap().refused, []);
    let export = Export::of(&log);
    let text = export.to_json();
    assert_eq!(Export::parse(&text), Ok(export.clone()));
    let fault = audit(&export).unwrap_err();
    assert_eq!(
        (fault.author, fault.index),
        (Some(key(1).peer_id()), Some(0))
    );
    assert!(fault.what.contains("two different entries"), "{fault}");
    assert!(weir_avm::trace(&export).is_ok());
    // Without the branch it cannot be told apart from a lie of who names it.
    let (before, branches) = text.split_once("  \"branches\"").unwrap();
    let (_, after) = branches.split_once("  \"equivocations\"").unwrap();
    let without = Export::parse(&format!("{before}  \"equivocations\"{after}")).unwrap();
    let fault = audit(&without).unwrap_err();
    assert_eq!(
        fault.author,
        Some(key(2).peer_id()),
        "it names what is not here"
    );
    let (proof, _) = crate::fuzz::contradiction();
    let fault = audit(&Export::of(&proof)).unwrap_err();
    assert_eq!(fault.author, Some(key(1).peer_id()));
}
