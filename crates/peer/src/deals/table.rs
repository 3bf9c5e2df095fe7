//! What Aqua sees of deals: the `subnet` and `worker` services answer from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_identity::{Cid, PeerId};

use super::reconcile::Reconciler;
use super::record::{Phase, Stand};
use super::view::WorkerId;

/// The deals that a peer knows of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DealTable {
    /// The running epoch: that of receipts of workers.
    pub epoch: u32,
    /// Members by deal.
    pub subnets: BTreeMap<u64, Subnet>,
    /// The workers on this peer by deal.
    pub here: BTreeMap<u64, Local>,
}

/// A worker on this peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// The name of its key.
    pub peer: PeerId,
    /// Whether it answers.
    pub running: bool,
}

/// The members of a deal, as of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// Number of the deal.
    pub deal: u64,
    /// The block.
    pub block: u64,
    /// The block in which a worker came or went last.
    pub changed_block: u64,
    /// The package that the deal runs.
    pub package: Cid,
    /// Who has a place, in the order of the chain.
    pub members: Vec<Member>,
}

/// A place in a deal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name on the chain.
    pub id: WorkerId,
    /// The peer that was matched.
    pub host: PeerId,
    /// The worker that it made, once it is active. The chain has the account of its key only; the key itself comes
    /// from the signature in the activation.
    pub worker: Option<PeerId>,
    /// Its compute units, in the order of the chain.
    pub units: Vec<Arc<str>>,
}

impl Reconciler {
    /// What Aqua sees after the latest view.
    pub fn table(&self) -> DealTable {
        let subnets = self.view.iter().flat_map(|view| &view.subnets);
        let here = self
            .workers
            .values()
            .filter(|record| {
                // A former worker of the same deal may still have its data here.
                record.stand == Stand::Wanted && matches!(record.phase, Phase::Installed { .. })
            })
            .map(|record| {
                let local = Local {
                    peer: record.identity.peer,
                    running: record.running,
                };
                (record.deal, local)
            });
        DealTable {
            epoch: self.view.as_ref().map_or(0, |view| view.epoch),
            subnets: subnets
                .map(|subnet| (subnet.deal, subnet.clone()))
                .collect(),
            here: here.collect(),
        }
    }
}
