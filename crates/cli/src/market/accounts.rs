//! Accounts of the development chain. Everybody knows their keys: they are worth nothing anywhere else.

use std::fmt;

use alloy_primitives::{Address, U256};
use weir_identity::{Keypair, keccak256};

use crate::failure::Failure;

/// An account of the development chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Account {
    /// Who deployed the market: its owner, guardian and treasury.
    Market,
    /// The provider of the peer of this name.
    Provider(String),
    /// Whoever works at this command line.
    Customer,
}

impl Account {
    /// The coins of each at the beginning, in wei: ten thousand.
    pub(crate) fn coins() -> U256 {
        U256::from(10_000) * U256::from(10).pow(U256::from(18))
    }

    /// The key: a hash of the name.
    pub(crate) fn key(&self) -> Result<Keypair, Failure> {
        let name = self.to_string();
        let secret = keccak256(&[b"weir development account ", name.as_bytes()]);
        Keypair::from_secret(secret.as_bytes())
            .map_err(|error| Failure::internal(format!("the account {name} has no key"), error))
    }

    /// The address.
    pub(crate) fn address(&self) -> Result<Address, Failure> {
        Ok(Address::from(self.key()?.address().to_bytes()))
    }

    /// The account of a name, as [`fmt::Display`] writes it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "market" => Some(Self::Market),
            "customer" => Some(Self::Customer),
            other => {
                let peer = other.strip_prefix("provider-")?;
                Some(Self::Provider(peer.to_owned()))
            }
        }
    }
}

/// `market`, `provider-a`, `customer`.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Market => f.write_str("market"),
            Self::Provider(peer) => write!(f, "provider-{peer}"),
            Self::Customer => f.write_str("customer"),
        }
    }
}
