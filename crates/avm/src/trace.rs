//! A log as a story: who did what, because of what.
//!
//! A *visit* is what one peer did between two things that it learnt. The visits of a particle form a tree: the
//! cause of a visit is the visit whose end its peer had just learnt of.

use std::sync::Arc;

use bytes::Bytes;
use weir_identity::{Hash, PeerId, Value};

use crate::audit::{Fault, load};
use crate::avm::{Facts, facts_of, particle_of};
use crate::effects::Waiting;
use crate::eval::{Machine, Program, Support};
use crate::export::Export;
use crate::log::{AuthorIdx, Body, Log, LogIndex, Outcome, SignedHead, Start, StepId};

/// What is told of one particle.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The particle.
    pub particle: Hash,
    /// Who started it, when, and for how long.
    pub start: Arc<Start>,
    /// The script.
    pub script: Arc<str>,
    /// In a causal order; the first is the start.
    pub visits: Vec<Visit>,
    /// The signed head of each journal, in the order in which their authors appear.
    pub heads: Vec<SignedHead>,
    /// Steps that are reached and not answered.
    pub waiting: Vec<Waiting>,
}

/// What one peer did between two things that it learnt.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// Whose.
    pub peer: PeerId,
    /// The visit that it learnt of, as an index into [`Trace::visits`]; none for the first.
    pub cause: Option<usize>,
    /// Its entries in their order.
    pub deeds: Vec<Deed>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// Index in the journal of its author.
    pub index: u32,
    /// What it says.
    pub what: What,
}

/// What an entry says, for people.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The particle was started.
    Start,
    /// A call was made.
    Call {
        /// The service.
        service: Arc<str>,
        /// Its function.
        function: Arc<str>,
        /// The arguments that the script gives; none where the script does not know the step.
        args: Option<Vec<Value>>,
        /// How it ended.
        answer: TracedAnswer,
        /// The step of the script.
        step: StepId,
        /// The execution receipt, if there is one.
        receipt: Option<Bytes>,
    },
    /// A canon was taken.
    Canon {
        /// The instruction; none where the script does not know the step.
        instruction: Option<String>,
        /// How many elements it holds.
        elements: u64,
    },
    /// So many pure hops were passed.
    Hops(usize),
    /// The peer has seen what it learnt and had nothing to add.
    Seen,
    /// A kind that evaluation ignores.
    Other(u16),
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum TracedAnswer {
    /// With this value.
    Value(Value),
    /// With a value that the script does not use, and that was not kept.
    Unused,
    /// With an error.
    Failed {
        /// The service's code.
        code: i32,
        /// What it said.
        message: Value,
    },
}

/// Tells the story of an export. Signatures and hashes are checked; whether each entry follows from the script is
/// the matter of [`crate::audit()`].
pub fn trace(export: &Export) -> Result<Trace, Fault> {
    let (log, program, _) = load(export)?;
    Ok(trace_log(&log, &program))
}

/// Tells the story of a log.
pub fn trace_log(log: &Log, program: &Arc<Program>) -> Trace {
    let machine = evaluated(log, program);
    let mut visits: Vec<Visit> = Vec::new();
    // The visit of each entry of the log, and the latest visit of each author.
    let mut visit_of: Vec<usize> = Vec::new();
    let mut latest: Vec<Option<usize>> = vec![None; log.author_count() as usize];
    for (at, held) in log.entries_from(LogIndex(0)) {
        let author = held.author.0 as usize;
        let cause = log
            .learnt(at)
            .filter_map(|(author, length)| log.position(author, length.checked_sub(1)?))
            .max()
            .and_then(|cause| visit_of.get(cause.0 as usize).copied());
        let visit = match (cause, latest[author]) {
            (None, Some(visit)) => visit,
            (cause, _) => {
                visits.push(Visit {
                    peer: log.author(held.author),
                    // Everybody knows the start without naming it.
                    cause: cause.or((!visits.is_empty()).then_some(0)),
                    deeds: Vec::new(),
                });
                visits.len() - 1
            }
        };
        latest[author] = Some(visit);
        visit_of.push(visit);
        let index = held.index;
        let what = what(log, &machine, &held.entry.body);
        visits[visit].deeds.push(Deed { index, what });
    }
    let authors = (0..log.author_count()).map(AuthorIdx);
    Trace {
        particle: log.particle().0,
        start: log.start().clone(),
        script: log.script().clone(),
        visits,
        heads: authors
            .filter_map(|author| log.head(author).copied())
            .collect(),
        waiting: machine
            .waiting()
            .into_iter()
            .map(|(peer, what, step)| Waiting {
                step: StepId(*step.as_bytes()),
                peer,
                what,
            })
            .collect(),
    }
}

/// The script evaluated over all that the log says.
fn evaluated(log: &Log, program: &Arc<Program>) -> Machine {
    let nothing = Support { since: 0, old: 0 };
    let mut machine = Machine::new(program.clone(), &particle_of(log), None);
    machine.begin(nothing);
    let done = machine.run();
    debug_assert!(done, "the turn has no end");
    for (_, held) in log.entries_from(LogIndex(0)) {
        let peer: Arc<str> = log.author(held.author).to_string().into();
        // An entry that does not hold is for the audit to name.
        if let Ok(Facts::Steps(facts)) = facts_of(log, held.entry, held.index, &peer) {
            let _for_the_audit = machine.learn_entry(facts, nothing);
        }
    }
    machine
}

fn what(log: &Log, machine: &Machine, body: &Body) -> What {
    let value = |cid| log.blob(cid).cloned().unwrap_or(Value::Null);
    match body {
        Body::Start(_) => What::Start,
        Body::Seen => What::Seen,
        Body::Hops(steps) => What::Hops(steps.len()),
        Body::Other { kind, .. } => What::Other(*kind),
        Body::Canon(canon) => What::Canon {
            instruction: machine.instruction_of(&Hash::from(canon.step.0)),
            elements: u64::from(canon.kept) + canon.keys.len() as u64,
        },
        Body::Call(call) => What::Call {
            service: call.service.clone(),
            function: call.function.clone(),
            args: machine.arguments_of(&Hash::from(call.step.0)),
            answer: match &call.outcome {
                Outcome::Value(cid) => TracedAnswer::Value(value(cid)),
                Outcome::Unused(_) => TracedAnswer::Unused,
                Outcome::Failed { code, message } => TracedAnswer::Failed {
                    code: *code,
                    message: value(message),
                },
            },
            step: call.step,
            receipt: call.receipt.clone(),
        },
    }
}
