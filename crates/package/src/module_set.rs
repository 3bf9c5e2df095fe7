//! The hash by which a deal names its code.

use std::collections::BTreeSet;

use weir_identity::{Cid, Hash, keccak256};

/// Keeps these hashes apart from all others.
const DOMAIN: &[u8] = b"weir/package-modules/1";

/// The hash of the set of these components, as `docs/wire.md` has it:
/// `keccak("weir/package-modules/1" ‖ u64 number of components ‖ their digests in ascending order, each once)`.
///
/// Services that share a component, and the order of services, do not change it.
pub fn module_set_hash(components: impl IntoIterator<Item = Cid>) -> Hash {
    let digests: BTreeSet<[u8; 32]> = components.into_iter().map(|cid| *cid.digest()).collect();
    let count = (digests.len() as u64).to_be_bytes();
    let digests: Vec<u8> = digests.into_iter().flatten().collect();
    keccak256(&[DOMAIN, &count, &digests])
}
