//! What can go wrong at the border of this crate.

use std::path::PathBuf;

use thiserror::Error;
use weir_peer::{ParticleId, RestoreError, ServiceError, SubmitError};

use crate::components::ComponentError;
use crate::keyfile::KeyFileError;
use crate::store::StoreError;
use crate::transport::TransportError;

/// Why a node did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Its folder cannot be made.
    #[error("cannot use the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What services may do outside cannot be set up.
    #[error("the means of effects cannot be set up: {0}")]
    Effects(std::io::Error),
    /// Its store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store does not hold a peer, or another one.
    #[error("the store cannot be restored: {0}")]
    Restore(#[from] RestoreError),
    /// The states of its services cannot be used.
    #[error(transparent)]
    States(#[from] weir_marine::StatesError),
    /// Its component files cannot be used.
    #[error(transparent)]
    Components(#[from] ComponentError),
    /// Its network cannot be used.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The address for metrics cannot be used.
    #[error("cannot offer metrics on {address}: {reason}")]
    Metrics {
        /// The address asked for.
        address: std::net::SocketAddr,
        /// Why not.
        reason: String,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Randomness(String),
    /// A key file cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The Wasm runtime cannot be set up.
    #[error(transparent)]
    Marine(#[from] weir_marine::SetupError),
    /// A service of the local network was not deployed.
    #[error("service `{service}` was not deployed: {source}")]
    Deploy {
        /// The service.
        service: String,
        /// Why not.
        source: Box<DeployError>,
    },
}

/// The node does not work any more.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the node has stopped: {reason}")]
pub struct Stopped {
    /// Why.
    pub reason: String,
}

/// What is said when a task of this kind has panicked.
pub(crate) fn panicked(kind: &str) -> String {
    format!("a task panicked: {kind}; this is a defect of Weir, and the log says where it is")
}

/// Why a particle was not started.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubmitFailure {
    /// The peer does not take it.
    #[error(transparent)]
    Peer(#[from] SubmitError),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Randomness(String),
    /// The node does not work any more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Why a service was not deployed.
#[derive(Debug, Error)]
pub enum DeployError {
    /// This node runs no components.
    #[error("this node runs no components")]
    NoRuntime,
    /// The component is larger than allowed.
    #[error("a component of {bytes} bytes is over the limit component_bytes = {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The component cannot be run here.
    #[error(transparent)]
    Component(#[from] weir_marine::Error),
    /// The component cannot be kept.
    #[error(transparent)]
    Keep(#[from] ComponentError),
    /// The service cannot be registered.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The work was given up because the node stops.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Why the log of a particle cannot be exported.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExportFailure {
    /// Nothing is known of the particle, or it was not kept.
    #[error("nothing is kept of particle {}", .0.0)]
    Unknown(ParticleId),
    /// The records do not make a log.
    #[error("the records of particle {} cannot be read: {what}", particle.0)]
    Damaged {
        /// The particle.
        particle: ParticleId,
        /// What was found.
        what: String,
    },
    /// The node does not work any more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Why records of the store cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecordsFailure {
    /// The store says why.
    #[error("the records cannot be read: {0}")]
    Unreadable(String),
    /// The node does not work any more.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}
