#![no_main]
//! `cargo +nightly fuzz run node_store`

libfuzzer_sys::fuzz_target!(
    // The hook of the fuzzer ends the process at every panic, also at those of the database library
    // that the store catches and calls damage.
    init: drop(std::panic::take_hook()),
    |bytes: &[u8]| weir_node::fuzzing::store(bytes)
);
