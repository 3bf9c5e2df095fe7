//! Content-addressed bytes at the executing peer.

use crate::{Fault, host};
use std::io;

/// The most bytes that one [`read`] gives.
pub const READ_BYTES_MAX: u32 = 65_536;

/// The size of a blob in bytes.
pub fn size(cid: &str) -> Result<u64, Fault> {
    Ok(host::blobs::size(cid)?)
}

/// At most `len` bytes, [`READ_BYTES_MAX`] at most, from `offset` on; fewer at the end.
pub fn read(cid: &str, offset: u64, len: u32) -> Result<Vec<u8>, Fault> {
    Ok(host::blobs::read(cid, offset, len)?)
}

/// The whole blob, which must fit into the memory of the call.
pub fn get(cid: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    loop {
        let part = read(cid, bytes.len() as u64, READ_BYTES_MAX)?;
        if part.is_empty() {
            return Ok(bytes);
        }
        bytes.extend(part);
    }
}

/// Keeps bytes and gives their CID.
pub fn put(bytes: &[u8]) -> Result<String, Fault> {
    Ok(host::blobs::put(bytes)?)
}

/// Reads a blob piece by piece, as [`io::Read`].
#[derive(Debug)]
pub struct Reader<'a> {
    cid: &'a str,
    offset: u64,
}

impl<'a> Reader<'a> {
    /// A reader from the beginning on. Whether there is such a blob shows with the first read.
    pub fn new(cid: &'a str) -> Self {
        Self { cid, offset: 0 }
    }
}

impl io::Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        if len == 0 {
            return Ok(0);
        }
        let part =
            read(self.cid, self.offset, len.min(READ_BYTES_MAX)).map_err(io::Error::other)?;
        buffer[..part.len()].copy_from_slice(&part);
        self.offset += part.len() as u64;
        Ok(part.len())
    }
}
