//! What a call proves: the state that it found and left, the effects that it had, and the receipt over both.
//!
//! - [`state`]: the ordered map of one service under a root hash, with transactions, witnesses and proofs.
//! - [`Transcript`]: the effects of a call, and their root.
//! - [`Receipt`]: what a worker signs about a call, as contracts know it; [`SignedReceipt`] is its form in a journal.
//! - [`ReceiptTree`] and [`PeerCommitment`]: the root over all receipts of an epoch, which goes to the chain.
//! - [`Evidence`]: everything that a receipt has hashes of, from which anybody can execute the call again.
//!
//! ```
//! use weir_identity::{Hash, Keypair, keccak256};
//! use weir_receipt::{Outcome, Receipt, ReceiptDomain, SignedReceipt, Transcript};
//! use weir_receipt::{content_hash, function_id, local_request_id, local_worker_id, state};
//!
//! let key = Keypair::from_secret(&[7; 32])?;
//! let receipt = Receipt {
//!     version: Receipt::VERSION,
//!     deal_id: 0,
//!     worker_id: local_worker_id(&key.address()),
//!     service_id: keccak256(&[b"greeter"]),
//!     seq: 0,
//!     service_seq: 0,
//!     module_set_hash: keccak256(&[b"code and profile"]),
//!     function_id: function_id("hello"),
//!     args_hash: content_hash(b"arguments and context"),
//!     pre_state_root: state::Root::EMPTY.hash(),
//!     post_state_root: state::Root::EMPTY.hash(),
//!     result_hash: content_hash(b"result"),
//!     host_log_hash: Transcript::default().root(),
//!     fuel: 1_200,
//!     outcome: Outcome::Ok,
//!     request_id: local_request_id(&keccak256(&[b"particle"]), &[0; 32]),
//!     prev_receipt: Hash::ZERO,
//!     prev_service_receipt: Hash::ZERO,
//!     trace_commit: Hash::ZERO,
//!     epoch: 0,
//! };
//! let bytes = receipt.sign(&ReceiptDomain::local(), &key).encode();
//! SignedReceipt::decode(&bytes)?.verify(&key.peer_id())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Invariants
//! - Pure functions: no input or output, no clock, no randomness. Where the nodes of a tree are kept is the caller's
//!   business, behind [`state::Nodes`].
//! - Whatever bytes are decoded, nothing panics, and what decodes encodes to the same bytes.
//! - Everything that is hashed has a kind in its first byte, so that no two kinds share a preimage.

mod call;
mod commitment;
mod entry;
mod evidence;
mod receipt;
pub mod state;
mod transcript;
mod wire;

pub use call::{
    CHUNK_BYTES, CONTENT_WHOLE_MAX, CallContext, args_hash, content_hash, function_id,
    local_request_id, local_worker_id,
};
pub use commitment::{CommitmentError, EpochReceipts, PeerCommitment, ReceiptTree, WorkerLeaf};
pub use entry::{Entry, EntryError};
pub use evidence::{Bounds, Checked, Evidence, EvidenceError, Material};
pub use receipt::{ChainError, Outcome, Receipt, ReceiptDomain, SignedReceipt};
pub use transcript::{
    Effect, NAME_BYTES_MAX, Replay, ReplayError, Transcript, TranscriptError, TranscriptLimits,
};
pub use wire::Malformed;
