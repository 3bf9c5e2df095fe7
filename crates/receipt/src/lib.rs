//! What a call proves: the state that it found and left, the effects that it had, and the receipt over both.
//!
//! - [`state`]: the ordered map of one service under a root hash, with transactions, witnesses and proofs.
//!
//! # Invariants
//! - Pure functions: no input or output, no clock, no randomness. Where the nodes of a tree are kept is the caller's
//!   business, behind [`state::Nodes`].
//! - Whatever bytes are decoded, nothing panics, and what decodes encodes to the same bytes.
//! - Everything that is hashed has a kind in its first byte, so that no two kinds share a preimage.

pub mod state;
mod wire;
