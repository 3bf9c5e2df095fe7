//! Fetches from sources that lie, lack and fail.

#[path = "fuzz_targets/targets.rs"]
#[allow(dead_code, reason = "the fuzz targets are not used here")]
mod targets;

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use expect_test::expect;
use weir_identity::Cid;
use weir_package::{
    Answer, Block, BlockStore, Built, Fetch, FetchError, Folder, Limits, Memory, Package, Progress,
    Source, SourceError, Sources, Verdict, fetch,
};

/// A source that answers as a function says, and counts.
struct Told<F> {
    name: &'static str,
    answer: F,
    asked: Mutex<u32>,
}

impl<F: Fn(&Cid) -> Result<Bytes, SourceError> + Send + Sync> Told<F> {
    fn new(name: &'static str, answer: F) -> Self {
        let asked = Mutex::new(0);
        Self {
            name,
            answer,
            asked,
        }
    }

    fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }
}

impl<F: Fn(&Cid) -> Result<Bytes, SourceError> + Send + Sync> Source for Told<F> {
    fn name(&self) -> &str {
        self.name
    }

    fn ask<'a>(&'a self, cid: &'a Cid, _bytes_max: usize) -> Answer<'a> {
        *self.asked.lock().unwrap() += 1;
        Box::pin(std::future::ready((self.answer)(cid)))
    }
}

fn blocks(built: &Built) -> BTreeMap<Cid, Bytes> {
    built
        .blocks()
        .iter()
        .map(|block| (block.cid(), block.bytes().clone()))
        .collect()
}

fn has(blocks: BTreeMap<Cid, Bytes>) -> impl Fn(&Cid) -> Result<Bytes, SourceError> + Send + Sync {
    move |cid| blocks.get(cid).cloned().ok_or(SourceError::NotFound)
}

fn get(
    cid: Cid,
    limits: Limits,
    sources: &[&dyn Source],
    store: &mut dyn BlockStore,
) -> Result<Package, FetchError> {
    futures::executor::block_on(fetch(cid, limits, sources, store, |_| {}))
}

fn check_sample(package: &Package, built: &Built) {
    assert_eq!((package.cid(), package.root()), (built.cid(), built.root()));
    let components: Vec<_> = package
        .components()
        .map(|(it, bytes)| (it.name(), bytes.clone()))
        .collect();
    let expected = [("weather", "weather.wasm"), ("archive", "archive.wasm")];
    assert_eq!(
        components,
        expected.map(|(name, path)| (name, targets::content(path)))
    );
    for (path, text) in package.aqua() {
        assert_eq!(text, &targets::content(path));
    }
}

#[test]
fn a_package_arrives_as_it_was_with_progress_and_each_block_once() {
    let built = targets::sample();
    let source = Told::new("peer", has(blocks(&built)));
    let mut seen: Vec<Progress> = Vec::new();
    let mut store = Memory::default();
    let sources: [&dyn Source; 1] = [&source];
    let tell = |it| seen.push(it);
    let package = fetch(built.cid(), Limits::default(), &sources, &mut store, tell);
    check_sample(&futures::executor::block_on(package).unwrap(), &built);
    // The root, two files of Aqua, a small component, and a list of three chunks of which two are the same.
    assert_eq!((source.asked(), built.blocks().len()), (7, 7));
    assert_eq!(seen.first(), Some(&Progress::default()));
    let last = seen.last().unwrap();
    assert_eq!((last.blocks, Some(last.bytes)), (7, last.bytes_total));
    assert_eq!(last.blocks_total, Some(7));
    assert!(seen.is_sorted_by_key(|it| (it.blocks, it.bytes)));
}

#[test]
fn a_fetch_may_run_on_another_thread() {
    let built = targets::sample();
    let source = Told::new("peer", has(blocks(&built)));
    let run = async move {
        let mut store = Memory::default();
        let sources: [&dyn Source; 1] = [&source];
        let package = fetch(built.cid(), Limits::default(), &sources, &mut store, |_| {});
        check_sample(&package.await.unwrap(), &built);
    };
    let thread = std::thread::spawn(|| futures::executor::block_on(run));
    thread.join().unwrap();
}

#[test]
fn a_source_that_lies_is_asked_once_and_the_next_ones_give_the_package() {
    let built = targets::sample();
    let liar = Told::new("liar", |_: &Cid| Ok(Bytes::from_static(b"<html>")));
    let empty = Told::new("empty", |_: &Cid| Err(SourceError::NotFound));
    let honest = Told::new("honest", has(blocks(&built)));
    let mut store = Memory::default();
    let package = get(
        built.cid(),
        Limits::default(),
        &[&liar, &empty, &honest],
        &mut store,
    );
    check_sample(&package.unwrap(), &built);
    // That a source lacks a block says nothing about others.
    assert_eq!((liar.asked(), empty.asked(), honest.asked()), (1, 7, 7));
}

#[test]
fn a_source_that_fails_again_and_again_is_given_up() {
    let built = targets::sample();
    let dead = Told::new("dead", |_: &Cid| Err(SourceError::TimedOut(30_000)));
    let honest = Told::new("honest", has(blocks(&built)));
    let limits = Limits {
        window: 1,
        ..Limits::default()
    };
    let package = get(
        built.cid(),
        limits,
        &[&dead, &honest],
        &mut Memory::default(),
    );
    check_sample(&package.unwrap(), &built);
    assert_eq!((dead.asked(), honest.asked()), (3, 7));
}

#[test]
fn when_nobody_has_a_block_each_source_is_listed_with_its_reason() {
    let built = targets::sample();
    let liar = Told::new("liar", |_: &Cid| Ok(Bytes::new()));
    let empty = Told::new("empty", |_: &Cid| Err(SourceError::NotFound));
    let slow = Told::new("slow", |_: &Cid| Err(SourceError::TimedOut(500)));
    let error = get(
        built.cid(),
        Limits::default(),
        &[&liar, &empty, &slow],
        &mut Memory::default(),
    );
    let error = error
        .unwrap_err()
        .to_string()
        .replace(&built.cid().to_string(), "CID");
    expect!["no source has block CID of package CID: liar: it sent bytes that are not those of the CID; empty: it does not have the block; slow: no answer within 500 ms"].assert_eq(&error);
    let error = get(built.cid(), Limits::default(), &[], &mut Memory::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("configure a folder, a peer or a gateway"),
        "{error}"
    );
}

#[test]
fn a_fetch_that_was_cut_off_goes_on_where_it_was() {
    let built = targets::sample();
    let folder = tempfile::tempdir().unwrap();
    let mut store = Folder::open(folder.path()).unwrap();
    let some: BTreeMap<_, _> = blocks(&built).into_iter().rev().take(4).collect();
    let first = Told::new("first", has(some));
    let cut = get(built.cid(), Limits::default(), &[&first], &mut store);
    assert!(matches!(cut, Err(FetchError::Unavailable { .. })));
    let kept = store.list().unwrap().len() as u32;
    assert!(kept > 0);
    let second = Told::new("second", has(blocks(&built)));
    let mut store = Folder::open(folder.path()).unwrap();
    let rest = get(built.cid(), Limits::default(), &[&second], &mut store);
    check_sample(&rest.unwrap(), &built);
    assert_eq!(second.asked(), 7 - kept);
    // Somebody else has the folder as a source.
    let mut other = Memory::default();
    check_sample(
        &get(built.cid(), Limits::default(), &[&store], &mut other).unwrap(),
        &built,
    );
    // A block that was changed on disk is fetched anew.
    let name = format!("{}.block", built.cid());
    std::fs::write(folder.path().join(name), b"changed").unwrap();
    let rest = get(built.cid(), Limits::default(), &[&second], &mut store);
    check_sample(&rest.unwrap(), &built);
    assert_eq!(second.asked(), 8 - kept);
}

#[test]
fn what_is_too_large_is_refused_after_the_root() {
    let built = targets::sample();
    let source = Told::new("peer", has(blocks(&built)));
    for (limits, words) in [
        (
            Limits {
                bytes: 600_000,
                ..Limits::default()
            },
            "bytes, this node takes at most 600000",
        ),
        (
            Limits {
                blocks: 7,
                ..Limits::default()
            },
            "has 8 blocks, this node takes at most 7",
        ),
    ] {
        let asked = source.asked();
        let error = get(built.cid(), limits, &[&source], &mut Memory::default()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(source.asked(), asked + 1);
    }
}

#[test]
fn a_name_of_other_content_is_no_package() {
    let raw = Cid::of_raw(b"a component");
    let error = get(raw, Limits::default(), &[], &mut Memory::default()).unwrap_err();
    assert!(
        error.to_string().contains("a package begins with bafyrei"),
        "{error}"
    );
    let other = Block::dag_cbor(vec![0xa0]);
    let source = Told::new("peer", has([(other.cid(), other.bytes().clone())].into()));
    let error = get(
        other.cid(),
        Limits::default(),
        &[&source],
        &mut Memory::default(),
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("package: has 0 fields, not 7"),
        "{error}"
    );
}

/// The sample with one byte of a block changed and everything above it named anew.
fn forged(change: impl Fn(&mut Vec<u8>)) -> (Cid, BTreeMap<Cid, Bytes>) {
    let built = targets::sample();
    let mut all = blocks(&built);
    let (root, list) = (&built.blocks()[0], &built.blocks()[1]);
    let mut bytes = list.bytes().to_vec();
    change(&mut bytes);
    let changed = Block::dag_cbor(bytes);
    let mut root = root.bytes().to_vec();
    let old = list.cid().to_bytes();
    let at = root.windows(36).position(|it| it == old).unwrap();
    root[at..at + 36].copy_from_slice(&changed.cid().to_bytes());
    let root = Block::dag_cbor(root);
    let cid = root.cid();
    for block in [root, changed] {
        all.insert(block.cid(), block.bytes().clone());
    }
    (cid, all)
}

/// What is changed in a list of chunks, in words and in bytes.
type Lie<'a> = (&'a str, &'a dyn Fn(&mut Vec<u8>));

fn position(bytes: &[u8], needle: &[u8]) -> usize {
    bytes
        .windows(needle.len())
        .position(|it| it == needle)
        .unwrap()
}

#[test]
fn lists_of_chunks_that_lie_are_found_out() {
    let archive = targets::content("archive.wasm");
    let chunk = Cid::of_raw(&archive[..256 << 10]).to_bytes();
    let last = Cid::of_raw(&archive[512 << 10..]).to_bytes();
    let replace = |bytes: &mut Vec<u8>, from: &[u8], to: &[u8]| {
        let at = position(bytes, from);
        bytes[at..at + to.len()].copy_from_slice(to);
    };
    let size = 600_000_u32.to_be_bytes();
    let aqua = Cid::of_raw(&targets::content("main.aqua")).to_bytes();
    let lies: [Lie<'_>; 6] = [
        ("another size than in the root", &|it| {
            replace(it, &size, &600_001_u32.to_be_bytes());
        }),
        ("another hash than in the root", &|it| {
            *it.last_mut().unwrap() ^= 1;
        }),
        ("the last chunk first too", &|it| replace(it, &chunk, &last)),
        ("a full chunk at the end", &|it| replace(it, &last, &chunk)),
        ("a short file as a chunk", &|it| replace(it, &chunk, &aqua)),
        ("a list as a chunk", &|it| {
            let at = position(it, &chunk);
            it[at + 1] = 0x71;
        }),
    ];
    let mut errors = String::new();
    for (what, change) in lies {
        let (cid, all) = forged(change);
        let source = Told::new("peer", has(all));
        let error = get(cid, Limits::default(), &[&source], &mut Memory::default()).unwrap_err();
        assert!(
            matches!(error, FetchError::NotAPackage { .. }),
            "{what}: {error}"
        );
        let text = error.to_string();
        let words = text.split_once("used: ").unwrap().1;
        errors.push_str(&format!("{what}: {words}\n"));
    }
    expect![[r#"
        another size than in the root: file.size: is 600001, but the package says 600000; publish it again
        another hash than in the root: file.sha256: is another than the package says; publish it again
        the last chunk first too: package: bafkreie6hlywf2pxnc2ynhamakdloxoentxwafdkod2a6w3cs6ldxphn4e stands in two places that do not agree what it is; publish it again
        a full chunk at the end: package: bafkreibwg653s7uy2ae7fpsnbvffbzzughlla6z63y4yfhqjxp2wnklsua stands in two places that do not agree what it is; publish it again
        a short file as a chunk: package: bafkreidh2tb3gh7x3ftrl5zs7kzfx5bwq6mjw3dfzg2fmjg3jmz4ozgcie stands in two places that do not agree what it is; publish it again
        a list as a chunk: file.chunks[0]: is not a raw block; lists do not nest; publish it again
    "#]].assert_eq(&errors);
}

#[test]
fn chunks_in_another_order_are_another_file() {
    // Two different full chunks, exchanged: all lengths are right, the file is not.
    let mut package = weir_package::Builder::new("p", "1.0.0");
    let file = [vec![1; 256 << 10], vec![2; 256 << 10]].concat();
    package.aqua("a.aqua", file.clone()).unwrap();
    let built = package.build().unwrap();
    let mut all = blocks(&built);
    let mut list = built.blocks()[1].bytes().to_vec();
    let (one, two) = (
        Cid::of_raw(&file[..256 << 10]).to_bytes(),
        Cid::of_raw(&file[256 << 10..]).to_bytes(),
    );
    let (at_one, at_two) = (position(&list, &one), position(&list, &two));
    list[at_one..at_one + 36].copy_from_slice(&two);
    list[at_two..at_two + 36].copy_from_slice(&one);
    let list = Block::dag_cbor(list);
    let mut root = built.blocks()[0].bytes().to_vec();
    let at = position(&root, &built.blocks()[1].cid().to_bytes());
    root[at..at + 36].copy_from_slice(&list.cid().to_bytes());
    let root = Block::dag_cbor(root);
    let cid = root.cid();
    all.extend([root, list].map(|block| (block.cid(), block.bytes().clone())));
    let source = Told::new("peer", has(all));
    let error = get(cid, Limits::default(), &[&source], &mut Memory::default()).unwrap_err();
    assert!(
        error.to_string().contains("file.sha256: its chunks are"),
        "{error}"
    );
}

#[test]
fn requests_stay_within_the_window_and_late_answers_change_nothing() {
    let built = targets::sample();
    let all = blocks(&built);
    let limits = Limits {
        window: 2,
        ..Limits::default()
    };
    let mut fetch = Fetch::new(built.cid(), limits, Sources::new(["a", "b"])).unwrap();
    let root = fetch.want().unwrap()[0];
    assert!(fetch.want().unwrap().is_empty(), "only the root is known");
    fetch.failed(&root, &SourceError::NotFound);
    let again = fetch.want().unwrap()[0];
    assert_eq!((root.source, again.source), (0, 1));
    let bytes = all[&built.cid()].clone();
    assert_eq!(fetch.provide(&root, bytes.clone()), Ok(Verdict::Unasked));
    assert_eq!(fetch.provide(&again, bytes.clone()), Ok(Verdict::Accepted));
    assert_eq!(fetch.provide(&again, bytes), Ok(Verdict::Unasked));
    assert_eq!(fetch.want().unwrap().len(), 2);
    assert!(fetch.want().unwrap().is_empty());
    assert!(!fetch.is_complete());
    assert!(matches!(
        fetch.finish(),
        Err(FetchError::Unavailable { .. })
    ));
}
