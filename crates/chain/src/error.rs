//! Why something on a chain did not work.

use std::fmt;

use alloy::primitives::{Address, B256, U256};
use alloy::transports::{RpcError, TransportError, TransportErrorKind};
use thiserror::Error;

use crate::revert::Revert;

/// Why a question to a chain, or a transaction, did not work.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No endpoint answered.
    #[error("no endpoint of the chain answers: {}; check the addresses and the network", list(.0))]
    Unreachable(Vec<(String, String)>),
    /// An endpoint answered with an error of its own.
    #[error("the endpoint refused: {0}")]
    Refused(String),
    /// The contract refuses. Nothing was sent.
    #[error("{what} would fail: {why}")]
    Revert {
        /// What was to be done.
        what: String,
        /// Why the contract refuses.
        why: Box<Revert>,
    },
    /// The transaction is in a block and failed there: the state changed between the trial and the block.
    #[error("{what} failed in transaction {hash}: {why}")]
    Failed {
        /// What was to be done.
        what: String,
        /// The transaction.
        hash: B256,
        /// Why, as a repetition tells.
        why: Box<Revert>,
    },
    /// The account cannot pay for the gas.
    #[error("{account} has {balance} wei and needs {needed}, for gas too; send it some")]
    Unfunded {
        /// The account.
        account: Address,
        /// What it has.
        balance: U256,
        /// What it needs at most.
        needed: U256,
    },
    /// More would be spent than is allowed.
    #[error(
        "{what} would spend {amount} of {of}, and the cap is {cap}; raise the cap if you mean it"
    )]
    OverCap {
        /// What was to be done.
        what: String,
        /// How much it would spend.
        amount: U256,
        /// Of what: a token's address, or gas.
        of: Spent,
        /// The cap.
        cap: U256,
    },
    /// The transaction was sent and is in no block yet. It may be, later: ask again with the same key.
    #[error(
        "{what}: transaction {hash} is in no block yet; it is not lost, and the same command goes on with it"
    )]
    Pending {
        /// What was to be done.
        what: String,
        /// The transaction that was sent last.
        hash: B256,
    },
    /// The key stands for something else.
    #[error("the key `{key}` was used for another transaction: {before}; choose another key")]
    KeyReused {
        /// The idempotency key.
        key: String,
        /// What it was used for.
        before: String,
    },
    /// Somebody else sends from the account.
    #[error(
        "transaction {nonce} of {account} is taken by one that was sent elsewhere; one program at a time sends from an account"
    )]
    NonceTaken {
        /// The account.
        account: Address,
        /// The nonce.
        nonce: u64,
    },
    /// It is another chain.
    #[error(
        "{endpoint} serves chain {got}, not {expected}; correct the endpoint or the deployment"
    )]
    WrongChain {
        /// The endpoint.
        endpoint: String,
        /// The chain that is wanted.
        expected: u64,
        /// The chain that answers.
        got: u64,
    },
    /// The chain has another past than the follower knows, further back than it remembers.
    #[error(
        "the chain was reorganised by more than {depth} blocks, below block {block}; follow it again from its beginning"
    )]
    TooDeep {
        /// How many blocks are remembered.
        depth: u64,
        /// The oldest of them.
        block: u64,
    },
    /// Something is on the chain of which no event told.
    #[error(
        "the events that an endpoint gave do not fit what the chain holds: {0}; follow it again from its beginning"
    )]
    MissingEvents(String),
    /// What was kept of transactions cannot be read or written.
    #[error("the journal of transactions: {0}")]
    Journal(String),
    /// What the chain says makes no sense.
    #[error("the chain says what cannot be: {0}")]
    Absurd(String),
}

/// What is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// The coin of the chain, for gas.
    Gas,
    /// A token.
    Token(Address),
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gas => f.write_str("wei for gas"),
            Self::Token(address) => write!(f, "token {address}"),
        }
    }
}

impl From<TransportError> for ChainError {
    fn from(error: TransportError) -> Self {
        match error {
            RpcError::ErrorResp(payload) => Self::Refused(payload.message.to_string()),
            RpcError::Transport(TransportErrorKind::Custom(cause)) => {
                match cause.downcast::<Self>() {
                    Ok(own) => *own,
                    Err(other) => Self::Refused(other.to_string()),
                }
            }
            other => Self::Refused(other.to_string()),
        }
    }
}

impl From<alloy::contract::Error> for ChainError {
    fn from(error: alloy::contract::Error) -> Self {
        match error {
            alloy::contract::Error::TransportError(error) => match Revert::of(&error) {
                Some(why) => Self::Revert {
                    what: "the question".to_owned(),
                    why: Box::new(why),
                },
                None => error.into(),
            },
            other => Self::Absurd(other.to_string()),
        }
    }
}

fn list(endpoints: &[(String, String)]) -> String {
    let each = endpoints.iter().map(|(name, why)| format!("{name}: {why}"));
    each.collect::<Vec<_>>().join("; ")
}
