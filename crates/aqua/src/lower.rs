//! Lowering: an exported function with all its calls inlined.
//!
//! This is an interpreter of the checked program whose values are not data but
//! names of data: running a function gives the operations that compute it. What
//! exists only in the compiler, such as abilities, closures and services, is gone
//! afterwards.

use crate::check::Bodies;
use crate::diagnostic::{Diagnostic, codes};
use crate::hir::{Expr, FuncId, Function, Lambda, Literal, LocalId};
use crate::ir::{
    Accessor, Base, FrameId, Frames, LEVELS_MAX, Op, Program, Value, VarId, VarKind, Variable,
};
use crate::source::Span;
use crate::types::Ty;
use hashbrown::HashMap;
use std::rc::Rc;
use std::sync::Arc;

mod branches;
mod calls;
mod client;
mod collections;
mod operators;
mod statements;
mod streams;
mod unread;
mod values;

/// How functions are compiled.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether the initiator talks to the network through a relay.
    pub relay: bool,
    /// How many operations a script may have.
    pub operations_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            relay: true,
            operations_max: 200_000,
        }
    }
}

/// Lowers a function as clients call it.
///
/// # Errors
/// Says why the script would be too large.
pub fn lower(bodies: &Bodies, func: FuncId, options: &Options) -> Result<Program, Box<Diagnostic>> {
    let function = bodies.functions[func.0 as usize]
        .clone()
        .expect("the function has been checked");
    let mut lowering = Lowering::new(bodies, options);
    let body = lowering.exported(&function);
    if body.levels() > LEVELS_MAX {
        lowering.exceeded.get_or_insert(Exceeded::Depth);
    }
    if let Some(limit) = lowering.exceeded {
        return Err(Box::new(limit.diagnostic(&function)));
    }
    let mut program = Program {
        body,
        frames: lowering.frames,
        variables: lowering.variables,
    };
    unread::forget_unread(&mut program);
    Ok(program)
}

/// What a name stands for while a function is run.
#[derive(Debug, Clone)]
enum Binding {
    Value(Value),
    Stream(VarId),
    Map(VarId),
    Arrow(Rc<ArrowValue>),
    Record(Rc<HashMap<String, Binding>>),
}

/// What can be called.
#[derive(Debug, Clone)]
enum ArrowValue {
    Function(Arc<Function>),
    Closure {
        lambda: Arc<Lambda>,
        env: Env,
        frame: FrameId,
    },
    Method {
        service: Value,
        name: Rc<str>,
        result: Option<Ty>,
    },
    /// An arrow argument of the exported function: the client runs it.
    Callback {
        name: Rc<str>,
        result: Option<Ty>,
    },
}

type Env = HashMap<LocalId, Binding>;

/// A limit that was met.
#[derive(Debug, Clone, Copy)]
enum Exceeded {
    Operations(usize),
    Depth,
}

impl Exceeded {
    fn diagnostic(self, function: &Function) -> Diagnostic {
        let problem = |message: String| {
            Diagnostic::error(
                codes::LIMIT,
                message,
                function.place.file,
                function.place.span,
            )
            .note("every call is replaced by the body of what is called")
        };
        match self {
            Self::Operations(max) => problem(format!(
                "the script of `{}` has more than {max} operations",
                function.name
            ))
            .help("iterate with `for` in place of calling again and again"),
            Self::Depth => problem(format!(
                "calls and blocks of `{}` are nested deeper than {DEPTH_MAX}",
                function.name
            ))
            .help("call fewer functions inside of each other"),
        }
    }
}

/// Words of AIR that cannot be variables.
const KEYWORDS: [&str; 16] = [
    "ap", "call", "canon", "fail", "false", "fold", "match", "mismatch", "never", "new", "next",
    "null", "par", "seq", "true", "xor",
];

/// How deep calls and blocks may be nested in each other. Lowering recurses over this
/// depth and nothing else, and placement over what comes out, which has [`LEVELS_MAX`].
const DEPTH_MAX: usize = 250;

struct Lowering<'a> {
    bodies: &'a Bodies,
    options: &'a Options,
    variables: Vec<Variable>,
    names: HashMap<String, u32>,
    frames: Frames,
    /// Where steps run at this point.
    frame: FrameId,
    relay: Value,
    /// Streams and maps of each iteration around this point: they are fresh in each round.
    fresh: Vec<Vec<VarId>>,
    operations: usize,
    depth: usize,
    /// The call of the function itself that is being replaced.
    site: Option<Span>,
    exceeded: Option<Exceeded>,
}

impl<'a> Lowering<'a> {
    fn new(bodies: &'a Bodies, options: &'a Options) -> Self {
        let mut lowering = Self {
            bodies,
            options,
            variables: Vec::new(),
            names: KEYWORDS.map(|word| (word.to_owned(), 0)).into(),
            frames: Frames::new(None),
            frame: FrameId::ROOT,
            relay: Base::InitPeerId.into(),
            fresh: Vec::new(),
            operations: 0,
            depth: 0,
            site: None,
            exceeded: None,
        };
        if options.relay {
            let relay = lowering.variable(VarKind::Scalar, "-relay-");
            lowering.relay = relay.into();
            lowering.frames = Frames::new(Some(relay.into()));
        }
        lowering
    }

    /// A new variable, named after what it is for.
    fn variable(&mut self, kind: VarKind, name: &str) -> VarId {
        let id = VarId(u32::try_from(self.variables.len()).expect("variables are counted"));
        let mut unique = name.to_owned();
        while self.names.contains_key(&unique) {
            let next = self.names.entry(name.to_owned()).or_default();
            unique = format!("{name}-{next}");
            *next += 1;
        }
        self.names.insert(unique.clone(), 0);
        self.variables.push(Variable { kind, name: unique });
        id
    }

    fn scalar(&mut self, name: &str) -> VarId {
        self.variable(VarKind::Scalar, name)
    }

    /// A result without a name of its own. Scripts travel, so it is short.
    fn temporary(&mut self) -> VarId {
        self.scalar("r")
    }

    /// A copy of an error.
    fn error(&mut self) -> VarId {
        self.scalar("e")
    }

    /// A stream or map that is fresh in each round of the iteration around it.
    fn container(&mut self, kind: VarKind, name: &str) -> VarId {
        let id = self.variable(kind, name);
        if self.fresh.len() > 1
            && let Some(fresh) = self.fresh.last_mut()
        {
            fresh.push(id);
        }
        id
    }

    /// The same for one that may be read before anything is pushed to it.
    fn empty_container(&mut self, kind: VarKind, name: &str) -> VarId {
        let id = self.variable(kind, name);
        if let Some(fresh) = self.fresh.last_mut() {
            fresh.push(id);
        }
        id
    }

    /// Adds an operation, as long as the script may grow.
    fn emit(&mut self, out: &mut Vec<Op>, op: Op) {
        self.operations += 1;
        if self.operations > self.options.operations_max {
            self.exceeded
                .get_or_insert(Exceeded::Operations(self.options.operations_max));
            return;
        }
        out.push(op);
    }

    /// Goes one level deeper, unless a limit was met.
    fn deeper<T>(&mut self, otherwise: T, what: impl FnOnce(&mut Self) -> T) -> T {
        if self.exceeded.is_some() {
            return otherwise;
        }
        if self.depth >= DEPTH_MAX {
            self.exceeded = Some(Exceeded::Depth);
            return otherwise;
        }
        self.depth += 1;
        let result = what(self);
        self.depth -= 1;
        result
    }

    /// Runs something in a list of its own and gives the list as one operation.
    fn collected(&mut self, what: impl FnOnce(&mut Self, &mut Vec<Op>)) -> Op {
        let mut out = Vec::new();
        what(self, &mut out);
        sequence(out)
    }
}

/// The operations one after the other.
fn sequence(mut ops: Vec<Op>) -> Op {
    match ops.len() {
        0 => Op::Null,
        1 => ops.remove(0),
        _ => Op::Seq(ops),
    }
}

fn literal(literal: &Literal) -> Value {
    match literal {
        Literal::Bool(value) => Base::Bool(*value).into(),
        Literal::Int(value) => Base::Int(*value).into(),
        Literal::Float(text) => Base::Float(Rc::from(text.as_str())).into(),
        Literal::String(text) => Base::String(Rc::from(text.as_str())).into(),
    }
}

/// A string as a value.
fn text(text: &str) -> Value {
    Base::String(Rc::from(text)).into()
}

/// The error that is being handled, or a field of it.
fn error_code() -> Value {
    Value {
        base: Base::Error,
        lens: vec![Accessor::Field(Rc::from("error_code"))],
    }
}

/// Whether the value is written in the script.
fn is_literal(value: &Value) -> bool {
    !matches!(value.base, Base::Variable(_) | Base::Error)
}

/// The type of the first result of a call.
fn first_result(results: &[Ty]) -> Option<Ty> {
    results.first().cloned()
}

/// An expression that could not be understood never reaches lowering.
fn misunderstood(expr: &Expr) -> Binding {
    debug_assert!(false, "lowering a broken expression at {:?}", expr.span);
    Binding::Value(Base::Empty.into())
}
