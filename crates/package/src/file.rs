//! A file as blocks: one raw block if it fits, else chunks of one size and a block that lists them.

use bytes::Bytes;
use weir_identity::{Cid, Codec};

use crate::block::Block;
use crate::cbor::{Reader, Writer};
use crate::error::FormatError;
use crate::limits::{BLOCK_BYTES_MAX, FILE_BYTES_MAX};

const CHUNK: u64 = BLOCK_BYTES_MAX as u64;

/// What a package says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileRef {
    block: Cid,
    size: u64,
    content: Cid,
}

impl FileRef {
    /// The raw block that is the file, or the block that lists its chunks.
    pub const fn block(&self) -> Cid {
        self.block
    }

    /// Bytes of the file.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The CID of the bytes as a whole, by which nodes know a component. No block has this name if the file has
    /// several chunks.
    pub const fn content(&self) -> Cid {
        self.content
    }

    /// Whether there is a block that lists the chunks.
    pub const fn has_list(&self) -> bool {
        self.size > CHUNK
    }

    /// How many chunks it has.
    pub fn chunks(&self) -> u64 {
        self.size.div_ceil(CHUNK).max(1)
    }

    /// How many blocks it has.
    pub fn blocks(&self) -> u64 {
        self.chunks() + u64::from(self.has_list())
    }

    /// `{"root": link, "size": bytes, "sha256": of the file}`.
    pub(crate) fn write(&self, to: &mut Writer) {
        to.object(3).text("root").link(&self.block);
        to.text("size").uint(self.size);
        to.text("sha256").bytes(self.content.digest());
    }

    pub(crate) fn read(from: &mut Reader<'_>, at: &str) -> Result<Self, FormatError> {
        from.object(3, at)?;
        from.key("root", at)?;
        let block = from.link(&format!("{at}.root"))?;
        from.key("size", at)?;
        let size = read_size(from, &format!("{at}.size"))?;
        from.key("sha256", at)?;
        let digest = from.digest(&format!("{at}.sha256"))?;
        let content = Cid::from_digest(Codec::Raw, digest);
        let file = Self {
            block,
            size,
            content,
        };
        let fits = if file.has_list() {
            block.codec() == Codec::DagCbor
        } else {
            block == content
        };
        if fits {
            Ok(file)
        } else {
            let problem = "does not fit the size and the hash of the file";
            Err(FormatError::new(format!("{at}.root"), problem))
        }
    }
}

/// The chunks of a file that has more than one: what is in the block that lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkList {
    size: u64,
    digest: [u8; 32],
    chunks: Vec<Cid>,
}

impl ChunkList {
    /// `{"size": bytes, "chunks": [links], "sha256": of the file}`.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.object(3).text("size").uint(self.size);
        to.text("chunks").list(self.chunks.len());
        for chunk in &self.chunks {
            to.link(chunk);
        }
        to.text("sha256").bytes(&self.digest);
        to.finish()
    }

    /// Reads the list of the chunks of this file.
    pub(crate) fn decode_for(file: &FileRef, bytes: &[u8]) -> Result<Self, FormatError> {
        let list = Self::decode(bytes)?;
        if list.size != file.size {
            let problem = format!("is {}, but the package says {}", list.size, file.size);
            return Err(FormatError::new("file.size", problem));
        }
        if list.digest != *file.content.digest() {
            let problem = "is another than the package says";
            return Err(FormatError::new("file.sha256", problem));
        }
        Ok(list)
    }

    /// Reads exactly what is in such a block, and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let at = "file";
        let mut from = Reader::new(bytes);
        from.object(3, at)?;
        from.key("size", at)?;
        let size = read_size(&mut from, "file.size")?;
        if size <= CHUNK {
            let problem =
                format!("is {size}: a file that fits into one block has no list of chunks");
            return Err(FormatError::new("file.size", problem));
        }
        from.key("chunks", at)?;
        let expected = size.div_ceil(CHUNK);
        let count = from.list(expected as usize, "file.chunks")?;
        if count as u64 != expected {
            let problem = format!("has {count} items; {size} bytes are {expected} chunks");
            return Err(FormatError::new("file.chunks", problem));
        }
        let mut chunks = Vec::with_capacity(count);
        for index in 0..count {
            let at = format!("file.chunks[{index}]");
            let chunk = from.link(&at)?;
            if chunk.codec() != Codec::Raw {
                return Err(FormatError::new(
                    at,
                    "is not a raw block; lists do not nest",
                ));
            }
            chunks.push(chunk);
        }
        from.key("sha256", at)?;
        let digest = from.digest("file.sha256")?;
        let list = Self {
            size,
            digest,
            chunks,
        };
        canonical(bytes, &list.encode(), at)?;
        Ok(list)
    }

    /// The chunks in order, each with its length in bytes.
    pub fn chunks(&self) -> impl Iterator<Item = (Cid, u64)> {
        let length = |index: usize| CHUNK.min(self.size - CHUNK * index as u64);
        let chunks = self.chunks.iter().enumerate();
        chunks.map(move |(index, chunk)| (*chunk, length(index)))
    }
}

/// Cuts a file into blocks, chunks first.
pub(crate) fn split(bytes: &Bytes, at: &str) -> Result<(FileRef, Vec<Block>), FormatError> {
    let size = bytes.len() as u64;
    if size > FILE_BYTES_MAX {
        let problem = format!("has {size} bytes, at most {FILE_BYTES_MAX} are allowed");
        return Err(FormatError::new(at, problem));
    }
    let content = Cid::of_raw(bytes);
    if size <= CHUNK {
        let file = FileRef {
            block: content,
            size,
            content,
        };
        return Ok((file, vec![Block::raw(bytes.clone())]));
    }
    let chunk =
        |from: usize| Block::raw(bytes.slice(from..bytes.len().min(from + BLOCK_BYTES_MAX)));
    let mut blocks: Vec<Block> = (0..bytes.len())
        .step_by(BLOCK_BYTES_MAX)
        .map(chunk)
        .collect();
    let list = ChunkList {
        size,
        digest: *content.digest(),
        chunks: blocks.iter().map(Block::cid).collect(),
    };
    let list = Block::dag_cbor(list.encode());
    let file = FileRef {
        block: list.cid(),
        size,
        content,
    };
    blocks.push(list);
    Ok((file, blocks))
}

/// Refuses bytes that are not what would be written for the value in them.
pub(crate) fn canonical(found: &[u8], written: &[u8], at: &str) -> Result<(), FormatError> {
    if found == written {
        return Ok(());
    }
    let differ = found
        .iter()
        .zip(written)
        .take_while(|(a, b)| a == b)
        .count();
    Err(FormatError::new(
        at,
        format!("is not canonical from byte {differ} on"),
    ))
}

fn read_size(from: &mut Reader<'_>, at: &str) -> Result<u64, FormatError> {
    let size = from.uint(at)?;
    if size > FILE_BYTES_MAX {
        let problem = format!("is {size}, at most {FILE_BYTES_MAX} are allowed");
        return Err(FormatError::new(at, problem));
    }
    Ok(size)
}
