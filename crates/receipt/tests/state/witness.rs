//! Who has a witness comes to the same root and the same answers, or is told that it is not enough; nobody can be
//! led to another root.

use bytes::Bytes;
use proptest::prelude::*;
use weir_receipt::state::{
    KeyRange, Limits, Nodes, Order, Recorder, Root, StateError, Transaction, Tree, Witness,
};

use crate::support::{Model, Op, apply_all, build, key, op, value};

const BYTES_MAX: usize = 1 << 24;

/// Something that a call does with its state.
#[derive(Clone, Debug)]
enum Step {
    Change(Op),
    Get(Vec<u8>),
    Len(Vec<u8>),
    Scan(KeyRange, bool, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let scan = (key(), proptest::option::of(key()), any::<bool>(), 0usize..6);
    prop_oneof![
        3 => op().prop_map(Step::Change),
        2 => key().prop_map(Step::Get),
        1 => key().prop_map(Step::Len),
        2 => scan.prop_map(|(start, end, up, count)| Step::Scan(KeyRange { start, end }, up, count)),
    ]
}

/// What a call answers, and the root that it leaves.
fn call<N: Nodes>(tree: Tree<N>, steps: &[Step]) -> Result<(Vec<Bytes>, Root), StateError> {
    let mut transaction = Transaction::new(tree, Limits::default());
    let mut answers = Vec::new();
    for step in steps {
        match step {
            Step::Change(Op::Set(key, value)) => {
                transaction.set(key, value.clone())?;
            }
            Step::Change(Op::Delete(key)) => {
                transaction.delete(key)?;
            }
            Step::Get(key) => answers.extend(transaction.get(key)?),
            Step::Len(key) => {
                let len = transaction.value_len(key)?.unwrap_or(u32::MAX);
                answers.push(len.to_be_bytes().to_vec().into());
            }
            Step::Scan(range, up, count) => {
                let order = if *up {
                    Order::Ascending
                } else {
                    Order::Descending
                };
                for entry in transaction.range(range, order).take(*count) {
                    let (key, value) = entry?;
                    answers.extend([key.into(), value]);
                }
            }
        }
    }
    Ok((answers, transaction.commit()?.root))
}

fn base() -> impl Strategy<Value = Model> {
    proptest::collection::vec((key(), value()), 0..120)
        .prop_map(|entries| entries.into_iter().collect())
}

fn record(model: &Model, steps: &[Step]) -> (Root, Vec<Bytes>, Root, Vec<u8>) {
    let (root, nodes) = build(model);
    let recorder = Recorder::new(&nodes);
    let (answers, after) = call(Tree::new(root, &recorder), steps).unwrap();
    let witness = recorder.witness(&root).unwrap();
    (root, answers, after, witness)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_call_that_is_run_again_from_its_witness_answers_the_same_and_leaves_the_same_root(
        model in base(),
        steps in proptest::collection::vec(step(), 0..20),
    ) {
        let (root, answers, after, bytes) = record(&model, &steps);
        let witness = Witness::decode(bytes.clone(), BYTES_MAX).unwrap();
        prop_assert_eq!(&witness.encode(), &bytes);
        prop_assert_eq!(witness.proves(&root.hash()), Ok(()));
        prop_assert_eq!(witness.root(), &root);
        let again = call(witness.tree(), &steps).unwrap();
        prop_assert_eq!(again, (answers, after));
        // A witness of the witness is the witness.
        let recorder = Recorder::new(&witness);
        call(Tree::new(root, &recorder), &steps).unwrap();
        prop_assert_eq!(recorder.witness(&root).unwrap(), bytes);
    }

    #[test]
    fn a_witness_of_something_else_is_insufficient_or_leads_to_the_same_root(
        model in base(),
        steps in proptest::collection::vec(step(), 1..10),
        other in proptest::collection::vec(step(), 0..10),
    ) {
        let (root, answers, after, _) = record(&model, &steps);
        let (_, _, _, bytes) = record(&model, &other);
        let witness = Witness::decode(bytes, BYTES_MAX).unwrap();
        prop_assert_eq!(witness.proves(&root.hash()), Ok(()));
        match call(witness.tree(), &steps) {
            Ok(again) => prop_assert_eq!(again, (answers, after)),
            Err(error) => prop_assert!(error.is_insufficient(), "{}", error),
        }
    }

    #[test]
    fn keys_and_ranges_are_proven_without_the_state(
        model in base(),
        start in key(),
        end in proptest::option::of(key()),
        count in 0usize..20,
    ) {
        let (root, nodes) = build(&model);
        let tree = Tree::new(root, &nodes);
        let proof = Witness::decode(tree.prove(&start).unwrap(), BYTES_MAX).unwrap();
        prop_assert_eq!(proof.proves(&root.hash()), Ok(()));
        prop_assert_eq!(proof.tree().get(&start).unwrap(), model.get(&start).cloned());
        let range = KeyRange { start, end };
        for order in [Order::Ascending, Order::Descending] {
            let proof = tree.prove_range(&range, order, count).unwrap();
            let proof = Witness::decode(proof, BYTES_MAX).unwrap();
            let proven: Result<Vec<_>, _> = proof.tree().range(&range, order).take(count).collect();
            let expected: Result<Vec<_>, _> = tree.range(&range, order).take(count).collect();
            prop_assert_eq!(proven.unwrap(), expected.unwrap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_changed_byte_leads_nobody_to_another_root(
        model in base(),
        steps in proptest::collection::vec(step(), 1..8),
        flip in 1u8..,
    ) {
        let (root, answers, after, bytes) = record(&model, &steps);
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= flip;
            let Ok(witness) = Witness::decode(wrong, BYTES_MAX) else {
                continue;
            };
            if witness.proves(&root.hash()).is_err() {
                continue;
            }
            match call(witness.tree(), &steps) {
                Ok(again) => prop_assert_eq!(again, (answers.clone(), after)),
                Err(error) => prop_assert!(error.is_insufficient()),
            }
        }
    }
}

#[test]
fn what_a_witness_does_not_reach_is_insufficient_and_not_absent() {
    let mut model = Model::new();
    let entries: Vec<Op> = (0..100u8)
        .map(|n| Op::Set(vec![n], Bytes::from(vec![n; 40])))
        .collect();
    apply_all(&mut model, &entries);
    let (root, nodes) = build(&model);
    let proof = Tree::new(root, &nodes).prove(&[7]).unwrap();
    let witness = Witness::decode(proof, BYTES_MAX).unwrap();
    let tree = witness.tree();
    assert_eq!(tree.get(&[7]).unwrap(), Some(vec![7; 40].into()));
    let error = tree.get(&[50]).unwrap_err();
    assert!(error.is_insufficient(), "{error}");
    // The neighbour is only a hash, and so is a value that nobody read.
    let error = tree.get(&[6]).unwrap_err();
    assert!(error.is_insufficient(), "{error}");
    let recorder = Recorder::new(&nodes);
    Tree::new(root, &recorder).value_len(&[7]).unwrap();
    let bytes = recorder.witness(&root).unwrap();
    let witness = Witness::decode(bytes, BYTES_MAX).unwrap();
    assert_eq!(witness.tree().value_len(&[7]).unwrap(), Some(40));
    assert!(witness.tree().get(&[7]).unwrap_err().is_insufficient());
    // Nothing was read at all.
    let bytes = Recorder::new(&nodes).witness(&root).unwrap();
    let witness = Witness::decode(bytes, BYTES_MAX).unwrap();
    assert_eq!(witness.proves(&root.hash()), Ok(()));
    assert!(witness.tree().get(&[7]).unwrap_err().is_insufficient());
}

#[test]
fn a_witness_has_a_limit_and_names_one_root() {
    let (root, nodes) = build(&Model::from([(vec![1], Bytes::from_static(b"x"))]));
    let bytes = Tree::new(root, &nodes).prove(&[1]).unwrap();
    assert!(Witness::decode(bytes.clone(), bytes.len()).is_ok());
    assert!(Witness::decode(bytes.clone(), bytes.len() - 1).is_err());
    let witness = Witness::decode(bytes, BYTES_MAX).unwrap();
    let error = witness.proves(&Root::EMPTY.hash()).unwrap_err();
    assert_eq!(error.found, root.hash());
    let bytes = Tree::new(Root::EMPTY, &nodes).prove(&[1]).unwrap();
    let empty = Witness::decode(bytes, BYTES_MAX).unwrap();
    assert_eq!(empty.tree().get(&[1]).unwrap(), None);
    assert_eq!(empty.proves(&Root::EMPTY.hash()), Ok(()));
}
