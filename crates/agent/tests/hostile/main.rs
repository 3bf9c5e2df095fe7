//! Nodes in a market where nothing goes well: endpoints that fail and lie, a chain that takes back what happened,
//! packages that are not what they should be, parties that do not keep to anything. Each time both sides are then where
//! they should be, no token is lost, and the operator can read what was the matter.

#[path = "../support/mod.rs"]
mod support;

mod endpoints;
mod lies;
mod packages;
mod parties;
mod prices;
mod sources;
mod undone;
