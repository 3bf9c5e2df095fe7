//! Who is in a market: what only events tell of providers, their peers and what those have.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, Bytes};

use crate::bindings::Registry::RegistryEvents;
use crate::client::Client;
use crate::deployment::Deployment;
use crate::event::MarketEvent;
use crate::follower::{Cursor, Follower, News};
use crate::index::Index;
use crate::reply::Reply;

/// The providers and peers of a market, with its [`Index`]. It is read from the first block on each time: good for a
/// command, not for a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    index: Index,
    /// The provider that registered each peer last.
    peers: BTreeMap<Address, Address>,
    descriptions: BTreeMap<Address, Bytes>,
    capabilities: BTreeMap<u64, BTreeSet<B256>>,
}

impl Directory {
    /// Reads all events up to the head of the chain.
    pub fn read<'a>(client: &'a Client, deployment: &'a Deployment) -> Reply<'a, Self> {
        Box::pin(async move {
            let from_start = || {
                let cursor = Cursor::before(deployment);
                Follower::new(client.clone(), deployment.clone(), cursor)
            };
            let (mut follower, mut found) = (from_start(), Self::default());
            loop {
                let news = follower.next().await?;
                match &news {
                    News::Nothing => return Ok(found),
                    News::RolledBack { .. } => {
                        (follower, found) = (from_start(), Self::default());
                        continue;
                    }
                    News::Blocks { events, .. } => {
                        for happened in events {
                            found.add(&happened.event);
                        }
                    }
                }
                found.index.learn(&news);
            }
        })
    }

    /// Deals and places.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Every peer that was ever registered.
    pub fn peers(&self) -> impl Iterator<Item = Address> {
        self.peers.keys().copied()
    }

    /// The peers that a provider was the last to register, retired ones included.
    pub fn peers_of(&self, provider: Address) -> impl Iterator<Item = Address> {
        let own = self.peers.iter().filter(move |(_, of)| **of == provider);
        own.map(|(peer, _)| *peer)
    }

    /// What a provider says that it is.
    pub fn description(&self, provider: Address) -> Option<&Bytes> {
        self.descriptions.get(&provider)
    }

    /// What the peers of an offer have.
    pub fn capabilities(&self, offer: u64) -> impl Iterator<Item = B256> {
        self.capabilities.get(&offer).into_iter().flatten().copied()
    }

    fn add(&mut self, event: &MarketEvent) {
        let MarketEvent::Registry(event) = event else {
            return;
        };
        match event {
            RegistryEvents::PeerRegistered(registered) => {
                self.peers.insert(registered.peer, registered.provider);
            }
            RegistryEvents::ProviderSet(set) => {
                self.descriptions.insert(set.provider, set.metadata.clone());
            }
            RegistryEvents::CapabilityAdded(added) => {
                let offer = added.offerId.to::<u64>();
                self.capabilities
                    .entry(offer)
                    .or_default()
                    .insert(added.capId);
            }
            RegistryEvents::CapabilityRemoved(removed) => {
                if let Some(known) = self.capabilities.get_mut(&removed.offerId.to::<u64>()) {
                    known.remove(&removed.capId);
                }
            }
            _ => {}
        }
    }
}
