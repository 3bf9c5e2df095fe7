//! Why something was refused. The texts are those of geth where clients compare them.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, Bytes, U256};
use thiserror::Error;

/// Why a chain cannot be opened, read or written.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// The file cannot be opened.
    #[error("cannot open {}: {what}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        what: String,
    },
    /// Somebody else has it open.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file is no chain, or not a whole one.
    #[error("{} is damaged: {what}; remove it to start a new chain, or restore it from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A later Weir wrote it.
    #[error("{} has layout {found}, this program reads layout {known}; a newer Weir wrote it", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its layout.
        found: u64,
        /// That of this program.
        known: u64,
    },
    /// It is another chain.
    #[error("{} holds chain {found}, not chain {wanted}; choose another file or that chain id", path.display())]
    OtherChain {
        /// The file.
        path: PathBuf,
        /// The chain id in it.
        found: u64,
        /// The chain id that was asked for.
        wanted: u64,
    },
    /// The system refused to read or write. The chain takes no more changes.
    #[error("cannot read or write {}: {what}; the chain takes no changes until it is started again", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        what: String,
    },
}

/// Why a transaction is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum Refusal {
    #[error("cannot decode the transaction: {0}")]
    Undecodable(String),
    #[error("transaction type not supported: {0}")]
    Type(u8),
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized { size: usize, limit: usize },
    #[error("invalid sender: {0}")]
    Sender(&'static str),
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    Unprotected,
    #[error("invalid chain id for signer: have {have} want {want}")]
    ChainId { have: u64, want: u64 },
    #[error("max initcode size exceeded: code size {size}, limit {limit}")]
    InitCode { size: usize, limit: usize },
    #[error("exceeds block gas limit")]
    GasLimit,
    #[error("intrinsic gas too low: gas {have}, minimum needed {need}")]
    IntrinsicGas { have: u64, need: u64 },
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveFee,
    #[error(
        "max fee per gas less than block base fee: address {sender}, maxFeePerGas: {fee}, baseFee: {base}"
    )]
    FeeTooLow {
        sender: Address,
        fee: u128,
        base: u64,
    },
    #[error("nonce too low: next nonce {next}, tx nonce {nonce}")]
    NonceTooLow { next: u64, nonce: u64 },
    #[error("nonce has max value")]
    NonceMax,
    #[error("insufficient funds for gas * price + value: address {sender} have {have} want {want}")]
    Funds {
        sender: Address,
        have: U256,
        want: U256,
    },
    #[error("already known")]
    Known,
    #[error("replacement transaction underpriced")]
    Underpriced,
    #[error("sender not an eoa: address {0}")]
    SenderIsContract(Address),
    #[error("txpool is full: {0} transactions wait")]
    PoolFull(usize),
    #[error("account limit exceeded: {0} transactions of the sender wait")]
    SenderFull(usize),
}

/// Why a request has no answer.
#[derive(Debug, Clone, Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum Error {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The arguments make no sense.
    #[error("{0}")]
    Argument(String),
    #[error("header not found: block {asked}, the newest is {newest}")]
    UnknownBlock { asked: u64, newest: u64 },
    #[error("header for hash not found: {0}")]
    UnknownHash(B256),
    #[error(
        "missing trie node: the state of block {asked} is no longer kept, the oldest that is kept is {oldest}"
    )]
    StateGone { asked: u64, oldest: u64 },
    /// The message, and what the contract returned.
    #[error("{message}")]
    Reverted { message: String, data: Bytes },
    /// The call ended in another way.
    #[error("{0}")]
    Halted(String),
    #[error("gas required exceeds allowance ({0})")]
    Allowance(u64),
    #[error("filter not found")]
    UnknownFilter,
    /// A bound was hit; the text names it.
    #[error("{0}")]
    Limit(String),
}
