//! What a block does to the state, or what undoes it: values by their place.

use alloy_primitives::map::HashMap;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::{RlpDecodable, RlpEncodable};

/// An account, without its storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Account {
    /// Transactions that it sent, or contracts that it made.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// The keccak of its code.
    pub code_hash: B256,
}

/// New values for places of the state. `None` is an account that is not there; a slot that is not there is zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Accounts.
    pub accounts: HashMap<Address, Option<Account>>,
    /// Slots of storage.
    pub storage: HashMap<(Address, U256), U256>,
    /// Code by its hash. Nothing removes code.
    pub code: HashMap<B256, Bytes>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct AccountChange {
    address: Address,
    /// One, or none when it is not there.
    account: Vec<Account>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct SlotChange {
    address: Address,
    slot: U256,
    value: U256,
}

#[derive(RlpEncodable, RlpDecodable)]
struct CodeChange {
    hash: B256,
    code: Bytes,
}

#[derive(RlpEncodable, RlpDecodable)]
struct Encoded {
    accounts: Vec<AccountChange>,
    storage: Vec<SlotChange>,
    code: Vec<CodeChange>,
}

impl Changes {
    /// The same bytes for the same changes.
    pub fn encode(&self) -> Vec<u8> {
        let accounts = self.accounts.iter();
        let accounts = accounts.map(|(address, account)| AccountChange {
            address: *address,
            account: account.iter().copied().collect(),
        });
        let storage = self.storage.iter();
        let storage = storage.map(|((address, slot), value)| SlotChange {
            address: *address,
            slot: *slot,
            value: *value,
        });
        let code = self.code.iter().map(|(hash, code)| CodeChange {
            hash: *hash,
            code: code.clone(),
        });
        let mut encoded = Encoded {
            accounts: accounts.collect(),
            storage: storage.collect(),
            code: code.collect(),
        };
        encoded.accounts.sort_unstable_by_key(|one| one.address);
        encoded
            .storage
            .sort_unstable_by_key(|one| (one.address, one.slot));
        encoded.code.sort_unstable_by_key(|one| one.hash);
        alloy_rlp::encode(encoded)
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, alloy_rlp::Error> {
        let encoded: Encoded = alloy_rlp::decode_exact(bytes)?;
        let accounts = encoded.accounts.into_iter();
        let storage = encoded.storage.into_iter();
        let code = encoded.code.into_iter();
        Ok(Changes {
            accounts: accounts
                .map(|one| (one.address, one.account.first().copied()))
                .collect(),
            storage: storage
                .map(|one| ((one.address, one.slot), one.value))
                .collect(),
            code: code.map(|one| (one.hash, one.code)).collect(),
        })
    }

    /// Adds what `older` says of places of which this says nothing.
    pub fn keep_from(&mut self, older: Changes) {
        for (address, account) in older.accounts {
            self.accounts.entry(address).or_insert(account);
        }
        for (place, value) in older.storage {
            self.storage.entry(place).or_insert(value);
        }
        for (hash, code) in older.code {
            self.code.entry(hash).or_insert(code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_back_from_their_bytes_and_damaged_bytes_are_an_error() {
        let mut changes = Changes::default();
        let account = Account {
            nonce: 7,
            balance: U256::from(1) << 200,
            code_hash: B256::repeat_byte(3),
        };
        for byte in 0..40 {
            let address = Address::repeat_byte(byte);
            let there = (byte % 3 > 0).then_some(account);
            changes.accounts.insert(address, there);
            changes.storage.insert(
                (address, U256::from(byte)),
                U256::from(byte) << usize::from(byte),
            );
        }
        changes
            .code
            .insert(B256::repeat_byte(3), Bytes::from(vec![1; 100]));
        let bytes = changes.encode();
        assert_eq!(Changes::decode(&bytes).as_ref(), Ok(&changes));
        for end in 0..bytes.len() {
            assert!(Changes::decode(&bytes[..end]).is_err(), "{end}");
        }
    }
}
