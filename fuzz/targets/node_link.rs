#![no_main]
//! `cargo +nightly fuzz run node_link`

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| weir_node::fuzzing::link(bytes));
