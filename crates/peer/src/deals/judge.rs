//! Whether this peer takes a deal.

use weir_identity::{Address, Cid, Hash};

use super::policy::Policy;
use super::view::{Commitment, DealStatus, DealView};

/// What a peer has left to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Compute units without a worker.
    pub units: u32,
    /// Workers that there may be more.
    pub workers: usize,
}

/// Why a deal is not taken. Each says what would have to be otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The deal is over.
    #[error("the customer ended the deal")]
    Ended,
    /// The customer is not admitted.
    #[error("customer {0} is not admitted by the policy (`customers`)")]
    Customer(Address),
    /// The code is not admitted.
    #[error("package {0} is not admitted by the policy (`packages`)")]
    Package(Cid),
    /// The token is not accepted.
    #[error("it pays in token {0}, for which the policy names no least price (`prices`)")]
    Token(Address),
    /// It pays too little.
    #[error(
        "it pays {offered} for a unit and epoch, the policy asks for at least {least} (`prices`)"
    )]
    Price {
        /// What it pays.
        offered: u128,
        /// What the policy asks for.
        least: u128,
    },
    /// It has too little.
    #[error(
        "its balance lasts for {funded} more epochs, the policy asks for at least {least} (`funded_epochs`)"
    )]
    Funds {
        /// For how many epochs it pays.
        funded: u32,
        /// For how many the policy wants it to.
        least: u32,
    },
    /// It needs what this machine has not.
    #[error("it needs the capability {0}, which the policy does not name (`capabilities`)")]
    Capability(Hash),
    /// Nothing is staked, or not for long enough.
    #[error(
        "the commitment ends with epoch {end}, the deal needs it until epoch {needed}: commit anew"
    )]
    Term {
        /// First epoch that the commitment does not cover.
        end: u32,
        /// First epoch that it need not cover.
        needed: u32,
    },
    /// Nothing is staked.
    #[error("this peer has no active commitment, or its offer is paused")]
    NoCommitment,
    /// There are too few compute units.
    #[error(
        "it needs {needed} compute units, {free} are free (of those of the policy, `units`, and the commitment)"
    )]
    Units {
        /// What a worker needs.
        needed: u8,
        /// What there is.
        free: u32,
    },
    /// There are too many workers.
    #[error("there are {0} workers, which is the most that the policy allows (`workers`)")]
    Workers(usize),
}

/// Whether a deal is taken by this policy, with what is left. Cheap rules first; the first that fails is the reason.
pub fn judge(policy: &Policy, room: Room, deal: &DealView, epoch: u32) -> Result<(), Refusal> {
    if deal.status == DealStatus::Ended {
        return Err(Refusal::Ended);
    }
    if !policy.customers.admits(&deal.owner) {
        return Err(Refusal::Customer(deal.owner));
    }
    for code in [deal.code_at(epoch), deal.code] {
        if !policy.packages.admits(&code.package) {
            return Err(Refusal::Package(code.package));
        }
    }
    let Some(least) = policy.prices.get(&deal.token).copied() else {
        return Err(Refusal::Token(deal.token));
    };
    let offered = deal.unit_price();
    if offered < least {
        return Err(Refusal::Price { offered, least });
    }
    if deal.funded_epochs < policy.funded_epochs {
        return Err(Refusal::Funds {
            funded: deal.funded_epochs,
            least: policy.funded_epochs,
        });
    }
    let missing = |capability: &&Hash| !policy.capabilities.contains(*capability);
    if let Some(capability) = deal.capabilities.iter().find(missing) {
        return Err(Refusal::Capability(*capability));
    }
    if u32::from(deal.units) > room.units {
        return Err(Refusal::Units {
            needed: deal.units,
            free: room.units,
        });
    }
    if room.workers == 0 {
        return Err(Refusal::Workers(policy.workers));
    }
    Ok(())
}

/// Why a deal that is being served is left in time: it has announced a price below the policy's. What is asked for later
/// than a deal was taken is no reason, so an operator who asks for more keeps what there is.
pub(super) fn is_to_pay_less(policy: &Policy, deal: &DealView) -> Option<Refusal> {
    let least = policy.prices.get(&deal.token).copied().unwrap_or_default();
    let offered = deal.unit_price();
    let is_announced = deal.price < deal.price_now;
    (is_announced && offered < least).then_some(Refusal::Price { offered, least })
}

/// Whether the chain would let this peer into a deal: what a claim needs beside [`judge`].
pub(super) fn is_matchable(
    commitment: Option<&Commitment>,
    deal: &DealView,
    epoch: u32,
) -> Result<(), Refusal> {
    let commitment = commitment
        .filter(|commitment| commitment.matchable)
        .ok_or(Refusal::NoCommitment)?;
    let needed = epoch.saturating_add(u32::from(deal.term_epochs));
    if commitment.end_epoch < needed {
        return Err(Refusal::Term {
            end: commitment.end_epoch,
            needed,
        });
    }
    Ok(())
}
