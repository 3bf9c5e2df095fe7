//! Why a file does not open as a store.

use std::io::{self, ErrorKind};

use redb::DatabaseError;

/// Why a file does not open as a store.
#[derive(Debug)]
pub enum Refusal {
    /// Somebody has it open.
    Locked,
    /// It cannot be read or written.
    Io(io::Error),
    /// It is no store, or not a whole one: what is wrong.
    Damaged(String),
}

impl From<DatabaseError> for Refusal {
    fn from(error: DatabaseError) -> Self {
        match redb::Error::from(error) {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => Self::Locked,
            redb::Error::Io(source)
                if !matches!(
                    source.kind(),
                    ErrorKind::InvalidData | ErrorKind::UnexpectedEof
                ) =>
            {
                Self::Io(source)
            }
            error => Self::Damaged(error.to_string()),
        }
    }
}
