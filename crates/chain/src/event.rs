//! What happens in a market.

use alloy::primitives::{Address, B256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEventInterface;

use crate::bindings::{Audit, Capacity, Market, Registry};
use crate::deployment::Deployment;

/// An event of one of the market's contracts.
#[derive(Debug, Clone)]
pub enum MarketEvent {
    /// Of providers, offers and peers.
    Registry(Registry::RegistryEvents),
    /// Of commitments and collateral.
    Capacity(Capacity::CapacityEvents),
    /// Of deals.
    Market(Market::MarketEvents),
    /// Of receipts.
    Audit(Audit::AuditEvents),
}

/// An event, and where it stands.
#[derive(Debug, Clone)]
pub struct Happened {
    /// The block.
    pub block: u64,
    /// Its place among the logs of the block.
    pub index: u64,
    /// The transaction.
    pub transaction: B256,
    /// What happened.
    pub event: MarketEvent,
}

impl MarketEvent {
    /// Reads the log of a contract of the market; none if it is of another, or of an event that this version does not
    /// know.
    pub fn read(deployment: &Deployment, log: &Log) -> Option<Self> {
        let of: Address = log.address();
        let log = &log.inner;
        if of == deployment.market {
            Market::MarketEvents::decode_log(log)
                .ok()
                .map(|log| Self::Market(log.data))
        } else if of == deployment.registry {
            Registry::RegistryEvents::decode_log(log)
                .ok()
                .map(|log| Self::Registry(log.data))
        } else if of == deployment.capacity {
            Capacity::CapacityEvents::decode_log(log)
                .ok()
                .map(|log| Self::Capacity(log.data))
        } else if of == deployment.audit {
            Audit::AuditEvents::decode_log(log)
                .ok()
                .map(|log| Self::Audit(log.data))
        } else {
            None
        }
    }
}
