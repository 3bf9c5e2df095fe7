//! Commitments of peers: the trees are those of the definition, and receipts that do not belong together are refused.

use proptest::collection::vec;
use proptest::prelude::*;
use weir_identity::{Hash, Keypair, keccak256};
use weir_receipt::{
    CommitmentError, EpochReceipts, Outcome, PeerCommitment, Receipt, ReceiptDomain, ReceiptTree,
    SignedReceipt, WorkerLeaf,
};

fn key() -> Keypair {
    Keypair::from_secret(&[7; 32]).unwrap()
}

/// The receipts of a worker from number `first` on, one for each amount of fuel.
fn receipts(first: u64, fuels: &[u64]) -> Vec<SignedReceipt> {
    let mut last = Hash::ZERO;
    let numbered = fuels.iter().zip(first..);
    numbered
        .map(|(fuel, seq)| {
            let receipt = Receipt {
                version: Receipt::VERSION,
                deal_id: 3,
                worker_id: keccak256(&[b"worker"]),
                service_id: keccak256(&[b"service"]),
                seq,
                service_seq: seq,
                module_set_hash: Hash::ZERO,
                function_id: Hash::ZERO,
                args_hash: Hash::ZERO,
                pre_state_root: Hash::ZERO,
                post_state_root: Hash::ZERO,
                result_hash: Hash::ZERO,
                host_log_hash: Hash::ZERO,
                fuel: *fuel,
                outcome: Outcome::Ok,
                request_id: Hash::ZERO,
                prev_receipt: last,
                prev_service_receipt: last,
                trace_commit: Hash::ZERO,
                epoch: 5,
            };
            let signed = receipt.sign(&ReceiptDomain::local(), &key());
            last = Hash::from(*signed.digest().as_bytes());
            signed
        })
        .collect()
}

fn tree(receipts: &[SignedReceipt]) -> Result<EpochReceipts, CommitmentError> {
    let mut tree = ReceiptTree::new();
    for receipt in receipts {
        tree.push(receipt)?;
    }
    tree.finish()
}

/// The root of a tree by its definition: filled up, then two by two.
fn by_definition<S: Clone>(
    mut nodes: Vec<(Hash, S)>,
    absent: &S,
    hash: impl Fn([&(Hash, S); 2]) -> Hash,
    sum: impl Fn(&S, &S) -> S,
) -> (Hash, S) {
    nodes.resize(
        nodes.len().next_power_of_two(),
        (Hash::ZERO, absent.clone()),
    );
    while nodes.len() > 1 {
        let pairs = nodes.chunks(2);
        nodes = pairs
            .map(|pair| {
                let [left, right] = pair else { unreachable!() };
                (hash([left, right]), sum(&left.1, &right.1))
            })
            .collect();
    }
    nodes.remove(0)
}

fn leaf(number: u8, fee: u128) -> WorkerLeaf {
    WorkerLeaf {
        worker: keccak256(&[&[number]]),
        receipts: EpochReceipts {
            root: keccak256(&[b"root", &[number]]),
            fuel: 1 << number.min(60),
            attested: number.into(),
            first_seq: u64::from(number) + 9,
            count: number.into(),
            last: keccak256(&[b"last", &[number]]),
        },
        heartbeats: 0xf00f,
        fee,
    }
}

proptest! {
    #[test]
    fn the_tree_of_receipts_is_that_of_the_definition(
        first in 0_u64..1000,
        fuels in vec(0_u64..1 << 40, 0..40),
    ) {
        let receipts = receipts(first, &fuels);
        let leaves = receipts.iter().map(|signed| {
            let fuel = signed.receipt.fuel;
            let digest = signed.digest();
            (keccak256(&[&[0], digest.as_bytes(), &[0; 32], &fuel.to_be_bytes()]), fuel)
        });
        let (root, fuel) = by_definition(
            leaves.collect(),
            &0,
            |[left, right]| {
                let mut bytes = vec![1];
                for node in [left, right] {
                    bytes.extend_from_slice(node.0.as_bytes());
                    bytes.extend_from_slice(&node.1.to_be_bytes());
                    bytes.extend_from_slice(&[0; 8]);
                }
                keccak256(&[&bytes])
            },
            |left, right| left + right,
        );
        let made = tree(&receipts).unwrap();
        let last = receipts.last().map_or(Hash::ZERO, |last| Hash::from(*last.digest().as_bytes()));
        prop_assert_eq!(made, EpochReceipts {
            root,
            fuel,
            attested: 0,
            first_seq: if fuels.is_empty() { 0 } else { first },
            count: fuels.len() as u32,
            last,
        });
    }

    #[test]
    fn the_tree_of_workers_is_that_of_the_definition(fees in vec(0_u128..1 << 80, 0..20)) {
        let mut workers: Vec<WorkerLeaf> = fees.iter().zip(0..).map(|(fee, number)| leaf(number, *fee)).collect();
        let given = PeerCommitment::over(&workers).unwrap();
        workers.sort_by_key(|leaf| leaf.worker);
        let leaves = workers.iter().map(|leaf| {
            let receipts = &leaf.receipts;
            let hash = keccak256(&[
                &[2],
                leaf.worker.as_bytes(),
                receipts.root.as_bytes(),
                &receipts.fuel.to_be_bytes(),
                &receipts.attested.to_be_bytes(),
                &receipts.first_seq.to_be_bytes(),
                &receipts.count.to_be_bytes(),
                receipts.last.as_bytes(),
                &leaf.heartbeats.to_be_bytes()[2..],
                &leaf.fee.to_be_bytes()[4..],
            ]);
            (hash, leaf.fee)
        });
        let (root, sum) = by_definition(
            leaves.collect(),
            &0,
            |[left, right]| {
                let mut bytes = vec![3];
                for node in [left, right] {
                    bytes.extend_from_slice(node.0.as_bytes());
                    bytes.extend_from_slice(&node.1.to_be_bytes()[4..]);
                }
                keccak256(&[&bytes])
            },
            |left, right| left + right,
        );
        prop_assert_eq!(given, PeerCommitment { root, fees: sum });
        // The order in which they are given is of no importance.
        prop_assert_eq!(PeerCommitment::over(&workers).unwrap(), given);
    }
}

#[test]
fn receipts_that_do_not_follow_each_other_are_refused() {
    let all = receipts(4, &[1, 2, 3]);
    let gap = [all[0].clone(), all[2].clone()];
    assert_eq!(tree(&gap), Err(CommitmentError::Gap { seq: 6 }));
    let twice = [all[0].clone(), all[0].clone()];
    assert_eq!(tree(&twice), Err(CommitmentError::Gap { seq: 4 }));
    // The right number behind another receipt.
    let mut changed = all.clone();
    changed[0].receipt.fuel += 1;
    assert_eq!(tree(&changed), Err(CommitmentError::Gap { seq: 5 }));
}

#[test]
fn receipts_of_others_are_refused() {
    let mut all = receipts(4, &[1, 2]);
    all[1].receipt.worker_id = Hash::ZERO;
    let other = |what| Err(CommitmentError::Other { seq: 5, what });
    assert_eq!(tree(&all), other("worker"));
    let mut all = receipts(4, &[1, 2]);
    all[1].receipt.epoch += 1;
    assert_eq!(tree(&all), other("epoch"));
}

#[test]
fn sums_that_are_too_large_are_refused() {
    assert_eq!(
        tree(&receipts(0, &[u64::MAX, 1])),
        Err(CommitmentError::Overflow)
    );
    let most = (1 << 96) - 1;
    assert!(PeerCommitment::over(&[leaf(1, most)]).is_ok());
    for workers in [&[leaf(1, most + 1)][..], &[leaf(1, most), leaf(2, 1)]] {
        let made = PeerCommitment::over(workers);
        assert_eq!(made, Err(CommitmentError::Overflow));
    }
    let mut worker = leaf(1, 1);
    worker.heartbeats = 1 << 48;
    let made = PeerCommitment::over(&[worker]);
    assert_eq!(made, Err(CommitmentError::Heartbeats));
}
