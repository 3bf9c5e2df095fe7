//! The syntax tree: a flat vector of instructions in the order of the text.
//!
//! The tree has no pointers: an instruction is named by its position in the
//! vector, its descendants follow it directly. Nothing here recurses, so no
//! script can exhaust the native stack, neither when it is walked nor when it
//! is dropped.

use std::ops::Range;
use std::sync::Arc;

/// A piece of the script's text: byte offsets, the end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` up to `end`.
    pub fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The span as a range, to slice the text with.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// An instruction of a script: its number in text order, the root is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The instruction of the whole script.
    pub const ROOT: Self = Self(0);

    /// The position in [`Script::nodes`](crate::Script::nodes).
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One instruction and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What to do.
    pub instruction: Instruction,
    /// From the opening to the closing parenthesis.
    pub span: Span,
    /// One past the last descendant.
    pub end: NodeId,
}

/// Reading a large script is bound by the memory that its instructions fill.
const _: () = assert!(size_of::<Node>() <= 96);

/// What an instruction does, with its operands and children.
#[derive(Debug, Clone, PartialEq)]
pub enum Instruction {
    /// Does nothing, and is done.
    Null,
    /// Does nothing, and is never done.
    Never,
    /// `right` after `left`.
    Seq {
        /// The first child.
        left: NodeId,
        /// The second child.
        right: NodeId,
    },
    /// Both at once; done when one is.
    Par {
        /// The first child.
        left: NodeId,
        /// The second child.
        right: NodeId,
    },
    /// `right` if `left` fails.
    Xor {
        /// The first child.
        left: NodeId,
        /// The second child.
        right: NodeId,
    },
    /// The body if both operands are equal.
    Match {
        /// The first operand.
        left: Operand,
        /// The second operand.
        right: Operand,
        /// What to do if they are equal.
        body: NodeId,
    },
    /// The body unless both operands are equal.
    Mismatch {
        /// The first operand.
        left: Operand,
        /// The second operand.
        right: Operand,
        /// What to do if they differ.
        body: NodeId,
    },
    /// Asks a service of a peer. Boxed, since the largest instruction sets the size of all.
    Call(Box<Call>),
    /// Copies a value.
    Ap {
        /// What to copy.
        value: Operand,
        /// Scalar or stream that takes it.
        target: Variable,
    },
    /// Appends a pair to a stream map.
    ApMap {
        /// The key: text or an integer.
        key: Operand,
        /// The value.
        value: Operand,
        /// The stream map.
        map: Variable,
    },
    /// Freezes a stream or a stream map.
    Canon {
        /// The peer whose view is frozen.
        peer: Operand,
        /// A stream or a stream map.
        source: Variable,
        /// A canon for a stream; a canon map or a scalar for a stream map.
        target: Variable,
    },
    /// Runs the body for each element.
    Fold {
        /// What to iterate over.
        iterable: Operand,
        /// The scalar that holds the current element.
        iterator: Variable,
        /// What to do with an element.
        body: NodeId,
        /// What to do after the last element.
        last: Option<NodeId>,
    },
    /// Runs the body of a fold for the following element.
    Next {
        /// The iterator of the fold.
        iterator: Variable,
    },
    /// Gives the body its own variable of that name.
    New {
        /// A variable of any kind.
        variable: Variable,
        /// Where the variable lives.
        body: NodeId,
    },
    /// Fails.
    Fail(FailOperand),
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The peer that makes the call.
    pub peer: Operand,
    /// The service to ask.
    pub service: Operand,
    /// The function of the service.
    pub function: Operand,
    /// The arguments.
    pub args: Vec<Operand>,
    /// Scalar or stream that takes the result.
    pub output: Option<Variable>,
}

/// What `fail` fails with.
#[derive(Debug, Clone, PartialEq)]
pub enum FailOperand {
    /// A code, never zero, and a message.
    Literal {
        /// The error code.
        code: i64,
        /// The error message.
        message: Arc<str>,
    },
    /// A scalar, with or without lens, or a canon with lens, that holds an error object.
    Value(Operand),
    /// `%last_error%`
    LastError,
    /// `:error:`
    Error,
}

/// A value in the text.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A string literal, without its quotes.
    String(Arc<str>),
    /// A whole number.
    Int(i64),
    /// A finite number written with a dot.
    Float(f64),
    /// `true` or `false`
    Bool(bool),
    /// `[]`
    EmptyArray,
    /// `%init_peer_id%`
    InitPeerId,
    /// `%timestamp%`
    Timestamp,
    /// `%ttl%`
    Ttl,
    /// `%last_error%`
    LastError(Option<Lens>),
    /// `:error:`
    Error(Option<Lens>),
    /// A variable, or a part of it.
    Variable {
        /// Which one.
        variable: Variable,
        /// Which part of it.
        lens: Option<Lens>,
    },
}

/// A spelling, sigil included. Numbers are given in order of appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(pub u32);

impl NameId {
    /// The number as an index: names of a script are numbered without gaps.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A variable. Two are the same if and only if they are spelled the same, sigil
/// included: `#x` and `#$x` differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variable {
    /// What kind of variable the sigil says it is.
    pub kind: VariableKind,
    /// Its spelling.
    pub name: NameId,
}

/// The kinds of variables, told apart by sigils.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VariableKind {
    /// `name`: one value, or the iterator of a fold.
    Scalar,
    /// `$name`: a list that many peers append to.
    Stream,
    /// `%name`: a list of pairs that many peers append to.
    StreamMap,
    /// `#name` or `#$name`: a frozen stream.
    Canon,
    /// `#%name`: a frozen stream map.
    CanonMap,
}

/// Selects a part of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Lens {
    /// `.length`: the number of elements.
    Length,
    /// `.$` with at least one accessor.
    Path(Vec<Accessor>),
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Accessor {
    /// `.name`: a field of an object.
    Field(Arc<str>),
    /// `.[7]`: an element of an array.
    Index(u32),
    /// `.[name]`: the value of a scalar, as a field or an index.
    Variable(Variable),
}

impl Instruction {
    /// The children in text order.
    pub fn children(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        let (first, second) = match self {
            Self::Seq { left, right } | Self::Par { left, right } | Self::Xor { left, right } => {
                (Some(*left), Some(*right))
            }
            Self::Match { body, .. } | Self::Mismatch { body, .. } | Self::New { body, .. } => {
                (Some(*body), None)
            }
            Self::Fold { body, last, .. } => (Some(*body), *last),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// The word after the opening parenthesis.
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Never => "never",
            Self::Seq { .. } => "seq",
            Self::Par { .. } => "par",
            Self::Xor { .. } => "xor",
            Self::Match { .. } => "match",
            Self::Mismatch { .. } => "mismatch",
            Self::Call(_) => "call",
            Self::Ap { .. } | Self::ApMap { .. } => "ap",
            Self::Canon { .. } => "canon",
            Self::Fold { .. } => "fold",
            Self::Next { .. } => "next",
            Self::New { .. } => "new",
            Self::Fail(_) => "fail",
        }
    }
}
