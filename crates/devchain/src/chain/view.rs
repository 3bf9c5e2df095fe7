//! The state at a block, and calls on it.

use alloy_consensus::Header;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, TxKind, U256, keccak256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_eth::state::StateOverride;
use revm::context::TxEnv;
use revm::context::result::{ExecutionResult, HaltReason};

use super::Chain;
use crate::changes::{Account, Changes};
use crate::error::Error;
use crate::execute;
use crate::overlay::Overlay;
use crate::state::Read as _;

/// An estimate may be higher than what is needed by this part of itself.
const ESTIMATE_ERROR: f64 = 0.015;

/// The state after a block.
pub struct View<'a> {
    /// The header of the block.
    pub header: Header,
    chain_id: u64,
    overlay: Overlay<'a>,
}

impl Chain {
    /// The state at a block. That of the pending block includes what waits and can be executed.
    pub fn view(&self, id: BlockId, now: u64) -> Result<View<'_>, Error> {
        let view = |header: Header, hashes, changes| {
            let mut overlay = Overlay::new(&self.state, hashes);
            overlay.changes = changes;
            View {
                header,
                chain_id: self.config.chain_id,
                overlay,
            }
        };
        let number = match id {
            BlockId::Number(BlockNumberOrTag::Pending) => {
                let made = self.make(now);
                return Ok(view(made.block.header, &self.hashes[..], made.changes));
            }
            BlockId::Number(tag) => self.number_at(tag),
            BlockId::Hash(hash) => {
                let number = self.number_of(hash.block_hash);
                number.ok_or(Error::UnknownHash(hash.block_hash))?
            }
        };
        let newest = self.head.number();
        let unknown = Error::UnknownBlock {
            asked: number,
            newest,
        };
        let block = self.block(number)?.ok_or(unknown)?;
        self.oldest_state(number)?;
        let mut changes = Changes::default();
        for later in number + 1..=newest {
            let undo = self.store.undo(later)?;
            changes.keep_from(
                undo.ok_or_else(|| self.store.damaged("what undoes a block is not there"))?,
            );
        }
        let hashes = &self.hashes[..self.hashes.len().min(number as usize + 1)];
        Ok(view(block.header.clone(), hashes, changes))
    }

    /// An error if the state after this block is no longer kept.
    pub(super) fn oldest_state(&self, asked: u64) -> Result<(), Error> {
        let oldest = self.meta.oldest_state;
        if asked < oldest {
            return Err(Error::StateGone { asked, oldest });
        }
        Ok(())
    }
}

impl View<'_> {
    /// An account.
    pub fn account(&self, address: Address) -> Account {
        self.overlay.account(address).unwrap_or(Account {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: KECCAK256_EMPTY,
        })
    }

    /// The code of an account.
    pub fn code(&self, address: Address) -> Bytes {
        let code = self.overlay.code(self.account(address).code_hash);
        code.map(|code| code.original_bytes()).unwrap_or_default()
    }

    /// A slot of storage.
    pub fn slot(&self, address: Address, slot: U256) -> U256 {
        self.overlay.slot(address, slot)
    }

    /// Pretends that parts of the state are otherwise.
    pub fn pretend(&mut self, overrides: StateOverride) -> Result<(), Error> {
        for (address, wanted) in overrides {
            if wanted.move_precompile_to.is_some() {
                let what = "movePrecompileTo is not supported";
                return Err(Error::Argument(what.to_owned()));
            }
            let mut account = self.account(address);
            account.balance = wanted.balance.unwrap_or(account.balance);
            account.nonce = wanted.nonce.unwrap_or(account.nonce);
            if let Some(code) = wanted.code {
                account.code_hash = keccak256(&code);
                self.overlay.changes.code.insert(account.code_hash, code);
            }
            let changes = &mut self.overlay.changes;
            changes.accounts.insert(address, Some(account));
            if wanted.state.is_some() && wanted.state_diff.is_some() {
                return Err(Error::Argument(format!(
                    "account {address} has both 'state' and 'stateDiff'"
                )));
            }
            if wanted.state.is_some() {
                changes.storage.retain(|(at, _), _| *at != address);
                self.overlay.empty(address);
            }
            for (slot, value) in wanted.state.or(wanted.state_diff).into_iter().flatten() {
                let place = (address, U256::from_be_bytes(slot.0));
                let value = U256::from_be_bytes::<32>(B256::from(value).0);
                self.overlay.changes.storage.insert(place, value);
            }
        }
        Ok(())
    }

    /// Runs a call; what it returned.
    pub fn call(&mut self, request: &TransactionRequest) -> Result<Bytes, Error> {
        let (tx, free) = self.transaction(request)?;
        execute::returned(self.run(tx, free)?)
    }

    fn run(&mut self, tx: TxEnv, free: bool) -> Result<ExecutionResult, Error> {
        execute::call(self.chain_id, &self.header, &mut self.overlay, tx, free)
    }

    /// The least gas with which a transaction does not fail, or a little more.
    pub fn estimate(&mut self, request: &TransactionRequest) -> Result<u64, Error> {
        let (mut tx, free) = self.transaction(request)?;
        let mut high = tx.gas_limit;
        if tx.gas_price > 0 {
            let have = self.account(tx.caller).balance;
            let left = have.checked_sub(tx.value).ok_or_else(|| {
                Error::Argument(format!(
                    "insufficient funds for transfer: address {} have {have} want {}",
                    tx.caller, tx.value
                ))
            })?;
            let affordable = left / U256::from(tx.gas_price);
            high = high.min(u64::try_from(affordable).unwrap_or(u64::MAX));
        }
        let mut attempt = |gas: u64| {
            tx.gas_limit = gas;
            self.run(tx.clone(), free)
        };
        let least = match attempt(high)? {
            ExecutionResult::Success { gas, .. } => gas.tx_gas_used(),
            ExecutionResult::Revert { output, .. } => return Err(execute::reverted(output)),
            ExecutionResult::Halt {
                reason: HaltReason::OutOfGas(_),
                ..
            } => return Err(Error::Allowance(high)),
            halt @ ExecutionResult::Halt { .. } => {
                return Err(match execute::returned(halt) {
                    Err(error) => error,
                    Ok(_) => Error::Allowance(high),
                });
            }
        };
        // What was used is often enough; it is not where gas comes back or must only be there.
        let enough =
            |result: Result<ExecutionResult, Error>| result.is_ok_and(|one| one.is_success());
        if enough(attempt(least)) {
            return Ok(least);
        }
        let mut low = least;
        while low + 1 < high && (high - low) as f64 / high as f64 > ESTIMATE_ERROR {
            // Most need little more than they use.
            let middle = (low + (high - low) / 2).min(low.saturating_mul(2));
            if enough(attempt(middle)) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(high)
    }

    /// A call as revm takes it, and whether it is without a price.
    fn transaction(&self, request: &TransactionRequest) -> Result<(TxEnv, bool), Error> {
        let argument = |what: &str| Error::Argument(what.to_owned());
        let data = request.input.unique_input().map_err(|_| {
            argument("both \"data\" and \"input\" are set and not equal. Please use \"input\" to pass transaction call data")
        })?;
        if request.blob_versioned_hashes.is_some() || request.authorization_list.is_some() {
            return Err(argument("blobs and authorizations are not supported"));
        }
        if request.gas_price.is_some()
            && (request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some())
        {
            return Err(argument(
                "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
            ));
        }
        let caller = request.from.unwrap_or_default();
        let price = request.gas_price.or(request.max_fee_per_gas);
        let price = price.unwrap_or_default();
        let tip = request.max_priority_fee_per_gas;
        if tip.is_some_and(|tip| tip > price && price > 0) {
            return Err(argument(
                "max priority fee per gas higher than max fee per gas",
            ));
        }
        let dynamic = request.max_fee_per_gas.is_some();
        let limit = self.header.gas_limit;
        let tx = TxEnv {
            tx_type: if dynamic {
                2
            } else {
                u8::from(request.access_list.is_some())
            },
            caller,
            gas_limit: request.gas.unwrap_or(limit).min(limit),
            gas_price: price,
            kind: request.to.unwrap_or(TxKind::Create),
            value: request.value.unwrap_or_default(),
            data: data.cloned().unwrap_or_default(),
            nonce: self.account(caller).nonce,
            chain_id: None,
            access_list: request.access_list.clone().unwrap_or_default(),
            gas_priority_fee: tip.filter(|_| dynamic),
            blob_hashes: Vec::new(),
            max_fee_per_blob_gas: 0,
            authorization_list: Vec::new(),
        };
        Ok((tx, price == 0))
    }
}
