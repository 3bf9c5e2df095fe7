//! The state of the service: an ordered map from byte strings to byte strings under one root hash.
//!
//! A call sees the state as it was when the call began, and its own changes. They are kept together when the function
//! returns, unless it returns an error; and none of them when it traps. Functions that the manifest declares `view` only
//! read; functions declared `pure` cannot use the state at all and trap if they try.
//!
//! The functions here take bytes as they are. [`Map`] and [`Item`] are typed: keys in an encoding that keeps their order
//! ([`Key`]), values as CBOR.

mod key;
mod map;
mod value;

use crate::bindings::weir::host::state as wit;
use crate::host;
use std::fmt;

pub use key::Key;
pub use map::{Entries, Item, Keys, Map};
pub use wit::{Entry, Order};

/// The longest key in bytes, with the name of its map.
pub const KEY_BYTES_MAX: usize = 255;

/// The longest value in bytes, as it is encoded.
pub const VALUE_BYTES_MAX: usize = 65_536;

/// The most entries that one [`scan`] gives, whatever its limit.
pub const SCAN_ENTRIES_MAX: u32 = 1_000;

/// The bytes of keys and values with which a [`scan`] ends: the entry that reaches them is its last one.
pub const SCAN_BYTES_MAX: usize = 1 << 20;

/// Why the state was not read or changed.
///
/// Turns into a `String`, so that `?` works in a function whose WIT type is `result<…, string>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The function was declared `view`.
    ReadOnly,
    /// A key is longer than [`KEY_BYTES_MAX`], or a value longer than [`VALUE_BYTES_MAX`].
    TooLong(String),
    /// The service may not hold or change more.
    Quota(String),
    /// What is there was written as another type, or what is to be written has no CBOR form.
    Malformed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly => formatter
                .write_str("the state can only be read: the function is declared as a view"),
            Self::TooLong(text) => write!(formatter, "too long for the state: {text}"),
            Self::Quota(text) => write!(formatter, "the state is full: {text}"),
            Self::Malformed(text) => write!(formatter, "malformed in the state: {text}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.to_string()
    }
}

impl From<wit::Error> for Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::ReadOnly => Self::ReadOnly,
            wit::Error::TooLong(text) => Self::TooLong(text),
            wit::Error::Quota(text) => Self::Quota(text),
        }
    }
}

/// The value of a key.
pub fn get(key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    host::state::get(key.as_ref())
}

/// The length of the value, without fetching it.
pub fn length(key: impl AsRef<[u8]>) -> Option<u32> {
    host::state::length(key.as_ref())
}

/// Gives the key a value, and says whether it held something before.
pub fn set(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<bool, Error> {
    Ok(host::state::set(key.as_ref(), value.as_ref())?)
}

/// Forgets the key, and says whether it held something.
pub fn delete(key: impl AsRef<[u8]>) -> Result<bool, Error> {
    Ok(host::state::delete(key.as_ref())?)
}

/// At most `limit` entries from `start` on and below `end`, in that order; without an end, all from `start` on. Fewer
/// if they are many ([`SCAN_ENTRIES_MAX`]) or large ([`SCAN_BYTES_MAX`]), but none only if there is none. To go on,
/// begin behind the last key.
pub fn scan(start: &[u8], end: Option<&[u8]>, order: Order, limit: u32) -> Vec<Entry> {
    host::state::scan(&range(start, end), order, limit)
}

/// The same without values.
pub fn keys(start: &[u8], end: Option<&[u8]>, order: Order, limit: u32) -> Vec<Vec<u8>> {
    host::state::keys(&range(start, end), order, limit)
}

fn range(start: &[u8], end: Option<&[u8]>) -> wit::KeyRange {
    wit::KeyRange {
        start: start.to_vec(),
        end: end.map(<[u8]>::to_vec),
    }
}
