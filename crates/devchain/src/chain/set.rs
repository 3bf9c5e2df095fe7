//! Sets parts of the state by hand, without a transaction, as tests like to.

use alloy_primitives::{Address, Bytes, KECCAK256_EMPTY, U256, keccak256};

use super::Chain;
use crate::changes::{Account, Changes};
use crate::error::Error;
use crate::pool::Waiting;
use crate::state::Read as _;

impl Chain {
    /// Sets a balance, in wei.
    pub fn set_balance(&mut self, address: Address, balance: U256) -> Result<(), Error> {
        self.set_account(address, |account| account.balance = balance)
    }

    /// Sets a nonce. Transactions that wait with lower ones are dropped.
    pub fn set_nonce(&mut self, address: Address, nonce: u64) -> Result<(), Error> {
        let waiting = self.pool.all().filter(|waiting| {
            waiting.signed.sender == address
                && alloy_consensus::Transaction::nonce(&waiting.signed.tx) < nonce
        });
        let stale: Vec<Waiting> = waiting.cloned().collect();
        self.set_account(address, |account| account.nonce = nonce)?;
        let result = self.store.write(|writer| {
            let mut stale = stale.iter();
            stale.try_for_each(|waiting| writer.wait_no_more(waiting.sequence))
        });
        self.written(result)?;
        for waiting in stale {
            self.pool.remove(waiting.signed.hash());
        }
        Ok(())
    }

    /// Sets the code of an account.
    pub fn set_code(&mut self, address: Address, code: Bytes) -> Result<(), Error> {
        let hash = keccak256(&code);
        let mut changes = Changes::default();
        let mut account = self.account_or_new(address);
        account.code_hash = hash;
        changes.accounts.insert(address, Some(account));
        if hash != KECCAK256_EMPTY {
            changes.code.insert(hash, code);
        }
        self.set(changes)
    }

    /// Sets a slot of an account's storage.
    pub fn set_slot(&mut self, address: Address, slot: U256, value: U256) -> Result<(), Error> {
        let mut changes = Changes::default();
        changes.storage.insert((address, slot), value);
        self.set(changes)
    }

    fn account_or_new(&self, address: Address) -> Account {
        self.state.account(address).unwrap_or(Account {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: KECCAK256_EMPTY,
        })
    }

    fn set_account(
        &mut self,
        address: Address,
        change: impl FnOnce(&mut Account),
    ) -> Result<(), Error> {
        let mut account = self.account_or_new(address);
        change(&mut account);
        let mut changes = Changes::default();
        changes.accounts.insert(address, Some(account));
        self.set(changes)
    }

    /// The change counts as one of the newest block: whoever goes back before that undoes it. Snapshots at this very
    /// block undo it themselves.
    fn set(&mut self, changes: Changes) -> Result<(), Error> {
        self.writable()?;
        let before = self.state.before(&changes);
        let number = self.head.number();
        let mut undo = self.store.undo(number)?.unwrap_or_default();
        undo.keep_from(before.clone());
        let mut meta = self.meta.clone();
        for snapshot in &mut meta.snapshots {
            if snapshot.hash == self.head.hash {
                let mut undo = Changes::decode(&snapshot.undo)
                    .map_err(|_| self.store.damaged("a snapshot cannot be read"))?;
                undo.keep_from(before.clone());
                snapshot.undo = undo.encode().into();
            }
        }
        let result = self.store.write(|writer| {
            writer.undo(number, &undo)?;
            writer.state(&changes)?;
            writer.meta(&meta)
        });
        self.written(result)?;
        self.meta = meta;
        self.state.apply(changes);
        Ok(())
    }
}
