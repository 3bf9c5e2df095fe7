//! Weir: sim.
pub mod case;
pub mod disk;
pub mod review;
pub mod rng;
pub mod weather;
pub mod world;
