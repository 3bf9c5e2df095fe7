//! The market on a chain: what its contracts understand, transactions that are sent once, and what happens there.

pub mod bindings;
mod call;
mod calls;
mod client;
mod deployment;
mod development;
mod directory;
mod endpoints;
mod error;
mod event;
mod follower;
mod index;
mod keys;
mod peer_view;
mod provider;
mod reply;
mod revert;
mod sender;
mod signatures;

pub use call::Call;
pub use calls::CommitmentTerms;
pub use client::{Client, MarketReader, MarketTime, Transaction};
pub use deployment::{Deployment, deploy_for_development};
pub use directory::Directory;
pub use error::{ChainError, Spent};
pub use event::{Happened, MarketEvent};
pub use follower::{Cursor, Follower, News, REORGANISATION_MAX};
pub use index::{Activation, DealFacts, Index, Place, Version};
pub use peer_view::{
    Code, Commitment, CommitmentStatus, DealStatus, DealTerms, Listing, Member, PeerView,
    PeerWorker, Served, WorkerStatus,
};
pub use provider::{Provider, ProviderPlan, enter_market};
pub use reply::Reply;
pub use revert::{Revert, matching_rule};
pub use sender::{
    Attempt, Fees, FolderJournal, Journal, JournalError, MemoryJournal, Outcome, Sender, Sent,
    Terms,
};
