//! Files under stores: how they are synced, why they do not open, the journals beside them, and, for tests, how they
//! end in the middle of something.

mod backend;
#[cfg(feature = "cut")]
mod cut;
mod journal;
mod refusal;

pub use backend::{Backend, Durability};
#[cfg(feature = "cut")]
pub use cut::{Cut, CutJournals};
pub use journal::{
    Journal, JournalError, JournalFiles, Journals, Log, MemoryJournals, journal_payloads,
};
pub use refusal::Refusal;
