//! The vocabulary of the compact forms: integers of variable length, bytes with their length, fixed arrays.
//!
//! Integers are unsigned LEB128 in the fewest bytes.

use weir_identity::Hash;

/// Why bytes are no encoding of the thing they should be. Names the thing or the rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed: {0}")]
pub struct Malformed(pub(crate) &'static str);

/// Bytes that `value` takes.
pub(crate) const fn uint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

pub(crate) fn put_uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_uint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What is still to be read.
pub(crate) struct Reader<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// How many bytes were read.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(len).ok_or(Malformed("length"))?;
        let bytes = self
            .all
            .get(self.at..end)
            .ok_or(Malformed("the bytes end too early"))?;
        self.at = end;
        Ok(bytes)
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| Malformed("length"))
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let [byte] = self.fixed()?;
        Ok(byte)
    }

    pub(crate) fn hash(&mut self) -> Result<Hash, Malformed> {
        self.fixed().map(|bytes: [u8; 32]| Hash::from(bytes))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.fixed().map(u16::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.fixed().map(u64::from_be_bytes)
    }

    /// An integer of variable length that is at most `max`.
    pub(crate) fn uint(&mut self, max: usize) -> Result<usize, Malformed> {
        usize::try_from(self.long_uint()?)
            .ok()
            .filter(|value| *value <= max)
            .ok_or(Malformed("an integer exceeds its limit"))
    }

    /// An integer of variable length and less than 2^63.
    pub(crate) fn long_uint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(Malformed("an integer is not in its shortest form"));
                }
                return Ok(value);
            }
        }
        Err(Malformed("an integer is too long"))
    }

    /// Bytes with their length, at most `max`.
    pub(crate) fn bytes(&mut self, max: usize) -> Result<&'a [u8], Malformed> {
        let len = self.uint(max)?;
        self.take(len)
    }

    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.at == self.all.len() {
            Ok(())
        } else {
            Err(Malformed("bytes after the end"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_one_form() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX)] {
            let mut out = Vec::new();
            put_uint(&mut out, value);
            assert_eq!(out.len(), uint_len(value), "{value}");
            let mut reader = Reader::new(&out);
            assert_eq!(reader.uint(usize::MAX).map(|read| read as u64), Ok(value));
            assert_eq!(reader.end(), Ok(()));
        }
        let mut out = Vec::new();
        put_uint(&mut out, (1 << 63) - 1);
        assert_eq!(Reader::new(&out).long_uint(), Ok((1 << 63) - 1));
        out.clear();
        put_uint(&mut out, 1 << 63);
        assert!(Reader::new(&out).long_uint().is_err());
        for wrong in [&[0x80, 0][..], &[0x80], &[0xff; 10], &[]] {
            assert!(Reader::new(wrong).uint(usize::MAX).is_err(), "{wrong:?}");
            assert!(Reader::new(wrong).long_uint().is_err(), "{wrong:?}");
        }
        assert!(Reader::new(&[5]).uint(4).is_err());
    }
}
