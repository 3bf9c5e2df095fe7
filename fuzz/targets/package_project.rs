#![no_main]
//! `cargo +nightly fuzz run package_project`

#[path = "../../crates/package/tests/fuzz_targets/targets.rs"]
#[allow(dead_code, reason = "each binary runs one of the targets")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::project(bytes));
