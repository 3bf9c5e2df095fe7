//! What differs between `provider.toml` and the chain, as transactions.

use super::file::{Consent, OfferTerms, PeerTerms, ProviderFile, Staker};
use crate::market::{Standing, pledge, whole};
use alloy_primitives::{Address, B256, Bytes, U256, Uint};
use std::collections::{BTreeMap, BTreeSet};
use weir_chain::bindings::{Lens, Registry};
use weir_chain::{Call, CommitmentTerms, Deployment};

/// Peers in one call.
const PEERS_MAX: usize = 32;

/// One difference.
#[derive(Debug)]
pub(super) struct Difference {
    /// What is to be done, in words.
    pub(super) what: String,
    pub(super) next: Next,
    /// What of the stake token is put down.
    pub(super) collateral: U256,
}

/// What is done about it.
#[derive(Debug)]
pub(super) enum Next {
    Send(Box<Call>),
    /// Another transaction comes first, whose outcome it needs.
    Follows,
    /// It cannot be done now, and why.
    Blocked(String),
}

/// What the chain says of everything in the file.
pub(super) struct Chain<'a> {
    pub(super) deployment: &'a Deployment,
    pub(super) standing: &'a Standing,
    /// The peers of the file.
    pub(super) peers: BTreeMap<Address, Lens::PeerView>,
    pub(super) collateral_per_unit: U256,
    /// What the contract of commitments may take.
    pub(super) allowance: U256,
}

fn send(what: impl Into<String>, call: Call) -> Difference {
    Difference {
        what: what.into(),
        next: Next::Send(Box::new(call)),
        collateral: U256::ZERO,
    }
}

fn blocked(what: impl Into<String>, why: impl Into<String>) -> Difference {
    Difference {
        what: what.into(),
        next: Next::Blocked(why.into()),
        collateral: U256::ZERO,
    }
}

impl Chain<'_> {
    /// All differences, in the order in which they are made good.
    pub(super) fn differences(&self, file: &ProviderFile) -> Vec<Difference> {
        let mut found = Vec::new();
        if self.standing.description.as_deref() != Some(&*file.name) {
            let metadata = Bytes::copy_from_slice(file.name.as_bytes());
            let call = self.deployment.set_provider(metadata);
            found.push(send(format!("call the provider {}", file.name), call));
        }
        for offer in &file.offers {
            found.extend(self.of_offer(offer));
        }
        found.extend(self.of_commitments(file));
        found
    }

    fn view(&self, peer: &PeerTerms) -> Option<&Lens::PeerView> {
        self.peers.get(&peer.id)
    }

    fn is_registered(&self, peer: &PeerTerms) -> bool {
        self.view(peer).is_some_and(|view| view.peer.units != 0)
    }

    /// Whether a peer is another provider's.
    fn is_taken(&self, peer: &PeerTerms) -> bool {
        self.view(peer)
            .is_some_and(|view| view.peer.units != 0 && view.peer.provider != self.standing.account)
    }

    /// The offer on the chain: that of its peers. Offers have no names there.
    fn offer_of(&self, offer: &OfferTerms) -> Option<&Lens::OfferView> {
        let mut own = offer
            .peers
            .iter()
            .filter(|peer| self.is_registered(peer) && !self.is_taken(peer));
        let id = own.find_map(|peer| self.view(peer))?.peer.offerId;
        let mut offers = self.standing.offers.iter();
        offers.find(|view| view.offerId == id)
    }

    fn of_offer(&self, offer: &OfferTerms) -> Vec<Difference> {
        let mut found = Vec::new();
        let (taken, free): (Vec<_>, Vec<_>) =
            offer.peers.iter().partition(|peer| self.is_taken(peer));
        for peer in taken {
            let what = format!("register peer {}", peer.name);
            found.push(blocked(what, "it is registered by another provider"));
        }
        let absent: Vec<&PeerTerms> = free
            .iter()
            .copied()
            .filter(|peer| !self.is_registered(peer))
            .collect();
        match self.offer_of(offer) {
            None if absent.is_empty() => {}
            None => {
                let input = Registry::OfferInput {
                    minPrice: Uint::from(offer.price),
                    payToken: offer.token,
                    verMin: offer.versions.0,
                    verMax: offer.versions.1,
                    caps: offer.capabilities.iter().copied().collect(),
                };
                let (first, more) = absent.split_at(absent.len().min(PEERS_MAX));
                let call = self.deployment.register_offer(input, self.inputs(first));
                let what = format!("create offer {} with {}", offer.name, names(first));
                found.push(send(what, call));
                if !more.is_empty() {
                    found.push(Difference {
                        what: format!("add {} to offer {}", names(more), offer.name),
                        next: Next::Follows,
                        collateral: U256::ZERO,
                    });
                }
            }
            Some(view) => {
                let id = view.offerId.to::<u64>();
                found.extend(self.of_terms(offer, view));
                for few in absent.chunks(PEERS_MAX) {
                    let call = self.deployment.register_peers(id, self.inputs(few));
                    found.push(send(format!("add {} to offer {id}", names(few)), call));
                }
                let known = free
                    .into_iter()
                    .filter_map(|peer| Some((peer, self.view(peer)?)));
                for (peer, known) in known.filter(|(_, known)| known.peer.units != 0) {
                    found.extend(self.of_peer(peer, known, id));
                }
            }
        }
        found
    }

    fn of_terms(&self, offer: &OfferTerms, view: &Lens::OfferView) -> Vec<Difference> {
        let (id, on_chain) = (view.offerId.to::<u64>(), &view.offer);
        let mut found = Vec::new();
        let differs = on_chain.minPrice.to::<u128>() != offer.price
            || on_chain.payToken != offer.token
            || (on_chain.verMin, on_chain.verMax) != offer.versions;
        if differs {
            let terms = (offer.token, offer.price);
            let call = self.deployment.edit_offer(id, terms, offer.versions);
            found.push(send(format!("change the terms of offer {id}"), call));
        }
        let has: BTreeSet<B256> = self.standing.directory.capabilities(id).collect();
        let missing: Vec<B256> = offer.capabilities.difference(&has).copied().collect();
        for few in missing.chunks(PEERS_MAX) {
            let call = self.deployment.add_capabilities(id, few.to_vec());
            found.push(send(
                format!("add {} capabilities to offer {id}", few.len()),
                call,
            ));
        }
        let gone: Vec<B256> = has.difference(&offer.capabilities).copied().collect();
        for few in gone.chunks(PEERS_MAX) {
            let call = self.deployment.remove_capabilities(id, few.to_vec());
            let what = format!("take {} capabilities from offer {id}", few.len());
            found.push(send(what, call));
        }
        if on_chain.paused {
            let call = self.deployment.pause_offer(id, false);
            found.push(send(format!("put offer {id} back on the market"), call));
        }
        found
    }

    fn of_peer(&self, peer: &PeerTerms, view: &Lens::PeerView, offer: u64) -> Vec<Difference> {
        let mut found = Vec::new();
        if view.peer.offerId.to::<u64>() != offer {
            let call = self.deployment.move_peer(peer.id, offer);
            found.push(send(
                format!("move peer {} to offer {offer}", peer.name),
                call,
            ));
        }
        if view.peer.units != peer.units {
            let what = format!("change peer {} to {} units", peer.name, peer.units);
            found.push(match view.commitment.status {
                1..=3 => blocked(
                    what,
                    format!(
                        "units change between commitments only, and this one ends with epoch {}",
                        view.end
                    ),
                ),
                _ => send(what, self.deployment.resize_peer(peer.id, peer.units)),
            });
        }
        found
    }

    /// Commitments for peers without one, and their collateral.
    fn of_commitments(&self, file: &ProviderFile) -> Vec<Difference> {
        let mut found = Vec::new();
        let mut waiting: Vec<(Address, U256)> = Vec::new();
        let mut others = Vec::new();
        let promise = &file.promise;
        let named = self.staker(promise.staker);
        for offer in &file.offers {
            for peer in offer.peers.iter().filter(|peer| !self.is_taken(peer)) {
                let commitment = self.view(peer).map(|view| &view.commitment);
                let commitment = commitment.filter(|known| (1..=3).contains(&known.status));
                let (staker, amount) = match commitment {
                    Some(known) if known.status != 1 => continue,
                    Some(known) => (known.staker, pledge(known)),
                    None => {
                        let terms = CommitmentTerms {
                            epochs: promise.epochs,
                            staker_share_bp: promise.idle_share_bp,
                            staker_deal_share_bp: promise.deal_share_bp,
                            min_unit_price: offer.price,
                            staker: named,
                        };
                        let call = self.deployment.create_commitment(peer.id, &terms);
                        let what = format!(
                            "commit the {} units of peer {} for {} epochs",
                            peer.units, peer.name, promise.epochs
                        );
                        found.push(send(what, call));
                        let units = U256::from(peer.units);
                        (named, self.collateral_per_unit.saturating_mul(units))
                    }
                };
                if staker == self.standing.account {
                    waiting.push((peer.id, amount));
                } else {
                    others.push(left_to(staker, peer, amount));
                }
            }
        }
        found.extend(self.of_collateral(&waiting));
        found.extend(others);
        found
    }

    /// Whose account a commitment names; zero for whoever comes first.
    fn staker(&self, staker: Staker) -> Address {
        match staker {
            Staker::Provider => self.standing.account,
            Staker::Named(account) => account,
            Staker::Anyone => Address::ZERO,
        }
    }

    fn of_collateral(&self, waiting: &[(Address, U256)]) -> Vec<Difference> {
        let sum = |few: &[(Address, U256)]| {
            few.iter()
                .fold(U256::ZERO, |sum, (_, amount)| sum.saturating_add(*amount))
        };
        let all = sum(waiting);
        let mut found = Vec::new();
        if self.allowance < all {
            let (token, spender) = (self.deployment.stake_token, self.deployment.capacity);
            let call = self.deployment.approve(token, spender, all);
            found.push(send(
                "let the contract of commitments take the collateral",
                call,
            ));
        }
        for few in waiting.chunks(PEERS_MAX) {
            let peers = few.iter().map(|(peer, _)| *peer).collect();
            let amount = sum(few);
            let what = match few.len() {
                1 => "deposit the collateral of one peer".to_owned(),
                count => format!("deposit the collateral of {count} peers"),
            };
            let call = self.deployment.deposit_collateral(peers, amount);
            found.push(Difference {
                collateral: amount,
                ..send(what, call)
            });
        }
        found
    }

    fn inputs(&self, peers: &[&PeerTerms]) -> Vec<Registry::PeerInput> {
        let input = |peer: &&PeerTerms| match &peer.consent {
            Consent::Key(key) => {
                let registrations = self.view(peer).map(|view| view.peer.registrations);
                let whose = (self.standing.account, registrations.unwrap_or_default());
                self.deployment.peer_input(key, peer.units, whose)
            }
            Consent::Signed {
                public_key,
                signature,
            } => Registry::PeerInput {
                publicKey: public_key.clone(),
                units: peer.units,
                signature: signature.clone(),
            },
        };
        peers.iter().map(input).collect()
    }
}

/// That another account is to deposit collateral.
fn left_to(staker: Address, peer: &PeerTerms, amount: U256) -> Difference {
    let who = if staker == Address::ZERO {
        "anyone".to_owned()
    } else {
        staker.to_string()
    };
    let what = format!("deposit the collateral of peer {}", peer.name);
    let amount = whole(&amount.to_string());
    blocked(
        what,
        format!(
            "{who} backs it with {amount} stake: weir stake add {}",
            peer.id
        ),
    )
}

fn names(peers: &[&PeerTerms]) -> String {
    let each = peers
        .iter()
        .map(|peer| format!("peer {} ({} units)", peer.name, peer.units));
    each.collect::<Vec<_>>().join(", ")
}
