//! Markets: that of the local network with its chain and accounts, others by their contexts, and who stands where.

mod accounts;
mod amount;
mod context;
mod contexts;
mod deals;
mod failure;
mod file;
mod local;
mod places;
mod rules;
mod standing;
mod wallet;

pub(crate) use accounts::Account;
pub(crate) use amount::{per_day, smallest, whole};
pub(crate) use context::{Context, address_of};
pub(crate) use contexts::{Contexts, LOCAL, Saved, check_name, choose, chosen, token};
pub(crate) use deals::{Deals, Known};
pub(crate) use failure::{failed, failed_at};
pub(crate) use file::{MarketFile, market_file};
pub(crate) use local::{LocalMarket, Place, sender};
pub(crate) use places::{hosts_of, is_live, staying, stays, workers_of};
pub(crate) use rules::{Asked, Taken, first_free, why_not};
pub(crate) use standing::{
    NEVER, Peer, Standing, Work, all_offers, collateral, commitment_state, free_units, pledge,
    was_backed, worker_state, works,
};
pub(crate) use wallet::Wallet;
