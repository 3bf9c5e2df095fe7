//! The script of a placed program.
//!
//! A hop is a canon of a stream that nobody fills, made on the peer to pass: the
//! AVM sees that its content does not matter and keeps only that the peer was
//! there.

use std::fmt::Write;

use crate::ir::{Accessor, Base, Op, Program, Value, VarId, VarKind};

/// A script that AIR does not read: a defect of the compiler, whatever the program is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong with it.
    pub reason: String,
    /// The script.
    pub script: String,
}

/// The shortest text of the script of a placed program. [`weir_air::format`]
/// gives it a layout for people.
///
/// # Errors
/// The text is read once: nobody is to send a script that no peer reads.
pub fn air(program: &Program) -> Result<String, Malformed> {
    let mut writer = Writer {
        program,
        out: String::new(),
        word_end: usize::MAX,
        work: vec![Work::Op(&program.body)],
    };
    writer.run();
    match weir_air::parse(&writer.out, &UNBOUNDED) {
        Ok(_) => Ok(writer.out),
        Err(mistakes) => Err(Malformed {
            reason: mistakes.first().map_or_else(String::new, |first| {
                format!("{}: {}", first.code, first.message)
            }),
            script: writer.out,
        }),
    }
}

/// Whether a script is too large is for who runs it to say.
const UNBOUNDED: weir_air::Limits = weir_air::Limits {
    bytes: usize::MAX,
    nodes: usize::MAX,
    depth: usize::MAX,
};

/// What is still to be written.
enum Work<'p> {
    Op(&'p Op),
    /// Several, one after the other.
    Seq(&'p [Op]),
    /// Several at once.
    Par(&'p [Op]),
    Text(&'static str),
}

struct Writer<'p> {
    program: &'p Program,
    out: String,
    /// The next comes last.
    work: Vec<Work<'p>>,
    /// Where the last word ends: another one needs a space there.
    word_end: usize,
}

impl<'p> Writer<'p> {
    fn run(&mut self) {
        while let Some(work) = self.work.pop() {
            match work {
                Work::Op(op) => self.op(op),
                Work::Seq([]) | Work::Par([]) => self.out.push_str("(null)"),
                Work::Seq([op]) | Work::Par([op]) => self.op(op),
                Work::Seq(ops) => {
                    let (left, right) = ops.split_at(ops.len() / 2);
                    self.open("(seq", [Work::Seq(left), Work::Seq(right)]);
                }
                Work::Par(ops) => {
                    let (left, right) = ops.split_at(ops.len() / 2);
                    self.open("(par", [Work::Par(left), Work::Par(right)]);
                }
                Work::Text(text) => self.out.push_str(text),
            }
        }
    }

    /// Writes the head of an instruction; what is in it follows.
    fn open<const N: usize>(&mut self, head: &'static str, children: [Work<'p>; N]) {
        self.out.push_str(head);
        self.work.push(Work::Text(")"));
        self.work.extend(children.into_iter().rev());
    }

    fn op(&mut self, op: &'p Op) {
        match op {
            Op::Null => self.out.push_str("(null)"),
            Op::Never => self.out.push_str("(never)"),
            Op::Seq(ops) => self.work.push(Work::Seq(ops)),
            Op::Par(arms) if arms.len() > 1 => self.work.push(Work::Par(arms)),
            Op::Par(arms) => self.open("(par", [Work::Par(arms), Work::Text("(null)")]),
            Op::Detach(body) => self.open("(par", [Work::Op(body), Work::Text("(null)")]),
            Op::Xor(left, right) => self.open("(xor", [Work::Op(left), Work::Op(right)]),
            Op::Match {
                equal,
                left,
                right,
                body,
            } => {
                self.head(if *equal { "(match" } else { "(mismatch" });
                self.operand(left);
                self.operand(right);
                self.open("", [Work::Op(body)]);
            }
            Op::Fold {
                item,
                iterable,
                body,
                never,
            } => {
                self.head("(fold");
                self.operand(iterable);
                self.variable(*item);
                let last = if *never { "(never)" } else { "(null)" };
                self.open("", [Work::Op(body), Work::Text(last)]);
            }
            Op::Next(item) => {
                self.head("(next");
                self.variable(*item);
                self.out.push(')');
            }
            Op::New(variables, body) => {
                for variable in variables {
                    self.head("(new");
                    self.variable(*variable);
                    self.work.push(Work::Text(")"));
                }
                self.work.push(Work::Op(body));
            }
            Op::Call { frame, .. } | Op::Canon { frame, .. } => {
                let peer = &self.program.frames.get(*frame).peer;
                self.step(op, peer);
            }
            Op::Ap { value, target } => {
                self.head("(ap");
                self.operand(value);
                self.variable(*target);
                self.out.push(')');
            }
            Op::ApMap { key, value, map } => {
                self.out.push_str("(ap(");
                self.operand(key);
                self.operand(value);
                self.out.push(')');
                self.variable(*map);
                self.out.push(')');
            }
            Op::Fail(value) => {
                self.head("(fail");
                self.operand(value);
                self.out.push(')');
            }
            Op::On { body, .. } => self.work.push(Work::Op(body)),
            Op::Hop(peer) => {
                self.head("(new $-h(new #-h(canon");
                self.operand(peer);
                self.out.push_str(" $-h #-h)))");
            }
            Op::HopEach { peers, reversed } => {
                self.head("(fold");
                self.operand(peers);
                self.out.push_str(if *reversed {
                    " -p(seq(next -p)\
                     (new $-h(new #-h(canon -p $-h #-h))))(null))"
                } else {
                    " -p(seq(new $-h(new #-h(canon -p $-h #-h)))\
                     (next -p))(null))"
                });
            }
        }
    }

    fn step(&mut self, op: &Op, peer: &Value) {
        match op {
            Op::Call {
                service,
                function,
                args,
                output,
                ..
            } => {
                self.head("(call");
                self.operand(peer);
                self.out.push('(');
                self.operand(service);
                self.operand(function);
                self.out.push_str(")[");
                for arg in args {
                    self.operand(arg);
                }
                self.out.push(']');
                if let Some(output) = output {
                    self.variable(*output);
                }
                self.out.push(')');
            }
            Op::Canon { source, target, .. } => {
                self.head("(canon");
                self.operand(peer);
                self.variable(*source);
                self.variable(*target);
                self.out.push(')');
            }
            _ => unreachable!("only calls and canons are steps"),
        }
    }

    /// A space if there would be one word else.
    fn space(&mut self) {
        if self.out.len() == self.word_end {
            self.out.push(' ');
        }
    }

    /// The beginning of an instruction, or several.
    fn head(&mut self, head: &str) {
        self.out.push_str(head);
        self.word_end = self.out.len();
    }

    fn word(&mut self, word: &str) {
        self.space();
        self.out.push_str(word);
        self.word_end = self.out.len();
    }

    fn variable(&mut self, variable: VarId) {
        self.space();
        let variable = &self.program.variables[variable.0 as usize];
        self.out.push_str(match variable.kind {
            VarKind::Scalar => "",
            VarKind::Stream => "$",
            VarKind::Map => "%",
            VarKind::Canon => "#",
            VarKind::CanonMap => "#%",
        });
        self.out.push_str(&variable.name);
        self.word_end = self.out.len();
    }

    fn operand(&mut self, value: &Value) {
        self.base(&value.base);
        if value.lens.is_empty() {
            return;
        }
        if value.lens[..] != [Accessor::Length] {
            self.out.push_str(".$");
        }
        for accessor in &value.lens {
            match accessor {
                Accessor::Field(name) => {
                    self.out.push('.');
                    self.out.push_str(name);
                }
                Accessor::Index(index) => write!(self.out, ".[{index}]").expect("it is a string"),
                Accessor::Variable(variable) => {
                    let name = &self.program.variables[variable.0 as usize].name;
                    write!(self.out, ".[{name}]").expect("it is a string");
                }
                Accessor::Length => self.out.push_str(".length"),
            }
        }
        self.word_end = self.out.len();
    }

    fn base(&mut self, base: &Base) {
        match base {
            Base::String(text) => {
                self.space();
                self.out.push('"');
                self.out.push_str(text);
                self.out.push('"');
            }
            Base::Empty => {
                self.space();
                self.out.push_str("[]");
            }
            Base::Variable(variable) => self.variable(*variable),
            Base::Int(number) => self.word(&number.to_string()),
            Base::Float(text) => self.word(text),
            Base::Bool(truth) => self.word(if *truth { "true" } else { "false" }),
            Base::InitPeerId => self.word("%init_peer_id%"),
            Base::Ttl => self.word("%ttl%"),
            Base::Timestamp => self.word("%timestamp%"),
            Base::Error => self.word(":error:"),
        }
    }
}
