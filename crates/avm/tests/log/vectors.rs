use std::fmt::Write as _;

use weir_avm::log::mmr::{Mmr, leaf_hash};
use weir_avm::log::{Body, Entry, Head, Learnt, Message, Outcome, Suffix};
use weir_identity::{Hash, Value};

use crate::group::{call_entry, key, start};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/wire.md");
const OPENING: &str = "```vectors\n";

/// `UPDATE_EXPECT=1` writes them into the document.
#[test]
fn the_document_has_the_right_vectors() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, rest) = document.split_once(OPENING).unwrap();
    let (vectors, after) = rest.split_once("```").unwrap();
    let expected = vectors_text();
    if std::env::var_os("UPDATE_EXPECT").is_some() && vectors != expected {
        std::fs::write(DOCUMENT, format!("{before}{OPENING}{expected}```{after}")).unwrap();
    } else {
        assert_eq!(vectors, expected);
    }
}

fn vectors_text() -> String {
    let start = start();
    let learnt = Learnt {
        author: key(0).peer_id(),
        length: 2,
        entry: leaf_hash(b"x"),
    };
    let value = Value::from("result").cid();
    let call = call_entry("name", Outcome::Value(value));
    let entries = [
        Entry::new(Body::Start(start.clone())),
        Entry {
            body: Body::Call(call),
            learnt: vec![learnt],
        },
        Entry::new(Body::Seen),
    ];
    let mut mmr = Mmr::new();
    for entry in &entries {
        mmr.push(entry.leaf());
    }
    let head = Head {
        particle: start.id(),
        author: key(1).peer_id(),
        length: 3,
        root: mmr.root().unwrap(),
    };
    let signed = head.sign(&key(1));
    let suffix = Suffix {
        head: signed,
        entries: vec![entries[2].clone().into()],
    };
    let message = Message {
        suffixes: vec![suffix],
        ..Message::empty(start.id())
    };

    let mut text = String::new();
    let mut line = |name: &str, bytes: &[u8]| {
        let hex: String = bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let _ = writeln!(text, "{name} = {hex}");
    };
    let hash = Hash::to_bytes;
    line("start", &start.to_bytes());
    line("particle", start.id().as_bytes());
    for (i, entry) in entries.iter().enumerate() {
        line(&format!("entry {i}"), &entry.to_bytes());
        line(&format!("leaf {i}"), &hash(entry.leaf()));
    }
    for length in 1..=3 {
        line(
            &format!("root of {length}"),
            &hash(mmr.root_at(length).unwrap()),
        );
    }
    for (i, sibling) in mmr.proof(0, 3).unwrap().into_iter().enumerate() {
        line(&format!("path of 0 in 3, step {i}"), &hash(sibling));
    }
    line("author key", key(1).public_key().as_bytes());
    line("head struct hash", &hash(head.struct_hash()));
    line("head digest", head.digest().as_bytes());
    line("head signature", &signed.signature.to_bytes());
    line("message", &message.encode());
    text
}
