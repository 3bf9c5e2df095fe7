#![no_main]
//! `cargo +nightly fuzz run marine_manifest`

#[path = "../../crates/marine/tests/support/mod.rs"]
mod support;

#[path = "../../crates/marine/tests/fuzz_targets/targets.rs"]
#[allow(dead_code, reason = "each binary runs one of the targets")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::manifest(bytes));
