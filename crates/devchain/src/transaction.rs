//! Transactions as they come: decoded, with their sender, checked as far as no state is needed.

use alloy_consensus::{Transaction as _, TxEnvelope, Typed2718 as _};
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_primitives::{Address, B256, U256, keccak256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SECP256K1};

use crate::error::Refusal;

/// Bytes that the code of a creation may have (EIP-3860).
const INIT_CODE_BYTES: usize = 2 * 24_576;

/// A transaction whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The transaction.
    pub tx: TxEnvelope,
    /// Who signed it.
    pub sender: Address,
}

impl Signed {
    /// Reads a transaction and finds its sender.
    pub fn decode(raw: &[u8], bytes_max: usize) -> Result<Self, Refusal> {
        if raw.len() > bytes_max {
            return Err(Refusal::Oversized {
                size: raw.len(),
                limit: bytes_max,
            });
        }
        let tx = TxEnvelope::decode_2718_exact(raw);
        let tx = tx.map_err(|error| Refusal::Undecodable(error.to_string()))?;
        if tx.ty() > 2 {
            return Err(Refusal::Type(tx.ty()));
        }
        let sender = recover(&tx)?;
        Ok(Signed { tx, sender })
    }

    /// What names it.
    pub fn hash(&self) -> B256 {
        *self.tx.hash()
    }

    /// Checks it against the rules of a chain.
    pub fn check(&self, chain_id: u64, gas_limit: u64) -> Result<(), Refusal> {
        let tx = &self.tx;
        match tx.chain_id() {
            None => return Err(Refusal::Unprotected),
            Some(have) if have != chain_id => {
                return Err(Refusal::ChainId {
                    have,
                    want: chain_id,
                });
            }
            Some(_) => {}
        }
        if tx.is_create() && tx.input().len() > INIT_CODE_BYTES {
            return Err(Refusal::InitCode {
                size: tx.input().len(),
                limit: INIT_CODE_BYTES,
            });
        }
        if tx.nonce() == u64::MAX {
            return Err(Refusal::NonceMax);
        }
        if tx.gas_limit() > gas_limit {
            return Err(Refusal::GasLimit);
        }
        if tx
            .max_priority_fee_per_gas()
            .is_some_and(|tip| tip > tx.max_fee_per_gas())
        {
            return Err(Refusal::TipAboveFee);
        }
        Ok(())
    }

    /// The most that it can cost its sender, in wei.
    pub fn cost(&self) -> U256 {
        let gas = U256::from(self.tx.gas_limit());
        gas.saturating_mul(U256::from(self.tx.max_fee_per_gas()))
            .saturating_add(self.tx.value())
    }
}

/// Who signed the transaction.
fn recover(tx: &TxEnvelope) -> Result<Address, Refusal> {
    let signature = tx.signature();
    if signature.normalize_s().is_some() {
        return Err(Refusal::Sender("the signature has a high s (EIP-2)"));
    }
    let bytes = signature.as_bytes();
    let id = if signature.v() {
        RecoveryId::One
    } else {
        RecoveryId::Zero
    };
    let recovered = RecoverableSignature::from_compact(&bytes[..64], id).and_then(|signature| {
        let message = Message::from_digest(tx.signature_hash().0);
        SECP256K1.recover_ecdsa(message, &signature)
    });
    let key = recovered.map_err(|_| Refusal::Sender("the signature is of no key"))?;
    let hash = keccak256(&key.serialize_uncompressed()[1..]);
    Ok(Address::from_slice(&hash[12..]))
}
