//! What only events tell of a market: the CIDs and requirements of deals, which peers have had a place in them, and the
//! public keys of peers.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::bindings::Market::MarketEvents;
use crate::bindings::Registry::RegistryEvents;
use crate::event::{Happened, MarketEvent};
use crate::follower::News;

/// What is known of a market from its events. It follows a [`Follower`](crate::Follower) through reorganisations; keep
/// it together with its cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// The last block whose events were learnt.
    block: u64,
    deals: BTreeMap<u64, DealFacts>,
    places: Vec<Place>,
    activations: Vec<Activation>,
    /// The public keys of peers, uncompressed. Whoever knows one has computed the address from it, so that what was
    /// undone is not wrong.
    keys: BTreeMap<Address, Bytes>,
}

/// What events tell of a deal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DealFacts {
    /// The block that it was created in.
    pub block: u64,
    /// Capabilities that every worker's offer must have.
    pub capabilities: Vec<B256>,
    /// Its code, in the order in which it was set.
    pub versions: Vec<Version>,
}

/// Code of a deal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// The block that it was set in.
    pub block: u64,
    /// The first epoch in which it is the deal's; 0 for the first version.
    pub from_epoch: u32,
    /// The bytes of the CID.
    pub cid: Bytes,
    /// The hash of the set of modules.
    pub module_set: B256,
}

/// A place that a peer was given in a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The block in which it was given.
    pub block: u64,
    /// The deal.
    pub deal: u64,
    /// The name of the place.
    pub worker: B256,
    /// The peer.
    pub peer: Address,
}

/// A worker that took up its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// The block in which it did.
    pub block: u64,
    /// The name of the place.
    pub worker: B256,
    /// The address of the worker's key.
    pub key: Address,
    /// The transaction, with the signature of that key.
    pub transaction: B256,
}

impl Index {
    /// Takes what a follower learnt.
    pub fn learn(&mut self, news: &News) {
        match news {
            News::Nothing => {}
            News::Blocks { to, events, .. } => {
                for event in events {
                    self.add(event);
                }
                self.block = *to;
            }
            News::RolledBack { to } => {
                self.roll_back(*to);
                self.block = *to;
            }
        }
    }

    /// The last block whose events it knows.
    pub fn block(&self) -> u64 {
        self.block
    }

    /// What is known of a deal.
    pub fn deal(&self, deal: u64) -> Option<&DealFacts> {
        self.deals.get(&deal)
    }

    /// All deals, the oldest first.
    pub fn deals(&self) -> impl Iterator<Item = (u64, &DealFacts)> {
        self.deals.iter().map(|(id, facts)| (*id, facts))
    }

    /// The places that a peer was given. A place may have been given more than once.
    pub fn places_of(&self, peer: Address) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(move |place| place.peer == peer)
    }

    /// The places that a deal gave.
    pub fn places_in(&self, deal: u64) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(move |place| place.deal == deal)
    }

    /// The last time that the worker of a place was activated.
    pub fn activation(&self, worker: B256) -> Option<&Activation> {
        let mut latest = self.activations.iter().rev();
        latest.find(|activation| activation.worker == worker)
    }

    /// The public key of a peer that was registered, uncompressed.
    pub fn key_of(&self, peer: Address) -> Option<&Bytes> {
        self.keys.get(&peer)
    }

    fn add(&mut self, happened: &Happened) {
        let block = happened.block;
        let event = match &happened.event {
            MarketEvent::Market(event) => event,
            MarketEvent::Registry(RegistryEvents::PeerRegistered(peer)) => {
                self.keys.insert(peer.peer, peer.publicKey.clone());
                return;
            }
            _ => return,
        };
        match event {
            MarketEvents::DealCreated(created) => {
                let version = Version {
                    block,
                    from_epoch: 0,
                    cid: created.input.cid.clone(),
                    module_set: created.input.moduleSetHash,
                };
                let facts = DealFacts {
                    block,
                    capabilities: created.input.caps.clone(),
                    versions: vec![version],
                };
                self.deals.insert(created.dealId, facts);
            }
            MarketEvents::VersionSet(set) => {
                if let Some(deal) = self.deals.get_mut(&set.dealId) {
                    deal.versions.push(Version {
                        block,
                        from_epoch: set.fromEpoch,
                        cid: set.cid.clone(),
                        module_set: set.moduleSetHash,
                    });
                }
            }
            MarketEvents::WorkerMatched(matched) => self.places.push(Place {
                block,
                deal: matched.dealId,
                worker: matched.workerId,
                peer: matched.peer,
            }),
            MarketEvents::WorkerActive(active) => self.activations.push(Activation {
                block,
                worker: active.workerId,
                key: active.key,
                transaction: happened.transaction,
            }),
            _ => {}
        }
    }

    fn roll_back(&mut self, to: u64) {
        self.deals.retain(|_, deal| deal.block <= to);
        for deal in self.deals.values_mut() {
            deal.versions.retain(|version| version.block <= to);
        }
        self.places.retain(|place| place.block <= to);
        self.activations.retain(|activation| activation.block <= to);
    }
}
