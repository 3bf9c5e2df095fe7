//! What can be asked of the market's contracts, as transactions that are not sent yet.

use alloy::primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;

use crate::bindings::TestToken;

/// What a transaction is to do, and what it spends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What it does, for messages: `the creation of a deal`.
    pub what: String,
    /// The contract; none to create one.
    pub to: Option<Address>,
    /// What the contract is told.
    pub data: Bytes,
    /// Tokens that leave the account, in their smallest units.
    pub spends: Vec<(Address, U256)>,
    /// Coins that leave the account, in wei.
    pub value: U256,
}

impl Call {
    /// A call of a contract.
    pub fn to(what: impl Into<String>, contract: Address, data: impl Into<Bytes>) -> Self {
        Self {
            what: what.into(),
            to: Some(contract),
            data: data.into(),
            spends: Vec::new(),
            value: U256::ZERO,
        }
    }

    /// The creation of a contract from its code.
    pub fn create(what: impl Into<String>, code: impl Into<Bytes>) -> Self {
        Self {
            what: what.into(),
            to: None,
            data: code.into(),
            spends: Vec::new(),
            value: U256::ZERO,
        }
    }

    /// Coins for an account, in wei.
    pub fn coins(to: Address, amount: U256) -> Self {
        Self {
            value: amount,
            ..Self::to("the sending of coins", to, Bytes::new())
        }
    }

    /// Tokens for an account, in the token's smallest unit.
    pub fn tokens(token: Address, to: Address, amount: U256) -> Self {
        let data = TestToken::transferCall { to, value: amount }.abi_encode();
        Self::to("the sending of tokens", token, data).spending(token, amount)
    }

    /// The same, with tokens that leave the account.
    pub fn spending(mut self, token: Address, amount: U256) -> Self {
        self.spends.push((token, amount));
        self
    }

    /// What makes it this call and no other.
    pub fn hash(&self) -> B256 {
        let to = self.to.map_or(Address::ZERO, |to| to);
        let mut bytes = [&to[..], &[u8::from(self.to.is_some())], &self.data].concat();
        // Only where there are coins, so that what was kept without them has the hash that it had.
        if !self.value.is_zero() {
            bytes.extend(self.value.to_be_bytes::<32>());
        }
        keccak256(bytes)
    }

    pub(crate) fn request(&self, from: Address) -> TransactionRequest {
        TransactionRequest {
            from: Some(from),
            to: Some(self.to.map_or(TxKind::Create, TxKind::Call)),
            input: self.data.clone().into(),
            value: (!self.value.is_zero()).then_some(self.value),
            ..TransactionRequest::default()
        }
    }
}
