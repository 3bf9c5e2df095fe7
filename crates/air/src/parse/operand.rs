//! Which operand may stand where.

use crate::ast::{Operand, VariableKind};

/// Kinds of operands, as a set of bits.
type Kinds = u32;

const STRING: Kinds = 1;
const INT: Kinds = 1 << 1;
const FLOAT: Kinds = 1 << 2;
const BOOL: Kinds = 1 << 3;
const EMPTY_ARRAY: Kinds = 1 << 4;
const INIT_PEER_ID: Kinds = 1 << 5;
const TIME: Kinds = 1 << 6;
const ERROR: Kinds = 1 << 7;
const ERROR_LENS: Kinds = 1 << 8;
const SCALAR: Kinds = 1 << 9;
const SCALAR_LENS: Kinds = 1 << 10;
const CANON: Kinds = 1 << 11;
const CANON_LENS: Kinds = 1 << 12;
const CANON_MAP: Kinds = 1 << 13;
const CANON_MAP_LENS: Kinds = 1 << 14;
const STREAM: Kinds = 1 << 15;
const STREAM_MAP: Kinds = 1 << 16;

/// A place in an instruction that takes an operand.
#[derive(Debug)]
pub(crate) struct Position {
    /// What stands there.
    pub name: &'static str,
    /// What is allowed there, in words.
    pub expects: &'static str,
    allowed: Kinds,
}

const ANY_SCALAR: Kinds = SCALAR | SCALAR_LENS;
const LITERAL: Kinds = STRING | INT | FLOAT | BOOL | EMPTY_ARRAY;
const RESERVED: Kinds = INIT_PEER_ID | TIME | ERROR | ERROR_LENS;
const AP_VALUES: Kinds = LITERAL | RESERVED | ANY_SCALAR | CANON | CANON_LENS | CANON_MAP_LENS;
const NAME_PARTS: Kinds = STRING | ANY_SCALAR | CANON_LENS | CANON_MAP_LENS;

const VALUE_EXPECTS: &str = "a literal, a scalar, a canon, a canon map or a reserved value";

pub(crate) static ARGUMENT: Position = Position {
    name: "an argument",
    expects: VALUE_EXPECTS,
    allowed: AP_VALUES | CANON_MAP,
};
pub(crate) static COMPARED: Position = Position {
    name: "a compared value",
    expects: VALUE_EXPECTS,
    allowed: AP_VALUES | CANON_MAP,
};
pub(crate) static AP_VALUE: Position = Position {
    name: "the value of `ap`",
    expects: "a literal, a scalar, a canon, a canon map with lens or a reserved value",
    allowed: AP_VALUES,
};
pub(crate) static PEER: Position = Position {
    name: "the peer",
    expects: "a string, `%init_peer_id%`, a scalar, or a canon or canon map with lens",
    allowed: NAME_PARTS | INIT_PEER_ID,
};
pub(crate) static SERVICE: Position = Position {
    name: "the service",
    expects: "a string, a scalar, or a canon or canon map with lens",
    allowed: NAME_PARTS,
};
pub(crate) static FUNCTION: Position = Position {
    name: "the function",
    expects: SERVICE.expects,
    allowed: NAME_PARTS,
};
pub(crate) static MAP_KEY: Position = Position {
    name: "the key",
    expects: "a string, an integer, a scalar or a canon with lens",
    allowed: STRING | INT | ANY_SCALAR | CANON_LENS,
};
pub(crate) static ITERABLE: Position = Position {
    name: "what a fold iterates over",
    expects: "a scalar, a stream, a stream map, a canon without lens, a canon map or `[]`",
    allowed: EMPTY_ARRAY | ANY_SCALAR | CANON | CANON_MAP | CANON_MAP_LENS | STREAM | STREAM_MAP,
};
pub(crate) static FAILURE: Position = Position {
    name: "what `fail` fails with",
    expects: "a code and a message, a scalar, a canon with lens, `%last_error%` or `:error:`",
    allowed: INT | ERROR | ANY_SCALAR | CANON_LENS,
};

impl Position {
    pub(crate) fn allows(&self, operand: &Operand) -> bool {
        self.allowed & kind(operand) != 0
    }
}

fn kind(operand: &Operand) -> Kinds {
    match operand {
        Operand::String(_) => STRING,
        Operand::Int(_) => INT,
        Operand::Float(_) => FLOAT,
        Operand::Bool(_) => BOOL,
        Operand::EmptyArray => EMPTY_ARRAY,
        Operand::InitPeerId => INIT_PEER_ID,
        Operand::Timestamp | Operand::Ttl => TIME,
        Operand::LastError(None) | Operand::Error(None) => ERROR,
        Operand::LastError(Some(_)) | Operand::Error(Some(_)) => ERROR_LENS,
        Operand::Variable { variable, lens } => match (variable.kind, lens) {
            (VariableKind::Scalar, None) => SCALAR,
            (VariableKind::Scalar, Some(_)) => SCALAR_LENS,
            (VariableKind::Canon, None) => CANON,
            (VariableKind::Canon, Some(_)) => CANON_LENS,
            (VariableKind::CanonMap, None) => CANON_MAP,
            (VariableKind::CanonMap, Some(_)) => CANON_MAP_LENS,
            (VariableKind::Stream, None) => STREAM,
            (VariableKind::StreamMap, None) => STREAM_MAP,
            (VariableKind::Stream | VariableKind::StreamMap, Some(_)) => 0,
        },
    }
}

/// What an operand is, in words.
pub(crate) fn describe(operand: &Operand) -> &'static str {
    match operand {
        Operand::String(_) => "a string",
        Operand::Int(_) => "an integer",
        Operand::Float(_) => "a float",
        Operand::Bool(_) => "a boolean",
        Operand::EmptyArray => "`[]`",
        Operand::InitPeerId => "`%init_peer_id%`",
        Operand::Timestamp => "`%timestamp%`",
        Operand::Ttl => "`%ttl%`",
        Operand::LastError(None) => "`%last_error%`",
        Operand::LastError(Some(_)) => "`%last_error%` with a lens",
        Operand::Error(None) => "`:error:`",
        Operand::Error(Some(_)) => "`:error:` with a lens",
        Operand::Variable { variable, lens } => match (variable.kind, lens) {
            (VariableKind::Scalar, None) => "a scalar",
            (VariableKind::Scalar, Some(_)) => "a scalar with a lens",
            (VariableKind::Canon, None) => "a canon",
            (VariableKind::Canon, Some(_)) => "a canon with a lens",
            (VariableKind::CanonMap, None) => "a canon map",
            (VariableKind::CanonMap, Some(_)) => "a canon map with a lens",
            (VariableKind::Stream, None) => "a stream",
            (VariableKind::Stream, Some(_)) => "a stream with a lens",
            (VariableKind::StreamMap, None) => "a stream map",
            (VariableKind::StreamMap, Some(_)) => "a stream map with a lens",
        },
    }
}

/// What to do about an operand that cannot stand in a position.
pub(crate) fn advice(operand: &Operand) -> Option<&'static str> {
    let Operand::Variable { variable, lens } = operand else {
        return None;
    };
    match (variable.kind, lens) {
        (VariableKind::Stream, _) => {
            Some("freeze the stream first: `(canon PEER $stream #canon)`, then use `#canon`")
        }
        (VariableKind::StreamMap, _) => {
            Some("freeze the stream map first: `(canon PEER %map #%canon)`, then use `#%canon`")
        }
        (VariableKind::Canon, None) => {
            Some("a canon is a list: select an element with a lens, `#canon.$.[0]`")
        }
        (VariableKind::CanonMap, None) => {
            Some("a canon map is an object: select a part of it with a lens, `#%map.$.key`")
        }
        (VariableKind::Canon, Some(_)) => {
            Some("copy the part into a scalar first: `(ap #canon.$.[0] part)`, then use `part`")
        }
        (VariableKind::CanonMap, Some(_)) => {
            Some("copy the part into a scalar first: `(ap #%map.$.key part)`, then use `part`")
        }
        (VariableKind::Scalar, _) => None,
    }
}
