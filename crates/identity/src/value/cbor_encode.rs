//! Canonical DAG-CBOR, written: shortest integers, 64-bit floats, keys by length and then by bytes.
//!
//! `-0.0` keeps its sign, because JSON and everything that computes with the value sees it. Some implementations write
//! `0.0` instead and refuse the other; they cannot read such a value, and must not be used to write one.

use std::sync::Arc;

use super::{Fields, Value};

pub(super) const UNSIGNED: u8 = 0;
pub(super) const NEGATIVE: u8 = 1;
pub(super) const TEXT: u8 = 3;
pub(super) const ARRAY: u8 = 4;
pub(super) const MAP: u8 = 5;
pub(super) const FALSE: u8 = 0xf4;
pub(super) const TRUE: u8 = 0xf5;
pub(super) const NULL: u8 = 0xf6;
pub(super) const FLOAT_64: u8 = 0xfb;

impl Value {
    /// The canonical DAG-CBOR bytes: the same for equal values everywhere, and what a CID is taken of.
    pub fn to_dag_cbor(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        self.write_dag_cbor(&mut out);
        out
    }

    /// Appends the canonical DAG-CBOR bytes to `out`, which a loop can reuse.
    pub fn write_dag_cbor(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(NULL),
            Self::Bool(false) => out.push(FALSE),
            Self::Bool(true) => out.push(TRUE),
            Self::Int(number) => match u64::try_from(*number) {
                Ok(magnitude) => write_header(out, UNSIGNED, magnitude),
                // CBOR stores -1 - n, which is the bitwise complement.
                Err(_) => write_header(out, NEGATIVE, !*number as u64),
            },
            Self::Uint(number) => write_header(out, UNSIGNED, *number),
            Self::Float(number) => {
                out.push(FLOAT_64);
                out.extend_from_slice(&number.to_be_bytes());
            }
            Self::String(text) => write_text(out, text),
            Self::Array(items) => {
                write_header(out, ARRAY, items.len() as u64);
                for item in items.iter() {
                    item.write_dag_cbor(out);
                }
            }
            Self::Object(fields) => write_fields(out, fields),
        }
    }
}

fn write_fields(out: &mut Vec<u8>, fields: &Fields) {
    write_header(out, MAP, fields.len() as u64);
    let write = |out: &mut Vec<u8>, name: &str, value: &Value| {
        write_text(out, name);
        value.write_dag_cbor(out);
    };
    // The map sorts by bytes alone. Names of growing length, such as those of one length, need no second order.
    if fields.keys().is_sorted_by_key(|name| name.len()) {
        for (name, value) in fields {
            write(out, name, value);
        }
    } else {
        let mut sorted: Vec<(&Arc<str>, &Value)> = fields.iter().collect();
        // Stable, so that names of one length stay in the order of their bytes.
        sorted.sort_by_key(|(name, _)| name.len());
        for (name, value) in sorted {
            write(out, name, value);
        }
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_header(out, TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// A major type and its argument in as few bytes as possible.
fn write_header(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    match argument {
        0..24 => out.push(major | argument as u8),
        24..=0xff => out.extend_from_slice(&[major | 0x18, argument as u8]),
        0x100..=0xffff => {
            out.push(major | 0x19);
            out.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 0x1a);
            out.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 0x1b);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }
}
