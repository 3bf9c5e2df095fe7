//! The accounts, storage and code of one moment, all in memory: what contracts of a development chain hold is small.

use alloy_primitives::map::HashMap;
use alloy_primitives::{Address, B256, Bytes, U256};
use revm::bytecode::Bytecode;

use crate::changes::{Account, Changes};

/// A state that can be looked at.
pub trait Read {
    /// An account, if it is there.
    fn account(&self, address: Address) -> Option<Account>;
    /// A slot of storage; zero if nothing is there.
    fn slot(&self, address: Address, slot: U256) -> U256;
    /// The code with this hash.
    fn code(&self, hash: B256) -> Option<Bytecode>;
}

/// The newest state.
#[derive(Debug, Default)]
pub struct State {
    accounts: HashMap<Address, Account>,
    storage: HashMap<(Address, U256), U256>,
    code: HashMap<B256, Bytecode>,
}

impl State {
    /// Makes the changes.
    pub fn apply(&mut self, changes: Changes) {
        for (address, account) in changes.accounts {
            match account {
                Some(account) => self.accounts.insert(address, account),
                None => self.accounts.remove(&address),
            };
        }
        for (place, value) in changes.storage {
            if value.is_zero() {
                self.storage.remove(&place);
            } else {
                self.storage.insert(place, value);
            }
        }
        for (hash, code) in changes.code {
            self.code.entry(hash).or_insert_with(|| analysed(code));
        }
    }

    /// What would undo the changes.
    pub fn before(&self, changes: &Changes) -> Changes {
        let accounts = changes.accounts.keys();
        let storage = changes.storage.keys();
        Changes {
            accounts: accounts.map(|at| (*at, self.account(*at))).collect(),
            storage: storage.map(|at| (*at, self.slot(at.0, at.1))).collect(),
            code: HashMap::default(),
        }
    }
}

/// Code as the interpreter takes it. Bytes that only look like a delegation are ordinary code here: the rules are
/// those before EIP-7702.
pub fn analysed(code: Bytes) -> Bytecode {
    Bytecode::new_legacy(code)
}

impl Read for State {
    fn account(&self, address: Address) -> Option<Account> {
        self.accounts.get(&address).copied()
    }

    fn slot(&self, address: Address, slot: U256) -> U256 {
        let value = self.storage.get(&(address, slot));
        value.copied().unwrap_or_default()
    }

    fn code(&self, hash: B256) -> Option<Bytecode> {
        self.code.get(&hash).cloned()
    }
}
