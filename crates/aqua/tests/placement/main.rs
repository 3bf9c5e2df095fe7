//! Placement and emission: which hops come out, that they suffice, and at what cost.

mod hops;
mod large;
mod network;
mod notation;
mod random;
