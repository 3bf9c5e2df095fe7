//! What is in files.

use std::ops::Range;

use bytes::Bytes;
use weir_receipt::state::KeyRange;

use super::layout::{Kind, Meta, Number, chunk_key};
use super::{Files, Refusal, Result, halfway};

/// Bytes of a file that are one entry.
pub(crate) const CHUNK_BYTES: u64 = 4096;

/// Largest size of a file, in bytes: as many chunks as have a number.
pub(crate) const FILE_BYTES_MAX: u64 = CHUNK_BYTES << 32;

/// The most bytes that are read or written at once.
pub(crate) const READ_BYTES_MAX: u64 = 1 << 20;

/// How many chunks one step drops.
const STEP_CHUNKS: usize = 64;

/// The numbers of the chunks that `len` bytes from `offset` on touch.
pub(super) fn chunks(offset: u64, len: u64) -> Range<u64> {
    if len == 0 {
        return 0..0;
    }
    let last = offset.saturating_add(len - 1) / CHUNK_BYTES;
    offset / CHUNK_BYTES..last + 1
}

impl Files<'_> {
    fn file(&self, number: Number) -> Result<Meta> {
        let meta = self.meta(number)?;
        match meta.kind {
            Kind::File => Ok(meta),
            Kind::Directory => Err(Refusal::IsDirectory.into()),
        }
    }

    /// How many bytes a read of `len` from `offset` on gives: as many as there are, up to [`READ_BYTES_MAX`].
    pub(crate) fn readable(&self, number: Number, offset: u64, len: u64) -> Result<u64> {
        let size = self.file(number)?.size();
        Ok(size.saturating_sub(offset).min(len).min(READ_BYTES_MAX))
    }

    /// Reads; `len` is what [`Self::readable`] said or less. Says also whether the file ends there.
    pub(crate) fn read(&self, number: Number, offset: u64, len: u64) -> Result<(Vec<u8>, bool)> {
        let size = self.file(number)?.size();
        let len = size.saturating_sub(offset).min(len).min(READ_BYTES_MAX);
        let end = offset.saturating_add(len);
        let mut bytes = Vec::with_capacity(len as usize);
        for index in chunks(offset, len) {
            let start = index * CHUNK_BYTES;
            let from = offset.saturating_sub(start).min(CHUNK_BYTES) as usize;
            let to = (end - start).min(CHUNK_BYTES) as usize;
            let chunk = self.chunk(number, index)?.unwrap_or_default();
            let stored = chunk.len().clamp(from, to);
            bytes.extend_from_slice(chunk.get(from..stored).unwrap_or_default());
            bytes.resize(bytes.len() + to - stored, 0);
        }
        Ok((bytes, end >= size))
    }

    /// Writes, and says how many bytes there was room for: all but when a quota is met.
    pub(crate) fn write(&mut self, number: Number, offset: u64, bytes: &[u8]) -> Result<u64> {
        self.writable()?;
        let meta = self.file(number)?;
        let bytes = &bytes[..bytes.len().min(READ_BYTES_MAX as usize)];
        if bytes.is_empty() {
            return Ok(0);
        }
        let len = bytes.len() as u64;
        let end = offset
            .checked_add(len)
            .filter(|end| *end <= FILE_BYTES_MAX)
            .ok_or(Refusal::FileTooLarge)?;
        // First what is known of the file: then the content can be cut short wherever there is no more room.
        let modified = self.volume.now;
        let with_size = |end: u64| Meta {
            number: meta.size().max(end),
            modified,
            ..meta
        };
        self.keep(number, &with_size(end))?;
        let mut written = 0;
        for index in chunks(offset, len) {
            let start = index * CHUNK_BYTES;
            let at = offset.saturating_sub(start) as usize;
            let rest = &bytes[written..];
            let piece = &rest[..rest.len().min(CHUNK_BYTES as usize - at)];
            if let Err(error) = self.write_chunk(number, index, at, piece) {
                let reached = match written {
                    0 => meta,
                    _ => with_size(offset + written as u64),
                };
                let key = super::layout::meta_key(number);
                let value = reached.encode().to_vec();
                self.entries.set(&key, value.into()).map_err(halfway)?;
                return match error {
                    super::FileError::Refused(_) if written > 0 => Ok(written as u64),
                    error => Err(error),
                };
            }
            written += piece.len();
        }
        Ok(len)
    }

    fn write_chunk(&mut self, number: Number, index: u64, at: usize, piece: &[u8]) -> Result<()> {
        let chunk = if piece.len() as u64 == CHUNK_BYTES {
            piece.to_vec()
        } else {
            let old = self.chunk(number, index)?.unwrap_or_default();
            let mut chunk = Vec::with_capacity(old.len().max(at + piece.len()));
            chunk.extend_from_slice(&old);
            if chunk.len() < at + piece.len() {
                chunk.resize(at + piece.len(), 0);
            }
            chunk[at..at + piece.len()].copy_from_slice(piece);
            chunk
        };
        self.put_chunk(number, index, chunk)
    }

    fn chunk(&self, number: Number, index: u64) -> Result<Option<Bytes>> {
        let index = u32::try_from(index).map_err(|_| Refusal::FileTooLarge)?;
        let chunk = self.entries.get(&chunk_key(number, index))?;
        if chunk
            .as_ref()
            .is_some_and(|chunk| chunk.len() as u64 > CHUNK_BYTES)
        {
            return Err(Refusal::Damaged.into());
        }
        Ok(chunk)
    }

    /// Stores a chunk without the zeros at its end.
    fn put_chunk(&mut self, number: Number, index: u64, mut chunk: Vec<u8>) -> Result<()> {
        let index = u32::try_from(index).map_err(|_| Refusal::FileTooLarge)?;
        let len = chunk
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        chunk.truncate(len);
        let key = chunk_key(number, index);
        if chunk.is_empty() {
            self.entries.delete(&key)?;
        } else {
            self.entries.set(&key, chunk.into())?;
        }
        self.volume.written.insert((number, index));
        Ok(())
    }

    /// Sets the size: what is behind it must have been dropped ([`Self::drop_chunks`]), what is new is zeros.
    pub(crate) fn set_size(&mut self, number: Number, size: u64) -> Result<()> {
        self.writable()?;
        let meta = self.file(number)?;
        if size > FILE_BYTES_MAX {
            return Err(Refusal::FileTooLarge.into());
        }
        let kept = size % CHUNK_BYTES;
        if size < meta.size() && kept > 0 {
            let index = size / CHUNK_BYTES;
            if let Some(chunk) = self.chunk(number, index)?
                && chunk.len() as u64 > kept
            {
                self.put_chunk(number, index, chunk[..kept as usize].to_vec())?;
            }
        }
        let modified = self.volume.now;
        let meta = Meta {
            number: size,
            modified,
            ..meta
        };
        self.keep(number, &meta)
    }

    /// Drops some of the chunks behind `size`, and says how many. When there are none any more it says 0.
    pub(crate) fn drop_chunks(&mut self, number: Number, size: u64) -> Result<u64> {
        self.writable()?;
        let keys = self.behind(number, size)?;
        for key in &keys {
            self.entries.delete(key).map_err(halfway)?;
        }
        Ok(keys.len() as u64)
    }

    /// How many chunks [`Self::drop_chunks`] will drop.
    pub(crate) fn chunks_behind(&self, number: Number, size: u64) -> Result<u64> {
        Ok(self.behind(number, size)?.len() as u64)
    }

    /// The keys of the first chunks behind `size`.
    fn behind(&self, number: Number, size: u64) -> Result<Vec<Vec<u8>>> {
        let Ok(first) = u32::try_from(size.div_ceil(CHUNK_BYTES)) else {
            return Ok(Vec::new());
        };
        let range = KeyRange {
            start: chunk_key(number, first).to_vec(),
            ..KeyRange::prefix(&chunk_key(number, 0)[..9])
        };
        Ok(self.entries.keys(&range, STEP_CHUNKS)?)
    }

    /// The most chunks that are left to be dropped at the end of the call if a file loses its name now.
    pub(crate) fn chunks_if_open(&self, number: Number) -> Result<u64> {
        if !self.volume.open.contains_key(&number) {
            return Ok(0);
        }
        let chunks = self.meta(number)?.size().div_ceil(CHUNK_BYTES);
        Ok(chunks.min(self.entries.count()))
    }
}
