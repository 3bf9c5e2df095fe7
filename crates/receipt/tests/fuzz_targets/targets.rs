//! The targets: plain functions over bytes.

use std::sync::Arc;

use bytes::Bytes;
use weir_identity::{Cid, Hash, Keypair, Value, keccak256};
use weir_receipt::state::{
    KeyRange, Limits, MemoryNodes, Node, NodeKey, Nodes, NodesError, Order, Root, Transaction,
    Tree, Witness,
};
use weir_receipt::{
    Bounds, CallContext, Evidence, Material, Outcome, Receipt, ReceiptDomain, SignedReceipt,
    Transcript, TranscriptLimits, content_hash, function_id, local_worker_id,
};

/// What decodes encodes to the same bytes, or, if it is older than versions, to such that decode to the same; and a
/// store that answers it to every question makes nothing panic.
pub fn node(bytes: &[u8]) {
    let Ok(node) = Node::decode(bytes.to_vec()) else {
        return;
    };
    let encoded = node.encode();
    if bytes[0] == 1 {
        let again = Node::decode(encoded.clone()).expect("it was just encoded");
        assert_eq!(again.encode(), encoded);
    } else {
        assert_eq!(encoded, bytes);
    }
    let _ = node.verify(&Root::EMPTY.hash());
    let mut root = [1; Root::BYTES];
    root[15] = bytes[bytes.len() - 1];
    let root = Root::decode(&root).expect("it has entries");
    let tree = Tree::new(root, Always(Arc::new(node)));
    let _ = tree.verify();
    use_tree(&tree, bytes);
}

/// The same node under every hash.
struct Always(Arc<Node>);

impl Nodes for Always {
    fn node(&self, _: &NodeKey) -> Result<Arc<Node>, NodesError> {
        Ok(self.0.clone())
    }

    fn value(&self, _: &NodeKey) -> Result<Bytes, NodesError> {
        Ok(Bytes::from_static(&[7; 200]))
    }
}

/// Reads and changes.
fn use_tree<N: Nodes>(tree: &Tree<N>, bytes: &[u8]) {
    let any = bytes.get(bytes.len() / 2..).unwrap_or(bytes);
    let any = &any[..any.len().min(40)];
    let from = KeyRange::starting_at(any);
    for order in [Order::Ascending, Order::Descending] {
        let _ = tree.range(&from, order).take(1_000).count();
        let _ = tree.keys(&KeyRange::prefix(any), order).take(1_000).count();
    }
    let first = tree.keys(&KeyRange::all(), Order::Ascending).next();
    let mut transaction =
        Transaction::new(Tree::new(*tree.root(), tree.nodes()), Limits::default());
    let _ = transaction.set(any, Bytes::from_static(b"x"));
    let _ = transaction.set(&any[..any.len() / 2], Bytes::from_static(&[7; 300]));
    if let Some(Ok(first)) = first {
        let _ = transaction.delete(&first);
    }
    let _ = transaction.commit();
}

/// What decodes encodes to the same bytes; reading and changing it does not panic; what is read in order is in order.
pub fn witness(bytes: &[u8]) {
    let Ok(witness) = Witness::decode(bytes.to_vec(), 1 << 20) else {
        return;
    };
    assert_eq!(witness.encode(), bytes);
    let tree = witness.tree();
    let all = KeyRange::all();
    let up: Vec<_> = tree
        .range(&all, Order::Ascending)
        .map_while(Result::ok)
        .collect();
    assert!(up.windows(2).all(|pair| pair[0].0 < pair[1].0));
    for (key, value) in &up {
        assert_eq!(tree.get(key).ok().flatten().as_ref(), Some(value));
    }
    let down = tree.keys(&all, Order::Descending).map_while(Result::ok);
    let _ = down.count();
    use_tree(&tree, bytes);
}

/// What decodes encodes to the same bytes; verifying does not panic.
pub fn signed(bytes: &[u8]) {
    if let Ok(signed) = SignedReceipt::decode(bytes) {
        assert_eq!(signed.encode(), bytes);
        let _ = signed.verify(&key().peer_id());
        let _ = signed.receipt.follows(&signed.receipt, &signed.domain);
    }
}

/// What decodes encodes to the same bytes, and replays.
pub fn transcript(bytes: &[u8]) {
    let limits = TranscriptLimits::default();
    if let Ok(transcript) = Transcript::decode(bytes.to_vec(), &limits) {
        assert_eq!(transcript.encode(), bytes);
        let mut replay = transcript.replay();
        for effect in transcript.effects() {
            let answer = replay.answer(&effect.interface, &effect.function, &effect.request);
            assert_eq!(answer, Ok(&effect.answer));
        }
        assert_eq!(replay.finish(), Ok(()));
    }
}

/// What decodes encodes to the same bytes, and holding it against its receipt does not panic.
pub fn evidence(bytes: &[u8]) {
    if let Ok(evidence) = Evidence::decode(bytes.to_vec()) {
        assert_eq!(evidence.encode(), bytes);
        let _ = evidence.check();
    }
}

pub fn key() -> Keypair {
    Keypair::from_secret(&[7; 32]).expect("a valid secret")
}

/// A call with everything that its receipt is about.
pub fn sample_evidence() -> Evidence {
    let (root, nodes, _) = sample();
    let key = key();
    let context = CallContext {
        particle: keccak256(&[b"particle"]),
        initiator: key.peer_id(),
        host: key.peer_id(),
        worker: key.peer_id(),
        timestamp_ms: 1_700_000_000_000,
        ttl_ms: 60_000,
        tetraplets: Value::from(Vec::new()),
        salt: Hash::ZERO,
    };
    let call = Material::call_bytes(&Value::from(vec![Value::from("Ada")]), &context);
    let transcript = Transcript::default();
    let receipt = Receipt {
        version: Receipt::VERSION,
        deal_id: 0,
        worker_id: local_worker_id(&key.address()),
        service_id: keccak256(&[b"greeter"]),
        seq: 0,
        service_seq: 0,
        module_set_hash: Hash::ZERO,
        function_id: function_id("hello"),
        args_hash: content_hash(&call),
        pre_state_root: root.hash(),
        post_state_root: root.hash(),
        result_hash: Hash::ZERO,
        host_log_hash: transcript.root(),
        fuel: 1000,
        outcome: Outcome::Ok,
        request_id: Hash::ZERO,
        prev_receipt: Hash::ZERO,
        prev_service_receipt: Hash::ZERO,
        trace_commit: Hash::ZERO,
        epoch: 0,
    };
    let witness = Tree::new(root, &nodes).prove(b"user/07");
    Evidence {
        receipt: receipt.sign(&ReceiptDomain::local(), &key),
        material: Material {
            component: Cid::of_raw(b"component"),
            service: "greeter".to_owned(),
            function: "hello".to_owned(),
            bounds: Bounds {
                fuel: 1,
                memory_bytes: 2,
                argument_bytes: 3,
                result_bytes: 4,
                state: Limits::default(),
                transcript: TranscriptLimits::default(),
            },
            call: call.into(),
            transcript: transcript.encode().into(),
            witness: Some(witness.expect("nothing is missing").into()),
        },
    }
}

/// A small state with all kinds of items.
pub fn sample() -> (Root, MemoryNodes, Vec<Bytes>) {
    let mut nodes = MemoryNodes::default();
    let mut transaction = Transaction::new(Tree::new(Root::EMPTY, &nodes), Limits::default());
    for n in 0..60u8 {
        let key = format!("user/{:02}", n % 40 + n / 40 * 100);
        let len = usize::from(n) * usize::from(n) / 12;
        transaction
            .set(key.as_bytes(), vec![n; len])
            .expect("nothing is missing");
    }
    let commit = transaction.commit().expect("nothing is missing");
    nodes.apply(&commit);
    let encoded = commit.nodes.into_iter().map(|(_, node)| node).collect();
    (commit.root, nodes, encoded)
}
