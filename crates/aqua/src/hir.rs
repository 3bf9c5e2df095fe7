//! Programs with every name resolved and every type known.
//!
//! What the checker makes and lowering reads. A function has its own numbering of
//! locals; closures inside of it share that numbering. Expressions carry their
//! type, so that lowering sees where a stream has to be frozen.

use crate::source::{Place, Span};
use crate::syntax::{BinaryOp, CollectionKind, ForMode};
use crate::types::{Arrow, Record, Ty};
use std::sync::Arc;

/// A function at top level: its number in the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FuncId(pub u32);

/// A local of a function: its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalId(pub u32);

/// A function at top level.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub place: Place,
    /// Its type.
    pub ty: Arc<Arrow>,
    /// Arguments and body.
    pub lambda: Arc<Lambda>,
    /// All locals, those of closures included.
    pub locals: Vec<Local>,
}

/// What is known about a local.
#[derive(Debug, Clone)]
pub struct Local {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Ty,
    /// Where it is defined.
    pub span: Span,
}

/// Arguments, body and results of a function or closure.
#[derive(Debug, Clone)]
pub struct Lambda {
    /// The arguments.
    pub params: Vec<LocalId>,
    /// The types of the results.
    pub results: Vec<Ty>,
    /// What to do.
    pub body: Vec<Stmt>,
    /// The results, computed when the body is done.
    pub returned: Vec<Expr>,
    /// What a closure uses of the function around it.
    pub captures: Vec<LocalId>,
    /// Whether it runs where it is called; otherwise where it is defined.
    pub moves: bool,
}

/// A statement and its place.
#[derive(Debug, Clone)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Debug, Clone)]
pub enum StmtKind {
    /// `x = value`
    Bind(LocalId, Expr),
    /// `stream <<- value`
    Push(LocalId, Expr),
    /// `map <<- key, value`
    PushPair(LocalId, Expr, Expr),
    /// `a, b <- call`
    Call(Vec<Target>, Call),
    /// `Service id`
    BindService(LocalId, Expr),
    /// `name = (…) -> …:`
    Closure(LocalId, Arc<Lambda>),
    /// `name: *T`, `name: %T`
    Declare {
        /// The stream or map.
        local: LocalId,
        /// Its name.
        name: String,
        /// Whether it is a map.
        map: bool,
    },
    /// `join a, b`
    Join(Vec<Expr>),
    /// `on peer via relay:`
    On(Where, Vec<Stmt>),
    /// `if condition:` and `else:`
    If(Expr, Vec<Stmt>, Option<Vec<Stmt>>),
    /// `try:`, then the handlers, each with the name of the error if it has one
    Try(Vec<Stmt>, Vec<Handler>),
    /// `for item <- iterable:`
    For {
        /// What each round is about.
        item: Item,
        /// What to iterate over.
        iterable: Expr,
        /// How.
        mode: ForMode,
        /// What to do.
        body: Vec<Stmt>,
    },
    /// `parseq item <- iterable on peer:`
    Parseq {
        /// What each round is about.
        item: Item,
        /// What to iterate over.
        iterable: Expr,
        /// Where the body runs.
        at: Where,
        /// What to do.
        body: Vec<Stmt>,
    },
    /// Statements that belong together.
    Block(Vec<Stmt>),
    /// Statements joined by `par`.
    Par(Vec<Stmt>),
    /// `co` and a statement.
    Co(Box<Stmt>),
}

/// The element of an iteration.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// The element; of a map, its value.
    pub value: LocalId,
    /// The key of a map's element.
    pub key: Option<LocalId>,
}

/// A handler of a `try`.
#[derive(Debug, Clone)]
pub struct Handler {
    /// The name of the error.
    pub error: Option<LocalId>,
    /// What to do.
    pub body: Vec<Stmt>,
}

/// A peer and the way to it.
#[derive(Debug, Clone)]
pub struct Where {
    /// The peer.
    pub peer: Expr,
    /// The relays on the way.
    pub via: Vec<Expr>,
}

/// What takes a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A new local.
    Bind(LocalId),
    /// An existing stream.
    Push(LocalId),
}

/// A value, its type and its place.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type.
    pub ty: Ty,
    /// Where it stands.
    pub span: Span,
}

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a dot.
    Float(String),
    /// A string.
    String(String),
}

/// A value that the network brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    /// `HOST_PEER_ID`: the relay of the initiator.
    HostPeerId,
    /// `INIT_PEER_ID`: the initiator.
    InitPeerId,
    /// `PARTICLE_TTL`
    Ttl,
    /// `PARTICLE_TIMESTAMP`
    Timestamp,
    /// `LAST_ERROR`
    LastError,
    /// `nil`
    Nil,
}

/// The kinds of values.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// Could not be understood; there is a diagnostic.
    Error,
    /// A literal.
    Literal(Literal),
    /// Something built in.
    Builtin(Builtin),
    /// A local.
    Local(LocalId),
    /// A function as a value.
    Function(FuncId),
    /// A service as a value.
    Service(ServiceRef),
    /// A field of a struct, or a member of an ability or service.
    Field(Box<Expr>, String),
    /// An element; the first if no index is given.
    Index(Box<Expr>, Option<Box<Expr>>),
    /// The number of elements.
    Length(Box<Expr>),
    /// `[a]`, `?[a]`, `*[a]`
    Collection(CollectionKind, Vec<Expr>),
    /// A struct from its fields.
    Struct(String, Vec<(String, Expr)>),
    /// An ability from its members.
    Ability(Vec<(String, Expr)>),
    /// A struct with some fields replaced.
    Copy(Box<Expr>, Arc<Record>, Vec<(String, Expr)>),
    /// The first result of a call.
    Call(Box<Call>),
    /// `a + b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `!a`
    Not(Box<Expr>),
}

/// A call.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is called.
    pub callee: Callee,
    /// The arguments.
    pub args: Vec<Expr>,
    /// What the callee says about arguments and results.
    pub ty: Arc<Arrow>,
}

/// What is called.
#[derive(Debug, Clone)]
pub enum Callee {
    /// A function, a closure, an arrow argument, a member of an ability or service.
    Arrow(Expr),
    /// A method of a stream map.
    Map(MapMethod, Expr),
}

/// The methods of stream maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapMethod {
    /// All values of a key.
    Get,
    /// All values of a key, also those that come later.
    GetStream,
    /// All keys.
    Keys,
    /// All keys, also those that come later.
    KeysStream,
    /// Whether there is a value of a key.
    Contains,
}

/// A service with its id.
#[derive(Debug, Clone)]
pub struct ServiceRef {
    /// Its methods.
    pub record: Arc<Record>,
    /// Its id.
    pub id: ServiceId,
}

/// Where the id of a service comes from.
#[derive(Debug, Clone)]
pub enum ServiceId {
    /// From its declaration.
    Default(Literal),
    /// From `Service id` in the function.
    Bound(LocalId),
}
