//! The functions of descriptors that follow a path.

use wasmtime::Result;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
};

use super::super::CallState;
use super::super::metered::charge;
use super::super::state::READ_FUEL;
use super::content::{begin, resize, set_times, stat};
use super::{Answer, Descriptor, Store, TYPES, close, drop_content, ending, identity, told};
use crate::files::{FileError, Files, Kind, Opening, components};

type This = Resource<Descriptor>;

/// How many entries change when a file or directory is made, removed or moved.
const CHANGES: u64 = 6;

pub(super) fn add_to_linker(linker: &mut Linker<CallState>) -> Result<()> {
    let mut types = linker.instance(TYPES)?;
    types.func_wrap_async(
        "[method]descriptor.open-at",
        |mut store,
         (this, _path_flags, path, open, flags): (
            This,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        )| {
            Box::new(async move {
                let directory = follow(&mut store, &this, &path).await?;
                Ok((match directory {
                    Ok(directory) => open_at(&mut store, directory, &path, open, flags).await?,
                    Err(error) => Err(error),
                },))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.stat-at",
        |mut store, (this, _flags, path): (This, PathFlags, String)| {
            Box::new(async move {
                let directory = match follow(&mut store, &this, &path).await? {
                    Ok(directory) => directory,
                    Err(error) => return Ok((Err(error),)),
                };
                charge(&mut store, READ_FUEL).await?;
                let files = store.data_mut().files(directory.mount)?;
                let entry = files.find(directory.number, &path);
                let meta = told(entry.and_then(|entry| files.meta(entry.number)))?;
                Ok((meta.map(|meta| stat(&meta)),))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.metadata-hash-at",
        |mut store, (this, _flags, path): (This, PathFlags, String)| {
            Box::new(async move {
                let directory = match follow(&mut store, &this, &path).await? {
                    Ok(directory) => directory,
                    Err(error) => return Ok((Err(error),)),
                };
                let files = store.data_mut().files(directory.mount)?;
                let entry = told(files.find(directory.number, &path))?;
                Ok((entry.map(|entry| identity(directory.mount, entry.number)),))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.set-times-at",
        |mut store,
         (this, _flags, path, _accessed, modified): (
            This,
            PathFlags,
            String,
            NewTimestamp,
            NewTimestamp,
        )| {
            Box::new(async move {
                let directory = match to_change(&mut store, &this, &path, 1).await? {
                    Ok(directory) => directory,
                    Err(error) => return Ok((Err(error),)),
                };
                let state = store.data_mut();
                let entry = state.files(directory.mount)?.find(directory.number, &path);
                Ok((match told(entry)? {
                    Ok(entry) => set_times(state, directory.mount, entry.number, modified)?,
                    Err(error) => Err(error),
                },))
            })
        },
    )?;
    add_changes(linker)?;
    add_links(linker)
}

fn add_changes(linker: &mut Linker<CallState>) -> Result<()> {
    let mut types = linker.instance(TYPES)?;
    types.func_wrap_async(
        "[method]descriptor.create-directory-at",
        |mut store, (this, path): (This, String)| {
            Box::new(async move {
                let made = changed(&mut store, &this, &path, |mut files, directory| {
                    files.create_directory(directory, &path)
                });
                Ok((made.await?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.remove-directory-at",
        |mut store, (this, path): (This, String)| {
            Box::new(async move {
                let removed = changed(&mut store, &this, &path, |mut files, directory| {
                    files.remove_directory(directory, &path)
                });
                Ok((removed.await?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.unlink-file-at",
        |mut store, (this, path): (This, String)| {
            Box::new(async move {
                let directory = match to_change(&mut store, &this, &path, CHANGES).await? {
                    Ok(directory) => directory,
                    Err(error) => return Ok((Err(error),)),
                };
                if let Err(error) = prepay(&mut store, directory, &path).await? {
                    return Ok((Err(error),));
                }
                let mut files = store.data_mut().files(directory.mount)?;
                let gone = told(files.unlink(directory.number, &path))?;
                Ok((forget(&mut store, directory, gone).await?,))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.rename-at",
        |mut store, (this, path, to, new_path): (This, String, This, String)| {
            Box::new(async move {
                let from = match to_change(&mut store, &this, &path, CHANGES).await? {
                    Ok(directory) => directory,
                    Err(error) => return Ok((Err(error),)),
                };
                let to = match to_change(&mut store, &to, &new_path, 0).await? {
                    Ok(directory) => directory,
                    Err(error) => return Ok((Err(error),)),
                };
                if from.mount != to.mount {
                    return Ok((Err(ErrorCode::CrossDevice),));
                }
                let moved = store.data_mut().files(from.mount)?.find(from.number, &path);
                match told(moved)? {
                    Ok(moved) if moved.kind == Kind::Directory => {
                        charge(&mut store, Files::steps_up_max() * READ_FUEL).await?;
                    }
                    Ok(_) => match prepay(&mut store, to, &new_path).await? {
                        Ok(()) | Err(ErrorCode::NoEntry) => {}
                        Err(error) => return Ok((Err(error),)),
                    },
                    Err(error) => return Ok((Err(error),)),
                }
                let mut files = store.data_mut().files(from.mount)?;
                let gone = told(files.rename((from.number, &path), (to.number, &new_path)))?;
                Ok((forget(&mut store, from, gone).await?,))
            })
        },
    )
}

/// There are no links.
fn add_links(linker: &mut Linker<CallState>) -> Result<()> {
    let mut types = linker.instance(TYPES)?;
    types.func_wrap_async(
        "[method]descriptor.link-at",
        |mut store, (this, _flags, path, _to, new): (This, PathFlags, String, This, String)| {
            Box::new(async move {
                charge(&mut store, new.len() as u64).await?;
                let directory = follow(&mut store, &this, &path).await?;
                Ok((directory.and(Answer::<()>::Err(ErrorCode::Unsupported)),))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.symlink-at",
        |mut store, (this, old, path): (This, String, String)| {
            Box::new(async move {
                charge(&mut store, old.len() as u64).await?;
                let directory = follow(&mut store, &this, &path).await?;
                Ok((directory.and(Answer::<()>::Err(ErrorCode::Unsupported)),))
            })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.readlink-at",
        |mut store, (this, path): (This, String)| {
            Box::new(async move {
                let directory = match follow(&mut store, &this, &path).await? {
                    Ok(directory) => directory,
                    Err(error) => return Ok((Err(error),)),
                };
                let files = store.data_mut().files(directory.mount)?;
                let entry = told(files.find(directory.number, &path))?;
                // What is there is no link.
                Ok((entry.and(Answer::<String>::Err(ErrorCode::Invalid)),))
            })
        },
    )
}

/// Takes the price of following a path, and finds the directory that it begins in.
async fn follow(store: &mut Store<'_>, this: &This, path: &str) -> Result<Answer<Descriptor>> {
    let steps = components(path).saturating_mul(READ_FUEL);
    let directory = begin(store, this, steps.saturating_add(path.len() as u64)).await?;
    Ok(match directory.kind {
        Kind::Directory => Ok(directory),
        Kind::File => Err(ErrorCode::NotDirectory),
    })
}

/// The same to change so many entries.
async fn to_change(
    store: &mut Store<'_>,
    this: &This,
    path: &str,
    changes: u64,
) -> Result<Answer<Descriptor>> {
    let directory = match follow(store, this, path).await? {
        Ok(directory) if directory.write => directory,
        // A directory is open for changes if its file system is.
        Ok(_) => return Ok(Err(ErrorCode::ReadOnly)),
        Err(error) => return Ok(Err(error)),
    };
    charge(store, changes.saturating_mul(directory.mount.change_fuel())).await?;
    Ok(Ok(directory))
}

async fn changed(
    store: &mut Store<'_>,
    this: &This,
    path: &str,
    change: impl FnOnce(Files<'_>, u64) -> std::result::Result<(), FileError>,
) -> Result<Answer<()>> {
    let directory = match to_change(store, this, path, CHANGES).await? {
        Ok(directory) => directory,
        Err(error) => return Ok(Err(error)),
    };
    let files = store.data_mut().files(directory.mount)?;
    told(change(files, directory.number))
}

/// Takes the price of dropping a file that is still open: at the end of the call nobody is there to pay.
async fn prepay(store: &mut Store<'_>, directory: Descriptor, path: &str) -> Result<Answer<()>> {
    let mount = directory.mount;
    let files = store.data_mut().files(mount)?;
    let chunks = files
        .find(directory.number, path)
        .and_then(|entry| files.chunks_if_open(entry.number));
    let chunks = match told(chunks)? {
        Ok(chunks) => chunks,
        Err(error) => return Ok(Err(error)),
    };
    charge(store, chunks.saturating_mul(mount.change_fuel())).await?;
    Ok(Ok(()))
}

/// Drops the content of a file that nothing leads to any more.
async fn forget(
    store: &mut Store<'_>,
    directory: Descriptor,
    gone: Answer<Option<u64>>,
) -> Result<Answer<()>> {
    let Ok(Some(number)) = gone else {
        return Ok(gone.map(|_| ()));
    };
    drop_content(store, directory.mount, number, 0).await?;
    ending(store.data_mut().files(directory.mount)?.forget(number))?;
    Ok(Ok(()))
}

/// Finds or makes what a path leads to, and opens it.
async fn open_at(
    store: &mut Store<'_>,
    directory: Descriptor,
    path: &str,
    open: OpenFlags,
    flags: DescriptorFlags,
) -> Result<Answer<Resource<Descriptor>>> {
    let mount = directory.mount;
    let (read, write) = (
        flags.contains(DescriptorFlags::READ),
        flags.contains(DescriptorFlags::WRITE),
    );
    let truncate = open.contains(OpenFlags::TRUNCATE);
    let how = Opening {
        create: open.contains(OpenFlags::CREATE),
        exclusive: open.contains(OpenFlags::EXCLUSIVE),
        directory: open.contains(OpenFlags::DIRECTORY),
        write: write || truncate,
    };
    let changes = match (how.create, how.write) {
        (true, _) => CHANGES,
        (false, true) => 1,
        (false, false) => 0,
    };
    charge(store, changes.saturating_mul(mount.change_fuel())).await?;
    let entry = match told(
        store
            .data_mut()
            .files(mount)?
            .open(directory.number, path, how),
    )? {
        Ok(entry) => entry,
        Err(error) => return Ok(Err(error)),
    };
    if entry.kind == Kind::Directory && how.write {
        return Ok(Err(ErrorCode::IsDirectory));
    }
    if let Err(error) = told(store.data_mut().files.volume(mount).hold(entry.number))? {
        return Ok(Err(error));
    }
    let opened = Descriptor {
        mount,
        number: entry.number,
        kind: entry.kind,
        read,
        write: match entry.kind {
            Kind::File => write,
            Kind::Directory => directory.write,
        },
    };
    let resource = store.data_mut().table.push(opened)?;
    if truncate && let Err(error) = resize(store, mount, entry.number, 0).await? {
        store.data_mut().table.delete(resource)?;
        close(store, mount, entry.number).await?;
        return Ok(Err(error));
    }
    Ok(Ok(resource))
}
