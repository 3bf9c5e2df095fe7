//! The vectors of `docs/wire.md` are what the code makes.

use std::fmt::Write as _;

use bytes::Bytes;
use weir_identity::{Hash, Keypair, keccak256};
use weir_receipt::state::{Limits, MemoryNodes, Recorder, Root, Transaction, Tree};
use weir_receipt::{
    Effect, Outcome, Receipt, ReceiptDomain, Transcript, TranscriptLimits, function_id,
    local_request_id, local_worker_id,
};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/wire.md");
const OPENING: &str = "```receipt-vectors\n";

/// `UPDATE_EXPECT=1` writes them into the document.
#[test]
fn the_document_has_the_right_vectors() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, rest) = document.split_once(OPENING).unwrap();
    let (vectors, after) = rest.split_once("```").unwrap();
    let expected = text();
    if std::env::var_os("UPDATE_EXPECT").is_some() && vectors != expected {
        std::fs::write(DOCUMENT, format!("{before}{OPENING}{expected}```{after}")).unwrap();
    } else {
        assert_eq!(vectors, expected);
    }
}

fn number(n: u8) -> Hash {
    let mut bytes = [0; 32];
    bytes[31] = n;
    Hash::from(bytes)
}

fn text() -> String {
    let mut text = String::new();
    let mut line = |name: &str, bytes: &[u8]| {
        write!(text, "{name} = ").unwrap();
        for byte in bytes {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\n');
    };

    let mut nodes = MemoryNodes::default();
    let mut transaction = Transaction::new(Tree::new(Root::EMPTY, &nodes), Limits::default());
    let long = Bytes::from(vec![7; 40]);
    for (key, value) in [("a", "1".into()), ("ab", long), ("b", Bytes::new())] {
        transaction.set(key.as_bytes(), value).unwrap();
    }
    let commit = transaction.commit().unwrap();
    nodes.apply(&commit);
    let root = commit.root;
    let recorder = Recorder::new(&nodes);
    let tree = Tree::new(root, &recorder);
    assert_eq!(tree.get(b"aa").unwrap(), None);
    assert_eq!(tree.get(b"b").unwrap(), Some(Bytes::new()));
    line("root of the empty state", Root::EMPTY.hash().as_bytes());
    line("top", root.top().unwrap().as_bytes());
    line("root", root.hash().as_bytes());
    line("witness", &recorder.witness(&root).unwrap());

    let mut transcript = Transcript::default();
    for answer in ["1", "2"] {
        let effect = Effect {
            interface: "wasi:clocks/wall-clock@0.2.0".into(),
            function: "now".into(),
            request: keccak256(&[]),
            answer: answer.into(),
        };
        transcript
            .push(effect, &TranscriptLimits::default())
            .unwrap();
    }
    line("transcript root", transcript.root().as_bytes());
    line("transcript", &transcript.encode());

    let key = Keypair::from_secret(&[1; 32]).unwrap();
    let receipt = Receipt {
        version: Receipt::VERSION,
        deal_id: 0,
        worker_id: local_worker_id(&key.address()),
        service_id: number(1),
        seq: 5,
        service_seq: 3,
        module_set_hash: number(2),
        function_id: function_id("hello"),
        args_hash: number(3),
        pre_state_root: Root::EMPTY.hash(),
        post_state_root: root.hash(),
        result_hash: number(4),
        host_log_hash: transcript.root(),
        fuel: 1_200,
        outcome: Outcome::GuestError,
        request_id: local_request_id(&number(5), number(6).as_bytes()),
        prev_receipt: number(7),
        prev_service_receipt: number(8),
        trace_commit: Hash::ZERO,
        epoch: 0,
    };
    let domain = ReceiptDomain::local();
    line("receipt struct hash", receipt.struct_hash().as_bytes());
    line("receipt digest", receipt.digest(&domain).as_bytes());
    line("receipt", &receipt.sign(&domain, &key).encode());
    text
}
