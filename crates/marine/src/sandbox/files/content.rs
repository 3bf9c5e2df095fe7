//! The functions of descriptors that need no path.

use wasmtime::Result;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Advice, DescriptorFlags, DescriptorStat, DirectoryEntry, ErrorCode, NewTimestamp,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use super::super::CallState;
use super::super::metered::charge;
use super::super::state::{ENTRY_FUEL, READ_FUEL};
use super::super::streams::FileStream;
use super::{
    Answer, Cursor, Descriptor, Listing, Mount, Store, TYPES, datetime, drop_content, identity,
    kind, new_time, told,
};
use crate::files::{CHUNK_BYTES, Kind, Meta, Number, READ_BYTES_MAX};

type This = Resource<Descriptor>;

pub(super) fn add_to_linker(linker: &mut Linker<CallState>) -> Result<()> {
    let mut types = linker.instance(TYPES)?;
    types.func_wrap_async(
        "[method]descriptor.read-via-stream",
        |mut store, (this, offset): (This, u64)| {
            Box::new(async move {
                let file = begin(&mut store, &this, READ_FUEL).await?;
                if let Err(error) = to_read(file) {
                    return Ok((Err(error),));
                }
                let state = store.data_mut();
                if let Err(error) = told(state.files.volume(file.mount).hold(file.number))? {
                    return Ok((Err(error),));
                }
                let stream: DynInputStream = Box::new(FileStream);
                let stream = state.table.push(stream)?;
                state
                    .files
                    .inputs
                    .insert(stream.rep(), file.cursor(Some(offset)));
                Ok((Ok(stream),))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.write-via-stream",
        |mut store, (this, offset): (This, u64)| {
            Box::new(async move {
                let file = begin(&mut store, &this, READ_FUEL).await?;
                Ok((writer(&mut store, file, Some(offset))?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.append-via-stream",
        |mut store, (this,): (This,)| {
            Box::new(async move {
                let file = begin(&mut store, &this, READ_FUEL).await?;
                Ok((writer(&mut store, file, None)?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.read",
        |mut store, (this, len, offset): (This, u64, u64)| {
            Box::new(async move {
                let file = begin(&mut store, &this, 0).await?;
                if let Err(error) = to_read(file) {
                    return Ok((Err(error),));
                }
                Ok((read_file(&mut store, file.mount, file.number, offset, len).await?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.write",
        |mut store, (this, bytes, offset): (This, Vec<u8>, u64)| {
            Box::new(async move {
                let file = begin(&mut store, &this, 0).await?;
                if let Err(error) = to_write(file) {
                    return Ok((Err(error),));
                }
                Ok((write_file(&mut store, file.cursor(Some(offset)), &bytes).await?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.set-size",
        |mut store, (this, size): (This, u64)| {
            Box::new(async move {
                let file = begin(&mut store, &this, READ_FUEL).await?;
                if let Err(error) = to_write(file) {
                    return Ok((Err(error),));
                }
                Ok((resize(&mut store, file.mount, file.number, size).await?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.set-times",
        |mut store, (this, _accessed, modified): (This, NewTimestamp, NewTimestamp)| {
            Box::new(async move {
                let file = begin(&mut store, &this, 0).await?;
                charge(&mut store, file.mount.change_fuel()).await?;
                if !file.write {
                    return Ok((Err(ErrorCode::BadDescriptor),));
                }
                Ok((set_times(
                    store.data_mut(),
                    file.mount,
                    file.number,
                    modified,
                )?,))
            })
        },
    )?;
    add_facts(linker)?;
    add_listing(linker)
}

fn add_facts(linker: &mut Linker<CallState>) -> Result<()> {
    let mut types = linker.instance(TYPES)?;
    types.func_wrap_async(
        "[method]descriptor.advise",
        |mut store, (this, _offset, _len, _advice): (This, u64, u64, Advice)| {
            Box::new(async move {
                begin(&mut store, &this, 0).await?;
                Ok((Answer::Ok(()),))
            })
        },
    )?;
    // What a call writes is kept when it ends, or not at all: there is nothing to wait for before.
    for name in ["[method]descriptor.sync", "[method]descriptor.sync-data"] {
        types.func_wrap_async(name, |mut store, (this,): (This,)| {
            Box::new(async move {
                begin(&mut store, &this, 0).await?;
                Ok((Answer::Ok(()),))
            })
        })?;
    }
    types.func_wrap_async(
        "[method]descriptor.get-flags",
        |mut store, (this,): (This,)| {
            Box::new(async move {
                let file = begin(&mut store, &this, 0).await?;
                let changes = match file.kind {
                    Kind::File => DescriptorFlags::WRITE,
                    Kind::Directory => DescriptorFlags::MUTATE_DIRECTORY,
                };
                let mut flags = DescriptorFlags::empty();
                if file.read {
                    flags |= DescriptorFlags::READ;
                }
                if file.write {
                    flags |= changes;
                }
                Ok((Answer::Ok(flags),))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.get-type",
        |mut store, (this,): (This,)| {
            Box::new(async move {
                let file = begin(&mut store, &this, 0).await?;
                Ok((Answer::Ok(kind(file.kind)),))
            })
        },
    )?;
    types.func_wrap_async("[method]descriptor.stat", |mut store, (this,): (This,)| {
        Box::new(async move {
            let file = begin(&mut store, &this, READ_FUEL).await?;
            let meta = told(store.data_mut().files(file.mount)?.meta(file.number))?;
            Ok((meta.map(|meta| stat(&meta)),))
        })
    })?;
    types.func_wrap_async(
        "[method]descriptor.is-same-object",
        |mut store, (this, other): (This, This)| {
            Box::new(async move {
                let file = begin(&mut store, &this, 0).await?;
                let other = *store.data().table.get(&other)?;
                Ok(((file.mount, file.number) == (other.mount, other.number),))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.metadata-hash",
        |mut store, (this,): (This,)| {
            Box::new(async move {
                let file = begin(&mut store, &this, 0).await?;
                Ok((Answer::Ok(identity(file.mount, file.number)),))
            })
        },
    )
}

fn add_listing(linker: &mut Linker<CallState>) -> Result<()> {
    let mut types = linker.instance(TYPES)?;
    types.func_wrap_async(
        "[method]descriptor.read-directory",
        |mut store, (this,): (This,)| {
            Box::new(async move {
                let Descriptor {
                    mount,
                    number,
                    kind,
                    ..
                } = begin(&mut store, &this, 0).await?;
                if kind != Kind::Directory {
                    return Ok((Err(ErrorCode::NotDirectory),));
                }
                let state = store.data_mut();
                if let Err(error) = told(state.files.volume(mount).hold(number))? {
                    return Ok((Err(error),));
                }
                let listing = Listing {
                    mount,
                    number,
                    after: None,
                };
                Ok((Ok(state.table.push(listing)?),))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]directory-entry-stream.read-directory-entry",
        |mut store, (this,): (Resource<Listing>,)| {
            Box::new(async move {
                charge(&mut store, READ_FUEL + ENTRY_FUEL).await?;
                let state = store.data_mut();
                let listing = state.table.get_mut(&this)?;
                let (mount, number) = (listing.mount, listing.number);
                let after = listing.after.take();
                let next = told(state.files(mount)?.next_entry(number, after.as_deref()))?;
                let Ok(next) = next else {
                    return Ok((next.map(|_| None),));
                };
                // At the end it stays where it is: what is added behind is still found.
                state.table.get_mut(&this)?.after =
                    next.as_ref().map(|(name, _)| name.clone()).or(after);
                let entry = next.map(|(name, entry)| DirectoryEntry {
                    type_: kind(entry.kind),
                    name,
                });
                Ok((Answer::Ok(entry),))
            })
        },
    )
}

impl Descriptor {
    const fn cursor(self, position: Option<u64>) -> Cursor {
        Cursor {
            mount: self.mount,
            number: self.number,
            position,
        }
    }
}

/// Takes the price of a function and finds its descriptor.
pub(super) async fn begin(store: &mut Store<'_>, this: &This, work: u64) -> Result<Descriptor> {
    charge(store, work).await?;
    Ok(*store.data().table.get(this)?)
}

fn to_read(file: Descriptor) -> Answer<()> {
    match file.kind {
        Kind::Directory => Err(ErrorCode::IsDirectory),
        Kind::File if file.read => Ok(()),
        Kind::File => Err(ErrorCode::BadDescriptor),
    }
}

fn to_write(file: Descriptor) -> Answer<()> {
    match file.kind {
        Kind::Directory => Err(ErrorCode::IsDirectory),
        Kind::File if file.write => Ok(()),
        Kind::File => Err(ErrorCode::BadDescriptor),
    }
}

fn writer(
    store: &mut Store<'_>,
    file: Descriptor,
    position: Option<u64>,
) -> Result<Answer<Resource<DynOutputStream>>> {
    if let Err(error) = to_write(file) {
        return Ok(Err(error));
    }
    let state = store.data_mut();
    if let Err(error) = told(state.files.volume(file.mount).hold(file.number))? {
        return Ok(Err(error));
    }
    let stream: DynOutputStream = Box::new(FileStream);
    let stream = state.table.push(stream)?;
    state
        .files
        .outputs
        .insert(stream.rep(), file.cursor(position));
    Ok(Ok(stream))
}

/// Reads from a file for what it costs.
pub(in crate::sandbox) async fn read_file(
    store: &mut Store<'_>,
    mount: Mount,
    number: Number,
    offset: u64,
    len: u64,
) -> Result<Answer<(Vec<u8>, bool)>> {
    charge(store, READ_FUEL).await?;
    let found = told(store.data_mut().files(mount)?.readable(number, offset, len))?;
    let len = match found {
        Ok(len) => len,
        Err(error) => return Ok(Err(error)),
    };
    let chunks = touched(len).saturating_mul(READ_FUEL);
    charge(store, chunks.saturating_add(len)).await?;
    told(store.data_mut().files(mount)?.read(number, offset, len))
}

/// Writes to a file for what it costs, and says how many bytes there was room for.
pub(in crate::sandbox) async fn write_file(
    store: &mut Store<'_>,
    cursor: Cursor,
    bytes: &[u8],
) -> Result<Answer<u64>> {
    let Cursor { mount, number, .. } = cursor;
    charge(store, READ_FUEL.saturating_add(bytes.len() as u64)).await?;
    let offset = match cursor.position {
        Some(offset) => offset,
        None => match told(store.data_mut().files(mount)?.meta(number))? {
            Ok(meta) => meta.size(),
            Err(error) => return Ok(Err(error)),
        },
    };
    let len = (bytes.len() as u64).min(READ_BYTES_MAX);
    let volume = store.data_mut().files.volume(mount);
    let fresh = volume.fresh_chunks(number, offset, len);
    let chunks = touched(len).saturating_mul(READ_FUEL);
    let hashes = fresh.saturating_mul(mount.chunk_fuel());
    charge(store, chunks.saturating_add(hashes)).await?;
    told(store.data_mut().files(mount)?.write(number, offset, bytes))
}

/// How many chunks that many bytes touch, about.
const fn touched(len: u64) -> u64 {
    len.div_ceil(CHUNK_BYTES)
}

/// Sets the size of a file, and drops what is behind it.
pub(super) async fn resize(
    store: &mut Store<'_>,
    mount: Mount,
    number: Number,
    size: u64,
) -> Result<Answer<()>> {
    charge(store, mount.change_fuel() + mount.chunk_fuel()).await?;
    if let Err(error) = told(store.data_mut().files(mount)?.set_size(number, size))? {
        return Ok(Err(error));
    }
    drop_content(store, mount, number, size).await?;
    Ok(Ok(()))
}

pub(super) fn set_times(
    state: &mut CallState,
    mount: Mount,
    number: Number,
    modified: NewTimestamp,
) -> Result<Answer<()>> {
    let now = state.files.volume(mount).now();
    match new_time(modified, now) {
        Err(error) => Ok(Err(error)),
        Ok(None) => Ok(Ok(())),
        Ok(Some(time)) => told(state.files(mount)?.set_modified(number, time)),
    }
}

pub(super) fn stat(meta: &Meta) -> DescriptorStat {
    let modified = datetime(meta.modified);
    DescriptorStat {
        type_: kind(meta.kind),
        link_count: 1,
        size: meta.size(),
        // When something was read is not kept: reading would change the state.
        data_access_timestamp: Some(modified),
        data_modification_timestamp: Some(modified),
        status_change_timestamp: Some(modified),
    }
}
