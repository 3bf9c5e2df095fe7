//! Programs between lowering and emission as short texts.
//!
//! ```text
//! (on p r1 *rs : …)     an `on` with its relays, `*` for a collection
//! (home …)              at the initiator
//! (get a b -> x)        any other word is a call of that function
//! (canon $s #c) (ap a x) (put k v %m) (fail) (null) (never)
//! (try A B) (par A B …) (co …) (if a b …) (unless a b …) (new $s …)
//! (for x xs … (next x)) (forever x xs … (next x))
//! ```
//!
//! `I` is the initiator, `r0` its relay; literals are quoted or numbers. Hops
//! are printed as `>peer`, `>*peers` and `<*peers`, calls with their peers.

use hashbrown::{HashMap, HashSet};
use weir_aqua::ir::{
    Base, Frame, FrameId, Frames, Op, Program, Value, VarId, VarKind, Variable, Via,
};

/// Reads a program. With `relay`, the initiator is behind its relay `r0`.
pub fn program(text: &str, relay: bool) -> Program {
    let mut reader = Reader {
        tokens: tokens(text),
        at: 0,
        variables: Vec::new(),
        numbers: HashMap::new(),
        frames: Frames::new(None),
        frame: FrameId::ROOT,
        defined: Vec::new(),
    };
    if relay {
        let relay = reader.value("r0");
        reader.frames = Frames::new(Some(relay));
    }
    let mut ops = Vec::new();
    while reader.at < reader.tokens.len() {
        ops.push(reader.op());
    }
    let mut steps = reader.arguments();
    steps.extend(ops);
    let body = Box::new(seq(steps));
    Program {
        // As every function: the client is told of failures.
        body: Op::Xor(body, Box::new(call("error", None))),
        frames: reader.frames,
        variables: reader.variables,
    }
}

/// A call at the initiator.
fn call(function: &str, output: Option<VarId>) -> Op {
    Op::Call {
        frame: FrameId::ROOT,
        service: Base::String("client".into()).into(),
        function: Base::String(function.into()).into(),
        args: Vec::new(),
        output,
        site: None,
    }
}

fn seq(mut ops: Vec<Op>) -> Op {
    match ops.len() {
        0 => Op::Null,
        1 => ops.pop().unwrap(),
        _ => Op::Seq(ops),
    }
}

fn tokens(text: &str) -> Vec<String> {
    let text = text.replace('(', " ( ").replace(')', " ) ");
    text.split_whitespace().map(str::to_owned).collect()
}

struct Reader {
    tokens: Vec<String>,
    at: usize,
    variables: Vec<Variable>,
    numbers: HashMap<String, VarId>,
    frames: Frames,
    frame: FrameId,
    defined: Vec<VarId>,
}

impl Reader {
    fn peek(&self) -> &str {
        &self.tokens[self.at]
    }

    fn word(&mut self) -> String {
        self.at += 1;
        self.tokens[self.at - 1].clone()
    }

    fn variable(&mut self, word: &str) -> VarId {
        let (kind, name) = match word.as_bytes()[0] {
            b'$' => (VarKind::Stream, &word[1..]),
            b'%' => (VarKind::Map, &word[1..]),
            b'#' if word[1..].starts_with('%') => (VarKind::CanonMap, &word[2..]),
            b'#' => (VarKind::Canon, &word[1..]),
            _ => (VarKind::Scalar, word),
        };
        if let Some(id) = self.numbers.get(word) {
            return *id;
        }
        let id = VarId(self.variables.len() as u32);
        let name = name.to_owned();
        self.variables.push(Variable { kind, name });
        self.numbers.insert(word.to_owned(), id);
        id
    }

    fn value(&mut self, word: &str) -> Value {
        if let Some(text) = word.strip_prefix('"') {
            return Base::String(text.trim_end_matches('"').into()).into();
        }
        if let Ok(number) = word.parse() {
            return Base::Int(number).into();
        }
        match word {
            "I" => Base::InitPeerId.into(),
            "error" => Base::Error.into(),
            "true" => Base::Bool(true).into(),
            _ => match word.split_once('.') {
                Some((name, field)) => {
                    let mut value = Value::from(self.variable(name));
                    value.lens.push(match field.parse() {
                        Ok(index) => weir_aqua::ir::Accessor::Index(index),
                        Err(_) => weir_aqua::ir::Accessor::Field(field.into()),
                    });
                    value
                }
                None => self.variable(word).into(),
            },
        }
    }

    fn next_value(&mut self) -> Value {
        let word = self.word();
        self.value(&word)
    }

    /// A variable that is defined there.
    fn next_variable(&mut self) -> VarId {
        let word = self.word();
        let variable = self.variable(&word);
        self.defined.push(variable);
        variable
    }

    /// Fetches the variables that nothing defines.
    fn arguments(&self) -> Vec<Op> {
        let defined: HashSet<VarId> = self.defined.iter().copied().collect();
        (0..self.variables.len() as u32)
            .map(VarId)
            .filter(|id| !defined.contains(id))
            .filter(|id| self.variables[id.0 as usize].kind == VarKind::Scalar)
            .map(|id| call("argument", Some(id)))
            .collect()
    }

    /// The rest of a list.
    fn ops(&mut self) -> Vec<Op> {
        let mut ops = Vec::new();
        while self.peek() != ")" {
            ops.push(self.op());
        }
        self.at += 1;
        ops
    }

    fn body(&mut self) -> Op {
        seq(self.ops())
    }

    fn end(&mut self) {
        assert_eq!(self.word(), ")");
    }

    fn op(&mut self) -> Op {
        assert_eq!(self.word(), "(", "at {:?}", &self.tokens[self.at - 1..]);
        let head = self.word();
        match head.as_str() {
            "seq" => self.body(),
            "null" | "never" | "fail" => {
                self.end();
                match head.as_str() {
                    "null" => Op::Null,
                    "never" => Op::Never,
                    _ => Op::Fail(Base::Error.into()),
                }
            }
            "par" => Op::Par(self.ops()),
            "co" => Op::Detach(Box::new(self.body())),
            "try" => {
                let left = self.op();
                let right = self.body();
                Op::Xor(Box::new(left), Box::new(right))
            }
            "if" | "unless" => Op::Match {
                equal: head == "if",
                left: self.next_value(),
                right: self.next_value(),
                body: Box::new(self.body()),
            },
            "for" | "forever" => Op::Fold {
                item: self.next_variable(),
                iterable: self.next_value(),
                body: Box::new(self.body()),
                never: head == "forever",
            },
            "next" => {
                let item = self.next_variable();
                self.end();
                Op::Next(item)
            }
            "new" => {
                let variable = self.next_variable();
                Op::New(vec![variable], Box::new(self.body()))
            }
            "ap" => {
                let value = self.next_value();
                let target = self.next_variable();
                self.end();
                Op::Ap { value, target }
            }
            "put" => {
                let (key, value) = (self.next_value(), self.next_value());
                let map = self.next_variable();
                self.end();
                Op::ApMap { key, value, map }
            }
            "canon" => {
                let source = self.word();
                let source = self.variable(&source);
                let target = self.next_variable();
                self.end();
                Op::Canon {
                    frame: self.frame,
                    source,
                    target,
                }
            }
            "home" => self.on(FrameId::ROOT),
            "on" => {
                let peer = self.next_value();
                let mut via = Vec::new();
                loop {
                    let word = self.word();
                    if word == ":" {
                        break;
                    }
                    via.push(Via {
                        many: word.starts_with('*'),
                        value: self.value(word.trim_start_matches('*')),
                    });
                }
                let frame = self.frames.intern(Frame {
                    parent: Some(self.frame),
                    peer,
                    via,
                });
                self.on(frame)
            }
            _ => self.call(&head),
        }
    }

    fn on(&mut self, frame: FrameId) -> Op {
        let outer = std::mem::replace(&mut self.frame, frame);
        let body = Box::new(self.body());
        self.frame = outer;
        Op::On { outer, frame, body }
    }

    fn call(&mut self, function: &str) -> Op {
        let mut args = Vec::new();
        let mut output = None;
        loop {
            match self.word().as_str() {
                ")" => break,
                "->" => output = Some(self.next_variable()),
                word => args.push(self.value(word)),
            }
        }
        Op::Call {
            frame: self.frame,
            service: Base::String("s".into()).into(),
            function: Base::String(function.into()).into(),
            args,
            output,
            site: None,
        }
    }
}

/// Prints a program, hops included.
pub fn print(program: &Program) -> String {
    let mut out = String::new();
    let body = match &program.body {
        Op::Xor(body, handler) if flat(program, handler) == "error@I" => body,
        body => body,
    };
    print_op(program, body, 0, &mut out);
    out.push('\n');
    out
}

/// More would be too long for a line.
const LINE_MAX: usize = 90;

fn print_op(program: &Program, op: &Op, indent: usize, out: &mut String) {
    let whole = flat(program, op);
    if whole.len() + indent <= LINE_MAX {
        out.push_str(&whole);
        return;
    }
    let (head, children) = parts(program, op);
    out.push('(');
    out.push_str(&head);
    for child in children {
        if flat(program, child).starts_with("argument@") {
            continue;
        }
        out.push('\n');
        out.push_str(&" ".repeat(indent + 2));
        print_op(program, child, indent + 2, out);
    }
    out.push(')');
}

fn flat(program: &Program, op: &Op) -> String {
    let peer = |frame: &FrameId| text(program, &program.frames.get(*frame).peer);
    match op {
        Op::Call {
            frame,
            function,
            args,
            output,
            ..
        } => {
            let mut call = text(program, function).trim_matches('"').to_owned();
            if !args.is_empty() {
                let args: Vec<String> = args.iter().map(|arg| text(program, arg)).collect();
                call.push_str(&format!("({})", args.join(" ")));
            }
            call.push_str(&format!("@{}", peer(frame)));
            if let Some(output) = output {
                call.push_str(&format!("->{}", text(program, &(*output).into())));
            }
            call
        }
        Op::Canon { frame, target, .. } => {
            format!(
                "canon@{}->{}",
                peer(frame),
                text(program, &(*target).into())
            )
        }
        Op::Hop(value) => format!(">{}", text(program, value)),
        Op::HopEach { peers, reversed } => {
            let mark = if *reversed { '<' } else { '>' };
            format!("{mark}*{}", text(program, peers))
        }
        _ => {
            let (head, children) = parts(program, op);
            let mut all = vec![head];
            all.extend(children.into_iter().map(|child| flat(program, child)));
            all.retain(|part| !part.is_empty() && !part.starts_with("argument@"));
            format!("({})", all.join(" "))
        }
    }
}

fn parts<'p>(program: &Program, op: &'p Op) -> (String, Vec<&'p Op>) {
    let text = |value: &Value| text(program, value);
    match op {
        Op::Null => ("null".to_owned(), vec![]),
        Op::Never => ("never".to_owned(), vec![]),
        Op::Seq(ops) => (String::new(), ops.iter().collect()),
        Op::Par(ops) => ("par".to_owned(), ops.iter().collect()),
        Op::Detach(body) => ("co".to_owned(), vec![body]),
        Op::Xor(left, right) => ("try".to_owned(), vec![left, right]),
        Op::Match {
            equal,
            left,
            right,
            body,
        } => {
            let word = if *equal { "if" } else { "unless" };
            (format!("{word} {} {}", text(left), text(right)), vec![body])
        }
        Op::Fold {
            item,
            iterable,
            body,
            never,
        } => {
            let word = if *never { "forever" } else { "for" };
            let head = format!("{word} {} {}", text(&(*item).into()), text(iterable));
            (head, vec![body])
        }
        Op::Next(item) => (format!("next {}", text(&(*item).into())), vec![]),
        Op::New(variables, body) => {
            let names: Vec<String> = variables.iter().map(|id| text(&(*id).into())).collect();
            (format!("new {}", names.join(" ")), vec![body])
        }
        Op::Ap { value, target } => (
            format!("ap {} {}", text(value), text(&(*target).into())),
            vec![],
        ),
        Op::ApMap { .. } => ("put".to_owned(), vec![]),
        Op::Fail(_) => ("fail".to_owned(), vec![]),
        Op::On { frame, body, .. } => {
            let frame = program.frames.get(*frame);
            let mut head = "on ".to_owned();
            head.push_str(&text(&frame.peer));
            for via in &frame.via {
                head.push_str(if via.many { " *" } else { " " });
                head.push_str(&text(&via.value));
            }
            (head + " :", vec![body])
        }
        _ => unreachable!("it has no parts"),
    }
}

fn text(program: &Program, value: &Value) -> String {
    let mut text = match &value.base {
        Base::String(text) => format!("{text:?}"),
        Base::Int(number) => number.to_string(),
        Base::InitPeerId => "I".to_owned(),
        Base::Error => "error".to_owned(),
        Base::Variable(id) => {
            let variable = &program.variables[id.0 as usize];
            let sigil = match variable.kind {
                VarKind::Scalar => "",
                VarKind::Stream => "$",
                VarKind::Map => "%",
                VarKind::Canon => "#",
                VarKind::CanonMap => "#%",
            };
            format!("{sigil}{}", variable.name)
        }
        other => format!("{other:?}"),
    };
    for accessor in &value.lens {
        match accessor {
            weir_aqua::ir::Accessor::Field(name) => text.push_str(&format!(".{name}")),
            weir_aqua::ir::Accessor::Index(index) => text.push_str(&format!(".{index}")),
            other => text.push_str(&format!(".{other:?}")),
        }
    }
    text
}
