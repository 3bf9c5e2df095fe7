//! Keys as strings of bits, and ranges of keys.

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 256;

/// Bits for each byte of a key: that there is one, and its eight.
const BITS: usize = 9;

/// The first bit in which two keys differ, or `None` if they are equal.
pub(crate) fn first_difference(a: &[u8], b: &[u8]) -> Option<u16> {
    let shared = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let bit = match (a.get(shared), b.get(shared)) {
        (Some(a), Some(b)) => BITS * shared + 1 + (a ^ b).leading_zeros() as usize,
        (None, None) => return None,
        _ => BITS * shared,
    };
    // Keys have at most 256 bytes, bounds of ranges one more.
    Some(bit as u16)
}

/// The bit of a key; 0 beyond its end.
pub(crate) fn bit(key: &[u8], index: u16) -> bool {
    let (byte, bit) = (usize::from(index) / BITS, usize::from(index) % BITS);
    match key.get(byte) {
        Some(byte) => bit == 0 || byte >> (8 - bit) & 1 == 1,
        None => false,
    }
}

/// Whether a key of this length has the bit, its end included.
pub(crate) const fn has_bit(key_len: usize, index: u16) -> bool {
    index as usize <= BITS * key_len
}

/// The half byte that a bit belongs to: nodes end where it changes. The bit that says that there is a byte belongs
/// to its upper half.
pub(crate) const fn half_byte(index: u16) -> u16 {
    let (byte, bit) = (index / BITS as u16, index % BITS as u16);
    2 * byte + (bit > 4) as u16
}

/// The keys from `start` on and below `end`, in the order of their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key of the range, if it is there.
    pub start: Vec<u8>,
    /// The first key after the range; `None` if there is no end.
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    /// All keys.
    pub const fn all() -> Self {
        Self {
            start: Vec::new(),
            end: None,
        }
    }

    /// The keys from `start` on and below `end`; none if `end` is not greater.
    pub fn between(start: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self {
            start: start.into(),
            end: Some(end.into()),
        }
    }

    /// The keys from `start` on.
    pub fn starting_at(start: impl Into<Vec<u8>>) -> Self {
        Self {
            start: start.into(),
            end: None,
        }
    }

    /// The keys after `key`, for the next page of a scan.
    pub fn after(key: &[u8]) -> Self {
        Self::starting_at([key, &[0]].concat())
    }

    /// The keys that begin with `prefix`.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let start: Vec<u8> = prefix.into();
        let mut end = start.clone();
        while end.last() == Some(&0xff) {
            end.pop();
        }
        let end = end.last_mut().map(|last| *last += 1).map(|()| end);
        Self { start, end }
    }

    /// Whether no key can be in the range.
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    /// Whether `key` is in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.start.as_slice() <= key && self.end.as_ref().is_none_or(|end| key < end.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_bits_is_the_order_of_bytes() {
        let keys: [&[u8]; 8] = [
            b"",
            b"\0",
            b"\0\0",
            b"\0\x01",
            b"a",
            b"a\xff",
            b"b",
            b"\xff\xff",
        ];
        for (index, a) in keys.iter().enumerate() {
            assert_eq!(first_difference(a, a), None);
            for b in &keys[index + 1..] {
                let at = first_difference(a, b).unwrap();
                assert_eq!(first_difference(b, a), Some(at));
                assert!(!bit(a, at) && bit(b, at), "{a:?} {b:?} {at}");
                assert!((0..at).all(|at| bit(a, at) == bit(b, at)));
                assert!(has_bit(a.len(), at) && has_bit(b.len(), at));
            }
        }
    }

    #[test]
    fn prefixes_end_before_the_next_one() {
        assert_eq!(KeyRange::prefix("ab"), KeyRange::between("ab", "ac"));
        assert_eq!(
            KeyRange::prefix(vec![1, 0xff]),
            KeyRange::between(vec![1, 0xff], vec![2])
        );
        assert_eq!(KeyRange::prefix(vec![0xff]).end, None);
        assert_eq!(KeyRange::prefix(""), KeyRange::all());
        assert!(KeyRange::between("b", "b").is_empty());
        assert!(!KeyRange::after(b"a").contains(b"a"));
        assert!(KeyRange::after(b"a").contains(b"a\0"));
    }

    #[test]
    fn a_half_byte_has_at_most_five_bits() {
        let halves: Vec<u16> = (0..20).map(half_byte).collect();
        assert_eq!(
            halves,
            [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4]
        );
    }
}
