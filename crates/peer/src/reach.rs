//! Reach records: how a peer says where it can be found.
//!
//! A record is DAG-CBOR `[body, signature]`, where `body` is the DAG-CBOR of
//! `[peer id, addresses, relays, issued ms, expires ms]` and a relay is
//! `[peer id, addresses]`. The signature is over the body under the context
//! [`CONTEXT`]. Addresses are texts that only drivers understand.

use std::sync::Arc;

use bytes::Bytes;
use serde_bytes::ByteBuf;
use thiserror::Error;
use weir_identity::{Digest, Keypair, PeerId, Signature};

use crate::limits::Limits;
use crate::time::Timestamp;

/// Domain of the signature.
pub const CONTEXT: &str = "weir/reach/1";

/// A peer and where to dial it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The peer.
    pub peer: PeerId,
    /// Multiaddresses without the `/p2p/…` part, best first.
    pub addresses: Vec<Arc<str>>,
}

/// What a peer says of how to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The peer.
    pub peer: PeerId,
    /// Where it can be dialled; empty if it cannot.
    pub addresses: Vec<Arc<str>>,
    /// Who holds packets for it.
    pub relays: Vec<Contact>,
    /// When it said so. A later record replaces an earlier one.
    pub issued: Timestamp,
    /// Until when it is to be believed.
    pub expires: Timestamp,
}

/// Why bytes are not a reach record.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReachError {
    /// They do not decode.
    #[error("malformed reach record: {0}")]
    Malformed(String),
    /// A limit is exceeded.
    #[error("reach record exceeds the limit {limit} = {value}")]
    TooMany {
        /// Name of the limit.
        limit: &'static str,
        /// Its value.
        value: usize,
    },
    /// It was issued in the future.
    #[error(
        "reach record was issued {ahead_ms} ms ahead of this peer's clock, {limit_ms} ms are allowed"
    )]
    FromFuture {
        /// How far.
        ahead_ms: u64,
        /// `clock_skew_ms`.
        limit_ms: u64,
    },
    /// The signature is not that of the peer.
    #[error("reach record is not signed by the peer it names")]
    WrongSignature,
}

type RelayItems = (PeerId, Vec<Arc<str>>);
type BodyItems = (PeerId, Vec<Arc<str>>, Vec<RelayItems>, u64, u64);

impl Reach {
    /// The signed record.
    pub fn sign(&self, key: &Keypair) -> Bytes {
        let body = self.body();
        let signature = key.sign(&Digest::prefixed(CONTEXT, &body));
        let record = serde_ipld_dagcbor::to_vec(&(ByteBuf::from(body), signature));
        Bytes::from(record.expect("two byte strings always encode"))
    }

    fn body(&self) -> Vec<u8> {
        let relays: Vec<(PeerId, &[Arc<str>])> = self
            .relays
            .iter()
            .map(|relay| (relay.peer, relay.addresses.as_slice()))
            .collect();
        let items = (
            self.peer,
            &self.addresses,
            relays,
            self.issued.ms(),
            self.expires.ms(),
        );
        serde_ipld_dagcbor::to_vec(&items).expect("texts and numbers always encode")
    }

    /// Reads and checks a record. Its expiry is not looked at.
    pub fn verify(record: &[u8], limits: &Limits) -> Result<Reach, ReachError> {
        let max = Self::max_bytes(limits);
        if record.len() > max {
            return Err(ReachError::TooMany {
                limit: "reach record bytes",
                value: max,
            });
        }
        let malformed = |error: &dyn ToString| ReachError::Malformed(error.to_string());
        let (body, signature): (ByteBuf, Signature) =
            serde_ipld_dagcbor::from_slice(record).map_err(|e| malformed(&e))?;
        let (peer, addresses, relays, issued, expires): BodyItems =
            serde_ipld_dagcbor::from_slice(&body).map_err(|e| malformed(&e))?;
        let relays: Vec<Contact> = relays
            .into_iter()
            .map(|(peer, addresses)| Contact { peer, addresses })
            .collect();
        let reach = Reach {
            peer,
            addresses,
            relays,
            issued: Timestamp(issued),
            expires: Timestamp(expires),
        };
        reach.check(limits)?;
        if reach.body() != *body {
            return Err(ReachError::Malformed("not canonical".to_owned()));
        }
        signature
            .verify(&Digest::prefixed(CONTEXT, &body), &peer)
            .map_err(|_| ReachError::WrongSignature)?;
        Ok(reach)
    }

    /// No record within the limits is longer.
    fn max_bytes(limits: &Limits) -> usize {
        let addresses = limits
            .addresses_per_contact
            .saturating_mul(limits.address_bytes + 4)
            + 64;
        addresses.saturating_mul(limits.relays_per_contact + 1) + 256
    }

    fn check(&self, limits: &Limits) -> Result<(), ReachError> {
        if self.relays.len() > limits.relays_per_contact {
            let value = limits.relays_per_contact;
            return Err(ReachError::TooMany {
                limit: "relays_per_contact",
                value,
            });
        }
        for addresses in
            std::iter::once(&self.addresses).chain(self.relays.iter().map(|relay| &relay.addresses))
        {
            if addresses.len() > limits.addresses_per_contact {
                let value = limits.addresses_per_contact;
                return Err(ReachError::TooMany {
                    limit: "addresses_per_contact",
                    value,
                });
            }
            if addresses
                .iter()
                .any(|address| address.len() > limits.address_bytes)
            {
                let value = limits.address_bytes;
                return Err(ReachError::TooMany {
                    limit: "address_bytes",
                    value,
                });
            }
        }
        Ok(())
    }
}
