//! The static side of a script: which definitions each read may bind to, which
//! slots each subtree can fill, and where `next` goes.
//!
//! A script is compiled once, shared by all particles that run it, and never
//! changes. Names disappear here: what remains are slots in frames. A *scope*
//! is the root of the script or the inside of one `fold` (body and LAST); a
//! frame is one activation of a scope.

use std::sync::Arc;

use weir_air::{NodeId, Script, Variable};
use weir_identity::Value;

use super::resolve::Resolver;

/// A script with all names resolved.
#[derive(Debug)]
pub struct Program {
    pub(super) script: Arc<Script>,
    pub(super) nodes: Vec<Node>,
    pub(super) sites: Vec<Site>,
    pub(super) root_slots: u32,
}

/// What evaluation needs to know of one instruction.
#[derive(Debug)]
pub(crate) struct Node {
    pub op: Op,
    /// Slots of the node's own scope that its subtree may fill.
    pub slots: (u32, u32),
    /// How many folds enclose the node.
    pub depth: u32,
}

/// An instruction with resolved operands.
#[derive(Debug)]
pub(crate) enum Op {
    Null,
    Never,
    Seq(NodeId, NodeId),
    Par(NodeId, NodeId),
    Xor {
        left: NodeId,
        right: NodeId,
        error: u32,
    },
    Match {
        left: Arg,
        right: Arg,
        body: NodeId,
        equal: bool,
    },
    Call {
        peer: Arg,
        service: Arg,
        function: Arg,
        args: Box<[Arg]>,
        output: Output,
    },
    Ap {
        value: Arg,
        target: Output,
    },
    ApMap {
        key: Arg,
        value: Arg,
        map: Place,
    },
    Canon {
        peer: Arg,
        source: Place,
        target: u32,
        form: CanonForm,
        hop: bool,
    },
    Fold {
        over: Over,
        body: NodeId,
        last: Option<NodeId>,
        slots: u32,
    },
    Next {
        up: u32,
        in_last: bool,
        arm: bool,
    },
    NewStream {
        slot: u32,
        body: NodeId,
    },
    New {
        body: NodeId,
    },
    FailLiteral {
        code: i64,
        message: Arc<str>,
    },
    FailValue(Arg),
    FailLastError,
    FailError(Option<Place>),
}

/// What a `canon` makes of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CanonForm {
    List,
    Map,
    Object,
}

/// Where a `call` or `ap` puts its value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Output {
    None,
    Slot(u32),
    Stream(Place),
}

/// What a `fold` iterates over.
#[derive(Debug)]
pub(crate) enum Over {
    Value(Arg),
    Stream(Place),
}

/// A slot `up` scopes above the current frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub up: u32,
    pub slot: u32,
}

/// A resolved operand.
#[derive(Debug)]
pub(crate) enum Arg {
    Const(Value),
    InitPeer,
    Timestamp,
    Ttl,
    LastError(Option<Path>),
    Error(Option<Place>, Option<Path>),
    Read(Read, Option<Path>),
}

/// A resolved lens.
#[derive(Debug)]
pub(crate) enum Path {
    Length,
    Steps(Box<[Step]>),
}

/// One accessor of a path.
#[derive(Debug)]
pub(crate) enum Step {
    Field(Arc<str>),
    Index(u32),
    Read(Read),
}

/// A read of a name.
#[derive(Debug)]
pub(crate) struct Read {
    pub variable: Variable,
    /// Where it stands.
    pub node: NodeId,
    /// How many folds enclose it.
    pub depth: u32,
    /// The last definition before it that it may bind to.
    pub site: Option<u32>,
    /// The read stands inside a `new` of its name.
    pub hidden: bool,
}

/// A definition, and through `previous` all earlier ones of its name that a
/// read after it may bind to: reads share them, so that a script of n
/// definitions and n reads is no n² sites.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    pub node: NodeId,
    /// How many folds enclose it; of an iterator, with its own.
    pub depth: u32,
    /// `None`: the iterator of the fold at `node`.
    pub slot: Option<u32>,
    /// Control cannot reach a read before here until this definition is settled.
    pub settled_until: NodeId,
    /// A read before here cannot be reached unless this definition was made.
    pub made_until: NodeId,
    pub previous: Option<u32>,
}

impl Site {
    /// Control cannot reach `read` before this definition is settled.
    pub fn is_definite(&self, read: &Read) -> bool {
        self.slot.is_none() || read.node < self.settled_until
    }

    /// No definition before this one can be what a read at `node` binds to.
    pub fn is_last_for(&self, node: NodeId) -> bool {
        self.slot.is_none() || node < self.made_until
    }
}

impl Program {
    /// Resolves all names of `script`.
    pub fn new(script: &Arc<Script>) -> Self {
        Resolver::new(script).run(script.clone())
    }

    /// The script this was made from.
    pub fn script(&self) -> &Arc<Script> {
        &self.script
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn site(&self, index: u32) -> &Site {
        &self.sites[index as usize]
    }

    pub(crate) fn root_slots(&self) -> u32 {
        self.root_slots
    }
}
