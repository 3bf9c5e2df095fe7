//! Execution receipts: what a worker signs about a call.

use std::sync::LazyLock;

use weir_identity::{
    Address, Digest, Domain, Hash, Keypair, PeerId, PublicKey, Signature, SignatureError, keccak256,
};

use crate::wire::{Malformed, Reader};

/// The EIP-712 type. Contracts know it by its hash.
const TYPE: &str = "Receipt(uint16 version,uint64 dealId,bytes32 workerId,bytes32 serviceId,uint64 seq,\
uint64 serviceSeq,bytes32 moduleSetHash,bytes32 functionId,bytes32 argsHash,bytes32 preStateRoot,\
bytes32 postStateRoot,bytes32 resultHash,bytes32 hostLogHash,uint64 fuel,uint8 outcome,bytes32 requestId,\
bytes32 prevReceipt,bytes32 prevServiceReceipt,bytes32 traceCommit,uint64 epoch)";

/// How a call ended. Failures of the machine below it make no receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// The function returned.
    Ok = 0,
    /// The guest trapped; the fuel is the limit.
    Trap = 1,
    /// The fuel was used up.
    OutOfFuel = 2,
    /// The host refused or could not do what the guest asked of it.
    HostError = 3,
    /// The function returned an error.
    GuestError = 4,
    /// A limit other than that of fuel was reached; the result says which.
    Limit = 5,
}

impl Outcome {
    /// The outcome with this code.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Ok,
            1 => Self::Trap,
            2 => Self::OutOfFuel,
            3 => Self::HostError,
            4 => Self::GuestError,
            5 => Self::Limit,
            _ => return None,
        })
    }

    /// The code in the signed struct.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// What one call did, as a worker signs it. A hash that does not apply is [`Hash::ZERO`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Form of the receipt and of what its hashes cover: [`Receipt::VERSION`].
    pub version: u16,
    /// The deal, 0 without one.
    pub deal_id: u64,
    /// The worker: that of the deal, or [`local_worker_id`](crate::local_worker_id).
    pub worker_id: Hash,
    /// The service whose state it is about.
    pub service_id: Hash,
    /// Number of this receipt among those of the worker, without gaps.
    pub seq: u64,
    /// Number of this receipt among those of the service at this worker, without gaps.
    pub service_seq: u64,
    /// The code with its configuration and the execution profile.
    pub module_set_hash: Hash,
    /// [`function_id`](crate::function_id) of what was called.
    pub function_id: Hash,
    /// [`args_hash`](crate::args_hash) of arguments and context.
    pub args_hash: Hash,
    /// The [root](crate::state::Root::hash) of the state that the call found.
    pub pre_state_root: Hash,
    /// The [root](crate::state::Root::hash) of the state that it left; the same if it changed nothing or failed.
    pub post_state_root: Hash,
    /// [`content_hash`](crate::content_hash) of the result, or of what says why there is none.
    pub result_hash: Hash,
    /// The [root](crate::Transcript::root) of the recorded effects.
    pub host_log_hash: Hash,
    /// Fuel that was used, in the units of the execution profile; the limit on a trap.
    pub fuel: u64,
    /// How the call ended.
    pub outcome: Outcome,
    /// Who asked: a request authorisation, or [`local_request_id`](crate::local_request_id).
    pub request_id: Hash,
    /// Digest of the worker's receipt before this one.
    pub prev_receipt: Hash,
    /// Digest of the service's receipt before this one.
    pub prev_service_receipt: Hash,
    /// Hash of the root of the execution trace, if one was made.
    pub trace_commit: Hash,
    /// The epoch of the market, 0 without one.
    pub epoch: u64,
}

impl Receipt {
    /// The version that this crate makes.
    pub const VERSION: u16 = 1;

    /// The `hashStruct` of EIP-712.
    pub fn struct_hash(&self) -> Hash {
        static TYPE_HASH: LazyLock<Hash> = LazyLock::new(|| keccak256(&[TYPE.as_bytes()]));
        let mut words = Words(Vec::with_capacity(21 * 32));
        words.hash(&TYPE_HASH);
        self.write(&mut words);
        keccak256(&[&words.0])
    }

    /// What is signed, and what the next receipt names as the one before it.
    pub fn digest(&self, domain: &ReceiptDomain) -> Digest {
        Digest::eip712(&domain.0, self.struct_hash())
    }

    /// Signs with the key of the worker that executed.
    pub fn sign(self, domain: &ReceiptDomain, key: &Keypair) -> SignedReceipt {
        let signature = key.sign(&self.digest(domain));
        SignedReceipt {
            receipt: self,
            domain: domain.clone(),
            signature,
        }
    }

    /// Succeeds if this is the worker's receipt after `previous`.
    pub fn follows(&self, previous: &Self, domain: &ReceiptDomain) -> Result<(), ChainError> {
        let digest = previous.digest(domain);
        let (same, next) = (ChainError::Differs, ChainError::Number);
        ensure(self.worker_id == previous.worker_id, same("worker"))?;
        ensure(Some(self.seq) == previous.seq.checked_add(1), next("seq"))?;
        let linked = self.prev_receipt.as_bytes() == digest.as_bytes();
        ensure(linked, ChainError::Link("prevReceipt"))
    }

    /// Succeeds if this is the service's receipt after `previous`, made by the same worker.
    pub fn follows_in_service(
        &self,
        previous: &Self,
        domain: &ReceiptDomain,
    ) -> Result<(), ChainError> {
        let digest = previous.digest(domain);
        let (same, next) = (ChainError::Differs, ChainError::Number);
        ensure(self.worker_id == previous.worker_id, same("worker"))?;
        ensure(self.service_id == previous.service_id, same("service"))?;
        let number = previous.service_seq.checked_add(1);
        ensure(Some(self.service_seq) == number, next("serviceSeq"))?;
        let linked = self.prev_service_receipt.as_bytes() == digest.as_bytes();
        ensure(linked, ChainError::Link("prevServiceReceipt"))?;
        // A call that only looks may have looked at what there was before the last change.
        let changes = |receipt: &Self| receipt.pre_state_root != receipt.post_state_root;
        let joined = self.pre_state_root == previous.post_state_root;
        ensure(
            joined || !changes(self) || !changes(previous),
            ChainError::StateJump,
        )
    }

    /// The fields in the order of the type.
    fn write(&self, out: &mut impl Fields) {
        out.uint(self.version.into(), 2);
        out.uint(self.deal_id, 8);
        out.hash(&self.worker_id);
        out.hash(&self.service_id);
        out.uint(self.seq, 8);
        out.uint(self.service_seq, 8);
        for hash in [
            &self.module_set_hash,
            &self.function_id,
            &self.args_hash,
            &self.pre_state_root,
            &self.post_state_root,
            &self.result_hash,
            &self.host_log_hash,
        ] {
            out.hash(hash);
        }
        out.uint(self.fuel, 8);
        out.uint(self.outcome.code().into(), 1);
        for hash in [
            &self.request_id,
            &self.prev_receipt,
            &self.prev_service_receipt,
            &self.trace_commit,
        ] {
            out.hash(hash);
        }
        out.uint(self.epoch, 8);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            version: reader.u16()?,
            deal_id: reader.u64()?,
            worker_id: reader.hash()?,
            service_id: reader.hash()?,
            seq: reader.u64()?,
            service_seq: reader.u64()?,
            module_set_hash: reader.hash()?,
            function_id: reader.hash()?,
            args_hash: reader.hash()?,
            pre_state_root: reader.hash()?,
            post_state_root: reader.hash()?,
            result_hash: reader.hash()?,
            host_log_hash: reader.hash()?,
            fuel: reader.u64()?,
            outcome: Outcome::from_code(reader.byte()?).ok_or(Malformed("outcome"))?,
            request_id: reader.hash()?,
            prev_receipt: reader.hash()?,
            prev_service_receipt: reader.hash()?,
            trace_commit: reader.hash()?,
            epoch: reader.u64()?,
        })
    }
}

const fn ensure(holds: bool, otherwise: ChainError) -> Result<(), ChainError> {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// Why a receipt is not the one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// They are about different workers or services.
    #[error("the receipts are of different {0}s")]
    Differs(&'static str),
    /// The number is not the next one.
    #[error("{0} is not the next number")]
    Number(&'static str),
    /// The receipt names another one before it.
    #[error("{0} is not the digest of the receipt before")]
    Link(&'static str),
    /// The state that the call found is not what the one before left.
    #[error("the call found another state than the one before left")]
    StateJump,
}

/// For which market receipts are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptDomain(Domain);

impl ReceiptDomain {
    /// The receipts that the contract `audit` on this chain judges.
    pub fn new(chain_id: u64, audit: Address) -> Self {
        Self(Domain::new("ComputeReceipt", "1", chain_id, audit))
    }

    /// Receipts without a market.
    pub fn local() -> Self {
        static LOCAL: LazyLock<ReceiptDomain> =
            LazyLock::new(|| ReceiptDomain::new(0, Address::ZERO));
        LOCAL.clone()
    }

    /// The EIP-712 domain.
    pub const fn domain(&self) -> &Domain {
        &self.0
    }
}

/// A receipt with its signature: what stands in the journal entry of the call.
///
/// Decoding does not check the signature: see [`SignedReceipt::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedReceipt {
    /// What is signed.
    pub receipt: Receipt,
    /// For which market.
    pub domain: ReceiptDomain,
    /// By the worker's key.
    pub signature: Signature,
}

impl SignedReceipt {
    /// The length of the encoded form.
    pub const BYTES: usize = 1 + 8 + 20 + 459 + 65;

    /// The form of the encoding, its first byte.
    const FORM: u8 = 1;

    /// What was signed.
    pub fn digest(&self) -> Digest {
        self.receipt.digest(&self.domain)
    }

    /// Whose signature it is; some key that nobody holds if the receipt was changed.
    pub fn signer(&self) -> Result<PublicKey, SignatureError> {
        self.signature.recover(&self.digest())
    }

    /// Succeeds if `signer` signed it.
    pub fn verify(&self, signer: &PeerId) -> Result<(), SignatureError> {
        self.signature.verify(&self.digest(), signer)
    }

    /// `0x01`, chain id (8 bytes), contract (20), the fields of the struct in their order and each in its own width,
    /// big endian, and the signature (65).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Packed(Vec::with_capacity(Self::BYTES));
        out.0.push(Self::FORM);
        out.uint(self.domain.0.chain_id(), 8);
        let contract = self.domain.0.verifying_contract();
        out.0.extend_from_slice(contract.as_bytes());
        self.receipt.write(&mut out);
        out.0.extend_from_slice(self.signature.as_bytes());
        out.0
    }

    /// Reads what [`SignedReceipt::encode`] writes. Receipts of versions to come are read as well: whether one knows
    /// what their hashes cover is for the caller to ask.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != Self::FORM {
            return Err(Malformed("a receipt in another form"));
        }
        let chain_id = reader.u64()?;
        let audit = Address::from(reader.fixed::<20>()?);
        let receipt = Receipt::read(&mut reader)?;
        let signature = Signature::from_bytes(&reader.fixed::<65>()?)
            .map_err(|_| Malformed("the signature of a receipt"))?;
        reader.end()?;
        let domain = if chain_id == 0 && audit == Address::ZERO {
            ReceiptDomain::local()
        } else {
            ReceiptDomain::new(chain_id, audit)
        };
        Ok(Self {
            receipt,
            domain,
            signature,
        })
    }
}

/// Where the fields of a receipt go.
trait Fields {
    fn uint(&mut self, value: u64, width: usize);
    fn hash(&mut self, hash: &Hash);
}

/// Words of 32 bytes, as EIP-712 hashes them.
struct Words(Vec<u8>);

impl Fields for Words {
    fn uint(&mut self, value: u64, _: usize) {
        self.0.extend_from_slice(&[0; 24]);
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    fn hash(&mut self, hash: &Hash) {
        self.0.extend_from_slice(hash.as_bytes());
    }
}

/// Each in its own width.
struct Packed(Vec<u8>);

impl Fields for Packed {
    fn uint(&mut self, value: u64, width: usize) {
        self.0.extend_from_slice(&value.to_be_bytes()[8 - width..]);
    }

    fn hash(&mut self, hash: &Hash) {
        self.0.extend_from_slice(hash.as_bytes());
    }
}
