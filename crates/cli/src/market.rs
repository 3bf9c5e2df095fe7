//! The market of the local network: its chain, who has an account there, and where its contracts are.

mod accounts;
mod amount;
mod failure;
mod file;
mod local;

pub(crate) use accounts::Account;
pub(crate) use amount::{smallest, whole};
pub(crate) use failure::failed;
pub(crate) use file::MarketFile;
pub(crate) use local::{Listen, LocalMarket, sender};
