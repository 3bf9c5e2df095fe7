//! What is refused, by name, and that a refusal changes nothing.

use bytes::Bytes;
use weir_receipt::state::{
    KEY_BYTES_MAX, Limits, MemoryNodes, NODE_BYTES_MAX, Node, Root, Transaction, Tree,
    VALUE_BYTES_MAX,
};

use crate::support::{Model, build};

const LIMITS: Limits = Limits {
    entries: 3,
    bytes: 20,
    changed_keys: 4,
    changed_bytes: 30,
};

fn filled() -> (Root, MemoryNodes) {
    build(&Model::from([
        (b"a".to_vec(), Bytes::from_static(b"12345")),
        (b"b".to_vec(), Bytes::from_static(b"12345")),
    ]))
}

#[test]
fn lengths_have_a_limit() {
    let nodes = MemoryNodes::default();
    let mut transaction = Transaction::new(Tree::new(Root::EMPTY, &nodes), Limits::default());
    let longest = vec![7; KEY_BYTES_MAX];
    transaction.set(&longest, vec![7; VALUE_BYTES_MAX]).unwrap();
    transaction.set(b"", Bytes::new()).unwrap();
    let error = transaction.set(&[7; 257], Bytes::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a key of 257 bytes: at most 256 are possible"
    );
    let error = transaction.set(b"x", vec![7; 65_537]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a value of 65537 bytes: at most 65536 are possible"
    );
    // A key that cannot be there is not there.
    assert_eq!(transaction.get(&[7; 257]).unwrap(), None);
    assert!(!transaction.delete(&[7; 257]).unwrap());
    assert_eq!(transaction.entries(), 2);
    let commit = transaction.commit().unwrap();
    assert_eq!(commit.root.bytes(), 256 + 65_536);
    assert_eq!(commit.values.len(), 1);
}

#[test]
fn quotas_are_refused_by_name_and_leave_everything_as_it_was() {
    let (root, nodes) = filled();
    let mut transaction = Transaction::new(Tree::new(root, &nodes), LIMITS);
    let refusal = |error: weir_receipt::state::StateError| error.to_string();
    assert_eq!(
        transaction
            .set(b"c", b"12345678".as_slice())
            .map_err(refusal),
        Err("the state would have 21 bytes: at most 20 are allowed".into())
    );
    assert!(!transaction.set(b"c", b"1".as_slice()).unwrap());
    assert_eq!(
        transaction.set(b"d", b"".as_slice()).map_err(refusal),
        Err("the state would have 4 entries: at most 3 are allowed".into())
    );
    assert_eq!((transaction.entries(), transaction.bytes()), (3, 14));
    assert_eq!(transaction.get(b"d").unwrap(), None);
    // What goes makes room.
    assert!(transaction.delete(b"a").unwrap());
    assert!(!transaction.set(b"d", b"".as_slice()).unwrap());
    assert_eq!(transaction.commit().unwrap().root.entries(), 3);
}

#[test]
fn a_transaction_holds_no_more_than_it_may() {
    let (root, nodes) = filled();
    let limits = Limits {
        entries: 100,
        bytes: 100,
        ..LIMITS
    };
    let mut transaction = Transaction::new(Tree::new(root, &nodes), limits);
    for key in [b"c", b"d", b"e", b"f"] {
        transaction.set(key, b"123".as_slice()).unwrap();
    }
    let error = transaction.delete(b"a").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the transaction would hold 5 changed keys: at most 4 are allowed"
    );
    transaction.set(b"c", vec![7; 17]).unwrap();
    let error = transaction.set(b"c", vec![7; 18]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the transaction would hold 31 changed bytes: at most 30 are allowed"
    );
    assert_eq!(transaction.value_len(b"c").unwrap(), Some(17));
}

#[test]
fn a_state_above_its_quota_can_shrink() {
    let (root, nodes) = filled();
    let limits = Limits {
        entries: 1,
        bytes: 5,
        ..LIMITS
    };
    let mut transaction = Transaction::new(Tree::new(root, &nodes), limits);
    assert!(transaction.set(b"a", b"123456".as_slice()).is_err());
    assert!(transaction.set(b"a", b"1".as_slice()).unwrap());
    assert!(transaction.delete(b"b").unwrap());
    assert_eq!((transaction.entries(), transaction.bytes()), (1, 2));
}

#[test]
fn nodes_have_a_length_that_none_exceeds_and_older_ones_a_smaller_one() {
    let refused = |encoding: u8, length: usize| {
        let problem = Node::decode(vec![encoding; length]).unwrap_err();
        problem.to_string().ends_with("too many bytes")
    };
    assert!(!refused(2, NODE_BYTES_MAX));
    assert!(refused(2, NODE_BYTES_MAX + 1));
    // The bytes of versions, with which an older node would be written again.
    let older_max = NODE_BYTES_MAX - 17 * 7 * 9;
    assert!(!refused(1, older_max));
    assert!(refused(1, older_max + 1));
}
