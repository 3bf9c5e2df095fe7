//! Sending transactions: each once, whatever happens in between.

mod folder;
mod journal;
mod wait;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use alloy::consensus::{SignableTransaction, Transaction, TxEip1559, TxEnvelope};
use alloy::eips::BlockId;
use alloy::eips::eip2718::{Decodable2718, Encodable2718};
use alloy::eips::eip2930::AccessList;
use alloy::network::TxSignerSync;
use alloy::primitives::{Address, Bytes, TxKind, U256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionReceipt;
use alloy::signers::local::PrivateKeySigner;
use tokio::sync::Mutex;
use weir_identity::Keypair;

pub use folder::{FolderJournal, JournalError};
pub use journal::{Attempt, Journal, MemoryJournal, Outcome, Sent};

use crate::call::Call;
use crate::client::Client;
use crate::error::{ChainError, Spent};
use crate::reply::Reply;
use crate::revert::Revert;

/// What a sender may spend in one transaction, and how patient it is.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The most wei for gas.
    pub gas_cap: U256,
    /// The most of a token, in its smallest unit. What is not named has no cap.
    pub token_caps: BTreeMap<Address, U256>,
    /// How long to wait for a block.
    pub patience: Duration,
    /// After how long a transaction is sent again with a higher price.
    pub reprice_after: Duration,
}

impl Default for Terms {
    /// A tenth of a coin for gas, two minutes, half a minute.
    fn default() -> Self {
        Self {
            gas_cap: U256::from(100_000_000_000_000_000_u64),
            token_caps: BTreeMap::new(),
            patience: Duration::from_secs(120),
            reprice_after: Duration::from_secs(30),
        }
    }
}

/// Sends the transactions of one account. There must be one sender for an account at a time.
///
/// A transaction has a key that its sender chooses. Under it the signed bytes are kept before they leave: whoever asks
/// for the same key again, after a crash too, gets what became of the transaction that was sent, and none is sent twice.
pub struct Sender {
    client: Client,
    signer: PrivateKeySigner,
    journal: Arc<dyn Journal>,
    terms: Terms,
    /// Held while a nonce is chosen and taken.
    turn: Mutex<()>,
}

impl Sender {
    /// A sender for the account of a key.
    pub fn new(
        client: Client,
        key: &Keypair,
        journal: Arc<dyn Journal>,
        terms: Terms,
    ) -> Result<Self, ChainError> {
        let secret = key.secret();
        let signer = PrivateKeySigner::from_slice(&secret[..]);
        let signer = signer.map_err(|error| ChainError::Absurd(format!("a key: {error}")))?;
        Ok(Self {
            client,
            signer,
            journal,
            terms,
            turn: Mutex::new(()),
        })
    }

    /// The account.
    pub fn account(&self) -> Address {
        self.signer.address()
    }

    /// Sends a transaction, unless one was sent under this key, and waits until it is in a block.
    ///
    /// It is tried first: what would fail is an error in words, and costs nothing. [`ChainError::Pending`] means that
    /// patience ended: the same key goes on with it.
    pub fn send<'a>(&'a self, key: &'a str, call: &'a Call) -> Reply<'a, TransactionReceipt> {
        Box::pin(async move {
            let sent = {
                let _turn = self.turn.lock().await;
                match self.journal.load(key).map_err(ChainError::Journal)? {
                    Some(sent) if sent.call == call.hash() => sent,
                    Some(sent) => {
                        return Err(ChainError::KeyReused {
                            key: key.to_owned(),
                            before: sent.what,
                        });
                    }
                    None => self.begin(key, call).await?,
                }
            };
            self.finish(key, call, sent).await
        })
    }

    /// Goes on with what was sent under a key, if something was: whoever gives something up learns what became of it.
    pub fn resume<'a>(&'a self, key: &'a str) -> Reply<'a, Option<TransactionReceipt>> {
        Box::pin(async move {
            let Some(sent) = self.journal.load(key).map_err(ChainError::Journal)? else {
                return Ok(None);
            };
            let broken =
                || ChainError::Journal(format!("`{key}` has no transaction that can be read"));
            let attempt = sent.attempts.last().ok_or_else(broken)?;
            let signed = TxEnvelope::decode_2718(&mut &attempt.raw[..]).map_err(|_| broken())?;
            let call = Call {
                what: sent.what.clone(),
                to: signed.to(),
                data: signed.input().clone(),
                spends: Vec::new(),
                value: signed.value(),
            };
            self.finish(key, &call, sent).await.map(Some)
        })
    }

    /// Tries the call, chooses a nonce, signs, and keeps what was signed.
    async fn begin(&self, key: &str, call: &Call) -> Result<Sent, ChainError> {
        for (token, amount) in &call.spends {
            if let Some(cap) = self.terms.token_caps.get(token)
                && amount > cap
            {
                return Err(ChainError::OverCap {
                    what: call.what.clone(),
                    amount: *amount,
                    of: Spent::Token(*token),
                    cap: *cap,
                });
            }
        }
        let provider = self.client.provider();
        let account = self.account();
        let request = call.request(account);
        let would = |error| match Revert::of(&error) {
            Some(why) => ChainError::Revert {
                what: call.what.clone(),
                why: Box::new(why),
            },
            None => error.into(),
        };
        let gas = provider.estimate_gas(request).await.map_err(would)?;
        // The state may change until the block: a quarter more.
        let gas = gas.saturating_add(gas / 4);
        let fees = self.fees().await?;
        let cost = U256::from(gas).saturating_mul(U256::from(fees.max));
        if cost > self.terms.gas_cap {
            return Err(ChainError::OverCap {
                what: call.what.clone(),
                amount: cost,
                of: Spent::Gas,
                cap: self.terms.gas_cap,
            });
        }
        let balance = self.client.balance(account).await?;
        let needed = cost.saturating_add(call.value);
        if balance < needed {
            return Err(ChainError::Unfunded {
                account,
                balance,
                needed,
            });
        }
        let mined = provider.get_transaction_count(account).await?;
        let open = self.journal.open().map_err(ChainError::Journal)?;
        self.close_gaps(mined, &open).await?;
        // The first that is free: what was mined and undone again left a gap, behind which others would wait for ever.
        let taken: BTreeSet<u64> = open.iter().map(|(_, sent)| sent.nonce).collect();
        let in_a_row = taken
            .range(mined..)
            .zip(mined..)
            .take_while(|(taken, next)| *taken == next);
        let nonce = mined.saturating_add(in_a_row.count() as u64);
        let mut sent = Sent {
            call: call.hash(),
            what: call.what.clone(),
            nonce,
            gas,
            attempts: Vec::new(),
            outcome: None,
        };
        sent.attempts.push(self.sign(call, &sent, fees)?);
        self.journal
            .store(key, &sent)
            .map_err(ChainError::Journal)?;
        Ok(sent)
    }

    /// Hands over again what was kept and is in no block, in order: of those some may never have left, and what comes
    /// after them would wait for ever.
    async fn close_gaps(&self, mined: u64, open: &[(String, Sent)]) -> Result<(), ChainError> {
        let mut waiting: Vec<&Sent> = open
            .iter()
            .map(|(_, sent)| sent)
            .filter(|sent| sent.nonce >= mined)
            .collect();
        waiting.sort_by_key(|sent| sent.nonce);
        for sent in waiting {
            let Some(attempt) = sent.attempts.last() else {
                continue;
            };
            // That an endpoint knows it already is an answer too.
            match self
                .client
                .provider()
                .send_raw_transaction(&attempt.raw)
                .await
            {
                Err(error) if error.as_error_resp().is_none() => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    fn sign(&self, call: &Call, sent: &Sent, fees: Fees) -> Result<Attempt, ChainError> {
        let mut transaction = TxEip1559 {
            chain_id: self.client.chain_id(),
            nonce: sent.nonce,
            gas_limit: sent.gas,
            max_fee_per_gas: fees.max,
            max_priority_fee_per_gas: fees.tip,
            to: call.to.map_or(TxKind::Create, TxKind::Call),
            value: call.value,
            access_list: AccessList::default(),
            input: call.data.clone(),
        };
        let signature = self.signer.sign_transaction_sync(&mut transaction);
        let signature = signature.map_err(|error| ChainError::Absurd(error.to_string()))?;
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        Ok(Attempt {
            hash: *envelope.tx_hash(),
            raw: Bytes::from(envelope.encoded_2718()),
            fees,
        })
    }

    /// What gas costs now, with room for six full blocks.
    async fn fees(&self) -> Result<Fees, ChainError> {
        let header = self.client.header(BlockId::latest()).await?;
        let base = header
            .and_then(|header| header.base_fee_per_gas)
            .unwrap_or_default();
        let tip = self
            .client
            .provider()
            .get_max_priority_fee_per_gas()
            .await?;
        let max = u128::from(base).saturating_mul(2).saturating_add(tip);
        Ok(Fees { max, tip })
    }
}

/// The price of gas, in wei.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fees {
    /// The most for one unit.
    pub max: u128,
    /// Of that at most to whoever makes the block.
    pub tip: u128,
}

impl Fees {
    /// At least what endpoints ask of a transaction that is to replace one with these: an eighth more.
    fn above(self, before: Self) -> Self {
        let more =
            |now: u128, before: u128| now.max(before.saturating_add(before / 8).saturating_add(1));
        Self {
            max: more(self.max, before.max),
            tip: more(self.tip, before.tip),
        }
    }
}
