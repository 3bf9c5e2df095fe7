//! Runs transactions and calls on a state. The rules are those of Cancun, without blobs.

use alloy_consensus::{Header, Transaction as _, Typed2718 as _};
use alloy_primitives::{B256, Bytes, U256, keccak256};
use revm::context::result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::primitives::hardfork::SpecId;
use revm::{Context, ExecuteCommitEvm as _, ExecuteEvm as _, MainBuilder as _, MainContext as _};

use crate::error::Error;
use crate::overlay::Overlay;
use crate::transaction::Signed;

/// The rules.
pub const RULES: SpecId = SpecId::CANCUN;

/// What a contract sees as randomness of a block: the same for everybody, known in advance.
pub fn randomness(parent: B256, number: u64) -> B256 {
    keccak256([&parent[..], &number.to_be_bytes()].concat())
}

fn settings(chain_id: u64) -> CfgEnv {
    let mut settings = CfgEnv::new().with_chain_id(chain_id);
    settings.set_spec_and_mainnet_gas_params(RULES);
    settings
}

fn environment(header: &Header) -> BlockEnv {
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: U256::ZERO,
        prevrandao: Some(header.mix_hash),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
            excess_blob_gas: 0,
            blob_gasprice: 1,
        }),
        slot_num: 0,
    }
}

/// A transaction as revm takes it.
pub fn transaction(signed: &Signed) -> TxEnv {
    let tx = &signed.tx;
    TxEnv {
        tx_type: tx.ty(),
        caller: signed.sender,
        gas_limit: tx.gas_limit(),
        gas_price: tx.max_fee_per_gas(),
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        access_list: tx.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: tx.max_priority_fee_per_gas(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    }
}

/// Gas that a transaction needs before anything of it runs.
pub fn intrinsic_gas(tx: &TxEnv) -> u64 {
    let params = settings(0).gas_params;
    params.initial_tx_gas_for_tx(tx, None).initial_regular_gas
}

/// Runs transactions one after the other in a block with this header. `next` gives the next one, after the outcome of
/// the one before; what an outcome changed is in the overlay then.
pub fn run<'a>(
    chain_id: u64,
    header: &Header,
    overlay: Overlay<'a>,
    mut next: impl FnMut(Option<Result<ExecutionResult, InvalidTransaction>>) -> Option<TxEnv>,
) -> Overlay<'a> {
    let mut evm = Context::mainnet()
        .with_db(overlay)
        .with_cfg(settings(chain_id))
        .with_block(environment(header))
        .build_mainnet();
    let mut outcome = None;
    while let Some(tx) = next(outcome.take()) {
        outcome = Some(match evm.transact_commit(tx) {
            Ok(result) => Ok(result),
            Err(EVMError::Transaction(error)) => Err(error),
            Err(error) => Err(InvalidTransaction::Str(error.to_string().into())),
        });
    }
    evm.ctx.journaled_state.database
}

/// Runs a call that changes nothing. With `free`, its price may be below the base fee.
pub fn call(
    chain_id: u64,
    header: &Header,
    overlay: &mut Overlay<'_>,
    tx: TxEnv,
    free: bool,
) -> Result<ExecutionResult, Error> {
    let mut settings = settings(chain_id);
    settings.disable_nonce_check = true;
    settings.tx_chain_id_check = false;
    settings.disable_eip3607 = true;
    settings.disable_base_fee = free;
    let mut evm = Context::mainnet()
        .with_db(overlay)
        .with_cfg(settings)
        .with_block(environment(header))
        .build_mainnet();
    let sender = tx.caller;
    evm.transact_one(tx).map_err(|error| {
        Error::Argument(match error {
            EVMError::Transaction(InvalidTransaction::LackOfFundForMaxFee { fee, balance }) => {
                format!(
                    "insufficient funds for gas * price + value: address {sender} have {balance} want {fee}"
                )
            }
            EVMError::Transaction(InvalidTransaction::CallGasCostMoreThanGasLimit {
                initial_gas,
                gas_limit,
            }) => {
                format!("intrinsic gas too low: gas {gas_limit}, minimum needed {initial_gas}")
            }
            EVMError::Transaction(InvalidTransaction::GasPriceLessThanBasefee) => {
                format!(
                    "max fee per gas less than block base fee: address {sender}, baseFee: {}",
                    header.base_fee_per_gas.unwrap_or_default()
                )
            }
            error => error.to_string(),
        })
    })
}

/// What a call returned, or why it did not.
pub fn returned(result: ExecutionResult) -> Result<Bytes, Error> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(reverted(output)),
        ExecutionResult::Halt { reason, .. } => Err(Error::Halted(halted(&reason))),
    }
}

fn halted(reason: &HaltReason) -> String {
    match reason {
        HaltReason::OutOfGas(_) => "out of gas".to_owned(),
        HaltReason::OpcodeNotFound | HaltReason::InvalidFEOpcode => "invalid opcode".to_owned(),
        HaltReason::CreateCollision => "contract address collision".to_owned(),
        HaltReason::CreateContractSizeLimit => "max code size exceeded".to_owned(),
        HaltReason::CallTooDeep => "max call depth exceeded".to_owned(),
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => {
            "write protection".to_owned()
        }
        reason => reason.to_string(),
    }
}

/// The error of a call that a contract reverted: its data, and the reason in it if there is one.
pub fn reverted(data: Bytes) -> Error {
    let message = match reason(&data) {
        Some(reason) => format!("execution reverted: {reason}"),
        None => "execution reverted".to_owned(),
    };
    Error::Reverted { message, data }
}

/// The text of `Error(string)`, or the meaning of `Panic(uint256)`.
fn reason(data: &[u8]) -> Option<String> {
    let (selector, rest) = data.split_at_checked(4)?;
    let word = |at: usize| {
        let word = rest.get(at..at.checked_add(32)?)?;
        usize::try_from(U256::from_be_slice(word)).ok()
    };
    match selector {
        [0x08, 0xc3, 0x79, 0xa0] => {
            let at = word(0)?;
            let length = word(at)?;
            let start = at.checked_add(32)?;
            let text = rest.get(start..start.checked_add(length)?)?;
            Some(String::from_utf8_lossy(text).into_owned())
        }
        [0x4e, 0x48, 0x7b, 0x71] => Some(match word(0)? {
            0x00 => "generic panic".to_owned(),
            0x01 => "assert(false)".to_owned(),
            0x11 => "arithmetic underflow or overflow".to_owned(),
            0x12 => "division or modulo by zero".to_owned(),
            0x21 => "enum overflow".to_owned(),
            0x22 => "invalid encoded storage byte array accessed".to_owned(),
            0x31 => "out-of-bounds array access; popping on an empty array".to_owned(),
            0x32 => "out-of-bounds access of an array or bytesN".to_owned(),
            0x41 => "out of memory".to_owned(),
            0x51 => "uninitialized function".to_owned(),
            code => format!("unknown panic code: {code:#x}"),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_returned_bytes_make_the_search_for_a_reason_fail() {
        let mut data = vec![0x08, 0xc3, 0x79, 0xa0];
        data.extend(U256::from(32).to_be_bytes::<32>());
        data.extend(U256::from(5).to_be_bytes::<32>());
        data.extend(b"hello");
        assert_eq!(reason(&data).as_deref(), Some("hello"));
        for end in 0..data.len() {
            assert_eq!(reason(&data[..end]), None);
        }
        data[4..36].fill(0xff);
        assert_eq!(reason(&data), None);
    }
}
