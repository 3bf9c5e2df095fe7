//! A function with all its calls inlined: what lowering makes and placement reads.
//!
//! An operation is close to an AIR instruction, but does not say how the particle
//! gets to the peer that executes it: a step only names its [`Frame`]. Placement
//! puts [`Op::Hop`]s before and after steps; everything else stays as it is.

use crate::source::Span;
use std::rc::Rc;

/// How deep operations stand in each other. Lowering refuses what is deeper, so that whoever comes after it may recurse:
/// the stack that this takes is bounded, whatever the program is. Calls and blocks reach half of it.
pub const LEVELS_MAX: usize = 500;

/// A function that is ready to be placed.
#[derive(Debug, Clone)]
pub struct Program {
    /// What to do.
    pub body: Op,
    /// Where steps run.
    pub frames: Frames,
    /// The variables, by number.
    pub variables: Vec<Variable>,
}

/// A variable of the script: its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VarId(pub u32);

/// What is known about a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its kind.
    pub kind: VarKind,
    /// Its name in the script without the sigil, unique in the program.
    pub name: String,
}

/// The kinds of variables of AIR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VarKind {
    /// `name`
    Scalar,
    /// `$name`
    Stream,
    /// `%name`
    Map,
    /// `#name`
    Canon,
    /// `#%name`
    CanonMap,
}

/// A value: a literal or a variable, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Value {
    /// Of what.
    pub base: Base,
    /// Which part.
    pub lens: Vec<Accessor>,
}

/// What a value is taken from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Base {
    /// A string, without quotes.
    String(Rc<str>),
    /// A whole number.
    Int(i64),
    /// A number with a dot, as AIR writes it.
    Float(Rc<str>),
    /// A truth value.
    Bool(bool),
    /// `[]`
    Empty,
    /// `%init_peer_id%`
    InitPeerId,
    /// `%ttl%`
    Ttl,
    /// `%timestamp%`
    Timestamp,
    /// `:error:`
    Error,
    /// A variable.
    Variable(VarId),
}

/// A step into a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Accessor {
    /// A field.
    Field(Rc<str>),
    /// An element.
    Index(u32),
    /// A field or an element named by a scalar.
    Variable(VarId),
    /// The number of elements; always the only accessor.
    Length,
}

impl Value {
    /// The variables that it is made from.
    pub fn variables(&self) -> impl Iterator<Item = VarId> + '_ {
        let base = match self.base {
            Base::Variable(variable) => Some(variable),
            _ => None,
        };
        let accessors = self.lens.iter().filter_map(|accessor| match accessor {
            Accessor::Variable(variable) => Some(*variable),
            _ => None,
        });
        base.into_iter().chain(accessors)
    }
}

impl From<VarId> for Value {
    fn from(variable: VarId) -> Self {
        Base::Variable(variable).into()
    }
}

impl From<Base> for Value {
    fn from(base: Base) -> Self {
        Self {
            base,
            lens: Vec::new(),
        }
    }
}

/// A place where steps run: its number in [`Frames`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameId(pub u32);

impl FrameId {
    /// The peer that starts the script.
    pub const ROOT: Self = Self(0);
}

/// A peer and the way to it, inside of another frame: one `on`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The frame around it; the root has none.
    pub parent: Option<FrameId>,
    /// The peer.
    pub peer: Value,
    /// The relays on the way, the nearest to the outer frame first.
    pub via: Vec<Via>,
}

/// A relay, or a collection of relays to pass one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Via {
    /// A peer id or a collection of peer ids.
    pub value: Value,
    /// Whether it is a collection.
    pub many: bool,
}

/// All frames of a program. Equal frames have equal numbers.
#[derive(Debug, Clone)]
pub struct Frames {
    all: Vec<Frame>,
    known: hashbrown::HashMap<Frame, FrameId>,
}

impl Frames {
    /// Frames with nothing but the root: the initiator, behind its relay if there is one.
    pub fn new(relay: Option<Value>) -> Self {
        let mut frames = Self {
            all: Vec::new(),
            known: hashbrown::HashMap::new(),
        };
        frames.intern(Frame {
            parent: None,
            peer: Base::InitPeerId.into(),
            via: relay
                .map(|value| Via { value, many: false })
                .into_iter()
                .collect(),
        });
        frames
    }

    /// The number of a frame.
    pub fn intern(&mut self, frame: Frame) -> FrameId {
        if let Some(id) = self.known.get(&frame) {
            return *id;
        }
        let id = FrameId(u32::try_from(self.all.len()).expect("fewer frames than bytes of source"));
        self.all.push(frame.clone());
        self.known.insert(frame, id);
        id
    }

    /// How many there are: their numbers are smaller.
    #[allow(clippy::len_without_is_empty, reason = "the root is always there")]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The frame of that number.
    pub fn get(&self, id: FrameId) -> &Frame {
        &self.all[id.0 as usize]
    }
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Nothing.
    Null,
    /// Wait for ever.
    Never,
    /// One after the other.
    Seq(Vec<Op>),
    /// All at once; done when one is.
    Par(Vec<Op>),
    /// Beside what follows, which does not wait: `co`.
    Detach(Box<Op>),
    /// The second if the first fails.
    Xor(Box<Op>, Box<Op>),
    /// The body if both values are equal, or unequal.
    Match {
        /// Whether they are to be equal.
        equal: bool,
        /// A value.
        left: Value,
        /// Another.
        right: Value,
        /// What to do.
        body: Box<Op>,
    },
    /// The body for each element.
    Fold {
        /// The element.
        item: VarId,
        /// What to iterate over: an array, a canon, a stream or a map.
        iterable: Value,
        /// What to do; contains one [`Op::Next`] of this item.
        body: Box<Op>,
        /// Whether it waits for ever after the last element, or is done then.
        never: bool,
    },
    /// The next round of the fold.
    Next(VarId),
    /// Variables that live only here, fresh for each time.
    New(Vec<VarId>, Box<Op>),
    /// A step: asks a service.
    Call {
        /// Where.
        frame: FrameId,
        /// The id of the service.
        service: Value,
        /// The function.
        function: Value,
        /// The arguments.
        args: Vec<Value>,
        /// What takes the result: a scalar or a stream.
        output: Option<VarId>,
        /// Where the function that was lowered asks for it in its own text, in
        /// person or by a call of what does.
        site: Option<Span>,
    },
    /// A step: freezes a stream or a map.
    Canon {
        /// Where.
        frame: FrameId,
        /// The stream or map.
        source: VarId,
        /// What takes the elements.
        target: VarId,
    },
    /// Copies a value, or appends it to a stream.
    Ap {
        /// What.
        value: Value,
        /// A scalar or a stream.
        target: VarId,
    },
    /// Appends a pair to a map.
    ApMap {
        /// A string or a whole number.
        key: Value,
        /// The value.
        value: Value,
        /// The map.
        map: VarId,
    },
    /// Fails with an error object, or with `:error:`.
    Fail(Value),
    /// The body of an `on`: its steps run in frames below this one. A failure
    /// inside is told to what stands around it in `outer`.
    On {
        /// The frame around it.
        outer: FrameId,
        /// Its own frame.
        frame: FrameId,
        /// What to do there.
        body: Box<Op>,
    },
    /// Made by placement: the particle passes a peer.
    Hop(Value),
    /// Made by placement: the particle passes each peer of a collection.
    HopEach {
        /// The collection.
        peers: Value,
        /// Whether the last comes first.
        reversed: bool,
    },
}

impl Op {
    /// How many operations stand in each other, this one included.
    pub fn levels(&self) -> usize {
        let mut most = 0;
        let mut pending = vec![(self, 1)];
        while let Some((op, level)) = pending.pop() {
            most = most.max(level);
            pending.extend(op.parts().map(|part| (part, level + 1)));
        }
        most
    }

    /// The operations directly in it, in the order of the text.
    pub fn parts(&self) -> impl Iterator<Item = &Op> {
        let (many, first, second): (&[Op], Option<&Op>, Option<&Op>) = match self {
            Op::Seq(children) | Op::Par(children) => (children, None, None),
            Op::Xor(left, right) => (&[], Some(left), Some(right)),
            Op::Detach(body)
            | Op::Match { body, .. }
            | Op::Fold { body, .. }
            | Op::New(_, body)
            | Op::On { body, .. } => (&[], Some(body), None),
            _ => (&[], None, None),
        };
        many.iter().chain(first).chain(second)
    }

    /// The same, to change them.
    pub fn parts_mut(&mut self) -> impl Iterator<Item = &mut Op> {
        let (many, first, second): (&mut [Op], Option<&mut Op>, Option<&mut Op>) = match self {
            Op::Seq(children) | Op::Par(children) => (children, None, None),
            Op::Xor(left, right) => (&mut [], Some(left), Some(right)),
            Op::Detach(body)
            | Op::Match { body, .. }
            | Op::Fold { body, .. }
            | Op::New(_, body)
            | Op::On { body, .. } => (&mut [], Some(body), None),
            _ => (&mut [], None, None),
        };
        many.iter_mut().chain(first).chain(second)
    }

    /// The values that it reads itself, without those of its parts; a canon reads a container, which is no value.
    pub fn reads(&self) -> impl Iterator<Item = &Value> {
        let (many, first, second): (&[Value], Option<&Value>, Option<&Value>) = match self {
            Op::Match { left, right, .. } => (&[], Some(left), Some(right)),
            Op::Fold {
                iterable: value, ..
            }
            | Op::Ap { value, .. }
            | Op::Fail(value)
            | Op::Hop(value)
            | Op::HopEach { peers: value, .. } => (&[], Some(value), None),
            Op::ApMap { key, value, .. } => (&[], Some(key), Some(value)),
            Op::Call {
                service,
                function,
                args,
                ..
            } => (args, Some(service), Some(function)),
            _ => (&[], None, None),
        };
        first.into_iter().chain(second).chain(many)
    }
}
