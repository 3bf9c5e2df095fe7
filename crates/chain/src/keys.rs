//! From addresses, which are all that contracts keep, to the keys behind them.

use alloy::consensus::Transaction;
use alloy::primitives::Address;
use alloy::providers::Provider;
use alloy::sol_types::SolCall;
use weir_identity::{PeerId, PublicKey};

use crate::bindings::Market;
use crate::client::Client;
use crate::deployment::Deployment;
use crate::index::{Activation, Index};
use crate::reply::Reply;

impl Index {
    /// The name of a peer that was registered.
    pub fn peer_id(&self, peer: Address) -> Option<PeerId> {
        let key = compressed(self.key_of(peer)?)?;
        (key.address().as_bytes() == peer.as_slice()).then(|| key.into())
    }
}

impl Client {
    /// The name of the key of a worker, from the signature with which it took up its place; none if that did not come
    /// directly from an account, so that the signature stands elsewhere.
    pub fn worker_id<'a>(
        &'a self,
        deployment: &'a Deployment,
        activation: &'a Activation,
    ) -> Reply<'a, Option<PeerId>> {
        Box::pin(async move {
            let hash = activation.transaction;
            let Some(found) = self.provider().get_transaction_by_hash(hash).await? else {
                return Ok(None);
            };
            let Ok(call) = Market::activateWorkerCall::abi_decode(found.input()) else {
                return Ok(None);
            };
            let signer = deployment.worker_signer(activation.worker, &call.signature);
            let is_key = |key: &PublicKey| key.address().as_bytes() == activation.key.as_slice();
            Ok(signer.filter(is_key).map(PeerId::from))
        })
    }
}

/// The key with these coordinates, of 32 bytes each.
fn compressed(coordinates: &[u8]) -> Option<PublicKey> {
    let (x, y) = coordinates.split_at_checked(32)?;
    let sign = 2 | (y.last()? & 1);
    PublicKey::from_bytes(&[&[sign], x].concat()).ok()
}
