#![no_main]
//! `cargo +nightly fuzz run node_store`

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| weir_node::fuzzing::store(bytes));
