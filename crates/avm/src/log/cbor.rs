//! DAG-CBOR arrays of the few types that entries and *start* are made of.
//!
//! The reader is lenient about the length of integers; whoever reads something that is hashed
//! encodes it again and compares, which leaves exactly one accepted encoding.

use minicbor::data::Tag;
use minicbor::{Decoder, Encoder};
use weir_identity::{Cid, Codec, Hash, PeerId};

use super::Malformed;
use super::key::{KEY_LEN, key_bytes, peer_of_key};

/// CBOR tag of an IPLD link.
const LINK: Tag = Tag::new(42);
const INFALLIBLE: &str = "a vector takes any bytes";

/// Writes items one after the other.
pub(super) struct Writer(Encoder<Vec<u8>>);

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Writer {
        Writer(Encoder::new(Vec::with_capacity(bytes)))
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0.into_writer()
    }

    pub(super) fn array(&mut self, len: usize) -> &mut Self {
        self.0.array(len as u64).expect(INFALLIBLE);
        self
    }

    pub(super) fn uint(&mut self, value: u64) -> &mut Self {
        self.0.u64(value).expect(INFALLIBLE);
        self
    }

    pub(super) fn int(&mut self, value: i32) -> &mut Self {
        self.0.i32(value).expect(INFALLIBLE);
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.bytes(bytes).expect(INFALLIBLE);
        self
    }

    pub(super) fn optional_bytes(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self.null(),
        }
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.0.str(text).expect(INFALLIBLE);
        self
    }

    pub(super) fn null(&mut self) -> &mut Self {
        self.0.null().expect(INFALLIBLE);
        self
    }

    pub(super) fn peer(&mut self, peer: &PeerId) -> &mut Self {
        self.bytes(&key_bytes(peer))
    }

    pub(super) fn link(&mut self, cid: &Cid) -> &mut Self {
        self.0.tag(LINK).expect(INFALLIBLE);
        let mut bytes = [0u8; 37];
        bytes[1..].copy_from_slice(&cid.to_bytes());
        self.bytes(&bytes)
    }
}

/// Reads items one after the other.
pub(super) struct Reader<'a>(Decoder<'a>);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(Decoder::new(bytes))
    }

    /// Checks that nothing follows.
    pub(super) fn end(&self) -> Result<(), Malformed> {
        if self.0.position() == self.0.input().len() {
            Ok(())
        } else {
            Err(Malformed("trailing bytes"))
        }
    }

    /// An array of any length that the rest of the input can hold.
    pub(super) fn array(&mut self) -> Result<usize, Malformed> {
        let len = self
            .0
            .array()
            .map_err(|_| Malformed("array"))?
            .ok_or(Malformed("array length"))?;
        let left = self.0.input().len() - self.0.position();
        match usize::try_from(len) {
            Ok(len) if len <= left => Ok(len),
            _ => Err(Malformed("array length")),
        }
    }

    pub(super) fn array_of(&mut self, len: usize) -> Result<(), Malformed> {
        if self.array()? == len {
            Ok(())
        } else {
            Err(Malformed("number of fields"))
        }
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.0.u64().map_err(|_| Malformed("unsigned integer"))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.0
            .u32()
            .map_err(|_| Malformed("32-bit unsigned integer"))
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        self.0
            .u16()
            .map_err(|_| Malformed("16-bit unsigned integer"))
    }

    pub(super) fn i32(&mut self) -> Result<i32, Malformed> {
        self.0.i32().map_err(|_| Malformed("32-bit integer"))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        self.0.bytes().map_err(|_| Malformed("byte string"))
    }

    /// True, having read it, if the next item is null.
    pub(super) fn is_null(&mut self) -> bool {
        let at = self.0.position();
        if self.0.null().is_ok() {
            return true;
        }
        self.0.set_position(at);
        false
    }

    pub(super) fn optional_bytes(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        if self.is_null() {
            Ok(None)
        } else {
            self.bytes().map(Some)
        }
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes()?
            .try_into()
            .map_err(|_| Malformed("length of a byte string"))
    }

    pub(super) fn hash(&mut self) -> Result<Hash, Malformed> {
        self.fixed::<32>().map(Hash::from)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        self.0.str().map_err(|_| Malformed("text"))
    }

    pub(super) fn peer(&mut self) -> Result<PeerId, Malformed> {
        peer_of_key(&self.fixed::<KEY_LEN>()?)
    }

    pub(super) fn link(&mut self, codec: Codec) -> Result<Cid, Malformed> {
        let tag = self.0.tag().map_err(|_| Malformed("link"))?;
        let bytes = self.bytes()?;
        let cid = match bytes.split_first() {
            Some((0, cid)) if tag == LINK => Cid::from_bytes(cid).map_err(|_| Malformed("link"))?,
            _ => return Err(Malformed("link")),
        };
        if cid.codec() == codec {
            Ok(cid)
        } else {
            Err(Malformed("codec of a link"))
        }
    }
}
