//! Canonical DAG-CBOR, read: everything that [`Value::to_dag_cbor`] would write otherwise is an error, so that one
//! value has one byte form and re-encoding is never needed to check a CID.

use std::cmp::Ordering;
use std::sync::Arc;

use super::cbor_encode::{ARRAY, FALSE, FLOAT_64, MAP, NEGATIVE, NULL, TEXT, TRUE, UNSIGNED};
use super::{DEPTH_MAX, Fields, Value};

/// Room made in advance for the items of an array: the length in the header is a claim, not a fact.
const RESERVED_ITEMS_MAX: usize = 64;

/// Why bytes are not a value in canonical DAG-CBOR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not canonical DAG-CBOR: {problem} at byte {offset}")]
pub struct CborError {
    /// What is wrong.
    pub problem: CborProblem,
    /// Where the offending item begins, counted from 0.
    pub offset: usize,
}

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborProblem {
    /// The bytes end inside an item.
    #[error("the bytes end too early")]
    Truncated,
    /// Something follows the value.
    #[error("bytes follow the value")]
    Trailing,
    /// A number or a length in more bytes than it needs.
    #[error("a number is not in its shortest form")]
    NotShortest,
    /// An integer below [`i64::MIN`].
    #[error("an integer below -2^63")]
    IntegerRange,
    /// A float that is infinite or not a number.
    #[error("a float is not finite")]
    NotFinite,
    /// A byte string, tag, indefinite length, short float or another item that JSON does not have.
    #[error("an item that is not part of JSON or of DAG-CBOR")]
    Foreign,
    /// A string that is not UTF-8.
    #[error("a string is not UTF-8")]
    NotUtf8,
    /// An object's keys are not strings in canonical order, each once.
    #[error("the keys of an object are not strings in canonical order")]
    KeyOrder,
    /// More than [`DEPTH_MAX`] arrays and objects around each other.
    #[error("more than {DEPTH_MAX} nested arrays and objects")]
    Depth,
}

impl Value {
    /// Reads exactly what [`Value::to_dag_cbor`] writes, and nothing else.
    pub fn from_dag_cbor(bytes: &[u8]) -> Result<Self, CborError> {
        let mut reader = Reader { bytes, offset: 0 };
        let value = reader.value(DEPTH_MAX)?;
        if reader.offset == bytes.len() {
            Ok(value)
        } else {
            Err(reader.error(CborProblem::Trailing))
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// Never beyond the end.
    offset: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, problem: CborProblem) -> CborError {
        CborError {
            problem,
            offset: self.offset,
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], CborError> {
        let taken = self
            .bytes
            .get(self.offset..)
            .and_then(|rest| rest.get(..count))
            .ok_or_else(|| self.error(CborProblem::Truncated))?;
        self.offset += count;
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let taken = self.take(N)?;
        Ok(taken
            .try_into()
            .expect("take gives as many bytes as asked for"))
    }

    /// The initial byte of the next item.
    fn peek(&self) -> Result<u8, CborError> {
        self.bytes
            .get(self.offset)
            .copied()
            .ok_or_else(|| self.error(CborProblem::Truncated))
    }

    /// Major type and argument of an item that is a number or has a length.
    fn header(&mut self) -> Result<(u8, u64), CborError> {
        let start = self.offset;
        let initial = self.peek()?;
        self.offset += 1;
        let (argument, least) = match initial & 31 {
            short @ 0..24 => (u64::from(short), 0),
            24 => (u64::from(u8::from_be_bytes(self.take_array()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.take_array()?)), 0x100),
            26 => (u64::from(u32::from_be_bytes(self.take_array()?)), 0x1_0000),
            27 => (u64::from_be_bytes(self.take_array()?), 0x1_0000_0000),
            _ => {
                return Err(CborError {
                    problem: CborProblem::Foreign,
                    offset: start,
                });
            }
        };
        if argument < least {
            return Err(CborError {
                problem: CborProblem::NotShortest,
                offset: start,
            });
        }
        Ok((initial >> 5, argument))
    }

    fn value(&mut self, depth_left: usize) -> Result<Value, CborError> {
        let start = self.offset;
        let at_start = |problem| CborError {
            problem,
            offset: start,
        };
        match self.peek()? {
            initial @ (NULL | FALSE | TRUE) => {
                self.offset += 1;
                Ok(if initial == NULL {
                    Value::Null
                } else {
                    Value::Bool(initial == TRUE)
                })
            }
            FLOAT_64 => {
                self.offset += 1;
                let number = f64::from_be_bytes(self.take_array()?);
                Value::float(number).ok_or(at_start(CborProblem::NotFinite))
            }
            initial if initial >> 5 > MAP => Err(at_start(CborProblem::Foreign)),
            _ => match self.header()? {
                (UNSIGNED, number) => Ok(Value::from(number)),
                (NEGATIVE, complement) => i64::try_from(complement)
                    .map(|number| Value::Int(!number))
                    .map_err(|_| at_start(CborProblem::IntegerRange)),
                (TEXT, length) => self.text(length).map(Value::from),
                (ARRAY | MAP, _) if depth_left == 0 => Err(at_start(CborProblem::Depth)),
                (ARRAY, length) => self.array(length, depth_left - 1),
                (MAP, length) => self.object(length, depth_left - 1),
                _ => Err(at_start(CborProblem::Foreign)),
            },
        }
    }

    fn text(&mut self, length: u64) -> Result<&'a str, CborError> {
        let start = self.offset;
        let length = usize::try_from(length).map_err(|_| self.error(CborProblem::Truncated))?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| CborError {
            problem: CborProblem::NotUtf8,
            offset: start,
        })
    }

    fn array(&mut self, length: u64, depth_left: usize) -> Result<Value, CborError> {
        let mut items = Vec::with_capacity(length.min(RESERVED_ITEMS_MAX as u64) as usize);
        for _ in 0..length {
            items.push(self.value(depth_left)?);
        }
        Ok(Value::from(items))
    }

    fn object(&mut self, length: u64, depth_left: usize) -> Result<Value, CborError> {
        let mut fields = Fields::new();
        let mut previous: Option<&str> = None;
        for _ in 0..length {
            let misplaced = self.error(CborProblem::KeyOrder);
            let name = match self.header()? {
                (TEXT, length) => self.text(length)?,
                _ => return Err(misplaced),
            };
            if previous.is_some_and(|previous| key_order(previous, name) != Ordering::Less) {
                return Err(misplaced);
            }
            previous = Some(name);
            fields.insert(Arc::from(name), self.value(depth_left)?);
        }
        Ok(Value::from(fields))
    }
}

/// The order of keys in DAG-CBOR: shorter ones first, then by bytes.
fn key_order(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}
