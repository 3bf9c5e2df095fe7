//! The file system of guests, without an engine: beside a simple model, at its corners, and under quotas.

#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "the module is compiled into this test, which uses its part"
)]
#[path = "../src"]
mod source {
    pub(crate) mod files;
}

use std::collections::BTreeMap;

use source::files::{
    CHUNK_BYTES, FILE_BYTES_MAX, FileError, Files, Kind, NAME_BYTES_MAX, OPEN_MAX, Opening,
    PATH_BYTES_MAX, ROOT, Refusal, Time, Volume,
};
use weir_receipt::state::{Commit, Limits, MemoryNodes, Root, Transaction, Tree};

const READ: Opening = Opening {
    create: false,
    exclusive: false,
    directory: false,
    write: false,
};
const CREATE: Opening = Opening {
    create: true,
    write: true,
    ..READ
};

/// A call on a state in memory.
struct Disk {
    volume: Volume,
    entries: Transaction<MemoryNodes>,
}

impl Disk {
    fn new() -> Self {
        Self::within(Limits::default())
    }

    fn within(limits: Limits) -> Self {
        Self::at(Root::EMPTY, MemoryNodes::default(), limits, true)
    }

    fn at(root: Root, nodes: MemoryNodes, limits: Limits, writable: bool) -> Self {
        Self {
            volume: Volume::new(writable, Time::from_ms(1_500)),
            entries: Transaction::new(Tree::new(root, nodes), limits),
        }
    }

    fn files(&mut self) -> Files<'_> {
        self.volume.with(&mut self.entries)
    }

    fn write(&mut self, path: &str, offset: u64, bytes: &[u8]) -> Result<u64, Refusal> {
        let mut files = self.files();
        let entry = told(files.open(ROOT, path, CREATE))?;
        told(files.write(entry.number, offset, bytes))
    }

    fn read(&mut self, path: &str) -> Result<Vec<u8>, Refusal> {
        let files = self.files();
        let entry = told(files.find(ROOT, path))?;
        let len = told(files.readable(entry.number, 0, u64::MAX))?;
        Ok(told(files.read(entry.number, 0, len))?.0)
    }

    fn resize(&mut self, path: &str, size: u64) -> Result<(), Refusal> {
        let mut files = self.files();
        let entry = told(files.find(ROOT, path))?;
        told(files.set_size(entry.number, size))?;
        while told(files.drop_chunks(entry.number, size))? > 0 {}
        Ok(())
    }

    fn unlink(&mut self, path: &str) -> Result<(), Refusal> {
        let gone = told(self.files().unlink(ROOT, path))?;
        self.forget(gone)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        let gone = told(self.files().rename((ROOT, from), (ROOT, to)))?;
        self.forget(gone)
    }

    fn forget(&mut self, gone: Option<u64>) -> Result<(), Refusal> {
        let Some(number) = gone else {
            return Ok(());
        };
        let mut files = self.files();
        while told(files.drop_chunks(number, 0))? > 0 {}
        told(files.forget(number))
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, Refusal> {
        let files = self.files();
        let entry = told(files.find(ROOT, path))?;
        if entry.kind == Kind::File {
            return Err(Refusal::NotDirectory);
        }
        let mut names: Vec<String> = Vec::new();
        while let Some((name, _)) =
            told(files.next_entry(entry.number, names.last().map(String::as_str)))?
        {
            names.push(name);
        }
        Ok(names)
    }

    fn commit(mut self) -> Commit {
        self.files().finish().expect("there is room");
        self.entries.commit().expect("all nodes are there")
    }
}

fn told<T>(result: Result<T, FileError>) -> Result<T, Refusal> {
    result.map_err(|error| match error {
        FileError::Refused(refusal) => refusal,
        other => panic!("{other}"),
    })
}

/// SplitMix64: the same numbers everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn path(&mut self) -> String {
        let names = ["a", "b", "c"];
        let parts: Vec<&str> = (0..=self.below(3))
            .map(|_| names[self.below(3) as usize])
            .collect();
        parts.join("/")
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = [0, 1, 100, 4095, 4096, 4097, 10_000][self.below(7) as usize];
        // Zeros at the ends of chunks are where chunks are trimmed.
        let zeros = self.below(3) == 0;
        (0..len)
            .map(|_| if zeros { 0 } else { self.next() as u8 })
            .collect()
    }

    fn offset(&mut self) -> u64 {
        [0, 1, 50, 4096, 4000, 8192, 20_000][self.below(7) as usize]
    }
}

/// What files are supposed to be: whole paths, and bytes or nothing.
#[derive(Default)]
struct Model(BTreeMap<String, Option<Vec<u8>>>);

impl Model {
    fn parent(&self, path: &str) -> Result<(), Refusal> {
        let mut above = String::new();
        let Some((folders, _)) = path.rsplit_once('/') else {
            return Ok(());
        };
        for name in folders.split('/') {
            above += name;
            match self.0.get(&above) {
                None => return Err(Refusal::NoEntry),
                Some(Some(_)) => return Err(Refusal::NotDirectory),
                Some(None) => above += "/",
            }
        }
        Ok(())
    }

    fn get(&self, path: &str) -> Result<Option<&Option<Vec<u8>>>, Refusal> {
        self.parent(path)?;
        Ok(self.0.get(path))
    }

    fn file(&mut self, path: &str) -> Result<&mut Vec<u8>, Refusal> {
        self.parent(path)?;
        match self.0.get_mut(path) {
            None => Err(Refusal::NoEntry),
            Some(None) => Err(Refusal::IsDirectory),
            Some(Some(bytes)) => Ok(bytes),
        }
    }

    fn write(&mut self, path: &str, offset: u64, bytes: &[u8]) -> Result<u64, Refusal> {
        if self.get(path)?.is_none() {
            self.0.insert(path.to_owned(), Some(Vec::new()));
        }
        let file = self.file(path)?;
        if !bytes.is_empty() {
            let (offset, end) = (offset as usize, offset as usize + bytes.len());
            file.resize(file.len().max(end), 0);
            file[offset..end].copy_from_slice(bytes);
        }
        Ok(bytes.len() as u64)
    }

    fn create_directory(&mut self, path: &str) -> Result<(), Refusal> {
        if self.get(path)?.is_some() {
            return Err(Refusal::Exists);
        }
        self.0.insert(path.to_owned(), None);
        Ok(())
    }

    fn is_empty(&self, path: &str) -> bool {
        let below = format!("{path}/");
        !self.0.keys().any(|other| other.starts_with(&below))
    }

    fn remove_directory(&mut self, path: &str) -> Result<(), Refusal> {
        match self.get(path)? {
            None => Err(Refusal::NoEntry),
            Some(Some(_)) => Err(Refusal::NotDirectory),
            Some(None) if !self.is_empty(path) => Err(Refusal::NotEmpty),
            Some(None) => {
                self.0.remove(path);
                Ok(())
            }
        }
    }

    fn unlink(&mut self, path: &str) -> Result<(), Refusal> {
        self.file(path)?;
        self.0.remove(path);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        self.parent(from)?;
        self.parent(to)?;
        let moved = self.get(from)?.ok_or(Refusal::NoEntry)?;
        if from == to {
            return Ok(());
        }
        if moved.is_none() && to.starts_with(&format!("{from}/")) {
            return Err(Refusal::Invalid);
        }
        match (moved, self.get(to)?) {
            (_, None) | (Some(_), Some(Some(_))) => {}
            (None, Some(None)) if self.is_empty(to) => (),
            (Some(_), Some(None)) => return Err(Refusal::IsDirectory),
            (None, Some(Some(_))) => return Err(Refusal::NotDirectory),
            (None, Some(None)) => return Err(Refusal::NotEmpty),
        }
        let below = format!("{from}/");
        let all = std::mem::take(&mut self.0);
        let (moving, mut staying): (BTreeMap<_, _>, BTreeMap<_, _>) = all
            .into_iter()
            .partition(|(path, _)| path == from || path.starts_with(&below));
        for (path, what) in moving {
            staying.insert(format!("{to}{}", &path[from.len()..]), what);
        }
        self.0 = staying;
        Ok(())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, Refusal> {
        if self.get(path)?.ok_or(Refusal::NoEntry)?.is_some() {
            return Err(Refusal::NotDirectory);
        }
        let below = format!("{path}/");
        let names = self.0.keys().filter_map(|other| {
            let name = other.strip_prefix(&below)?;
            (!name.contains('/')).then(|| name.to_owned())
        });
        Ok(names.collect())
    }
}

/// The same random operation on both, which must agree.
fn step(dice: &mut Dice, disk: &mut Disk, model: &mut Model) {
    let (path, other) = (dice.path(), dice.path());
    match dice.below(9) {
        0 | 1 => {
            let (offset, bytes) = (dice.offset(), dice.bytes());
            assert_eq!(
                disk.write(&path, offset, &bytes),
                model.write(&path, offset, &bytes),
                "write {path}"
            );
        }
        2 | 3 => {
            let made = told(disk.files().create_directory(ROOT, &path));
            assert_eq!(made, model.create_directory(&path), "mkdir {path}");
        }
        4 => {
            let removed = told(disk.files().remove_directory(ROOT, &path));
            assert_eq!(removed, model.remove_directory(&path), "rmdir {path}");
        }
        5 => assert_eq!(disk.unlink(&path), model.unlink(&path), "unlink {path}"),
        6 => assert_eq!(
            disk.rename(&path, &other),
            model.rename(&path, &other),
            "rename {path} {other}"
        ),
        7 => {
            let size = dice.offset();
            let resized = model.file(&path).map(|file| file.resize(size as usize, 0));
            assert_eq!(disk.resize(&path, size), resized, "resize {path} {size}");
        }
        _ => {
            assert_eq!(disk.list(&path), model.list(&path), "list {path}");
            let read = model.file(&path).map(|file| file.clone());
            assert!(disk.read(&path) == read, "read {path}");
        }
    }
}

fn same(disk: &mut Disk, model: &Model) {
    for (path, what) in &model.0 {
        match what {
            Some(bytes) => assert!(disk.read(path).as_ref() == Ok(bytes), "{path}"),
            None => assert_eq!(disk.list(path), model.list(path), "{path}"),
        }
    }
}

#[test]
fn it_does_what_a_simple_model_does_and_the_same_every_time() {
    for seed in 0..40 {
        let run = || {
            let (mut dice, mut model) = (Dice(seed), Model::default());
            let (mut root, mut nodes) = (Root::EMPTY, MemoryNodes::default());
            for _ in 0..6 {
                let mut disk = Disk::at(root, nodes, Limits::default(), true);
                for _ in 0..80 {
                    step(&mut dice, &mut disk, &mut model);
                }
                same(&mut disk, &model);
                // The next call finds what this one left.
                nodes = MemoryNodes::default();
                let mut all = Transaction::new(Tree::new(Root::EMPTY, &nodes), Limits::default());
                for entry in disk.entries.range(
                    &weir_receipt::state::KeyRange::all(),
                    weir_receipt::state::Order::Ascending,
                ) {
                    let (key, value) = entry.expect("all nodes are there");
                    all.set(&key, value).expect("there is room");
                }
                let copy = all.commit().expect("all nodes are there");
                let commit = disk.commit();
                assert_eq!(commit.root, copy.root, "nothing was left open");
                nodes.add(&copy);
                root = commit.root;
            }
            (root, model)
        };
        let (root, model) = run();
        assert_eq!(root, run().0, "seed {seed}");
        // When everything is removed nothing is left but the root directory and the next number.
        let mut disk = Disk::new();
        let (mut dice, mut again) = (Dice(seed), Model::default());
        for _ in 0..80 {
            step(&mut dice, &mut disk, &mut again);
        }
        for (path, what) in again.0.iter().rev() {
            match what {
                Some(_) => disk.unlink(path),
                None => told(disk.files().remove_directory(ROOT, path)),
            }
            .expect("it is there and empty");
        }
        assert!(disk.entries.entries() <= 2, "{}", disk.entries.entries());
        drop(model);
    }
}

#[test]
fn what_a_file_holds_and_not_how_it_came_about_decides_the_root() {
    let mut straight = Disk::new();
    straight.write("f", 0, b"ab").expect("there is room");
    let mut winding = Disk::new();
    winding
        .write("f", 0, &vec![7; 50_000])
        .expect("there is room");
    winding.resize("f", 1).expect("it is there");
    winding.resize("f", 20_000).expect("it is there");
    winding
        .write("f", 8_000, &[0; 8_000])
        .expect("there is room");
    winding.write("f", 0, b"ab").expect("there is room");
    assert_eq!(winding.read("f").map(|bytes| bytes.len()), Ok(20_000));
    winding.resize("f", 2).expect("it is there");
    assert_eq!(winding.commit().root, straight.commit().root);
}

#[test]
fn paths_lead_no_higher_than_where_they_begin() {
    let mut disk = Disk::new();
    told(disk.files().create_directory(ROOT, "a")).expect("there is room");
    told(disk.files().create_directory(ROOT, "a/b")).expect("there is room");
    disk.write("a/b/f", 0, b"x").expect("there is room");
    assert_eq!(disk.read("a/./b/../b//f"), Ok(b"x".to_vec()));
    let inner = told(disk.files().find(ROOT, "a/b"))
        .expect("it is there")
        .number;
    let long = vec!["n"; PATH_BYTES_MAX].join("/");
    for (path, refusal) in [
        ("..", Refusal::NotPermitted),
        ("../b/f", Refusal::NotPermitted),
        ("x/../../f", Refusal::NoEntry),
        ("/a", Refusal::NotPermitted),
        ("", Refusal::NoEntry),
        ("f\0", Refusal::IllegalName),
        ("f/", Refusal::NotDirectory),
        ("f/g", Refusal::NotDirectory),
        (&long, Refusal::NameTooLong),
        (&"n".repeat(NAME_BYTES_MAX + 1), Refusal::NameTooLong),
    ] {
        assert_eq!(told(disk.files().find(inner, path)), Err(refusal), "{path}");
    }
    disk.write(&"n".repeat(NAME_BYTES_MAX), 0, b"")
        .expect("the longest name");
    // Directories cannot be moved into themselves, from wherever the path begins.
    let moved = told(disk.files().rename((ROOT, "a"), (inner, "c")));
    assert_eq!(moved, Err(Refusal::Invalid));
    assert_eq!(disk.rename("a", "."), Err(Refusal::Invalid));
    assert_eq!(disk.rename("a/b/f", "g/"), Err(Refusal::NotDirectory));
    assert_eq!(disk.rename("a", "z/"), Ok(()));
    assert_eq!(disk.read("z/b/f"), Ok(b"x".to_vec()));
}

#[test]
fn an_open_file_outlives_its_name_but_not_the_call() {
    let mut disk = Disk::new();
    disk.write("f", 0, &[1; 10_000]).expect("there is room");
    let number = told(disk.files().find(ROOT, "f"))
        .expect("it is there")
        .number;
    disk.volume.hold(number).expect("there is room");
    assert_eq!(told(disk.files().unlink(ROOT, "f")), Ok(None));
    assert_eq!(disk.read("f"), Err(Refusal::NoEntry));
    disk.write("f", 0, b"another").expect("there is room");
    told(disk.files().write(number, 10_000, &[2; 5_000])).expect("there is room");
    let read = told(disk.files().read(number, 9_999, 2)).expect("it is still there");
    assert_eq!(read, (vec![1, 2], false));
    let held = disk.entries.entries();
    assert!(disk.volume.release(number), "its content is to be dropped");
    disk.forget(Some(number)).expect("there is room");
    assert_eq!(disk.entries.entries(), held - 5);

    // And if it is not closed, it goes with the call.
    let number = told(disk.files().find(ROOT, "f"))
        .expect("it is there")
        .number;
    disk.volume.hold(number).expect("there is room");
    assert_eq!(told(disk.files().unlink(ROOT, "f")), Ok(None));
    assert_eq!(disk.commit().root.entries(), 2);
}

#[test]
fn a_removed_directory_takes_nothing_in() {
    let mut disk = Disk::new();
    told(disk.files().create_directory(ROOT, "d")).expect("there is room");
    let number = told(disk.files().find(ROOT, "d"))
        .expect("it is there")
        .number;
    told(disk.files().remove_directory(ROOT, "d")).expect("it is empty");
    let made = told(disk.files().open(number, "f", CREATE));
    assert_eq!(made.err(), Some(Refusal::NoEntry));
    assert_eq!(
        told(disk.files().remove_directory(ROOT, ".")),
        Err(Refusal::Invalid)
    );
}

#[test]
fn sizes_and_offsets_have_a_limit_and_gaps_cost_nothing() {
    let mut disk = Disk::new();
    disk.write("f", FILE_BYTES_MAX - 1, b"x")
        .expect("there is room");
    assert!(disk.entries.bytes() < 5_000, "{}", disk.entries.bytes());
    for offset in [FILE_BYTES_MAX, u64::MAX - 1, u64::MAX] {
        assert_eq!(disk.write("f", offset, b"x"), Err(Refusal::FileTooLarge));
        let number = told(disk.files().find(ROOT, "f"))
            .expect("it is there")
            .number;
        let files = disk.files();
        assert_eq!(told(files.readable(number, offset, u64::MAX)), Ok(0));
        let read = told(files.read(number, offset, u64::MAX));
        assert_eq!(read, Ok((Vec::new(), true)));
    }
    assert_eq!(
        disk.resize("f", FILE_BYTES_MAX + 1),
        Err(Refusal::FileTooLarge)
    );
    disk.resize("f", 5).expect("it is there");
    assert_eq!(disk.read("f"), Ok(vec![0; 5]));
    assert_eq!(disk.volume.fresh_chunks(9, u64::MAX - 5, u64::MAX), 0);
}

#[test]
fn a_view_changes_nothing() {
    let mut disk = Disk::new();
    disk.write("f", 0, b"x").expect("there is room");
    let mut nodes = MemoryNodes::default();
    let commit = disk.commit();
    nodes.apply(&commit);
    let mut view = Disk::at(commit.root, nodes, Limits::default(), false);
    assert_eq!(view.read("f"), Ok(b"x".to_vec()));
    // A file that is there may be opened with `create`, as long as nothing is written.
    let create = Opening {
        write: false,
        ..CREATE
    };
    assert!(view.files().open(ROOT, "f", create).is_ok());
    let exclusive = Opening {
        exclusive: true,
        ..create
    };
    for (result, refusal) in [
        (
            told(view.files().open(ROOT, "f", exclusive)).map(drop),
            Refusal::Exists,
        ),
        (
            told(view.files().open(ROOT, "g", create)).map(drop),
            Refusal::ReadOnly,
        ),
        (view.write("f", 0, b"y").map(drop), Refusal::ReadOnly),
        (view.unlink("f"), Refusal::ReadOnly),
        (view.rename("f", "g"), Refusal::ReadOnly),
        (view.resize("f", 0), Refusal::ReadOnly),
        (
            told(view.files().create_directory(ROOT, "d")),
            Refusal::ReadOnly,
        ),
        (
            told(view.files().set_modified(1, Time::default())),
            Refusal::ReadOnly,
        ),
    ] {
        assert_eq!(result, Err(refusal));
    }
    assert_eq!(view.commit().root, commit.root);
}

#[test]
fn a_full_state_is_told_and_stays_whole() {
    let limits = Limits {
        bytes: 100_000,
        ..Limits::default()
    };
    let mut disk = Disk::within(limits);
    let mut len = 0;
    // The last write is cut short where there is no more room.
    while let Ok(written) = disk.write("f", len, &[1; 7_000]) {
        len += written;
    }
    assert!((90_000..100_000).contains(&len), "{len}");
    assert_eq!(disk.write("f", len, &[1; 7_000]), Err(Refusal::NoSpace));
    assert_eq!(disk.read("f").map(|bytes| bytes.len() as u64), Ok(len));
    let before = disk.entries.entries();
    let mut made = 0;
    while told(disk.files().create_directory(ROOT, &format!("{made:0200}"))).is_ok() {
        made += 1;
        assert!(made < 1_000);
    }
    let refused = told(disk.files().create_directory(ROOT, &"x".repeat(200)));
    assert_eq!(refused, Err(Refusal::NoSpace));
    assert_eq!(
        disk.entries.entries(),
        before + 2 * made,
        "nothing is left behind"
    );
    disk.unlink("f").expect("removing needs no room");
    disk.write("g", 0, &[1; 7_000])
        .expect("there is room again");
}

#[test]
fn what_is_open_is_counted() {
    let mut disk = Disk::new();
    for _ in 0..OPEN_MAX {
        disk.volume.hold(ROOT).expect("there is room");
    }
    assert_eq!(told(disk.volume.hold(ROOT)), Err(Refusal::TooManyOpen));
    assert!(!disk.volume.release(ROOT));
    disk.volume.hold(ROOT).expect("there is room again");
    assert!(!disk.volume.release(77), "what was never open");
}

#[test]
fn a_listing_goes_on_while_files_come_and_go() {
    let mut disk = Disk::new();
    for name in ["a", "b", "d", "é"] {
        disk.write(name, 0, b"").expect("there is room");
    }
    let next = |disk: &mut Disk, after| {
        told(disk.files().next_entry(ROOT, after))
            .expect("it can be read")
            .map(|(name, _)| name)
    };
    assert_eq!(next(&mut disk, None).as_deref(), Some("a"));
    disk.unlink("b").expect("it is there");
    disk.write("c", 0, b"").expect("there is room");
    disk.write("A", 0, b"").expect("there is room");
    assert_eq!(next(&mut disk, Some("a")).as_deref(), Some("c"));
    assert_eq!(next(&mut disk, Some("c")).as_deref(), Some("d"));
    assert_eq!(next(&mut disk, Some("d")).as_deref(), Some("é"));
    assert_eq!(next(&mut disk, Some("é")), None);
}

#[test]
fn a_write_touches_its_chunks_only() {
    let mut disk = Disk::new();
    for at in 0..64 {
        disk.write("f", at * 65_536, &vec![1; 65_536])
            .expect("there is room");
    }
    let mut nodes = MemoryNodes::default();
    let commit = disk.commit();
    nodes.apply(&commit);
    let mut disk = Disk::at(commit.root, nodes, Limits::default(), true);
    disk.write("f", 1_000_000, b"x").expect("there is room");
    let commit = disk.commit();
    assert_eq!(commit.values.len(), 1);
    assert_eq!(commit.values[0].1.len() as u64, CHUNK_BYTES);
    assert!(commit.permutations < 100, "{}", commit.permutations);
}
