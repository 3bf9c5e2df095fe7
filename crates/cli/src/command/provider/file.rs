//! `provider.toml`: what a provider wants to have in the market.

use super::usual;
use crate::code::Code;
use crate::failure::Failure;
use crate::market::{Context, smallest, token};
use crate::seat::unusable_key;
use alloy_primitives::{Address, B256, Bytes};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use weir_identity::{Keypair, PublicKey};
use weir_node::keyfile;

/// The file, understood.
pub(super) struct ProviderFile {
    /// Who the provider is, for everybody to read.
    pub(super) name: String,
    pub(super) offers: Vec<OfferTerms>,
    pub(super) promise: Promise,
}

/// What is promised of each peer, and with whose collateral.
pub(super) struct Promise {
    pub(super) epochs: u16,
    pub(super) staker: Staker,
    /// The staker's part of fees from deals, in basis points.
    pub(super) deal_share_bp: u16,
    /// The staker's part of rewards for idle capacity, in basis points.
    pub(super) idle_share_bp: u16,
}

/// Who deposits collateral.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Staker {
    Provider,
    Named(Address),
    /// Whoever comes first.
    Anyone,
}

/// An offer with its peers.
pub(super) struct OfferTerms {
    pub(super) name: String,
    /// The least price of a unit for an epoch, in the token's smallest unit.
    pub(super) price: u128,
    pub(super) token: Address,
    /// Versions of the protocol, both included.
    pub(super) versions: (u16, u16),
    pub(super) capabilities: BTreeSet<B256>,
    pub(super) peers: Vec<PeerTerms>,
}

/// A peer of an offer.
pub(super) struct PeerTerms {
    pub(super) name: String,
    pub(super) id: Address,
    pub(super) units: u16,
    pub(super) consent: Consent,
}

/// How a peer agrees to be the provider's.
pub(super) enum Consent {
    /// Its key is here.
    Key(Box<Keypair>),
    /// It has signed, where its key is.
    Signed { public_key: Bytes, signature: Bytes },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    provider: RawProvider,
    #[serde(default)]
    offer: BTreeMap<String, RawOffer>,
    #[serde(default)]
    peer: BTreeMap<String, RawPeer>,
    commitment: RawCommitment,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProvider {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOffer {
    price: String,
    #[serde(default = "pay")]
    token: String,
    versions: [u16; 2],
    #[serde(default)]
    capabilities: Vec<B256>,
}

fn pay() -> String {
    "pay".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPeer {
    offer: String,
    units: u16,
    key: Option<PathBuf>,
    public_key: Option<String>,
    signature: Option<Bytes>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCommitment {
    epochs: u16,
    staker: Option<String>,
    /// In percent, as the next one.
    #[serde(default)]
    deal_share: u16,
    #[serde(default)]
    idle_share: u16,
}

/// That a file cannot be used, and why.
fn unusable(path: &Path, cause: impl ToString) -> Failure {
    let what = format!("{} is not what a provider can offer", path.display());
    Failure::new(Code::ProviderFile, what)
        .cause(cause)
        .fix("correct the file; weir provider init writes one to begin with")
}

impl ProviderFile {
    /// Reads it, with the key files that it names.
    pub(super) fn read(path: &Path, context: &Context) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let what = format!("cannot read {}", path.display());
            Failure::new(Code::FileUnreadable, what)
                .cause(error)
                .fix("weir provider init writes one")
        })?;
        let raw: Raw = toml::from_str(&text).map_err(|error| unusable(path, error))?;
        if raw.provider.name.is_empty() {
            return Err(unusable(path, "the provider has no name"));
        }
        let mut peers: BTreeMap<String, Vec<PeerTerms>> = BTreeMap::new();
        for (name, peer) in raw.peer {
            if !raw.offer.contains_key(&peer.offer) {
                let cause = format!("peer {name} is of offer {}, which is not there", peer.offer);
                return Err(unusable(path, cause));
            }
            let offer = peer.offer.clone();
            let terms = peer_terms(path, name, peer)?;
            peers.entry(offer).or_default().push(terms);
        }
        let mut offers = Vec::new();
        for (name, offer) in raw.offer {
            let Some(peers) = peers.remove(&name) else {
                return Err(unusable(path, format!("offer {name} has no peers")));
            };
            offers.push(offer_terms(path, (name, offer), peers, context)?);
        }
        let mut ids = BTreeSet::new();
        for peer in offers.iter().flat_map(|offer| &offer.peers) {
            if !ids.insert(peer.id) {
                let cause = format!("two peers have the same key, {} is one of them", peer.name);
                return Err(unusable(path, cause));
            }
        }
        Ok(Self {
            name: raw.provider.name,
            offers,
            promise: promise(path, &raw.commitment, context)?,
        })
    }
}

fn promise(path: &Path, raw: &RawCommitment, context: &Context) -> Result<Promise, Failure> {
    let staker = match raw.staker.as_deref() {
        None => Staker::Provider,
        Some("anyone") => Staker::Anyone,
        Some(name) => Staker::Named(context.account(Some(name), &usual())?),
    };
    let shares = [raw.deal_share, raw.idle_share];
    if shares.iter().any(|share| *share > 100) {
        return Err(unusable(path, "a staker's share is at most 100 percent"));
    }
    if staker == Staker::Provider && shares != [0, 0] {
        let cause = "there is a share for a staker, and none is named: `staker` is an account, or \"anyone\"";
        return Err(unusable(path, cause));
    }
    let [deal_share_bp, idle_share_bp] = shares.map(|share| share * 100);
    Ok(Promise {
        epochs: raw.epochs,
        staker,
        deal_share_bp,
        idle_share_bp,
    })
}

fn offer_terms(
    path: &Path,
    (name, offer): (String, RawOffer),
    peers: Vec<PeerTerms>,
    context: &Context,
) -> Result<OfferTerms, Failure> {
    let price = smallest(&offer.price).map_err(|_| {
        let cause = format!(
            "offer {name}: `{}` is no price in whole tokens",
            offer.price
        );
        unusable(path, cause)
    })?;
    let [first, last] = offer.versions;
    let price = u128::try_from(price).ok().filter(|price| *price < 1 << 96);
    let Some(price) = price.filter(|price| *price > 0 && first <= last) else {
        let cause = format!(
            "offer {name}: a price is above zero and below 2^96 of the smallest unit, and the first version is at most \
             the last"
        );
        return Err(unusable(path, cause));
    };
    Ok(OfferTerms {
        name,
        price,
        token: token(&context.deployment, &offer.token)?,
        versions: (first, last),
        capabilities: offer.capabilities.into_iter().collect(),
        peers,
    })
}

fn peer_terms(path: &Path, name: String, peer: RawPeer) -> Result<PeerTerms, Failure> {
    if peer.units == 0 || peer.units > 256 {
        return Err(unusable(
            path,
            format!("peer {name} must have 1 to 256 units"),
        ));
    }
    let (id, consent) = match (peer.key, peer.public_key, peer.signature) {
        (Some(file), None, None) => {
            let file = path.parent().unwrap_or(Path::new(".")).join(file);
            let passphrase = keyfile::passphrase().map_err(|error| unusable_key(&error))?;
            let passphrase = passphrase.as_ref().map(|text| text.as_str());
            let key = keyfile::open(&file, passphrase).map_err(|error| unusable_key(&error))?;
            let id = Address::from(key.address().to_bytes());
            (id, Consent::Key(Box::new(key)))
        }
        (None, Some(public_key), Some(signature)) => {
            let key: PublicKey = public_key.parse().map_err(|error| {
                unusable(path, format!("the public key of peer {name}: {error}"))
            })?;
            let id = Address::from(key.address().to_bytes());
            let public_key = Bytes::copy_from_slice(&key.to_uncompressed());
            (
                id,
                Consent::Signed {
                    public_key,
                    signature,
                },
            )
        }
        _ => {
            let cause = format!(
                "peer {name} needs either `key`, a key file, or `public_key` and `signature`, which weir provider \
                 consent gives where the key is"
            );
            return Err(unusable(path, cause));
        }
    };
    Ok(PeerTerms {
        name,
        id,
        units: peer.units,
        consent,
    })
}
