//! Recorded effects: what a call learnt from outside, in order, so that it can be run again without the outside.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use weir_identity::{Hash, keccak256};

use crate::wire::{Malformed, Reader, put_bytes, put_uint};

/// Longest name of an interface or a function, in bytes.
pub const NAME_BYTES_MAX: usize = 256;

/// What a transcript may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TranscriptLimits {
    /// Number of effects.
    pub effects: usize,
    /// Bytes of the encoded form.
    pub bytes: usize,
}

impl Default for TranscriptLimits {
    /// 10,000 effects and 16 MiB.
    fn default() -> Self {
        Self {
            effects: 10_000,
            bytes: 16 << 20,
        }
    }
}

/// Why an effect cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptError {
    /// There are too many effects.
    #[error("more than {0} recorded effects")]
    Effects(usize),
    /// The answers are too large.
    #[error("more than {0} bytes of recorded effects")]
    Bytes(usize),
    /// A name is too long, or that of an interface has a `#` in it.
    #[error("the name of an interface or a function that cannot be recorded")]
    Name,
}

/// One effect: what was asked of the host and what it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The interface with its version, for instance `wasi:clocks/wall-clock@0.2.0`. Without `#`.
    pub interface: Arc<str>,
    /// The function of the interface.
    pub function: Arc<str>,
    /// keccak-256 of what was asked. The arguments themselves need not be kept: who runs the call again has them.
    pub request: Hash,
    /// What the host answered.
    pub answer: Bytes,
}

impl Effect {
    /// What a transcript's root makes of the names: `keccak(interface ‖ "#" ‖ function)`.
    pub fn import_id(&self) -> Hash {
        keccak256(&[self.interface.as_bytes(), b"#", self.function.as_bytes()])
    }

    fn encoded_bytes_max(&self) -> usize {
        // Four lengths of at most five bytes, and the request.
        20 + 32 + self.interface.len() + self.function.len() + self.answer.len()
    }
}

/// The effects of one call, in order, and their root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    effects: Vec<Effect>,
    root: Hash,
    /// Upper bound of the bytes of the encoded form.
    bytes: usize,
}

impl Default for Transcript {
    fn default() -> Self {
        Self {
            effects: Vec::new(),
            root: Hash::ZERO,
            bytes: 16,
        }
    }
}

impl Transcript {
    /// The hash over all effects: zero at first, then `keccak(root ‖ import id ‖ request ‖ keccak(answer))` for each.
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// The effects.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// Records an effect. Costs three permutations and those of the answer.
    pub fn push(
        &mut self,
        effect: Effect,
        limits: &TranscriptLimits,
    ) -> Result<(), TranscriptError> {
        let names = [&effect.interface, &effect.function];
        if names.iter().any(|name| name.len() > NAME_BYTES_MAX) || effect.interface.contains('#') {
            return Err(TranscriptError::Name);
        }
        if self.effects.len() >= limits.effects {
            return Err(TranscriptError::Effects(limits.effects));
        }
        let bytes = self.bytes.saturating_add(effect.encoded_bytes_max());
        if bytes > limits.bytes {
            return Err(TranscriptError::Bytes(limits.bytes));
        }
        self.bytes = bytes;
        self.add(effect);
        Ok(())
    }

    /// Whether one more effect fits whose answer has so many bytes, with names as long as they may be.
    pub fn room_for(
        &self,
        answer_bytes: usize,
        limits: &TranscriptLimits,
    ) -> Result<(), TranscriptError> {
        if self.effects.len() >= limits.effects {
            return Err(TranscriptError::Effects(limits.effects));
        }
        let most = 20 + 32 + 2 * NAME_BYTES_MAX + answer_bytes;
        if self.bytes.saturating_add(most) > limits.bytes {
            return Err(TranscriptError::Bytes(limits.bytes));
        }
        Ok(())
    }

    fn add(&mut self, effect: Effect) {
        self.root = keccak256(&[
            self.root.as_bytes(),
            effect.import_id().as_bytes(),
            effect.request.as_bytes(),
            keccak256(&[&effect.answer]).as_bytes(),
        ]);
        self.effects.push(effect);
    }

    /// The encoded form, with integers as LEB128:
    /// ```text
    /// transcript = 0x01 ‖ count ‖ (name ‖ request (32) ‖ bytes(answer))*
    /// name       = number of the name among those before, from 1 | 0x00 ‖ bytes(interface) ‖ bytes(function)
    /// ```
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_uint(&mut out, self.effects.len() as u64);
        let mut names = HashMap::new();
        for effect in &self.effects {
            let name = (&*effect.interface, &*effect.function);
            let next = names.len() as u64 + 1;
            if let Some(number) = names.get(&name) {
                put_uint(&mut out, *number);
            } else {
                put_uint(&mut out, 0);
                put_bytes(&mut out, name.0.as_bytes());
                put_bytes(&mut out, name.1.as_bytes());
                names.insert(name, next);
            }
            out.extend_from_slice(effect.request.as_bytes());
            put_bytes(&mut out, &effect.answer);
        }
        out
    }

    /// Reads what [`Transcript::encode`] writes and hashes it.
    pub fn decode(bytes: impl Into<Bytes>, limits: &TranscriptLimits) -> Result<Self, Malformed> {
        let bytes = bytes.into();
        if bytes.len() > limits.bytes {
            return Err(Malformed("a transcript of too many bytes"));
        }
        let mut reader = Reader::new(&bytes);
        if reader.byte()? != VERSION {
            return Err(Malformed("a transcript of another version"));
        }
        let mut transcript = Self::default();
        let mut names: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        let mut known = HashSet::new();
        for _ in 0..reader.uint(limits.effects)? {
            let number = reader.uint(names.len())?;
            if number == 0 {
                let mut text = || {
                    std::str::from_utf8(reader.bytes(NAME_BYTES_MAX)?)
                        .map_err(|_| Malformed("a name that is no UTF-8"))
                };
                let (interface, function) = (text()?, text()?);
                if interface.contains('#') || !known.insert((interface, function)) {
                    return Err(Malformed("the name of an effect"));
                }
                names.push((interface.into(), function.into()));
            }
            let index = number.checked_sub(1).unwrap_or(names.len() - 1);
            let (interface, function) = names[index].clone();
            let request = reader.hash()?;
            let len = reader.uint(bytes.len())?;
            let at = reader.at();
            reader.take(len)?;
            let effect = Effect {
                interface,
                function,
                request,
                answer: bytes.slice(at..at + len),
            };
            transcript.bytes += effect.encoded_bytes_max();
            transcript.add(effect);
        }
        reader.end()?;
        Ok(transcript)
    }

    /// The answers in order, for a call that is run again.
    pub fn replay(&self) -> Replay<'_> {
        self.replay_from(0)
    }

    /// The answers from the effect of that number on.
    pub fn replay_from(&self, effect: usize) -> Replay<'_> {
        Replay {
            effects: self.effects.get(effect..).unwrap_or_default().iter(),
        }
    }
}

const VERSION: u8 = 1;

/// Why a call that is run again does not do what was recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It asks for more than was recorded.
    #[error("the call asks for {interface}#{function}, but no more effects were recorded")]
    Ended {
        /// The interface that it asks.
        interface: String,
        /// The function.
        function: String,
    },
    /// It asks for something else.
    #[error("the call asks for {asked}, but {recorded} was recorded")]
    Differs {
        /// What it asks for.
        asked: String,
        /// What was recorded.
        recorded: String,
    },
    /// It asks the same function for something else.
    #[error("the call asks {0} for something else than was recorded")]
    Request(String),
    /// It ended before it asked for all that was recorded.
    #[error("{0} recorded effects were not asked for")]
    Left(usize),
}

/// Answers from a transcript: see [`Transcript::replay`].
#[derive(Clone, Debug)]
pub struct Replay<'a> {
    effects: std::slice::Iter<'a, Effect>,
}

impl<'a> Replay<'a> {
    /// The answer to the next effect, which must be this one.
    pub fn answer(
        &mut self,
        interface: &str,
        function: &str,
        request: &Hash,
    ) -> Result<&'a Bytes, ReplayError> {
        let Some(effect) = self.effects.next() else {
            return Err(ReplayError::Ended {
                interface: interface.to_owned(),
                function: function.to_owned(),
            });
        };
        let recorded = || format!("{}#{}", effect.interface, effect.function);
        if (interface, function) != (&*effect.interface, &*effect.function) {
            return Err(ReplayError::Differs {
                asked: format!("{interface}#{function}"),
                recorded: recorded(),
            });
        }
        if *request != effect.request {
            return Err(ReplayError::Request(recorded()));
        }
        Ok(&effect.answer)
    }

    /// Succeeds if all effects were asked for.
    pub fn finish(self) -> Result<(), ReplayError> {
        match self.effects.len() {
            0 => Ok(()),
            left => Err(ReplayError::Left(left)),
        }
    }
}
