//! Takes transactions.

use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_primitives::B256;

use super::Chain;
use super::seal::Unsaved;
use crate::config::Mining;
use crate::error::{Error, Refusal};
use crate::event::Event;
use crate::execute;
use crate::pool::Waiting;
use crate::state::Read as _;
use crate::transaction::Signed;

impl Chain {
    /// Takes transactions, and with [`Mining::Instant`] executes those that can be. What is answered with a hash is
    /// durable, in a block or in the pool.
    pub fn submit(&mut self, all: Vec<Signed>, now: u64) -> Vec<Result<B256, Error>> {
        let mut unsaved = Unsaved::default();
        let mut taken = Vec::with_capacity(all.len());
        for signed in all {
            taken.push(self.take(signed, &mut unsaved));
        }
        let done = if self.mining == Mining::Instant && !unsaved.added.is_empty() {
            self.mine_all(unsaved, now)
        } else {
            self.save(&unsaved)
        };
        if let Err(error) = done {
            self.events.clear();
            taken.fill(Err(error));
        }
        taken
    }

    fn take(&mut self, signed: Signed, unsaved: &mut Unsaved) -> Result<B256, Error> {
        self.writable()?;
        self.check(&signed)?;
        let hash = signed.hash();
        let waiting = Waiting {
            signed: Arc::new(signed),
            sequence: self.meta.next_sequence,
        };
        self.meta.next_sequence += 1;
        if let Some(replaced) = self.pool.insert(waiting.clone()) {
            let before = unsaved.added.len();
            unsaved
                .added
                .retain(|added| added.sequence != replaced.sequence);
            if unsaved.added.len() == before {
                unsaved.replaced.push(replaced.sequence);
            }
        }
        unsaved.added.push(waiting.clone());
        self.emit(Event::Waiting(waiting));
        Ok(hash)
    }

    fn check(&self, signed: &Signed) -> Result<(), Error> {
        let limits = &self.config.limits;
        signed.check(self.config.chain_id, self.config.gas_limit)?;
        let hash = signed.hash();
        if self.pool.get(hash).is_some() || self.store.place(hash)?.is_some() {
            return Err(Refusal::Known.into());
        }
        let (have, need) = (
            signed.tx.gas_limit(),
            execute::intrinsic_gas(&execute::transaction(signed)),
        );
        if have < need {
            return Err(Refusal::IntrinsicGas { have, need }.into());
        }
        let account = self.state.account(signed.sender);
        if account.is_some_and(|account| account.code_hash != alloy_primitives::KECCAK256_EMPTY) {
            return Err(Refusal::SenderIsContract(signed.sender).into());
        }
        let next = account.map_or(0, |account| account.nonce);
        let nonce = signed.tx.nonce();
        if nonce < next {
            return Err(Refusal::NonceTooLow { next, nonce }.into());
        }
        let base = self.next_base_fee();
        let fee = signed.tx.max_fee_per_gas();
        if fee < u128::from(base) {
            let sender = signed.sender;
            return Err(Refusal::FeeTooLow { sender, fee, base }.into());
        }
        let have = account.map(|account| account.balance).unwrap_or_default();
        let full = limits.pool_transactions;
        self.pool
            .check(signed, have, full, limits.sender_transactions)?;
        Ok(())
    }
}
