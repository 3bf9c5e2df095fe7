//! Journals, messages and merging, without evaluation: peers say things and tell each other.

mod equivocation;
mod export;
mod fuzz;
mod group;
mod merging;
mod parking;
mod properties;
mod receipts;
mod restoring;
#[path = "../fuzz_targets/targets.rs"]
mod targets;
mod vectors;
mod wire;
