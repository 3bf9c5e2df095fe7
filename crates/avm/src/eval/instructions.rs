//! What each instruction does when control reaches it, and again when
//! something that it waited for is there.

use std::sync::Arc;

use weir_identity::{Cid, Value};

use super::failure::{self, Cause as Why, Failure, SAID_TEXT_MAX, code};
use super::machine::{Delivery, Machine, Task};
use super::measure::header;
use super::program::{Arg, CanonForm, Op, Output, Place};
use super::reading::{Reading, Stop};
use super::state::{
    Act, ActId, Args, Cause, Datum, Element, ElementId, Flow, NONE, Outcome, Reached, Slot,
    Support, Val, Work,
};

impl Machine {
    /// Runs an activation as far as it goes.
    pub(super) fn execute(&mut self, act: ActId) {
        if self.acts[act as usize].settled {
            return;
        }
        let program = self.program.clone();
        let record = &self.acts[act as usize];
        let (node, frame, flow) = (record.node, record.frame, record.flow);
        match &program.node(node).op {
            Op::Null => self.complete(act, flow),
            Op::Never => {}
            Op::Seq(left, _) | Op::Xor { left, .. } => {
                self.tasks.push(Task::Start {
                    node: *left,
                    frame,
                    parent: act,
                    flow,
                });
            }
            Op::Par(left, _) => self.start_par(act, *left),
            Op::New { body } => self.tasks.push(Task::Start {
                node: *body,
                frame,
                parent: act,
                flow,
            }),
            Op::NewStream { slot, body } => {
                let stream = self.new_stream();
                let place = self.frames[frame as usize].slots + slot;
                self.slots[place as usize] = Slot::Stream(stream);
                self.tasks.push(Task::Start {
                    node: *body,
                    frame,
                    parent: act,
                    flow,
                });
            }
            Op::Match {
                left,
                right,
                body,
                equal,
            } => {
                let mut at = self.reading(act);
                let pair = self
                    .val(&mut at, left)
                    .and_then(|l| Ok((l, self.val(&mut at, right)?)));
                match pair {
                    Err(stop) => self.stop(act, stop),
                    Ok((left, right)) => {
                        let flow = self.after(act, &at);
                        if (left.value == right.value) == *equal {
                            self.tasks.push(Task::Start {
                                node: *body,
                                frame,
                                parent: act,
                                flow,
                            });
                        } else {
                            self.acts[act as usize].flow = flow;
                            let why = if *equal {
                                Why::new(code::MATCH, "the values of match are not equal")
                            } else {
                                Why::new(code::MISMATCH, "the values of mismatch are equal")
                            };
                            self.fail(act, &why);
                        }
                    }
                }
            }
            Op::Call {
                peer,
                service,
                function,
                args,
                ..
            } => {
                self.call(act, [peer, service, function], args);
            }
            Op::Ap { value, target } => self.ap(act, value, *target),
            Op::ApMap { key, value, map } => self.ap_map(act, key, value, *map),
            Op::Canon { peer, source, .. } => self.canon(act, peer, *source),
            Op::Fold { over, body, .. } => self.fold(act, over, *body),
            Op::Next { up, in_last, arm } => self.next(act, *up, *in_last, *arm),
            Op::FailLiteral { code, message } => {
                let text = self.instruction(act);
                let peer = self.peer_text(self.init).clone();
                let object = failure::error_object(*code, message, &text, Some(&peer));
                self.fail_with(act, object, self.literal.clone(), flow);
            }
            Op::FailValue(arg) => {
                let mut at = self.reading(act);
                match self.val(&mut at, arg) {
                    Err(Stop::Never(variable)) => {
                        let name = program.script().name(variable);
                        let why =
                            Why::new(code::NOT_FOUND, format!("variable {name} has no value"));
                        self.fail_gravely(act, &why);
                    }
                    Err(Stop::Fail(why)) => self.fail_gravely(act, &why),
                    Err(stop) => self.stop(act, stop),
                    Ok(val) => {
                        let flow = self.after(act, &at);
                        self.fail_with(act, val.value, val.tetraplet, flow);
                    }
                }
            }
            Op::FailLastError => {
                let object = match flow.last {
                    NONE => failure::no_error(),
                    id => {
                        let failure = &self.failures[id as usize];
                        failure
                            .last
                            .clone()
                            .unwrap_or_else(|| failure.shown.clone())
                    }
                };
                let tetraplet = match flow.last {
                    NONE => self.literal.clone(),
                    id => self.failures[id as usize].tetraplet.clone(),
                };
                self.fail_with(act, object, tetraplet, flow);
            }
            Op::FailError(place) => match place.map_or(NONE, |place| self.caught(frame, place)) {
                NONE => self.fail_with(act, failure::no_error(), self.literal.clone(), flow),
                id => {
                    let failure = Failure {
                        grave: true,
                        ..self.failures[id as usize].clone()
                    };
                    self.raise(act, failure, None);
                }
            },
        }
    }

    /// Control after an instruction that read what `at` says.
    fn after(&self, act: ActId, at: &Reading) -> Flow {
        let flow = self.acts[act as usize].flow;
        let cause = if at.definite {
            flow.cause
        } else {
            Cause::Step(act)
        };
        Flow {
            cause,
            support: at.support,
            last: flow.last,
        }
    }

    fn fail_gravely(&mut self, act: ActId, why: &Why) {
        self.fail(act, why);
        if let Some(failure) = self.failures.last_mut() {
            failure.grave = true;
        }
    }

    /// `fail` with an error object.
    fn fail_with(
        &mut self,
        act: ActId,
        object: Value,
        tetraplet: Arc<crate::tetraplet::Tetraplet>,
        flow: Flow,
    ) {
        if let Err(why) = failure::raisable(&object) {
            self.acts[act as usize].flow = flow;
            return self.fail_gravely(act, &why);
        }
        let text = self.instruction(act);
        let said = failure::shown_within(&object, SAID_TEXT_MAX);
        let message: Arc<str> = format!("fail with {said}").into();
        let failure = Failure {
            code: code::USER,
            shown: failure::error_object(code::USER, &message, &text, None),
            message,
            last: Some(object),
            tetraplet,
            grave: true,
        };
        self.raise(act, failure, Some(flow));
    }

    fn ap(&mut self, act: ActId, value: &Arg, target: Output) {
        let mut at = self.reading(act);
        let val = match self.val(&mut at, value) {
            Ok(val) => val,
            Err(stop) => return self.stop(act, stop),
        };
        let flow = self.after(act, &at);
        match target {
            Output::Slot(slot) => self.set_value(act, slot, Datum::One(val), flow.support),
            Output::Stream(place) => {
                let cause = at.definite.then_some(flow.cause);
                if !self.append(act, place, val, None, cause, flow.support) {
                    return;
                }
            }
            Output::None => {}
        }
        self.complete(act, flow);
    }

    fn ap_map(&mut self, act: ActId, key: &Arg, value: &Arg, map: Place) {
        let mut at = self.reading(act);
        let pair = self
            .val(&mut at, value)
            .and_then(|v| Ok((v, self.val(&mut at, key)?)));
        let (value, key) = match pair {
            Ok(pair) => pair,
            Err(stop) => return self.stop(act, stop),
        };
        if !matches!(key.value, Value::String(_) | Value::Int(_) | Value::Uint(_)) {
            let text = format!(
                "{} cannot be a key of a map: expected a string or an integer",
                failure::shown(&key.value)
            );
            return self.fail(act, &Why::new(code::MAP_KEY, text));
        }
        let flow = self.after(act, &at);
        let cause = at.definite.then_some(flow.cause);
        if self.append(act, map, value, Some(key.value), cause, flow.support) {
            self.complete(act, flow);
        }
    }

    /// Appends to a stream and tells those who look at it. False when the
    /// stream is full; then the activation stays stuck.
    pub(super) fn append(
        &mut self,
        act: ActId,
        place: Place,
        val: Val,
        key: Option<Value>,
        cause: Option<Cause>,
        support: Support,
    ) -> bool {
        let Act { frame, data, .. } = self.acts[act as usize];
        let stream = self.stream_at(frame, place);
        // A result that was signed is there, whatever arrived before it.
        if data == NONE
            && self.streams[stream as usize].elements.len() >= self.limits.elements as usize
        {
            self.reach_limit(format!(
                "a stream has reached the particle's limit of {} elements",
                self.limits.elements
            ));
            return false;
        }
        let step = match data {
            NONE => self.step_id(act),
            reached => self.reached[reached as usize].step,
        };
        let id = self.elements.len() as ElementId;
        self.elements.push(Element {
            step,
            act,
            stream,
            val,
            key,
            cause,
            support,
        });
        self.appends.insert(step, id);
        let place = self.enter(act);
        let record = &mut self.streams[stream as usize];
        record.elements.push(id);
        record.support = Some(
            record
                .support
                .map_or(support, |s| s.and(support, self.base)),
        );
        if record.last.is_none_or(|last| {
            let last = self.acts[self.elements[last as usize].act as usize].enter;
            self.order.before(last, place)
        }) {
            record.last = Some(id);
        }
        let arrived = record.elements.len() as u32 - 1;
        while let Some(first) = record.firsts.last() {
            let first = record.elements[*first as usize];
            let first = self.acts[self.elements[first as usize].act as usize].enter;
            if self.order.before(first, place) {
                break;
            }
            record.firsts.pop();
        }
        record.firsts.push(arrived);
        for index in 0..self.streams[stream as usize].folds.len() {
            let fold = self.streams[stream as usize].folds[index];
            if self.order.before(place, self.acts[fold as usize].exit) {
                self.gather(fold, id);
            }
        }
        let mut waiting = std::mem::take(&mut self.streams[stream as usize].waiting);
        waiting.retain(|canon| {
            let reached = &self.reached[self.acts[*canon as usize].data as usize];
            if !reached.answered && self.order.before(place, self.enter(*canon)) {
                let control = self.acts[*canon as usize].flow.support;
                let support = support.and(control, self.base);
                self.deliveries.push(Delivery {
                    peer: reached.peer,
                    support,
                });
            }
            !reached.answered
        });
        self.streams[stream as usize].waiting = waiting;
        true
    }

    fn call(&mut self, act: ActId, triplet: [&Arg; 3], args: &[Arg]) {
        let mut at = self.reading(act);
        if self.acts[act as usize].data == NONE {
            let mut texts = [const { None }; 3];
            for (text, arg) in texts.iter_mut().zip(triplet) {
                match self.text(&mut at, arg) {
                    Ok(found) => *text = Some(found),
                    Err(stop) => return self.stop(act, stop),
                }
            }
            let [Some(peer), Some(service), Some(function)] = texts else {
                return;
            };
            let peer = self.peer(&peer);
            self.reach(
                act,
                peer,
                Work::Call {
                    service,
                    function,
                    args: None,
                    requested: false,
                },
            );
            self.acts[act as usize].flow.support = at.support;
        }
        let data = self.acts[act as usize].data;
        let reached = &self.reached[data as usize];
        if let Work::Call { args: Some(_), .. } = reached.work {
            return;
        }
        let own = self.me == Some(reached.peer);
        let mut values = Vec::with_capacity(args.len());
        let mut tetraplets = Vec::with_capacity(args.len());
        let mut missing = false;
        for arg in args {
            match self.argument(&mut at, arg) {
                Ok(argument) => {
                    values.push(argument.value);
                    tetraplets.push(argument.tetraplets);
                }
                Err(Stop::Fail(why)) if !missing => {
                    self.forget(data);
                    return self.fail(act, &why);
                }
                Err(Stop::Fail(_)) => {}
                Err(stop) => {
                    missing = true;
                    self.stop(act, stop);
                    if own {
                        break;
                    }
                }
            }
        }
        if !own && self.me.is_some() && !self.facts.contains_key(&self.reached[data as usize].step)
        {
            let peer = self.reached[data as usize].peer;
            self.deliveries.push(Delivery {
                peer,
                support: at.support,
            });
        }
        if missing {
            return;
        }
        self.acts[act as usize].flow.support = at.support;
        let bytes = values.iter().fold(header(values.len() as u64), |sum, v| {
            sum.saturating_add(self.measures.of(v).bytes)
        });
        if let Err(stop) = self.within_bytes(bytes) {
            return self.stop(act, stop);
        }
        let args = Args {
            cid: args_cid(&values),
            tetraplets_cid: tetraplets_cid(&tetraplets),
            values,
            tetraplets,
        };
        if let Work::Call { args: known, .. } = &mut self.reached[data as usize].work {
            *known = Some(Box::new(args));
        }
        let step = self.reached[data as usize].step;
        if let Some((fact, support)) = self.facts.remove(&step) {
            self.answer(data, fact, support);
        } else if own {
            self.want_own(act);
        }
    }

    /// Control stands at a step whose peer is known.
    fn reach(&mut self, act: ActId, peer: super::state::Peer, work: Work) {
        let step = self.step_id(act);
        let index = self.reached.len() as u32;
        self.reached.push(Reached {
            act,
            step,
            peer,
            answered: false,
            work,
        });
        self.acts[act as usize].data = index;
        self.steps.insert(step, index);
        self.open.insert(index);
        self.addressed.insert(peer);
    }

    /// A reached step that failed before anybody could do it.
    fn forget(&mut self, reached: u32) {
        self.open.remove(&reached);
        self.reached[reached as usize].answered = true;
    }

    pub(super) fn want_own(&mut self, act: ActId) {
        let (acts, order) = (&self.acts, &self.order);
        self.ready_own.push(act, |a, b| {
            order.before(acts[a as usize].enter, acts[b as usize].enter)
        });
    }

    fn canon(&mut self, act: ActId, peer: &Arg, source: Place) {
        if self.acts[act as usize].data != NONE {
            return;
        }
        let mut at = self.reading(act);
        let peer = match self.text(&mut at, peer) {
            Ok(text) => self.peer(&text),
            Err(stop) => return self.stop(act, stop),
        };
        self.acts[act as usize].flow.support = at.support;
        let frame = self.acts[act as usize].frame;
        let stream = self.stream_at(frame, source);
        self.reach(act, peer, Work::Canon { stream });
        let reached = self.acts[act as usize].data;
        let step = self.reached[reached as usize].step;
        if let Some((fact, support)) = self.facts.remove(&step) {
            self.answer(reached, fact, support);
        } else if self.me == Some(peer) {
            self.want_own(act);
        } else if self.me.is_some() {
            let stream = &mut self.streams[stream as usize];
            stream.waiting.push(act);
            let support = stream
                .support
                .map_or(at.support, |s| s.and(at.support, self.base));
            self.deliveries.push(Delivery { peer, support });
        }
    }

    /// Binds what a canon froze, and goes on after it.
    pub(super) fn bind_canon(&mut self, act: ActId, canon: u32, support: Support) {
        let record = &self.acts[act as usize];
        let (node, last) = (record.node, record.flow.last);
        let Op::Canon { target, form, .. } = self.program.clone().node(node).op else {
            return;
        };
        let datum = match form {
            CanonForm::List => Datum::Canon(canon),
            CanonForm::Map => Datum::CanonMap(canon),
            CanonForm::Object => {
                let frozen = self.canons[canon as usize];
                let object = self.first_values(self.canon_elements(frozen));
                match self.bounded(object) {
                    Ok(value) => Datum::One(Val {
                        value,
                        tetraplet: self.said_by(frozen),
                    }),
                    Err(stop) => return self.stop(act, stop),
                }
            }
        };
        self.set_value(act, target, datum, support);
        let flow = Flow {
            cause: Cause::Step(act),
            support,
            last,
        };
        self.tasks.push(Task::Settle(act, Outcome::Complete(flow)));
    }
}

/// The content id of an argument list.
pub(crate) fn args_cid(values: &[Value]) -> Cid {
    Value::from(values.to_vec()).cid()
}

/// The content id of the origins of an argument list: for each argument a list
/// of `[peer, service, function, lens]`.
pub(crate) fn tetraplets_cid(tetraplets: &[Vec<Arc<crate::tetraplet::Tetraplet>>]) -> Cid {
    let list = |items: Vec<Value>| Value::from(items);
    list(
        tetraplets
            .iter()
            .map(|argument| {
                list(
                    argument
                        .iter()
                        .map(|t| {
                            list(vec![
                                Value::String(t.peer.clone()),
                                Value::String(t.service.clone()),
                                Value::String(t.function.clone()),
                                Value::String(t.lens.clone()),
                            ])
                        })
                        .collect(),
                )
            })
            .collect(),
    )
    .cid()
}
