//! Which market a command is about: that of the local network, or one of `contexts.toml`.

use std::path::PathBuf;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use weir_chain::{ChainError, Client, Deployment, MarketReader, Terms};
use weir_identity::{Keypair, keystore};
use weir_node::keyfile;

use super::contexts::{self, Contexts, LOCAL, Saved};
use super::{Account, MarketFile, Wallet, failed_at};
use crate::code::Code;
use crate::failure::Failure;
use crate::project::Project;
use crate::seat::unusable_key;

/// A market, and with whose key and how much money commands act in it.
pub(crate) struct Context {
    /// Its name.
    pub(crate) name: String,
    /// The URLs of the chain's JSON-RPC.
    pub(crate) urls: Vec<String>,
    /// The chain.
    pub(crate) client: Client,
    /// Where the contracts are.
    pub(crate) deployment: Deployment,
    /// How it is kept; none for that of the local network.
    saved: Option<Saved>,
}

impl Context {
    /// The context of this folder, or of the variable `WEIR_CONTEXT`.
    pub(crate) fn current() -> Result<Self, Failure> {
        Self::named(&contexts::chosen()?)
    }

    /// The context of a name.
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        let (urls, deployment, saved) = if name == LOCAL {
            let file = MarketFile::here()?;
            (vec![file.url], file.deployment, None)
        } else {
            let saved = Contexts::load()?.named(name)?.clone();
            (saved.rpc.clone(), saved.market.clone(), Some(saved))
        };
        let client = Client::new(&urls, deployment.chain_id);
        let client = client
            .map_err(|error| failed_at(saved.is_none(), "the chain cannot be asked", &error))?;
        Ok(Self {
            name: name.to_owned(),
            urls,
            client,
            deployment,
            saved,
        })
    }

    /// Whether it is that of the local network, whose chain has a faucet and accounts with names.
    pub(crate) fn is_local(&self) -> bool {
        self.saved.is_none()
    }

    /// Questions to the market.
    pub(crate) fn market(&self) -> MarketReader<'_> {
        self.client.market(&self.deployment)
    }

    /// A failure of the chain while this was done.
    pub(crate) fn failed(&self, what: impl Into<String>, error: &ChainError) -> Failure {
        failed_at(self.is_local(), what, error)
    }

    /// An account by its address or, on the local network, by its name; without text the one that acts by default.
    pub(crate) fn account(&self, text: Option<&str>, usual: &Account) -> Result<Address, Failure> {
        match (text, &self.saved) {
            (None, None) => usual.address(),
            (None, Some(saved)) => address_of(saved),
            (Some(text), None) if let Some(account) = Account::named(text) => account.address(),
            (Some(text), _) => text.parse().map_err(|_| {
                let cause = if self.is_local() {
                    "an address has 0x and 40 hexadecimal digits; names are customer, market, provider-a, …"
                } else {
                    "an address has 0x and 40 hexadecimal digits; names are of the local network"
                };
                Failure::new(Code::Usage, format!("`{text}` is no account")).cause(cause)
            }),
        }
    }

    /// The same as one that can send.
    pub(crate) fn wallet(&self, text: Option<&str>, usual: &Account) -> Result<Wallet, Failure> {
        let wanted = self.account(text, usual)?;
        let (key, terms) = match &self.saved {
            None => (local_key(text, usual)?, local_terms()),
            Some(saved) => (key_of(saved)?, saved.terms()?),
        };
        let account = Address::from(key.address().to_bytes());
        if account != wanted {
            let what = format!("there is no key for {wanted}");
            let cause = format!("the key of the context {} is that of {account}", self.name);
            return Err(Failure::new(Code::KeyUnusable, what)
                .cause(cause)
                .fix("leave out --as, or use the context with that key"));
        }
        let folder = self.state()?.join("journal");
        let folder = folder.join(format!("{}-{account}", self.deployment.chain_id));
        Wallet::open(&self.client, &key, (folder, terms), self.is_local())
    }

    /// Where transactions are kept: beside the chain that they are on, or in the user's folder.
    fn state(&self) -> Result<PathBuf, Failure> {
        if self.is_local() {
            Ok(Project::here()?.state())
        } else {
            contexts::home()
        }
    }
}

/// The key of an account of the local network.
fn local_key(text: Option<&str>, usual: &Account) -> Result<Keypair, Failure> {
    match text {
        None => usual.key(),
        Some(text) => Account::named(text).map_or_else(
            || {
                Err(
                    Failure::new(Code::KeyUnusable, format!("there is no key for {text}"))
                        .cause("here keys are known by names: customer, market, provider-a, …"),
                )
            },
            |account| account.key(),
        ),
    }
}

/// What is sent on the local network costs nothing.
fn local_terms() -> Terms {
    Terms {
        gas_cap: U256::MAX,
        patience: Duration::from_secs(20),
        ..Terms::default()
    }
}

fn key_of(saved: &Saved) -> Result<Keypair, Failure> {
    let passphrase = keyfile::passphrase().map_err(|error| unusable_key(&error))?;
    let passphrase = passphrase.as_ref().map(|text| text.as_str());
    keyfile::open(&saved.key, passphrase).map_err(|error| unusable_key(&error))
}

/// The address of a context's key, which a sealed file tells without a passphrase.
pub(crate) fn address_of(saved: &Saved) -> Result<Address, Failure> {
    let unusable = |error: &dyn std::fmt::Display| {
        let what = format!("cannot use the key file {}", saved.key.display());
        Failure::new(Code::KeyUnusable, what)
            .cause(error)
            .fix("restore the file, or add the context again with another --key")
    };
    let text = std::fs::read_to_string(&saved.key).map_err(|error| unusable(&error))?;
    let summary = keystore::summary(&text).map_err(|error| unusable(&error))?;
    Ok(Address::from(summary.address.to_bytes()))
}
