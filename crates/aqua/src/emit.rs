//! What comes out of a compiled function: its script, and its plan for people.

mod air;
pub mod definition;

pub use air::air;
