//! The keys and values of a file system.

use super::Refusal;

/// Names a file or directory, whatever its path.
pub(crate) type Number = u64;

/// The directory that has no name.
pub(crate) const ROOT: Number = 0;

/// What holds the next number.
pub(super) const NEXT_KEY: &[u8] = b"f";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::File => 0,
            Self::Directory => 1,
        }
    }

    const fn of(byte: u8) -> Result<Self, Refusal> {
        match byte {
            0 => Ok(Self::File),
            1 => Ok(Self::Directory),
            _ => Err(Refusal::Damaged),
        }
    }
}

/// A moment since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) seconds: u64,
    pub(crate) nanoseconds: u32,
}

impl Time {
    pub(crate) const fn from_ms(ms: u64) -> Self {
        Self {
            seconds: ms / 1_000,
            nanoseconds: (ms % 1_000) as u32 * 1_000_000,
        }
    }
}

/// What is known of a file or directory beside its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) kind: Kind,
    /// Of a file its size in bytes, of a directory the number of the one above.
    pub(super) number: u64,
    /// When it was last changed.
    pub(crate) modified: Time,
}

impl Meta {
    pub(super) const ROOT: Self = Self {
        kind: Kind::Directory,
        number: ROOT,
        modified: Time {
            seconds: 0,
            nanoseconds: 0,
        },
    };

    const BYTES: usize = 21;

    /// The size in bytes; 0 for directories.
    pub(crate) const fn size(&self) -> u64 {
        match self.kind {
            Kind::File => self.number,
            Kind::Directory => 0,
        }
    }

    pub(super) fn encode(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[0] = self.kind.byte();
        out[1..9].copy_from_slice(&self.number.to_be_bytes());
        out[9..17].copy_from_slice(&self.modified.seconds.to_be_bytes());
        out[17..].copy_from_slice(&self.modified.nanoseconds.to_be_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let (&kind, rest) = bytes.split_first().ok_or(Refusal::Damaged)?;
        let (number, rest) = take_u64(rest)?;
        let (seconds, rest) = take_u64(rest)?;
        let nanoseconds = rest.try_into().map_err(|_| Refusal::Damaged)?;
        Ok(Self {
            kind: Kind::of(kind)?,
            number,
            modified: Time {
                seconds,
                nanoseconds: u32::from_be_bytes(nanoseconds),
            },
        })
    }
}

/// What a directory holds under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) number: Number,
}

impl Entry {
    pub(super) fn encode(self) -> [u8; 9] {
        let mut out = [0; 9];
        out[0] = self.kind.byte();
        out[1..].copy_from_slice(&self.number.to_be_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        let (&kind, number) = bytes.split_first().ok_or(Refusal::Damaged)?;
        let (number, rest) = take_u64(number)?;
        if !rest.is_empty() {
            return Err(Refusal::Damaged);
        }
        Ok(Self {
            kind: Kind::of(kind)?,
            number,
        })
    }
}

/// The number in the first eight bytes, and the rest.
pub(super) fn take_u64(bytes: &[u8]) -> Result<(u64, &[u8]), Refusal> {
    let (number, rest) = bytes.split_first_chunk().ok_or(Refusal::Damaged)?;
    Ok((u64::from_be_bytes(*number), rest))
}

pub(super) fn meta_key(number: Number) -> [u8; 9] {
    numbered(b'f', number)
}

/// What the keys of the entries of a directory begin with.
pub(super) fn directory_key(directory: Number) -> [u8; 9] {
    numbered(b'd', directory)
}

pub(super) fn name_key(directory: Number, name: &str) -> Vec<u8> {
    [&directory_key(directory), name.as_bytes()].concat()
}

pub(super) fn chunk_key(file: Number, index: u32) -> [u8; 13] {
    let mut key = [0; 13];
    key[..9].copy_from_slice(&numbered(b'c', file));
    key[9..].copy_from_slice(&index.to_be_bytes());
    key
}

fn numbered(prefix: u8, number: Number) -> [u8; 9] {
    let mut key = [prefix; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}
