//! Keys as bytes whose order is that of the keys.
//!
//! Each encoding says where it ends, so that those of a tuple follow each other, and the tuples that begin with the same
//! element lie together:
//!
//! - numbers: big-endian, those with a sign with its bit turned over
//! - `bool`: 0 or 1; `char`: as `u32`
//! - texts and bytes: each 0 as 0 255, with 0 0 behind the last
//! - byte arrays: as they are
//! - options: 0, or 1 and the value

/// What can be a key of a [`Map`](super::Map).
///
/// Implemented for numbers, texts, bytes, options, and tuples of these. A type of your own forwards to one of them.
/// `a < b` holds exactly if the bytes of `a` come before those of `b`, and no encoding is the beginning of another.
pub trait Key: Sized {
    /// Appends the encoding.
    fn encode(&self, bytes: &mut Vec<u8>);

    /// Takes a key off the beginning of `bytes`, or gives nothing if there is none.
    fn decode(bytes: &mut &[u8]) -> Option<Self>;
}

/// Takes so many bytes off the beginning.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

macro_rules! numbers {
    ($($unsigned:ident $signed:ident)*) => {$(
        impl Key for $unsigned {
            fn encode(&self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_be_bytes());
            }

            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                take(bytes).map(Self::from_be_bytes)
            }
        }

        impl Key for $signed {
            fn encode(&self, bytes: &mut Vec<u8>) {
                self.cast_unsigned().wrapping_add(1 << ($signed::BITS - 1)).encode(bytes);
            }

            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                let shifted = $unsigned::decode(bytes)?;
                Some(shifted.wrapping_sub(1 << ($signed::BITS - 1)).cast_signed())
            }
        }
    )*};
}

numbers! { u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 }

impl Key for bool {
    fn encode(&self, bytes: &mut Vec<u8>) {
        u8::from(*self).encode(bytes);
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        match u8::decode(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Key for char {
    fn encode(&self, bytes: &mut Vec<u8>) {
        u32::from(*self).encode(bytes);
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        char::from_u32(u32::decode(bytes)?)
    }
}

impl Key for Vec<u8> {
    fn encode(&self, bytes: &mut Vec<u8>) {
        encode_bytes(self, bytes);
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let mut decoded = Vec::new();
        loop {
            match (u8::decode(bytes)?, bytes.first()) {
                (0, Some(0)) => {
                    *bytes = &bytes[1..];
                    return Some(decoded);
                }
                (0, Some(255)) => {
                    *bytes = &bytes[1..];
                    decoded.push(0);
                }
                (0, _) => return None,
                (byte, _) => decoded.push(byte),
            }
        }
    }
}

fn encode_bytes(plain: &[u8], bytes: &mut Vec<u8>) {
    for &byte in plain {
        bytes.push(byte);
        if byte == 0 {
            bytes.push(255);
        }
    }
    bytes.extend([0, 0]);
}

impl Key for String {
    fn encode(&self, bytes: &mut Vec<u8>) {
        encode_bytes(self.as_bytes(), bytes);
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        Self::from_utf8(Vec::decode(bytes)?).ok()
    }
}

impl<const N: usize> Key for [u8; N] {
    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self);
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes)
    }
}

impl<K: Key> Key for Option<K> {
    fn encode(&self, bytes: &mut Vec<u8>) {
        self.is_some().encode(bytes);
        if let Some(key) = self {
            key.encode(bytes);
        }
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        if bool::decode(bytes)? {
            K::decode(bytes).map(Some)
        } else {
            Some(None)
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident $place:tt),*))*) => {$(
        impl<$($name: Key),*> Key for ($($name,)*) {
            fn encode(&self, bytes: &mut Vec<u8>) {
                $(self.$place.encode(bytes);)*
            }

            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($name::decode(bytes)?,)*))
            }
        }
    )*};
}

tuples! { (A 0) (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) }
