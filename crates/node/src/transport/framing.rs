//! Frames on a stream of bytes: a length of four bytes, most significant
//! first, and so many bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;

/// Bytes of the length in front of a frame.
pub(crate) const HEADER_BYTES: usize = 4;

/// Frames up to this size are copied into one buffer with their neighbours;
/// larger ones are written as they are.
const COALESCED_BYTES_MAX: usize = 16 * 1024;

/// A buffer of this size goes to the stream before more frames are added.
const BATCH_BYTES: usize = 64 * 1024;

/// Why bytes are not a sequence of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FramingError {
    /// The length of a frame is over the limit. Nothing of it was read.
    #[error("a frame of {bytes} bytes is over the limit frame_bytes = {limit}")]
    Oversized {
        /// The length that was announced.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The stream ended inside a frame.
    #[error("the stream ended {missing} bytes before the end of a frame")]
    Truncated {
        /// How many bytes are missing, as far as that is known.
        missing: usize,
    },
}

/// What a decoder found in its input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// The whole input was taken and more is needed.
    NeedsMore,
    /// A frame of this size begins. Its bytes are taken by further calls.
    Begins(usize),
    /// A frame is complete.
    Frame(Bytes),
}

/// Finds frames in bytes that come in pieces of any size.
///
/// The memory it uses grows with the bytes that came, not with the length that
/// somebody announced.
#[derive(Debug)]
pub(crate) struct Decoder {
    limit: usize,
    header: [u8; HEADER_BYTES],
    header_len: usize,
    body: BytesMut,
    /// Length of the frame that has begun.
    expected: Option<usize>,
}

impl Decoder {
    /// Frames are at most `limit` bytes long.
    pub(crate) fn new(limit: usize) -> Self {
        Decoder {
            limit,
            header: [0; HEADER_BYTES],
            header_len: 0,
            body: BytesMut::new(),
            expected: None,
        }
    }

    /// True between the first byte of a frame and its last.
    pub(crate) fn is_inside(&self) -> bool {
        self.header_len > 0 || self.expected.is_some()
    }

    /// How many bytes came of the frame that has begun.
    pub(crate) fn arrived(&self) -> usize {
        self.body.len()
    }

    /// Takes bytes from the front of `input` until there is something to say.
    pub(crate) fn decode(&mut self, input: &mut &[u8]) -> Result<Decoded, FramingError> {
        let Some(expected) = self.expected else {
            return self.decode_header(input);
        };
        let missing = expected - self.body.len();
        let (taken, rest) = input.split_at(missing.min(input.len()));
        *input = rest;
        if self.body.is_empty() && taken.len() == expected {
            self.expected = None;
            return Ok(Decoded::Frame(Bytes::copy_from_slice(taken)));
        }
        self.body.extend_from_slice(taken);
        if self.body.len() < expected {
            return Ok(Decoded::NeedsMore);
        }
        self.expected = None;
        Ok(Decoded::Frame(std::mem::take(&mut self.body).freeze()))
    }

    fn decode_header(&mut self, input: &mut &[u8]) -> Result<Decoded, FramingError> {
        while self.header_len < HEADER_BYTES {
            let Some((byte, rest)) = input.split_first() else {
                return Ok(Decoded::NeedsMore);
            };
            self.header[self.header_len] = *byte;
            self.header_len += 1;
            *input = rest;
        }
        let bytes = u32::from_be_bytes(self.header) as usize;
        if bytes > self.limit {
            let limit = self.limit;
            return Err(FramingError::Oversized { bytes, limit });
        }
        self.header_len = 0;
        self.expected = Some(bytes);
        Ok(Decoded::Begins(bytes))
    }

    /// To be called when the stream ends.
    pub(crate) fn finish(&self) -> Result<(), FramingError> {
        let missing = match self.expected {
            Some(expected) => expected - self.body.len(),
            None if self.header_len > 0 => HEADER_BYTES - self.header_len,
            None => return Ok(()),
        };
        Err(FramingError::Truncated { missing })
    }
}

/// Frames on their way into a stream: small ones together, large ones alone.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    buffer: BytesMut,
    large: Bytes,
}

impl Encoder {
    /// Whether another frame can be added before something is written.
    pub(crate) fn has_room(&self) -> bool {
        self.large.is_empty() && self.buffer.len() < BATCH_BYTES
    }

    /// Adds a frame. The caller keeps frames below 4 GiB.
    pub(crate) fn push(&mut self, frame: Bytes) {
        debug_assert!(self.has_room());
        self.buffer.put_u32(frame.len() as u32);
        if frame.len() <= COALESCED_BYTES_MAX {
            self.buffer.extend_from_slice(&frame);
        } else {
            self.large = frame;
        }
    }

    /// What is to be written next; empty if there is nothing.
    pub(crate) fn chunk(&self) -> &[u8] {
        if self.buffer.is_empty() {
            &self.large
        } else {
            &self.buffer
        }
    }

    /// Forgets the first `written` bytes of [`Encoder::chunk`].
    pub(crate) fn advance(&mut self, written: usize) {
        if self.buffer.is_empty() {
            self.large.advance(written);
        } else {
            self.buffer.advance(written);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 100_000;

    fn encode(frames: &[Bytes]) -> Vec<u8> {
        let mut encoder = Encoder::default();
        let mut bytes = Vec::new();
        let mut frames = frames.iter();
        loop {
            while encoder.has_room()
                && let Some(frame) = frames.next()
            {
                encoder.push(frame.clone());
            }
            if encoder.chunk().is_empty() {
                return bytes;
            }
            // Streams take what they like.
            let taken = encoder.chunk().len().div_ceil(2);
            bytes.extend_from_slice(&encoder.chunk()[..taken]);
            encoder.advance(taken);
        }
    }

    fn decode(bytes: &[u8], piece: usize) -> Result<Vec<Bytes>, FramingError> {
        let mut decoder = Decoder::new(LIMIT);
        let mut frames = Vec::new();
        for mut input in bytes.chunks(piece) {
            loop {
                match decoder.decode(&mut input)? {
                    Decoded::NeedsMore => break,
                    Decoded::Begins(_) => {}
                    Decoded::Frame(frame) => frames.push(frame),
                }
            }
        }
        decoder.finish().map(|()| frames)
    }

    #[test]
    fn frames_of_all_sizes_come_back_however_the_bytes_are_cut() {
        let frames: Vec<Bytes> = [0, 1, 3, 4, 5, 500, 16_384, 16_385, 70_000, 0, LIMIT, 7]
            .iter()
            .map(|&len| (0..len).map(|i| i as u8).collect())
            .collect();
        let bytes = encode(&frames);
        for piece in [1, 2, 3, 7, 4096, 65_536, bytes.len()] {
            assert_eq!(
                decode(&bytes, piece).as_deref(),
                Ok(&frames[..]),
                "pieces of {piece}"
            );
        }
    }

    #[test]
    fn the_bytes_in_the_document_are_those_of_the_code() {
        let document = include_str!("../../../../docs/particle-protocol.md");
        let block = document.split("```framing\n").nth(1);
        let block = block.and_then(|rest| rest.split("```").next());
        let mut lines = block.expect("the document has them").lines();
        let mut bytes = |name: &str| {
            let (found, hex) = lines
                .next()
                .and_then(|line| line.split_once(" = "))
                .unwrap();
            assert_eq!(found, name);
            let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
            let bytes: Result<Vec<u8>, _> = digits.chunks(2).map(byte).collect();
            bytes.unwrap()
        };
        let frames = [Bytes::from(bytes("frame")), Bytes::from(bytes("frame"))];
        let stream = bytes("stream");
        assert_eq!(encode(&frames), stream);
        assert_eq!(decode(&stream, 3).as_deref(), Ok(&frames[..]));
    }

    #[test]
    fn an_oversized_frame_is_refused_by_its_length_alone() {
        let found = decode(&(LIMIT as u32 + 1).to_be_bytes(), 4);
        assert_eq!(
            found,
            Err(FramingError::Oversized {
                bytes: LIMIT + 1,
                limit: LIMIT
            })
        );
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_is_truncated() {
        let bytes = encode(&[Bytes::from_static(b"abc"), Bytes::from_static(b"defg")]);
        let whole_frames = [0, 7, 15];
        for len in 0..=bytes.len() {
            let found = decode(&bytes[..len], 3);
            assert_eq!(
                found.is_ok(),
                whole_frames.contains(&len),
                "{len} bytes: {found:?}"
            );
        }
        assert_eq!(
            decode(&bytes[..9], 9),
            Err(FramingError::Truncated { missing: 2 })
        );
        assert_eq!(
            decode(&bytes[..13], 9),
            Err(FramingError::Truncated { missing: 2 })
        );
    }

    #[test]
    fn a_long_length_alone_takes_no_memory() {
        let mut decoder = Decoder::new(LIMIT);
        let bytes = (LIMIT as u32).to_be_bytes();
        assert_eq!(decoder.decode(&mut &bytes[..]), Ok(Decoded::Begins(LIMIT)));
        assert_eq!(decoder.body.capacity(), 0);
    }
}
