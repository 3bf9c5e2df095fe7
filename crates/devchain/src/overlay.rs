//! Changes above a state: what a block does while it is made, the state of an older block, what a call pretends.

use std::convert::Infallible;

use alloy_primitives::map::{AddressMap, HashSet};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use revm::bytecode::Bytecode;
use revm::state::AccountInfo;
use revm::{Database, DatabaseCommit};

use crate::changes::{Account, Changes};
use crate::state::{Read, analysed};

/// A state with changes above it.
pub struct Overlay<'a> {
    below: &'a dyn Read,
    /// The hashes of all blocks that there were, by number.
    hashes: &'a [B256],
    /// What differs from the state below.
    pub changes: Changes,
    /// Accounts of whose storage nothing below counts.
    emptied: HashSet<Address>,
}

impl<'a> Overlay<'a> {
    /// No changes yet. `hashes` is what contracts see of older blocks.
    pub fn new(below: &'a dyn Read, hashes: &'a [B256]) -> Self {
        Overlay {
            below,
            hashes,
            changes: Changes::default(),
            emptied: HashSet::default(),
        }
    }

    /// Forgets the storage that the account has below.
    pub fn empty(&mut self, address: Address) {
        self.emptied.insert(address);
    }
}

impl Read for Overlay<'_> {
    fn account(&self, address: Address) -> Option<Account> {
        match self.changes.accounts.get(&address) {
            Some(account) => *account,
            None => self.below.account(address),
        }
    }

    fn slot(&self, address: Address, slot: U256) -> U256 {
        match self.changes.storage.get(&(address, slot)) {
            Some(value) => *value,
            None if self.emptied.contains(&address) => U256::ZERO,
            None => self.below.slot(address, slot),
        }
    }

    fn code(&self, hash: B256) -> Option<Bytecode> {
        match self.changes.code.get(&hash) {
            Some(code) => Some(analysed(code.clone())),
            None => self.below.code(hash),
        }
    }
}

impl Database for Overlay<'_> {
    type Error = Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.account(address).map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, Infallible> {
        Ok(self.code(hash).unwrap_or_default())
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(self.slot(address, slot))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Infallible> {
        let hash = usize::try_from(number)
            .ok()
            .and_then(|at| self.hashes.get(at));
        Ok(hash.copied().unwrap_or_default())
    }
}

impl DatabaseCommit for Overlay<'_> {
    fn commit(&mut self, changes: AddressMap<revm::state::Account>) {
        for (address, account) in changes {
            if !account.is_touched() {
                continue;
            }
            // Since EIP-6780 only a contract of this very transaction vanishes: nothing below it has storage.
            if account.is_selfdestructed() || account.is_empty() {
                self.changes.accounts.insert(address, None);
                continue;
            }
            let info = &account.info;
            if let Some(code) = &info.code
                && info.code_hash != KECCAK256_EMPTY
                && self.below.code(info.code_hash).is_none()
            {
                let code = code.original_bytes();
                self.changes.code.entry(info.code_hash).or_insert(code);
            }
            let kept = Account {
                nonce: info.nonce,
                balance: info.balance,
                code_hash: info.code_hash,
            };
            self.changes.accounts.insert(address, Some(kept));
            for (slot, value) in account.changed_storage_slots() {
                self.changes
                    .storage
                    .insert((address, *slot), value.present_value);
            }
        }
    }
}
