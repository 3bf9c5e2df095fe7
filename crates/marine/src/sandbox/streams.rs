//! `wasi:io/streams` with a price: reading and writing work for as long as a guest asks for bytes.
//!
//! A stream is either the library's (output that goes into the log, input that is empty) or a place in a file, which
//! the host reads and writes itself, since only it has the state at hand. For those there is a [`FileStream`] in the
//! table, which is always ready.

use bytes::Bytes;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};
use wasmtime_wasi_io::bindings::wasi::io::streams::{
    self, Host as _, HostInputStream as _, HostOutputStream as _,
};

use super::CallState;
use super::files::{close, read_file, write_file};
use super::metered::charge;

type Store<'a> = StoreContextMut<'a, CallState>;
type Input = Resource<DynInputStream>;
type Output = Resource<DynOutputStream>;

/// What a function returns to the guest.
type Answer<T> = (std::result::Result<T, streams::StreamError>,);

/// The most bytes that are read or written at once.
pub(super) const STREAM_BYTES_MAX: usize = 64 << 10;

/// The most bytes that a function which waits for them takes at once, by the rules of WASI.
const BLOCKING_BYTES_MAX: usize = 4096;

/// As a part of the profile.
pub(super) fn description() -> String {
    format!("streams at once {STREAM_BYTES_MAX} blocking {BLOCKING_BYTES_MAX}")
}

/// Stands for a file in the table of resources.
pub(super) struct FileStream;

impl InputStream for FileStream {
    fn read(&mut self, _size: usize) -> StreamResult<Bytes> {
        Err(StreamError::trap("a file was read without its state"))
    }
}

impl OutputStream for FileStream {
    fn write(&mut self, _bytes: Bytes) -> StreamResult<()> {
        Err(StreamError::trap("a file was written without its state"))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(STREAM_BYTES_MAX)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for FileStream {
    async fn ready(&mut self) {}
}

/// Puts the functions with a price in the place of those without.
pub(super) fn add_to_linker(linker: &mut Linker<CallState>) -> Result<()> {
    linker.allow_shadowing(true);
    add_input(linker)?;
    add_output(linker)?;
    add_splice(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn add_input(linker: &mut Linker<CallState>) -> Result<()> {
    let mut streams = linker.instance("wasi:io/streams@0.2.12")?;
    streams.resource_async(
        "input-stream",
        ResourceType::host::<DynInputStream>(),
        |mut store, number| {
            Box::new(async move {
                let state = store.data_mut();
                state.table.delete(Input::new_own(number))?;
                match state.files.inputs.remove(&number) {
                    Some(file) => close(&mut store, file.mount, file.number).await,
                    None => Ok(()),
                }
            })
        },
    )?;
    // Nothing that is read has to be waited for.
    for name in [
        "[method]input-stream.read",
        "[method]input-stream.blocking-read",
    ] {
        streams.func_wrap_async(name, |mut store, (stream, len): (Input, u64)| {
            Box::new(async move {
                let bytes = read(&mut store, &stream, len).await?;
                answer(&mut store, bytes)
            })
        })?;
    }
    for name in [
        "[method]input-stream.skip",
        "[method]input-stream.blocking-skip",
    ] {
        streams.func_wrap_async(name, |mut store, (stream, len): (Input, u64)| {
            Box::new(async move {
                let bytes = read(&mut store, &stream, len).await?;
                answer(&mut store, bytes.map(|bytes| bytes.len() as u64))
            })
        })?;
    }
    Ok(())
}

fn add_output(linker: &mut Linker<CallState>) -> Result<()> {
    let mut streams = linker.instance("wasi:io/streams@0.2.12")?;
    streams.resource_async(
        "output-stream",
        ResourceType::host::<DynOutputStream>(),
        |mut store, number| {
            Box::new(async move {
                let state = store.data_mut();
                state.table.delete(Output::new_own(number))?;
                match state.files.outputs.remove(&number) {
                    Some(file) => close(&mut store, file.mount, file.number).await,
                    None => Ok(()),
                }
            })
        },
    )?;
    streams.func_wrap_async(
        "[method]output-stream.write",
        |mut store, (stream, bytes): (Output, Vec<u8>)| {
            Box::new(async move {
                let written = write(&mut store, stream, bytes, STREAM_BYTES_MAX).await?;
                answer(&mut store, written)
            })
        },
    )?;
    streams.func_wrap_async(
        "[method]output-stream.blocking-write-and-flush",
        |mut store, (stream, bytes): (Output, Vec<u8>)| {
            Box::new(async move {
                let written = write(&mut store, stream, bytes, BLOCKING_BYTES_MAX).await?;
                answer(&mut store, written)
            })
        },
    )?;
    for (name, limit) in [
        ("[method]output-stream.write-zeroes", STREAM_BYTES_MAX),
        (
            "[method]output-stream.blocking-write-zeroes-and-flush",
            BLOCKING_BYTES_MAX,
        ),
    ] {
        streams.func_wrap_async(name, move |mut store, (stream, len): (Output, u64)| {
            Box::new(async move {
                // More than the limit ends the call, and so do zeros without end.
                charge(&mut store, len).await?;
                let zeros = vec![0; len.min(limit as u64 + 1) as usize];
                let written = write_paid(&mut store, stream, zeros, limit).await?;
                answer(&mut store, written)
            })
        })?;
    }
    streams.func_wrap_async(
        "[method]output-stream.check-write",
        |mut store, (stream,): (Output,)| {
            Box::new(async move {
                charge(&mut store, 0).await?;
                let room = store.data_mut().table.check_write(stream);
                answer(&mut store, room)
            })
        },
    )?;
    for name in [
        "[method]output-stream.flush",
        "[method]output-stream.blocking-flush",
    ] {
        streams.func_wrap_async(name, |mut store, (stream,): (Output,)| {
            Box::new(async move {
                charge(&mut store, 0).await?;
                // Nothing waits to be written.
                let flushed = store.data_mut().table.flush(stream);
                answer(&mut store, flushed)
            })
        })?;
    }
    Ok(())
}

fn add_splice(linker: &mut Linker<CallState>) -> Result<()> {
    let mut streams = linker.instance("wasi:io/streams@0.2.12")?;
    for name in [
        "[method]output-stream.splice",
        "[method]output-stream.blocking-splice",
    ] {
        streams.func_wrap_async(name, |mut store, (to, from, len): (Output, Input, u64)| {
            Box::new(async move {
                let bytes = match read(&mut store, &from, len).await? {
                    Ok(bytes) => bytes,
                    Err(error) => return answer(&mut store, Err(error)),
                };
                let len = bytes.len() as u64;
                let written = write(&mut store, to, bytes, STREAM_BYTES_MAX).await?;
                answer(&mut store, written.map(|()| len))
            })
        })?;
    }
    Ok(())
}

/// Reads from a stream for what it costs.
async fn read(store: &mut Store<'_>, stream: &Input, len: u64) -> Result<StreamResult<Vec<u8>>> {
    let len = len.min(STREAM_BYTES_MAX as u64);
    let Some(mut file) = store.data().files.inputs.get(&stream.rep()).copied() else {
        charge(store, len).await?;
        let stream = Input::new_borrow(stream.rep());
        return Ok(store.data_mut().table.read(stream, len));
    };
    let offset = file.position.unwrap_or_default();
    let bytes = match read_file(store, file.mount, file.number, offset, len).await? {
        Ok((bytes, _)) => bytes,
        Err(error) => return Ok(Err(failed(error))),
    };
    if bytes.is_empty() && len > 0 {
        return Ok(Err(StreamError::Closed));
    }
    file.position = Some(offset.saturating_add(bytes.len() as u64));
    store.data_mut().files.inputs.insert(stream.rep(), file);
    Ok(Ok(bytes))
}

async fn write(
    store: &mut Store<'_>,
    stream: Output,
    bytes: Vec<u8>,
    limit: usize,
) -> Result<StreamResult<()>> {
    charge(store, bytes.len() as u64).await?;
    write_paid(store, stream, bytes, limit).await
}

/// Writes to a stream what was paid for, but for what a file costs beside.
async fn write_paid(
    store: &mut Store<'_>,
    stream: Output,
    bytes: Vec<u8>,
    limit: usize,
) -> Result<StreamResult<()>> {
    if bytes.len() > limit {
        return Ok(Err(StreamError::Trap(wasmtime::format_err!(
            "wrote {} bytes at once, at most {limit} are taken",
            bytes.len()
        ))));
    }
    let number = stream.rep();
    let Some(mut file) = store.data().files.outputs.get(&number).copied() else {
        return Ok(store.data_mut().table.write(stream, bytes));
    };
    let written = match write_file(store, file, &bytes).await? {
        Ok(written) => written,
        Err(error) => return Ok(Err(failed(error))),
    };
    file.position = file
        .position
        .map(|position| position.saturating_add(written));
    store.data_mut().files.outputs.insert(number, file);
    Ok(if written < bytes.len() as u64 {
        Err(failed(ErrorCode::InsufficientSpace))
    } else {
        Ok(())
    })
}

fn failed(error: ErrorCode) -> StreamError {
    StreamError::LastOperationFailed(error.into())
}

fn answer<T>(store: &mut Store<'_>, result: StreamResult<T>) -> Result<Answer<T>> {
    Ok((match result {
        Ok(value) => Ok(value),
        Err(error) => Err(store.data_mut().table.convert_stream_error(error)?),
    },))
}
