#![no_main]
//! `cargo +nightly fuzz run sim_case`

#[path = "../../crates/sim/tests/fuzz_targets/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::case(bytes));
