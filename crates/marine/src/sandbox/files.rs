//! `wasi:filesystem`: the state of a service as files, and a place for what a call needs only while it runs.
//!
//! A function declared `view` or `update` finds two directories open: `/`, which is the state, and `/tmp`, which is
//! empty when a call begins and forgotten when it ends. (A directory `tmp` of the state lies behind it: C libraries
//! choose the longest name that fits.) So `fopen("data.db", "r+")` works on the state without further ado. In a
//! `view` nothing of `/` can be changed. Functions declared `pure` find no directory.
//!
//! Every function takes its price before it works: for the names of a path, the chunks that it touches, and bytes.

mod content;
mod names;

use std::collections::HashMap;

pub(super) use content::{read_file, write_file};
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Datetime, DescriptorType, ErrorCode, MetadataHashValue, NewTimestamp,
};
use wasmtime_wasi_io::streams::Error as StreamFailure;
use weir_receipt::state::{Limits as StateLimits, MemoryNodes, Root, Transaction, Tree};

use super::metered::charge;
use super::state::{ENTRY_FUEL, READ_FUEL, StateFailure, WRITE_BYTE_FUEL, WRITE_FUEL};
use super::{CallState, Mode};
use crate::files::{
    CHUNK_BYTES, FILE_BYTES_MAX, FileError, Files, Kind, NAME_BYTES_MAX, Number, OPEN_MAX,
    PATH_BYTES_MAX, READ_BYTES_MAX, ROOT, Refusal, Time, Volume,
};

type Store<'a> = StoreContextMut<'a, CallState>;

/// What a guest is answered.
type Answer<T> = std::result::Result<T, ErrorCode>;

/// The most bytes of files in `/tmp`.
const TMP_BYTES_MAX: u64 = 64 << 20;

/// The most entries of the tree in which they are kept.
const TMP_ENTRIES_MAX: u64 = 100_000;

const TYPES: &str = "wasi:filesystem/types@0.2.12";

/// Which of the two file systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mount {
    State,
    Tmp,
}

impl Mount {
    const ALL: [(Self, &'static str); 2] = [(Self::State, "/"), (Self::Tmp, "/tmp")];

    /// Fuel units for a change of one entry: only those of the state are hashed.
    const fn change_fuel(self) -> u64 {
        match self {
            Self::State => WRITE_FUEL,
            Self::Tmp => READ_FUEL,
        }
    }

    /// Fuel units for the first write to a chunk in a call.
    const fn chunk_fuel(self) -> u64 {
        match self {
            Self::State => WRITE_FUEL + CHUNK_BYTES * WRITE_BYTE_FUEL,
            Self::Tmp => READ_FUEL,
        }
    }
}

/// What a guest has open.
#[derive(Clone, Copy)]
struct Descriptor {
    mount: Mount,
    number: Number,
    kind: Kind,
    read: bool,
    write: bool,
}

/// A directory that is being listed.
struct Listing {
    mount: Mount,
    number: Number,
    /// The name that was given last.
    after: Option<String>,
}

/// Where a stream is in a file.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    pub(super) mount: Mount,
    pub(super) number: Number,
    /// The next byte; none if it is always behind the last one.
    pub(super) position: Option<u64>,
}

/// The files of a call.
pub(super) struct OpenFiles {
    offered: bool,
    state: Volume,
    tmp: Volume,
    tmp_entries: Transaction<MemoryNodes>,
    /// Input and output streams that are files, by the numbers of their resources.
    pub(super) inputs: HashMap<u32, Cursor>,
    pub(super) outputs: HashMap<u32, Cursor>,
}

impl OpenFiles {
    pub(super) fn new(mode: Mode, timestamp_ms: u64, memory_bytes: u64) -> Self {
        let now = Time::from_ms(timestamp_ms);
        let bytes = memory_bytes.min(TMP_BYTES_MAX);
        let limits = StateLimits {
            entries: TMP_ENTRIES_MAX,
            bytes,
            changed_keys: 2 * TMP_ENTRIES_MAX,
            changed_bytes: bytes,
        };
        Self {
            offered: mode != Mode::Pure,
            state: Volume::new(mode == Mode::Update, now),
            tmp: Volume::new(true, now),
            tmp_entries: Transaction::new(Tree::new(Root::EMPTY, MemoryNodes::default()), limits),
            inputs: HashMap::new(),
            outputs: HashMap::new(),
        }
    }

    /// Gives another part of the call the files of the state. What each has open in them stays its own, as `/tmp` does.
    pub(super) fn hand_over(&mut self, next: &mut Self) {
        std::mem::swap(&mut self.offered, &mut next.offered);
        std::mem::swap(&mut self.state, &mut next.state);
    }

    fn volume(&mut self, mount: Mount) -> &mut Volume {
        match mount {
            Mount::State => &mut self.state,
            Mount::Tmp => &mut self.tmp,
        }
    }
}

impl CallState {
    /// Those of the state are not there for code that runs when an instance starts.
    pub(super) fn files(&mut self, mount: Mount) -> Result<Files<'_>> {
        let files = &mut self.files;
        Ok(match mount {
            Mount::State => {
                self.session.started("the files of the state")?;
                files.state.with(self.session.transaction())
            }
            Mount::Tmp => files.tmp.with(&mut files.tmp_entries),
        })
    }

    /// Ends what is still open, before the state is kept.
    pub(crate) fn close_files(&mut self) -> std::result::Result<(), FileError> {
        self.files.state.with(self.session.transaction()).finish()
    }
}

/// As a part of the profile.
pub(super) fn description() -> String {
    format!(
        "files chunk {CHUNK_BYTES} name {NAME_BYTES_MAX} path {PATH_BYTES_MAX} size {FILE_BYTES_MAX} \
         at once {READ_BYTES_MAX} open {OPEN_MAX} tmp {TMP_BYTES_MAX} entries {TMP_ENTRIES_MAX}"
    )
}

/// Links `wasi:filesystem`.
pub(super) fn add_to_linker(linker: &mut Linker<CallState>) -> Result<()> {
    let mut preopens = linker.instance("wasi:filesystem/preopens@0.2.12")?;
    preopens.func_wrap_async("get-directories", |mut store, (): ()| {
        Box::new(async move {
            charge(&mut store, 0).await?;
            let state = store.data_mut();
            let mut directories = Vec::new();
            if !state.files.offered {
                return Ok((directories,));
            }
            for (mount, name) in Mount::ALL {
                let volume = state.files.volume(mount);
                let descriptor = Descriptor {
                    mount,
                    number: ROOT,
                    kind: Kind::Directory,
                    read: true,
                    write: volume.is_writable(),
                };
                volume.hold(ROOT)?;
                directories.push((state.table.push(descriptor)?, name.to_owned()));
            }
            Ok((directories,))
        })
    })?;

    let mut types = linker.instance(TYPES)?;
    types.resource_async(
        "descriptor",
        ResourceType::host::<Descriptor>(),
        |mut store, number| {
            Box::new(async move {
                let resource = Resource::<Descriptor>::new_own(number);
                let closed = store.data_mut().table.delete(resource)?;
                close(&mut store, closed.mount, closed.number).await
            })
        },
    )?;
    types.resource(
        "directory-entry-stream",
        ResourceType::host::<Listing>(),
        |mut store, number| {
            let resource = Resource::<Listing>::new_own(number);
            let Listing { mount, number, .. } = store.data_mut().table.delete(resource)?;
            // A directory has no content to drop.
            store.data_mut().files.volume(mount).release(number);
            Ok(())
        },
    )?;
    types.func_wrap_async(
        "filesystem-error-code",
        |mut store, (error,): (Resource<StreamFailure>,)| {
            Box::new(async move {
                charge(&mut store, 0).await?;
                let failure = store.data().table.get(&error)?;
                Ok((failure.downcast_ref::<ErrorCode>().copied(),))
            })
        },
    )?;
    content::add_to_linker(linker)?;
    names::add_to_linker(linker)
}

/// Counts one less that is open, and drops what nothing leads to any more.
pub(super) async fn close(store: &mut Store<'_>, mount: Mount, number: Number) -> Result<()> {
    charge(store, 0).await?;
    if store.data_mut().files.volume(mount).release(number) {
        drop_content(store, mount, number, 0).await?;
        ending(store.data_mut().files(mount)?.forget(number))?;
    }
    Ok(())
}

/// Drops the chunks of a file behind a size, step by step.
async fn drop_content(
    store: &mut Store<'_>,
    mount: Mount,
    number: Number,
    size: u64,
) -> Result<()> {
    loop {
        charge(store, READ_FUEL).await?;
        let found = ending(store.data_mut().files(mount)?.chunks_behind(number, size))?;
        if found == 0 {
            return Ok(());
        }
        let each = ENTRY_FUEL + mount.change_fuel();
        charge(store, found.saturating_mul(each)).await?;
        ending(store.data_mut().files(mount)?.drop_chunks(number, size))?;
    }
}

/// The answer to the guest, unless the call cannot go on.
fn told<T>(result: std::result::Result<T, FileError>) -> Result<Answer<T>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(FileError::Refused(refusal)) => Ok(Err(code(refusal))),
        Err(FileError::Nodes(error)) => Err(StateFailure(error).into()),
        Err(error @ FileError::Halfway(_)) => Err(error.into()),
    }
}

/// For what the guest has not asked for, so that it cannot be told either.
fn ending<T>(result: std::result::Result<T, FileError>) -> Result<T> {
    result.map_err(|error| match error {
        FileError::Nodes(error) => StateFailure(error).into(),
        error => error.into(),
    })
}

fn code(refusal: Refusal) -> ErrorCode {
    match refusal {
        Refusal::Exists => ErrorCode::Exist,
        Refusal::FileTooLarge => ErrorCode::FileTooLarge,
        Refusal::IllegalName => ErrorCode::IllegalByteSequence,
        Refusal::Invalid => ErrorCode::Invalid,
        Refusal::IsDirectory => ErrorCode::IsDirectory,
        Refusal::TooDeep => ErrorCode::Loop,
        Refusal::NameTooLong => ErrorCode::NameTooLong,
        Refusal::TooManyOpen => ErrorCode::Quota,
        Refusal::NoEntry => ErrorCode::NoEntry,
        Refusal::NoSpace => ErrorCode::InsufficientSpace,
        Refusal::NotDirectory => ErrorCode::NotDirectory,
        Refusal::NotEmpty => ErrorCode::NotEmpty,
        Refusal::NotPermitted => ErrorCode::NotPermitted,
        Refusal::ReadOnly => ErrorCode::ReadOnly,
        Refusal::Damaged => ErrorCode::Io,
    }
}

fn kind(kind: Kind) -> DescriptorType {
    match kind {
        Kind::File => DescriptorType::RegularFile,
        Kind::Directory => DescriptorType::Directory,
    }
}

fn datetime(time: Time) -> Datetime {
    Datetime {
        seconds: time.seconds,
        nanoseconds: time.nanoseconds,
    }
}

/// The time to set; none to leave what is there.
fn new_time(new: NewTimestamp, now: Time) -> Answer<Option<Time>> {
    match new {
        NewTimestamp::NoChange => Ok(None),
        NewTimestamp::Now => Ok(Some(now)),
        NewTimestamp::Timestamp(time) if time.nanoseconds < 1_000_000_000 => Ok(Some(Time {
            seconds: time.seconds,
            nanoseconds: time.nanoseconds,
        })),
        NewTimestamp::Timestamp(_) => Err(ErrorCode::Invalid),
    }
}

/// Says which file it is, whatever its content: C libraries use it as the number of the inode.
fn identity(mount: Mount, number: Number) -> MetadataHashValue {
    let mut hasher = blake3::Hasher::new_derive_key("weir marine file identity v1");
    hasher.update(&[u8::from(mount == Mount::Tmp)]);
    hasher.update(&number.to_be_bytes());
    let mut halves = [[0; 8]; 2];
    hasher.finalize_xof().fill(halves.as_flattened_mut());
    let [lower, upper] = halves.map(u64::from_be_bytes);
    MetadataHashValue { lower, upper }
}
