//! The syntax tree of a file.

use crate::source::Span;

/// A whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree {
    /// What stands before the definitions.
    pub header: Vec<HeaderItem>,
    /// The definitions.
    pub items: Vec<Item>,
}

/// A simple name as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// The spelling.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// One or more names with dots between them; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// The names.
    pub segments: Vec<Name>,
    /// From the first to the last.
    pub span: Span,
}

impl Path {
    /// The names joined by dots.
    pub fn text(&self) -> String {
        let segments: Vec<&str> = self
            .segments
            .iter()
            .map(|name| name.text.as_str())
            .collect();
        segments.join(".")
    }
}

/// A line of the header.
#[derive(Debug, Clone, PartialEq)]
pub enum HeaderItem {
    /// `aqua Name declares a, B`
    Module {
        /// Whether the old word `module` is used.
        old: bool,
        /// The name of the module.
        name: Path,
        /// What others can import.
        declares: Option<Declares>,
        /// The whole line.
        span: Span,
    },
    /// `import a as b, C from "path"`
    Import {
        /// What is imported; everything if there is no list.
        names: Option<Vec<Renamed>>,
        /// The file.
        path: StringLiteral,
        /// The whole line.
        span: Span,
    },
    /// `use a as b from "path" as Name`
    Use {
        /// What is used; everything if there is no list.
        names: Option<Vec<Renamed>>,
        /// The file.
        path: StringLiteral,
        /// The name under which it is used.
        alias: Option<Path>,
        /// The whole line.
        span: Span,
    },
    /// `export a, b as c`
    Export {
        /// What is exported.
        names: Vec<Renamed>,
        /// The whole line.
        span: Span,
    },
}

/// What a module lets others import.
#[derive(Debug, Clone, PartialEq)]
pub enum Declares {
    /// `*`
    All(Span),
    /// A list of names.
    Names(Vec<Path>),
}

/// `name` or `name as alias`
#[derive(Debug, Clone, PartialEq)]
pub struct Renamed {
    /// The original name.
    pub name: Path,
    /// The new name.
    pub alias: Option<Path>,
}

/// The text between quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringLiteral {
    /// The text without the quotes.
    pub text: String,
    /// With the quotes.
    pub span: Span,
}

/// A definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What is defined.
    pub kind: ItemKind,
    /// From the keyword to the end of the last line.
    pub span: Span,
}

/// The kinds of definitions.
#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// Could not be read; there is a diagnostic.
    Error,
    /// `const NAME = value`
    Const {
        /// The name.
        name: Name,
        /// Whether it is written `?=`, so that the caller of the compiler may give another value.
        replaceable: bool,
        /// The value.
        value: Expr,
    },
    /// `alias Name: Type`
    Alias {
        /// The name.
        name: Name,
        /// The type.
        ty: TypeExpr,
    },
    /// `data Name:` and fields
    Data {
        /// The name.
        name: Name,
        /// The fields.
        fields: Vec<Member>,
    },
    /// `ability Name:` and fields and arrows
    Ability {
        /// The name.
        name: Name,
        /// Fields and arrows.
        members: Vec<Member>,
    },
    /// `service Name("id"):` and methods
    Service {
        /// The name.
        name: Name,
        /// The id that is used when no other is given.
        id: Option<Expr>,
        /// The methods.
        methods: Vec<Member>,
    },
    /// `func name(a: A) -> B:` and a body
    Func {
        /// The name.
        name: Name,
        /// Arguments and results.
        signature: Signature,
        /// The body.
        body: Block,
    },
}

/// `name: Type` or `name(a: A) -> B`; the second form has an arrow as its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The name.
    pub name: Name,
    /// The type.
    pub ty: TypeExpr,
}

/// A type as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeExpr {
    /// What it is.
    pub kind: TypeKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of types.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeKind {
    /// Could not be read; there is a diagnostic.
    Error,
    /// `⊤`
    Top,
    /// `⊥`
    Bottom,
    /// A name, scalar types included.
    Named(Path),
    /// `[]T`
    Array(Box<TypeExpr>),
    /// `?T`
    Option(Box<TypeExpr>),
    /// `*T`
    Stream(Box<TypeExpr>),
    /// `%T`
    Map(Box<TypeExpr>),
    /// `A, B -> C`
    Arrow(Box<Signature>),
}

/// Arguments and results of something that can be called.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// The abilities in braces, which are arguments under their type's name.
    pub abilities: Vec<Path>,
    /// The arguments.
    pub params: Vec<Param>,
    /// The types of the results.
    pub results: Vec<TypeExpr>,
    /// The whole.
    pub span: Span,
}

/// An argument; those of a plain arrow type have no names.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// The name.
    pub name: Option<Name>,
    /// The type.
    pub ty: TypeExpr,
}

/// Statements with the same indentation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Block {
    /// The statements.
    pub stmts: Vec<Stmt>,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// Its own line, without the block below it.
    pub span: Span,
}

/// The kinds of statements. `else`, `catch`, `otherwise` and `par` stand on
/// their own here; what they belong to is decided later.
#[derive(Debug, Clone, PartialEq)]
pub enum StmtKind {
    /// Could not be read; there is a diagnostic.
    Error,
    /// `<- a, b`
    Return(Vec<Expr>),
    /// `Service id`
    ServiceId {
        /// The service.
        service: Path,
        /// Its id from here on.
        id: Expr,
    },
    /// `stream <<- value` or `map <<- key, value`
    Push {
        /// The stream or map.
        target: Name,
        /// One value, or a key and a value.
        values: Vec<Expr>,
    },
    /// `for item <- iterable:`
    For {
        /// The element.
        item: ForItem,
        /// What to iterate over.
        iterable: Expr,
        /// How.
        mode: ForMode,
        /// What to do with each element.
        body: Block,
    },
    /// `parseq item <- iterable on peer via relay:`
    Parseq {
        /// The element.
        item: ForItem,
        /// What to iterate over.
        iterable: Expr,
        /// Where the body runs.
        peer: Expr,
        /// The way there.
        via: Vec<Expr>,
        /// What to do with each element.
        body: Block,
    },
    /// `on peer via relay:`
    On {
        /// Where the body runs.
        peer: Expr,
        /// The way there.
        via: Vec<Expr>,
        /// The body.
        body: Block,
    },
    /// `if condition:`
    If {
        /// The condition.
        condition: Expr,
        /// What to do if it holds.
        body: Block,
    },
    /// `else:`
    Else {
        /// What to do if the condition does not hold.
        body: Block,
    },
    /// `try:`
    Try {
        /// What may fail.
        body: Block,
    },
    /// `catch error:`
    Catch {
        /// The name of the error.
        error: Name,
        /// What to do then.
        body: Block,
    },
    /// `otherwise:`
    Otherwise {
        /// What to do if what stands before failed.
        body: Block,
    },
    /// `par` and a statement
    Par(Box<Stmt>),
    /// `co` and a statement
    Co(Box<Stmt>),
    /// `join a, b`
    Join(Vec<Expr>),
    /// `name: *Type`
    Declare {
        /// The stream or map.
        name: Name,
        /// Its type.
        ty: TypeExpr,
    },
    /// `name = (a: A) -> B:` and a body
    Closure {
        /// The name.
        name: Name,
        /// Whether it is written `= func`, so that it runs where it is called.
        moves: bool,
        /// Arguments and results.
        signature: Signature,
        /// The body.
        body: Block,
    },
    /// `name = value`
    Assign {
        /// The name.
        target: Name,
        /// The value.
        value: Expr,
    },
    /// `a, b <- call` or just `call`
    Call {
        /// The names of the results.
        targets: Vec<Name>,
        /// The call.
        value: Expr,
    },
}

/// The element of an iteration.
#[derive(Debug, Clone, PartialEq)]
pub struct ForItem {
    /// The element, or its key.
    pub first: Name,
    /// The value, when a map is iterated over.
    pub second: Option<Name>,
}

/// How an iteration goes on to the next element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForMode {
    /// When the body is done.
    Seq,
    /// At once.
    Par,
    /// When the body has failed.
    Try,
    /// At once, and over the elements that are pushed meanwhile.
    Rec,
}

/// A value as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The forms of values.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// Could not be read; there is a diagnostic.
    Error,
    /// `true`, `false`
    Bool(bool),
    /// A whole number, with its sign; `None` if it does not fit.
    Int(Option<i128>),
    /// A number with a dot, as it is written.
    Float(String),
    /// The text between quotes.
    String(String),
    /// `%init_peer_id%`
    InitPeerId,
    /// A name.
    Name(Name),
    /// `[a]`, `?[a]`, `*[a]`
    Collection {
        /// Which of the three.
        kind: CollectionKind,
        /// The elements.
        items: Vec<Expr>,
    },
    /// `Name(field = value)`; the base is a name, possibly with fields of modules before it.
    Construct {
        /// What is constructed.
        base: Box<Expr>,
        /// The fields.
        fields: Vec<NamedArg>,
    },
    /// `f{Ability}(a, b)`, `x.method(a)`
    Call {
        /// What is called: a name, or a field of something.
        callee: Box<Expr>,
        /// The abilities in braces.
        abilities: Vec<Expr>,
        /// The arguments.
        args: Vec<Expr>,
    },
    /// `x.field`
    Field {
        /// Of what.
        base: Box<Expr>,
        /// The field.
        name: Name,
    },
    /// `x[i]`, `x!`, `x!2`
    Index {
        /// Of what.
        base: Box<Expr>,
        /// Which; the first if there is none.
        index: Option<Box<Expr>>,
        /// Whether it is written with `!`.
        bang: bool,
    },
    /// `x.copy(field = value)`
    Copy {
        /// Of what.
        base: Box<Expr>,
        /// The fields that differ.
        fields: Vec<NamedArg>,
    },
    /// `!x`
    Not(Box<Expr>),
    /// `a + b`
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Its left operand.
        left: Box<Expr>,
        /// Its right operand.
        right: Box<Expr>,
    },
    /// `(x)`
    Paren(Box<Expr>),
}

/// `field = value`, or `field` for `field = field`
#[derive(Debug, Clone, PartialEq)]
pub struct NamedArg {
    /// The field.
    pub name: Name,
    /// The value; the variable of the same name if there is none.
    pub value: Option<Expr>,
}

/// The kinds of collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CollectionKind {
    /// `[a, b]`
    Array,
    /// `?[a, b]`: the first that can be computed.
    Option,
    /// `*[a, b]`
    Stream,
}

/// Operators with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is named as everywhere")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    And,
    Or,
}
