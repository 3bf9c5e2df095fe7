//! A disk to which nothing can be written from some operation on, for tests: what was acknowledged stays, and nothing
//! is half there.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy::eips::Encodable2718 as _;
use alloy::network::{EthereumWallet, NetworkTransactionBuilder as _, TransactionBuilder as _};
use alloy::rpc::types::TransactionRequest;
use alloy::signers::local::PrivateKeySigner;
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, U256, keccak256};
use weir_disk::Cut;

use super::{Meta, Store};
use crate::chain::Chain;
use crate::config::{Config, Limits};
use crate::error::{Error, StoreError};
use crate::transaction::Signed;

fn random(seed: u64, end: u64) -> u64 {
    let hash = keccak256([b"cut", &seed.to_be_bytes()[..]].concat());
    u64::from_be_bytes(hash[..8].try_into().expect("8 bytes")) % end
}

fn key() -> PrivateKeySigner {
    PrivateKeySigner::from_slice(&[7; 32]).expect("a small number is a key")
}

fn config() -> Config {
    let gold = U256::from(10).pow(U256::from(24));
    Config {
        accounts: vec![(key().address(), gold)],
        genesis_timestamp: Some(1_000),
        limits: Limits {
            state_history_blocks: 12,
            snapshots: 3,
            ..Limits::default()
        },
        ..Config::default()
    }
}

/// Something that a user does.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// Pays with a nonce so much above the next one.
    Pay {
        ahead: u64,
        wei: u64,
    },
    Mine,
    SetBalance(u64),
    IncreaseTime(u64),
    Snapshot,
    /// Goes back to the newest snapshot.
    Revert,
}

fn deed(seed: u64) -> Deed {
    let number = random(seed, 1_000) + 1;
    match random(seed ^ 1 << 40, 16) {
        0 => Deed::Mine,
        1 => Deed::SetBalance(number),
        2 => Deed::IncreaseTime(number),
        3 => Deed::Snapshot,
        4 => Deed::Revert,
        5 | 6 => Deed::Pay {
            ahead: 1,
            wei: number,
        },
        _ => Deed::Pay {
            ahead: 0,
            wei: number,
        },
    }
}

fn run(chain: &mut Chain, deed: Deed, now: u64) -> Result<(), Error> {
    match deed {
        Deed::Pay { ahead, wei } => {
            let next = chain.pending_nonce(key().address());
            let request = TransactionRequest::default()
                .to(Address::repeat_byte(2))
                .value(U256::from(wei))
                .nonce(next + ahead)
                .with_chain_id(31_337)
                .gas_limit(21_000)
                .max_fee_per_gas(10_000_000_000 + u128::from(wei) * 100_000_000_000)
                .max_priority_fee_per_gas(1_000_000 + u128::from(wei) * 1_000_000);
            let wallet = EthereumWallet::new(key());
            let built = futures::executor::block_on(request.build(&wallet));
            let raw = built.expect("it is whole").encoded_2718();
            let signed = Signed::decode(&raw, 1_000).expect("it is signed");
            match chain.submit(vec![signed], now).remove(0) {
                // One with this nonce may wait already, and pay more.
                Err(Error::Refused(_)) | Ok(_) => Ok(()),
                Err(error) => Err(error),
            }
        }
        Deed::Mine => chain.mine(now),
        Deed::SetBalance(wei) => chain.set_balance(Address::repeat_byte(3), U256::from(wei)),
        Deed::IncreaseTime(seconds) => chain.increase_time(seconds).map(drop),
        Deed::Snapshot => chain.snapshot().map(drop),
        Deed::Revert => match chain.meta().snapshots.last().map(|one| one.id) {
            Some(newest) => match chain.revert(newest) {
                Err(Error::StateGone { .. }) | Ok(_) => Ok(()),
                Err(error) => Err(error),
            },
            None => Ok(()),
        },
    }
}

/// All that a user could notice.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    head: B256,
    meta: Meta,
    pool: Vec<B256>,
    /// Balances and nonces after the newest blocks.
    history: Vec<(u64, [U256; 3], u64)>,
}

fn facts(chain: &Chain) -> Facts {
    let head = chain.head().number();
    let mut history = Vec::new();
    for number in head.saturating_sub(12)..=head {
        let view = match chain.view(BlockId::from(number), 0) {
            Err(Error::StateGone { .. }) => continue,
            view => view.expect("it is kept"),
        };
        let accounts = [
            key().address(),
            Address::repeat_byte(2),
            Address::repeat_byte(3),
        ];
        let balances = accounts.map(|one| view.account(one).balance);
        history.push((number, balances, view.account(key().address()).nonce));
    }
    let mut pool: Vec<_> = chain.pool().all().map(|one| one.signed.hash()).collect();
    pool.sort();
    Facts {
        head: chain.head().hash,
        meta: chain.meta().clone(),
        pool,
        history,
    }
}

fn open(path: &Path, left: &Arc<AtomicUsize>, sectors: usize) -> Result<Chain, StoreError> {
    let mut options = File::options();
    let options = options.read(true).write(true).create(true).truncate(false);
    let file = options.open(path).expect("the folder exists");
    let store = Store::on(path, || Cut::new(file, left.clone(), sectors))?;
    Chain::on(store, config(), 0)
}

/// A chain in memory does the same things, so that what must be there is known: all before the thing at which writing
/// ended, and that one wholly or not at all.
#[test]
fn nothing_acknowledged_is_lost_when_writing_ends_at_any_of_two_hundred_random_operations() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("chain");
    let mut twin = Chain::open(config(), 0).expect("it needs nothing");
    let (mut done, mut whole, mut not_at_all) = (0_u64, 0, 0);
    for life in 0..200 {
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let sectors = random(life << 1 | 1, 9) as usize;
        let mut chain = open(&path, &left, sectors).expect("it is sound");
        assert_eq!(facts(&chain), facts(&twin), "life {life}");
        left.store(random(life << 1, 200) as usize, Ordering::SeqCst);
        let (before, last) = loop {
            let before = facts(&twin);
            done += 1;
            run(&mut twin, deed(done), done).expect("memory does not fail");
            if let Err(error) = run(&mut chain, deed(done), done) {
                assert!(matches!(error, Error::Store(_)), "{error:?}");
                break (before, deed(done));
            }
            let after = facts(&twin);
            if random(done, 8) == 0 {
                assert_eq!(facts(&chain), after, "{:?}", deed(done));
            }
        };
        let error = chain.mine(done).expect_err("nothing is built on it");
        assert!(matches!(error, Error::Store(_)), "{error:?}");
        drop(chain);

        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let mut chain = open(&path, &left, 0).expect("it is sound");
        let found = facts(&chain);
        if found == facts(&twin) {
            whole += 1;
        } else {
            assert_eq!(found, before, "life {life}: {last:?} is half there");
            not_at_all += 1;
            run(&mut chain, last, done).expect("the disk works");
            assert_eq!(facts(&chain), facts(&twin), "life {life}: {last:?}");
        }
    }
    assert!(done > 800 && not_at_all > 40, "{done} {whole} {not_at_all}");
}

#[test]
fn another_chain_something_else_and_a_file_cut_short_are_named() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("chain");
    let at = |chain_id| Config {
        path: Some(path.clone()),
        chain_id,
        ..config()
    };
    let mut chain = Chain::open(at(31_337), 0).expect("it is new");
    for number in 0..50 {
        run(&mut chain, Deed::Pay { ahead: 0, wei: 1 }, number).expect("the disk works");
    }
    let locked = Chain::open(at(31_337), 0).expect_err("it is open");
    assert!(matches!(locked, StoreError::Locked { .. }), "{locked}");
    drop(chain);
    let other = Chain::open(at(5), 0).expect_err("it is chain 31337");
    assert!(
        other.to_string().contains("holds chain 31337, not chain 5"),
        "{other}"
    );

    let whole = std::fs::read(&path).expect("it is a file");
    for cut in [whole.len() - 4_096, whole.len() / 2, 5_000, 100] {
        std::fs::write(&path, &whole[..cut]).expect("it can be written");
        let found = Chain::open(at(31_337), 0).map(drop);
        assert!(
            matches!(found, Err(StoreError::Damaged { .. })),
            "{cut} bytes: {found:?}"
        );
    }
    std::fs::write(&path, "not a chain".repeat(1_000)).expect("it can be written");
    let found = Chain::open(at(31_337), 0).map(drop);
    assert!(
        matches!(found, Err(StoreError::Damaged { .. })),
        "{found:?}"
    );

    // A byte that changed is noticed, or nobody ever reads it.
    let mut noticed = 0;
    for seed in 0..40 {
        let mut bytes = whole.clone();
        let at_byte = random(seed, bytes.len() as u64) as usize;
        bytes[at_byte] ^= 1 << (seed % 8);
        std::fs::write(&path, &bytes).expect("it can be written");
        match Chain::open(at(31_337), 0) {
            Ok(chain) => {
                for number in 0..=chain.head().number() {
                    let found = chain.block(number);
                    noticed += u32::from(!matches!(found, Ok(Some(_))));
                }
            }
            Err(error) => {
                assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
                noticed += 1;
            }
        }
    }
    assert!(noticed > 10, "{noticed}");
}
