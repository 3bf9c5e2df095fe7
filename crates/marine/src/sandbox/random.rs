//! Randomness inside a call: a stream of bytes that follows from a seed.

use blake3::{Hasher, OutputReader};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

/// The extended output of BLAKE3 keyed with the seed; the random interfaces
/// read from separate streams, so that one does not shift another.
pub(crate) struct SeededRandom {
    seed: [u8; 32],
    secure: Option<OutputReader>,
    insecure: Option<OutputReader>,
}

/// The most bytes that one request may ask for.
const BYTES_MAX: u64 = 64 << 10;

/// As a part of the profile.
pub(super) fn description() -> String {
    format!("random blake3 at once {BYTES_MAX}")
}

impl SeededRandom {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            secure: None,
            insecure: None,
        }
    }

    fn stream(seed: &[u8; 32], name: &str) -> OutputReader {
        Hasher::new_keyed(seed)
            .update(name.as_bytes())
            .finalize_xof()
    }

    fn secure(&mut self) -> &mut OutputReader {
        self.secure
            .get_or_insert_with(|| Self::stream(&self.seed, "random"))
    }

    fn insecure(&mut self) -> &mut OutputReader {
        self.insecure
            .get_or_insert_with(|| Self::stream(&self.seed, "insecure"))
    }
}

fn take_u64(stream: &mut OutputReader) -> u64 {
    let mut bytes = [0; 8];
    stream.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

fn take_bytes(stream: &mut OutputReader, len: u64) -> wasmtime::Result<Vec<u8>> {
    if len > BYTES_MAX {
        return Err(wasmtime::format_err!(
            "asked for {len} random bytes at once, at most {BYTES_MAX} are given"
        ));
    }
    let mut bytes = vec![0; len as usize];
    stream.fill(&mut bytes);
    Ok(bytes)
}

impl random::Host for &mut SeededRandom {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        take_bytes(self.secure(), len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(take_u64(self.secure()))
    }
}

impl insecure::Host for &mut SeededRandom {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        take_bytes(self.insecure(), len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(take_u64(self.insecure()))
    }
}

impl insecure_seed::Host for &mut SeededRandom {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        let mut stream = SeededRandom::stream(&self.seed, "insecure-seed");
        Ok((take_u64(&mut stream), take_u64(&mut stream)))
    }
}
