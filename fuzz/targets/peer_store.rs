#![no_main]
//! `cargo +nightly fuzz run peer_store`

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| weir_peer::fuzzing::restored(bytes));
