//! Files under stores: how they are synced, why they do not open, and, for tests, how they end in the middle of
//! something.

mod backend;
#[cfg(feature = "cut")]
mod cut;
mod refusal;

pub use backend::{Backend, Durability};
#[cfg(feature = "cut")]
pub use cut::Cut;
pub use refusal::Refusal;
