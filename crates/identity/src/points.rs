//! Points of the curve that this thread has met.
//!
//! Whether 33 bytes are a point takes a square root, some 5 µs, and the same few keys are read over and over: every
//! head, every frame and every record names a peer. Each thread remembers the last keys that it checked, one for each
//! slot, so that a stranger can make others slow and never wrong.

use std::cell::RefCell;

/// A power of two. With 98 bytes each they take about 100 KB of a thread that reads keys.
const SLOTS: usize = 1024;

#[derive(Clone, Copy)]
struct Slot {
    compressed: [u8; 33],
    coordinates: [u8; 64],
}

thread_local! {
    static SEEN: RefCell<Vec<Option<Slot>>> = const { RefCell::new(Vec::new()) };
}

/// Both coordinates of the point with this compressed form, if there is one.
pub(crate) fn coordinates(compressed: &[u8; 33]) -> Option<[u8; 64]> {
    let [.., high, low] = compressed;
    let index = usize::from(u16::from_be_bytes([*high, *low])) % SLOTS;
    SEEN.with_borrow_mut(|slots| {
        slots.resize(SLOTS, None);
        let slot = slots.get_mut(index)?;
        if let Some(seen) = slot
            && seen.compressed == *compressed
        {
            return Some(seen.coordinates);
        }
        let coordinates = decompress(compressed)?;
        *slot = Some(Slot {
            compressed: *compressed,
            coordinates,
        });
        Some(coordinates)
    })
}

fn decompress(compressed: &[u8; 33]) -> Option<[u8; 64]> {
    let point = secp256k1::PublicKey::from_byte_array_compressed(*compressed).ok()?;
    let [_tag, coordinates @ ..] = point.serialize_uncompressed();
    Some(coordinates)
}

#[cfg(test)]
mod tests {
    use super::{coordinates, decompress};
    use crate::Keypair;

    #[test]
    fn keys_that_share_a_slot_are_told_apart() {
        let keys = (1..=60_u8).map(|seed| {
            let keypair = Keypair::from_secret(&[seed; 32]).unwrap();
            keypair.public_key().to_bytes()
        });
        for key in keys.clone().chain(keys) {
            // The same x with the other sign of y, which ends in the same two bytes.
            let mut mirrored = key;
            mirrored[0] ^= 1;
            assert_eq!(coordinates(&key), decompress(&key));
            assert_eq!(coordinates(&mirrored), decompress(&mirrored));
            assert_ne!(coordinates(&key), coordinates(&mirrored));
        }
    }

    #[test]
    fn what_is_no_point_never_becomes_one() {
        for first in [0, 1, 4, 255] {
            let mut bytes = [0; 33];
            bytes[0] = first;
            assert_eq!(coordinates(&bytes), None, "{first}");
            assert_eq!(coordinates(&bytes), None, "{first}");
        }
    }
}
