//! What pinned roots reach stays, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use weir_identity::Cid;
use weir_package::{
    Block, BlockStore, Builder, Built, Memory, Pins, collect, collectable, is_whole,
};

/// Packages that share files with each other.
fn packages() -> Vec<Built> {
    let file = |seed: u8, blocks: usize| vec![seed; blocks * (256 << 10) + 1];
    (0..5_u8)
        .map(|number| {
            let mut package = Builder::new(format!("p{number}"), "1.0.0");
            package.aqua("own.aqua", vec![number; 10]).unwrap();
            package.aqua("shared.aqua", file(number / 2, 1)).unwrap();
            package.aqua("common.aqua", "for all").unwrap();
            package.build().unwrap()
        })
        .collect()
}

#[derive(Clone, Debug)]
enum Step {
    Pin(usize, u8),
    Unpin(usize, u8),
    Put(usize, usize),
    Collect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..5_usize, 0..2_u8).prop_map(|(package, reason)| Step::Pin(package, reason)),
        (0..5_usize, 0..2_u8).prop_map(|(package, reason)| Step::Unpin(package, reason)),
        (0..5_usize, 1..8_usize).prop_map(|(package, count)| Step::Put(package, count)),
        Just(Step::Collect),
    ]
}

proptest! {
    #[test]
    fn after_any_history_the_store_holds_what_pins_reach(steps in prop::collection::vec(step(), 0..40)) {
        let packages = packages();
        let (mut store, mut pins) = (Memory::default(), Pins::default());
        // The model: reasons by package, and which blocks were put and not collected since.
        let mut reasons: BTreeMap<usize, BTreeSet<u8>> = BTreeMap::new();
        let mut held: BTreeSet<Cid> = BTreeSet::new();
        for step in steps.into_iter().chain([Step::Collect]) {
            match step {
                Step::Pin(package, reason) => {
                    pins.pin(packages[package].cid(), reason.to_string());
                    reasons.entry(package).or_default().insert(reason);
                }
                Step::Unpin(package, reason) => {
                    pins.unpin(&packages[package].cid(), &reason.to_string());
                    reasons.entry(package).or_default().remove(&reason);
                }
                // As a fetch does it: some of the blocks, what links before what is linked.
                Step::Put(package, count) => {
                    for block in packages[package].blocks().iter().take(count) {
                        store.put(block).unwrap();
                        held.insert(block.cid());
                    }
                }
                Step::Collect => {
                    let wanted: BTreeSet<Cid> = reasons
                        .iter()
                        .filter(|(_, reasons)| !reasons.is_empty())
                        .filter(|(package, _)| held.contains(&packages[**package].cid()))
                        .flat_map(|(package, _)| reached(&packages[*package], &held))
                        .collect();
                    collect(&mut store, &pins).unwrap();
                    held.retain(|cid| wanted.contains(cid));
                    let stored: BTreeSet<Cid> = store.list().unwrap().into_iter().collect();
                    prop_assert_eq!(&stored, &held);
                }
            }
        }
    }
}

/// The blocks of a package that are held with everything above them: its root is, so lists and small files are, and
/// chunks if their list is.
fn reached(package: &Built, held: &BTreeSet<Cid>) -> Vec<Cid> {
    let files = package.root().files();
    let mut reached = vec![package.cid()];
    for file in files {
        reached.push(file.block());
        let list = package
            .blocks()
            .iter()
            .find(|block| block.cid() == file.block());
        if file.has_list() && held.contains(&file.block()) {
            reached.extend(list.unwrap().links().unwrap());
        }
    }
    reached
}

#[test]
fn a_package_is_whole_with_its_last_block() {
    let mut store = Memory::default();
    let package = &packages()[0];
    for block in package.blocks() {
        assert!(!is_whole(&store, package.cid()).unwrap());
        store.put(block).unwrap();
    }
    assert!(is_whole(&store, package.cid()).unwrap());
}

#[test]
fn nothing_is_deleted_while_a_block_on_the_way_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = weir_package::Folder::open(folder.path()).unwrap();
    let package = &packages()[0];
    for block in package.blocks() {
        store.put(block).unwrap();
    }
    store.put(&Block::raw("garbage")).unwrap();
    let mut pins = Pins::default();
    pins.pin(package.cid(), "deal 7");
    std::fs::write(
        folder.path().join(format!("{}.block", package.cid())),
        b"damaged",
    )
    .unwrap();
    let error = collect(&mut store, &pins).unwrap_err();
    assert!(error.to_string().contains("damaged on disk"), "{error}");
    assert_eq!(store.list().unwrap().len(), package.blocks().len() + 1);
    store.remove(&package.cid()).unwrap();
    store.put(&package.blocks()[0]).unwrap();
    assert_eq!(
        collectable(&store, &pins).unwrap(),
        [Cid::of_raw(b"garbage")]
    );
}
