//! The plan of a placed program for people: who is passed and who is asked.

use std::fmt::Write;

use crate::ir::{Accessor, Base, Op, Program, Value};

/// A line of a plan, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanStep {
    /// The particle passes a peer.
    Hop {
        /// The peer, as the script names it; `each of` a collection.
        peer: String,
    },
    /// A peer asks a service.
    Call {
        /// The peer, as the script names it.
        peer: String,
        /// The service.
        service: String,
        /// Its function.
        function: String,
    },
    /// Steps under a heading.
    Block {
        /// The heading: `par`, `and`, `co`, `for x <- xs`, `if a == b`, `otherwise`.
        heading: String,
        /// The steps.
        steps: Vec<PlanStep>,
    },
}

/// The hops and calls of a placed program, in the order of the script. What
/// only tells a failure to who handles it is left out.
pub fn plan(program: &Program) -> Vec<PlanStep> {
    let mut steps = Vec::new();
    add(program, &program.body, &mut steps);
    steps
}

fn add(program: &Program, op: &Op, out: &mut Vec<PlanStep>) {
    let text = |value| text(program, value);
    match op {
        Op::Seq(ops) => ops.iter().for_each(|op| add(program, op, out)),
        Op::Par(arms) => {
            let mut heading = "par";
            for arm in arms {
                if add_block(program, heading, arm, out) {
                    heading = "and";
                }
            }
        }
        Op::Detach(body) => {
            add_block(program, "co", body, out);
        }
        Op::Xor(left, right) => {
            add(program, left, out);
            if !is_rethrow(right) {
                add_block(program, "otherwise", right, out);
            }
        }
        Op::Match {
            equal,
            left,
            right,
            body,
        } => {
            let sign = if *equal { "==" } else { "!=" };
            let heading = format!("if {} {sign} {}", text(left), text(right));
            add_block(program, &heading, body, out);
        }
        Op::Fold {
            item,
            iterable,
            body,
            ..
        } => {
            let heading = format!("for {} <- {}", text(&(*item).into()), text(iterable));
            add_block(program, &heading, body, out);
        }
        Op::New(_, body) | Op::On { body, .. } => add(program, body, out),
        Op::Call {
            frame,
            service,
            function,
            ..
        } => out.push(PlanStep::Call {
            peer: text(&program.frames.get(*frame).peer),
            service: text(service),
            function: text(function),
        }),
        Op::Hop(peer) => out.push(PlanStep::Hop { peer: text(peer) }),
        Op::HopEach { peers, reversed } => {
            let order = if *reversed { " from the last" } else { "" };
            out.push(PlanStep::Hop {
                peer: format!("each of {}{order}", text(peers)),
            });
        }
        Op::Null
        | Op::Never
        | Op::Next(_)
        | Op::Canon { .. }
        | Op::Ap { .. }
        | Op::ApMap { .. }
        | Op::Fail(_) => {}
    }
}

/// Adds a block, unless there is nothing in it.
fn add_block(program: &Program, heading: &str, op: &Op, out: &mut Vec<PlanStep>) -> bool {
    let mut steps = Vec::new();
    add(program, op, &mut steps);
    let any = !steps.is_empty();
    if any {
        out.push(PlanStep::Block {
            heading: heading.to_owned(),
            steps,
        });
    }
    any
}

/// Whether the handler does nothing but travel back and fail again.
pub(super) fn is_rethrow(op: &Op) -> bool {
    match op {
        Op::Fail(_) => true,
        Op::Seq(ops) => ops
            .iter()
            .all(|op| matches!(op, Op::Hop(_) | Op::HopEach { .. } | Op::Fail(_))),
        _ => false,
    }
}

pub(super) fn text(program: &Program, value: &Value) -> String {
    let mut text = match &value.base {
        Base::String(text) | Base::Float(text) => text.to_string(),
        Base::Int(number) => number.to_string(),
        Base::Bool(truth) => truth.to_string(),
        Base::Empty => "[]".to_owned(),
        Base::InitPeerId => "INIT_PEER_ID".to_owned(),
        Base::Ttl => "PARTICLE_TTL".to_owned(),
        Base::Timestamp => "PARTICLE_TIMESTAMP".to_owned(),
        Base::Error => "ERROR".to_owned(),
        Base::Variable(id) => program.variables[id.0 as usize].name.clone(),
    };
    for accessor in &value.lens {
        match accessor {
            Accessor::Field(name) => write!(text, ".{name}"),
            Accessor::Index(index) => write!(text, "[{index}]"),
            Accessor::Variable(id) => {
                write!(text, "[{}]", program.variables[id.0 as usize].name)
            }
            Accessor::Length => write!(text, ".length"),
        }
        .expect("it is a string");
    }
    text
}

/// The plan as text: a line for each step, blocks indented, and the peers in a
/// column of their own.
pub fn plan_text(steps: &[PlanStep]) -> String {
    let mut out = String::new();
    write_steps(steps, 0, &mut out);
    out
}

/// Peers with longer names push what follows to the right.
const PEER_WIDTH_MAX: usize = 24;

fn write_steps(steps: &[PlanStep], level: usize, out: &mut String) {
    let width = steps
        .iter()
        .filter_map(|step| match step {
            PlanStep::Call { peer, .. } => Some(peer.chars().count().min(PEER_WIDTH_MAX)),
            _ => None,
        })
        .max()
        .unwrap_or(0);
    for step in steps {
        out.extend(std::iter::repeat_n("  ", level));
        match step {
            PlanStep::Hop { peer } => writeln!(out, "hop   {peer}"),
            PlanStep::Call {
                peer,
                service,
                function,
            } => writeln!(out, "call  {peer:width$}  {service}.{function}"),
            PlanStep::Block { heading, .. } => writeln!(out, "{heading}"),
        }
        .expect("it is a string");
        if let PlanStep::Block { steps, .. } = step {
            write_steps(steps, level + 1, out);
        }
    }
}
