#![no_main]
//! `cargo +nightly fuzz run peer_reach`

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| weir_peer::fuzzing::reach(bytes));
