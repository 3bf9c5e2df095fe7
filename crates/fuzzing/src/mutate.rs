use crate::{Chance, INPUT_BYTES_MAX};

/// Bytes at which decoders change their mind: limits of integers, headers of CBOR, quotes and brackets.
const TELLING_BYTES: [u8; 24] = [
    0x00, 0x01, 0x17, 0x18, 0x19, 0x1b, 0x1f, 0x20, 0x3b, 0x7f, 0x80, 0x9b, 0x9f, 0xbb, 0xf6, 0xf9,
    0xfb, 0xff, b'"', b'\\', b'(', b')', b'[', b'{',
];

/// How many changes one input gets at most.
const CHANGES_MAX: usize = 6;

/// Longest piece that is inserted, repeated or removed at once, in bytes.
const PIECE_BYTES_MAX: usize = 32;

/// A stream of inputs that look almost right.
pub(crate) struct Mutator {
    chance: Chance,
}

impl Mutator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            chance: Chance::new(seed),
        }
    }

    /// An input of the corpus with a few changes. `corpus` must not be empty.
    pub(crate) fn next_input(&mut self, corpus: &[&[u8]]) -> Vec<u8> {
        let mut input = self.chance.pick(corpus).to_vec();
        for _ in 0..=self.chance.below(CHANGES_MAX) {
            self.change(&mut input, corpus);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[&[u8]]) {
        let at = self.chance.below(input.len() + 1);
        let piece = at..(at + 1 + self.chance.below(PIECE_BYTES_MAX)).min(input.len());
        // Cutting is rare, or most inputs would end as the same short stumps.
        match self.chance.below(16) {
            0..=3 => {
                let bit = 1 << self.chance.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= bit;
                }
            }
            4..=6 => {
                let telling = self.chance.pick(&TELLING_BYTES);
                if let Some(byte) = input.get_mut(at) {
                    *byte = telling;
                }
            }
            7..=9 => {
                let telling = self.chance.pick(&TELLING_BYTES);
                input.insert(at, telling);
            }
            10 => drop(input.drain(piece)),
            11 => input.truncate(at),
            12 => {
                // Deep nesting comes from here: a short piece many times over.
                let repeated = input[piece].repeat(1 + self.chance.below(200));
                input.splice(at..at, repeated);
            }
            13..=14 => {
                let random: Vec<u8> = piece.map(|_| self.chance.below(256) as u8).collect();
                input.splice(at..at, random);
            }
            _ => {
                let other = self.chance.pick(corpus);
                let from = self.chance.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }
}
