//! How a provider comes into the market, step by step.

use alloy::primitives::{Address, Bytes, Uint};
use weir_identity::Keypair;

use crate::bindings::Registry;
use crate::call::Call;
use crate::calls::CommitmentTerms;
use crate::client::Client;
use crate::deployment::Deployment;
use crate::error::ChainError;
use crate::sender::Sender;

/// What a provider offers.
#[derive(Debug, Clone)]
pub struct ProviderPlan {
    /// Who it is: a name, or the CID of a description.
    pub metadata: Bytes,
    /// The least price of a unit for an epoch, in the smallest unit of the token.
    pub min_price: u128,
    /// The protocol versions that its nodes speak, both included.
    pub versions: (u16, u16),
    /// What its nodes have.
    pub capabilities: Vec<alloy::primitives::B256>,
    /// For how many epochs the capacity is promised.
    pub epochs: u16,
}

/// What a provider has once it is in the market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The number of its offer.
    pub offer: u64,
    /// Its peers, with their units.
    pub peers: Vec<(Address, u16)>,
}

/// Brings a provider with its nodes into the market: description, offer with peers, commitments, collateral. The
/// account pays the collateral itself. Each step is left out if the chain shows it done, so what was interrupted is
/// resumed by doing it again.
pub async fn enter_market(
    (client, deployment): (&Client, &Deployment),
    sender: &Sender,
    plan: &ProviderPlan,
    nodes: &[(&Keypair, u16)],
) -> Result<Provider, ChainError> {
    let account = sender.account();
    let market = client.market(deployment);
    if !market.is_provider(account).await? {
        let call = deployment.set_provider(plan.metadata.clone());
        sender.send("provider/description", &call).await?;
    }
    let address = |node: &Keypair| Address::from(*node.address().as_bytes());
    let peers: Vec<(Address, u16)> = nodes
        .iter()
        .map(|(node, units)| (address(node), *units))
        .collect();
    let ids: Vec<Address> = peers.iter().map(|(peer, _)| *peer).collect();
    let known = market.peers(&ids).await?;
    let absent: Vec<Registry::PeerInput> = nodes
        .iter()
        .zip(&known)
        .filter(|(_, view)| view.peer.units == 0)
        .map(|((node, units), view)| {
            deployment.peer_input(node, *units, (account, view.peer.registrations))
        })
        .collect();
    let owned = known
        .iter()
        .find(|view| view.peer.units != 0 && view.peer.provider == account);
    match owned {
        Some(owned) if !absent.is_empty() => {
            let offer = owned.peer.offerId.to::<u64>();
            // The same peers may be registered again after they were retired: with another nonce, so in another call.
            let call = deployment.register_peers(offer, absent);
            sender
                .send(&format!("provider/peers/{}", call.hash()), &call)
                .await?;
        }
        Some(_) => {}
        None => {
            let input = Registry::OfferInput {
                minPrice: Uint::from(plan.min_price),
                payToken: deployment.pay_token,
                verMin: plan.versions.0,
                verMax: plan.versions.1,
                caps: plan.capabilities.clone(),
            };
            let call = deployment.register_offer(input, absent);
            sender
                .send(&format!("provider/offer/{}", call.hash()), &call)
                .await?;
        }
    }
    commit(client, deployment, sender, (plan, &peers)).await?;
    let known = market.peers(&ids).await?;
    let offer = known.first().map(|view| view.peer.offerId.to::<u64>());
    Ok(Provider {
        offer: offer.unwrap_or_default(),
        peers,
    })
}

/// Commitments and collateral of peers.
async fn commit(
    client: &Client,
    deployment: &Deployment,
    sender: &Sender,
    (plan, peers): (&ProviderPlan, &[(Address, u16)]),
) -> Result<(), ChainError> {
    /// States of a commitment in which the peer needs another, and that in which it needs collateral.
    const OFFERED: u8 = 1;
    const OVER: [u8; 4] = [0, 3, 4, 5];
    let account = sender.account();
    let market = client.market(deployment);
    let ids: Vec<Address> = peers.iter().map(|(peer, _)| *peer).collect();
    let terms = CommitmentTerms {
        epochs: plan.epochs,
        staker_share_bp: 0,
        staker_deal_share_bp: 0,
        min_unit_price: plan.min_price,
        staker: account,
    };
    for view in market.peers(&ids).await? {
        if OVER.contains(&view.commitment.status) {
            let key = format!("provider/commitment/{}/{}", view.peerId, view.commitmentId);
            sender
                .send(&key, &deployment.create_commitment(view.peerId, &terms))
                .await?;
        }
    }
    let views = market.peers(&ids).await?;
    let waiting = views
        .iter()
        .filter(|view| view.commitment.status == OFFERED);
    let waiting: Vec<_> = waiting.collect();
    if waiting.is_empty() {
        return Ok(());
    }
    let units: u64 = waiting.iter().map(|view| u64::from(view.peer.units)).sum();
    let amount = market.collateral(units).await?;
    let spender = deployment.capacity;
    let numbers: Vec<String> = waiting
        .iter()
        .map(|view| view.commitmentId.to_string())
        .collect();
    let numbers = numbers.join(",");
    if market
        .allowance(deployment.stake_token, (account, spender))
        .await?
        < amount
    {
        let approve: Call = deployment.approve(deployment.stake_token, spender, amount);
        sender
            .send(&format!("provider/approval/{numbers}"), &approve)
            .await?;
    }
    let deposit =
        deployment.deposit_collateral(waiting.iter().map(|view| view.peerId).collect(), amount);
    sender
        .send(&format!("provider/collateral/{numbers}"), &deposit)
        .await?;
    Ok(())
}
