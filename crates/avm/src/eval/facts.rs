//! Facts: what signed entries say, applied to the steps that they belong to;
//! and the facts that this peer is to make itself.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use weir_identity::{Cid, Hash, Value};

use super::failure::{self, Failure, SAID_TEXT_MAX, code};
use super::machine::{Delivery, Machine, Notice, Task};
use super::program::{Op, Output};
use super::state::{ActId, Canon, Cause, Datum, Flow, Outcome, OwnCanon, Peer, Support, Val, Work};
use crate::log::Offence;
use crate::tetraplet::Tetraplet;

/// What is wrong with an entry.
pub(crate) type Wrong = (Offence, String);

/// What becomes of an entry.
#[derive(Debug)]
pub(crate) enum Verdict {
    Holds,
    /// It may hold: a limit was reached here, and where depends on the order of
    /// arrival, so its author can have seen what is not to be seen here.
    Unknown(String),
    Wrong(Wrong),
}

fn wrong<T>(offence: Offence, text: impl Into<String>) -> Result<T, Wrong> {
    Err((offence, text.into()))
}

/// What an entry says of a step, with values at hand.
#[derive(Debug, Clone)]
pub(crate) enum Fact {
    Call {
        author: Arc<str>,
        service: Arc<str>,
        function: Arc<str>,
        args: Cid,
        tetraplets: Cid,
        result: Answer,
    },
    Canon {
        author: Arc<str>,
        /// Index of the entry in its author's journal.
        index: u32,
        base: Option<u32>,
        kept: u32,
        keys: Vec<Hash>,
    },
    Hop {
        author: Arc<str>,
    },
}

/// What a call returned.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Value(Value),
    /// The call has no output: only the content id of the value is kept.
    Unused,
    Failed {
        code: i32,
        message: Value,
    },
}

const UNREACHED: &str =
    "control does not come to its step, or not with all arguments, in its author's past";

impl Machine {
    /// Begins a round of work on a log that was `base` entries long.
    pub fn round(&mut self, base: u32) {
        self.base = base;
    }

    /// Takes a fact in; what follows from it is done by `run`.
    pub fn learn(&mut self, step: Hash, fact: Fact, support: Support) {
        match self.steps.get(&step).copied() {
            Some(reached) if self.ready_for(reached) => self.answer(reached, fact, support),
            _ => {
                let before = self.facts.insert(step, (fact, support));
                if before.is_some() && self.limit_reached().is_none() {
                    self.offences
                        .push((step, (Offence::Twice, "the step has two entries".into())));
                }
            }
        }
    }

    fn ready_for(&self, reached: u32) -> bool {
        match &self.reached[reached as usize].work {
            Work::Call { args, .. } => args.is_some(),
            Work::Canon { .. } => true,
        }
    }

    /// Applies a fact to its step. What does not fit is an offence of its
    /// author, and changes nothing.
    pub(super) fn answer(&mut self, reached: u32, fact: Fact, support: Support) {
        let step = self.reached[reached as usize].step;
        if let Err(offence) = self.try_answer(reached, fact, support) {
            self.offences.push((step, offence));
        } else {
            self.placed += 1;
        }
    }

    fn try_answer(&mut self, index: u32, fact: Fact, support: Support) -> Result<(), Wrong> {
        let reached = &self.reached[index as usize];
        if reached.answered {
            return wrong(Offence::Twice, "the step is answered already");
        }
        let (Fact::Call { author, .. } | Fact::Canon { author, .. } | Fact::Hop { author }) = &fact;
        self.check_author(reached.peer, author)?;
        let peer = self.peer_text(reached.peer);
        let act = reached.act;
        match (&reached.work, fact) {
            (
                Work::Call {
                    service,
                    function,
                    args: Some(known),
                    ..
                },
                Fact::Call {
                    service: said,
                    function: named,
                    args,
                    tetraplets,
                    result,
                    ..
                },
            ) => {
                if *service != said || *function != named {
                    let text =
                        format!("the script calls {service}.{function}, the entry {said}.{named}");
                    return wrong(Offence::Function, text);
                }
                if known.cid != args {
                    return wrong(
                        Offence::Arguments,
                        "the arguments are not those of the script",
                    );
                }
                if known.tetraplets_cid != tetraplets {
                    return wrong(
                        Offence::Tetraplets,
                        "the origins of the arguments are not those of the script",
                    );
                }
                let tetraplet = Tetraplet {
                    peer: peer.clone(),
                    service: service.clone(),
                    function: function.clone(),
                    lens: Arc::from(""),
                };
                self.call_answered(act, result, tetraplet, support)?;
            }
            (Work::Canon { .. }, Fact::Hop { .. }) => {
                let Op::Canon { hop: true, .. } =
                    self.program.node(self.acts[act as usize].node).op
                else {
                    return wrong(
                        Offence::Hop,
                        "the canon is no pure hop, its content has to be said",
                    );
                };
                let frozen = self.freeze(self.reached[index as usize].peer, None, 0, &[], index)?;
                self.bind_canon(act, frozen, support);
            }
            (
                Work::Canon { stream },
                Fact::Canon {
                    index: entry,
                    base,
                    kept,
                    keys,
                    ..
                },
            ) => {
                let (stream, peer) = (*stream, reached.peer);
                let canon = self.freeze(peer, base, kept, &keys, index)?;
                self.authored.insert((peer, entry), canon);
                if self.me == Some(peer) {
                    let record = self.canons[canon as usize];
                    let whole = if kept == 0 {
                        let known = &self.streams[stream as usize].elements;
                        known.starts_with(self.canon_elements(record))
                    } else {
                        self.extends(stream, base, kept, record)
                    };
                    self.streams[stream as usize].own = Some(OwnCanon {
                        canon,
                        entry,
                        whole,
                    });
                }
                self.bind_canon(act, canon, support);
            }
            _ => {
                return wrong(
                    Offence::NotItsStep,
                    "the entry is of another kind than the instruction",
                );
            }
        }
        self.reached[index as usize].answered = true;
        self.open.remove(&index);
        Ok(())
    }

    /// The canon continues one that held exactly the first elements of the
    /// stream, with exactly the ones that follow.
    fn extends(&self, stream: u32, base: Option<u32>, kept: u32, canon: Canon) -> bool {
        let stream = &self.streams[stream as usize];
        stream.own.is_some_and(|own| {
            Some(own.entry) == base && own.whole && self.canons[own.canon as usize].length == kept
        }) && stream
            .elements
            .get(kept as usize..)
            .is_some_and(|rest| rest.starts_with(&self.canon_elements(canon)[kept as usize..]))
    }

    fn call_answered(
        &mut self,
        act: ActId,
        result: Answer,
        tetraplet: Tetraplet,
        support: Support,
    ) -> Result<(), Wrong> {
        let record = &self.acts[act as usize];
        let flow = Flow {
            cause: Cause::Step(act),
            support,
            last: record.flow.last,
        };
        let Op::Call { output, .. } = &self.program.node(record.node).op else {
            return wrong(
                Offence::NotItsStep,
                "the entry is of another kind than the instruction",
            );
        };
        let output = *output;
        if let Answer::Value(value) = &result {
            let bytes = self.measures.of(value).bytes;
            let limit = self.limits.value_bytes;
            if bytes > u64::from(limit) {
                let text = format!("the result has {bytes} bytes, the particle's limit is {limit}");
                return wrong(Offence::Outcome, text);
            }
        }
        match (output, result) {
            (
                _,
                Answer::Failed {
                    code: number,
                    message,
                },
            ) => {
                self.call_failed(act, number, &message, tetraplet, flow);
                return Ok(());
            }
            (Output::None, Answer::Unused) => {}
            (Output::None, Answer::Value(_)) | (_, Answer::Unused) => {
                return wrong(
                    Offence::Outcome,
                    "the entry and the script differ on whether the call has an output",
                );
            }
            (Output::Slot(slot), Answer::Value(value)) => {
                let val = Val {
                    value,
                    tetraplet: Arc::new(tetraplet),
                };
                self.set_value(act, slot, Datum::One(val), support);
            }
            (Output::Stream(place), Answer::Value(value)) => {
                let val = Val {
                    value,
                    tetraplet: Arc::new(tetraplet),
                };
                if !self.append(act, place, val, None, None, support) {
                    return Ok(());
                }
            }
        }
        self.tasks.push(Task::Settle(act, Outcome::Complete(flow)));
        Ok(())
    }

    fn call_failed(
        &mut self,
        act: ActId,
        number: i32,
        message: &Value,
        tetraplet: Tetraplet,
        flow: Flow,
    ) {
        let text = self.instruction(act);
        let said = failure::shown_within(message, SAID_TEXT_MAX);
        let message: Arc<str> = format!("the service failed with code {number}: {said}").into();
        let object = failure::error_object(code::SERVICE, &message, &text, Some(&tetraplet.peer));
        let failure = Failure {
            code: code::SERVICE,
            message,
            last: Some(object.clone()),
            shown: object,
            tetraplet: Arc::new(tetraplet),
            grave: true,
        };
        self.raise(act, failure, Some(flow));
    }

    /// Makes the list that a canon entry describes.
    fn freeze(
        &mut self,
        peer: Peer,
        base: Option<u32>,
        kept: u32,
        keys: &[Hash],
        reached: u32,
    ) -> Result<u32, Wrong> {
        let Work::Canon { stream } = self.reached[reached as usize].work else {
            return wrong(Offence::NotItsStep, "the step is no canon");
        };
        let act = self.reached[reached as usize].act;
        let mut added = Vec::with_capacity(keys.len());
        for key in keys {
            match self.appends.get(key) {
                Some(id) if self.elements[*id as usize].stream == stream => added.push(*id),
                Some(_) => {
                    return wrong(
                        Offence::Canon,
                        format!("the canon names {key}, an element of another stream"),
                    );
                }
                None => {
                    return wrong(
                        Offence::Canon,
                        format!("the canon names {key}, which was not appended"),
                    );
                }
            }
        }
        let before = match base {
            None if kept == 0 => None,
            None => {
                return wrong(
                    Offence::Canon,
                    "the canon keeps elements of no canon before it",
                );
            }
            Some(entry) => {
                let Some(canon) = self.authored.get(&(peer, entry)) else {
                    let text = format!(
                        "entry {entry}, which the canon refers to, is no canon of its author"
                    );
                    return wrong(Offence::Canon, text);
                };
                Some(self.canons[*canon as usize])
            }
        };
        if kept > before.map_or(0, |canon| canon.length) {
            return wrong(
                Offence::Canon,
                "the canon keeps more elements than the one before it has",
            );
        }
        if let Some(first) = before
            && let Some(id) = self.lists[first.list as usize].first()
            && self.elements[*id as usize].stream != stream
        {
            return wrong(
                Offence::Canon,
                "the canon refers to a canon of another stream",
            );
        }
        let list = match before {
            Some(canon) if self.lists[canon.list as usize].len() == kept as usize => {
                self.lists[canon.list as usize].extend(added);
                canon.list
            }
            _ => {
                let mut items: Vec<_> = before
                    .map_or(&[][..], |canon| {
                        &self.lists[canon.list as usize][..kept as usize]
                    })
                    .to_vec();
                items.extend(added);
                self.lists.push(items);
                self.lists.len() as u32 - 1
            }
        };
        let length = kept + keys.len() as u32;
        self.canons.push(Canon {
            act,
            peer,
            list,
            length,
        });
        Ok(self.canons.len() as u32 - 1)
    }

    /// Takes in all that one entry says, or nothing of it, and does what
    /// follows. For turns without an end.
    pub fn learn_entry(&mut self, facts: Vec<(Hash, Fact)>, support: Support) -> Verdict {
        match self.take_entry(facts, support) {
            Ok(steps) => {
                let done = self.run();
                debug_assert!(done, "the turn has no end");
                self.verdict(&steps)
            }
            Err(wrong) => Verdict::Wrong(wrong),
        }
    }

    /// Takes in all that one entry says, or nothing of it, and gives its
    /// steps: whether they hold is known when `run` is done.
    pub fn take_entry(
        &mut self,
        facts: Vec<(Hash, Fact)>,
        support: Support,
    ) -> Result<Vec<Hash>, Wrong> {
        self.check_hops(&facts)?;
        let steps = facts.iter().map(|(step, _)| *step).collect();
        for (step, fact) in facts {
            self.learn(step, fact, support);
        }
        Ok(steps)
    }

    /// An entry of hops states many facts. Each was reached before the entry
    /// was made, so all are checked before one is taken in: who acts on a part
    /// of an entry that is cut cannot be followed by the others.
    fn check_hops(&self, facts: &[(Hash, Fact)]) -> Result<(), Wrong> {
        let mut seen = FxHashSet::default();
        for (step, fact) in facts {
            let Fact::Hop { author } = fact else { continue };
            if !seen.insert(step) {
                return wrong(Offence::Twice, "it passes a step twice");
            }
            let Some(index) = self.steps.get(step) else {
                if self.limit_reached().is_some() {
                    continue;
                }
                return wrong(Offence::NotItsStep, UNREACHED);
            };
            let reached = &self.reached[*index as usize];
            if reached.answered {
                return wrong(Offence::Twice, "the step is answered already");
            }
            self.check_author(reached.peer, author)?;
            let node = self.acts[reached.act as usize].node;
            if !matches!(self.program.node(node).op, Op::Canon { hop: true, .. }) {
                return wrong(Offence::Hop, "a step of it is no pure hop");
            }
        }
        Ok(())
    }

    fn check_author(&self, peer: Peer, author: &Arc<str>) -> Result<(), Wrong> {
        let peer = self.peer_text(peer);
        if author == peer {
            return Ok(());
        }
        wrong(
            Offence::NotItsStep,
            format!("the step belongs to {peer}, not to {author}"),
        )
    }

    /// Whether these steps, just learnt, hold: one may contradict the script,
    /// or control may not have come there within its author's past.
    pub fn verdict(&mut self, steps: &[Hash]) -> Verdict {
        let offence = self
            .offences
            .drain(..)
            .find(|(step, _)| steps.contains(step));
        let limited = self.limit_reached().is_some();
        if let Some((_, wrong)) = offence {
            return match wrong {
                (Offence::Canon, what) if limited => Verdict::Unknown(what),
                wrong => Verdict::Wrong(wrong),
            };
        }
        let mut waiting = steps.iter().filter(|step| self.facts.contains_key(step));
        if waiting.next().is_none() {
            return Verdict::Holds;
        }
        if limited {
            return Verdict::Unknown(UNREACHED.to_owned());
        }
        for step in steps {
            self.facts.remove(step);
        }
        Verdict::Wrong((Offence::NotItsStep, UNREACHED.to_owned()))
    }

    /// Whether some reached step is or was addressed to this peer.
    pub fn is_addressed(&self, peer: &Arc<str>) -> bool {
        self.peer_index
            .get(peer)
            .is_some_and(|peer| self.addressed.contains(peer))
    }

    pub fn take_deliveries(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.deliveries)
    }

    pub fn take_errors(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.errors)
    }

    pub fn take_stuck(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.stuck)
    }

    pub fn base(&self) -> u32 {
        self.base
    }

    /// The script as a whole has completed or failed.
    pub fn is_done(&self) -> bool {
        self.outcome.is_some()
    }

    /// Whether the script has failed, with nothing that caught it.
    pub fn has_failed(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Failed(..)))
    }
}
