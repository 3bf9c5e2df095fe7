//! Nodes and their links for real, on loopback. One program, because each would compile and link all of it anew.

mod effects;
mod hostile;
mod local_network;
mod nodes;
#[path = "../support/mod.rs"]
mod support;
mod transport;
