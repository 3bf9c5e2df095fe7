//! The small vocabulary of everything that is sent or stored but not hashed: variable-length
//! integers, length-prefixed bytes, fixed arrays.
//!
//! Integers are little-endian base 128 with the high bit as "more follows", in the fewest bytes.

use weir_identity::{Hash, Signature};

use super::Malformed;

const SIGNATURE_LEN: usize = 65;

pub(super) struct Out(Vec<u8>);

impl Out {
    pub(super) fn new() -> Out {
        Out(Vec::new())
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn uint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A signed integer, small absolute values short.
    pub(super) fn int(&mut self, value: i32) {
        let value = i64::from(value);
        self.uint(((value << 1) ^ (value >> 63)) as u64);
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.raw(bytes);
    }
}

pub(super) struct In<'a> {
    rest: &'a [u8],
}

impl<'a> In<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> In<'a> {
        In { rest: bytes }
    }

    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed("trailing bytes"))
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or(Malformed("truncated"))?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed("flag")),
        }
    }

    pub(super) fn uint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let digits = u64::from(byte & 0x7f);
            if digits << shift >> shift != digits {
                return Err(Malformed("integer"));
            }
            value |= digits << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 {
                    Err(Malformed("integer"))
                } else {
                    Ok(value)
                };
            }
        }
        Err(Malformed("integer"))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.uint()?).map_err(|_| Malformed("integer"))
    }

    pub(super) fn int(&mut self) -> Result<i32, Malformed> {
        let value = self.uint()?;
        let value = (value >> 1).cast_signed() ^ -((value & 1).cast_signed());
        i32::try_from(value).map_err(|_| Malformed("integer"))
    }

    /// A number of things, each of which takes at least a byte of what follows.
    pub(super) fn count(&mut self, max: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.uint()?).map_err(|_| Malformed("count"))?;
        if count > max {
            return Err(Malformed("count over the limit"));
        }
        if count > self.rest.len() {
            Err(Malformed("truncated"))
        } else {
            Ok(count)
        }
    }

    pub(super) fn raw(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(Malformed("truncated"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = usize::try_from(self.uint()?).map_err(|_| Malformed("truncated"))?;
        self.raw(len)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        str::from_utf8(self.bytes()?).map_err(|_| Malformed("text"))
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        Ok(self.raw(N)?.try_into().expect("the slice has this length"))
    }

    pub(super) fn hash(&mut self) -> Result<Hash, Malformed> {
        self.fixed::<32>().map(Hash::from)
    }

    pub(super) fn signature(&mut self) -> Result<Signature, Malformed> {
        Signature::from_bytes(&self.fixed::<SIGNATURE_LEN>()?).map_err(|_| Malformed("signature"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back_and_have_one_encoding() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Out::new();
            out.uint(value);
            let bytes = out.finish();
            let mut input = In::new(&bytes);
            assert_eq!(input.uint(), Ok(value));
            assert_eq!(input.end(), Ok(()));
        }
        for value in [0, 1, -1, 63, -64, i32::MAX, i32::MIN] {
            let mut out = Out::new();
            out.int(value);
            assert_eq!(In::new(&out.finish()).int(), Ok(value));
        }
        assert!(In::new(&[0x80, 0x00]).uint().is_err());
        assert!(In::new(&[0xff; 10]).uint().is_err());
        assert!(In::new(&[0x80]).uint().is_err());
    }

    #[test]
    fn lengths_are_not_trusted() {
        assert!(In::new(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1]).bytes().is_err());
        assert!(In::new(&[5, 1, 2]).count(100).is_err());
        assert!(In::new(&[2, 1, 2]).count(1).is_err());
    }
}
