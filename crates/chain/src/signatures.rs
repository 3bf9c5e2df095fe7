//! What nodes and workers sign for the market, by EIP-712.

use alloy::primitives::{Address, B256, Bytes};
use weir_identity::{Digest, Domain, Keypair, PublicKey, Signature, keccak256};

use crate::bindings::Registry;
use crate::deployment::Deployment;

/// The version of the structs.
const VERSION: &str = "1";

impl Deployment {
    /// A node of a provider, with its consent: a node's key says whose it is, so that nobody can take another's.
    /// `registrations` is how often the node was registered before.
    pub fn peer_input(
        &self,
        node: &Keypair,
        units: u16,
        (provider, registrations): (Address, u16),
    ) -> Registry::PeerInput {
        let type_hash = keccak256(&[b"RegisterPeer(address provider,uint256 nonce)"]);
        let mut nonce = [0; 32];
        nonce[30..].copy_from_slice(&registrations.to_be_bytes());
        let hash = keccak256(&[type_hash.as_bytes(), &provider.into_word()[..], &nonce]);
        let digest = Digest::eip712(&self.domain("WeirRegistry", self.registry), hash);
        Registry::PeerInput {
            publicKey: Bytes::copy_from_slice(&node.public_key().to_uncompressed()),
            units,
            signature: signature(node, &digest),
        }
    }

    /// The signature with which the key of a worker takes the worker over.
    pub fn worker_signature(&self, worker: B256, key: &Keypair) -> Bytes {
        signature(key, &self.worker_digest(worker))
    }

    /// The key that signed so; none if it is no such signature.
    pub(crate) fn worker_signer(&self, worker: B256, signature: &[u8]) -> Option<PublicKey> {
        let signature = Signature::from_bytes(signature).ok()?;
        signature.recover(&self.worker_digest(worker)).ok()
    }

    fn worker_digest(&self, worker: B256) -> Digest {
        let type_hash = keccak256(&[b"ActivateWorker(bytes32 workerId)"]);
        let hash = keccak256(&[type_hash.as_bytes(), &worker[..]]);
        Digest::eip712(&self.domain("WeirMarket", self.market), hash)
    }

    fn domain(&self, name: &str, contract: Address) -> Domain {
        let contract = weir_identity::Address::from(contract.into_array());
        Domain::new(name, VERSION, self.chain_id, contract)
    }
}

fn signature(key: &Keypair, digest: &Digest) -> Bytes {
    Bytes::copy_from_slice(&key.sign(digest).to_bytes())
}
