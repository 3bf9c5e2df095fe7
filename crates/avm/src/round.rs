//! One round of work: what one event brought is evaluated, and the own entries
//! that follow are made.
//!
//! A round can take several turns. Its steps are the same, and in the same
//! order, wherever a turn ends. Nothing else comes into the log meanwhile: an
//! own entry says that its author knew all that is there, and what was not
//! evaluated yet would be missing from a canon.

use std::sync::Arc;

use weir_identity::Hash;

use crate::avm::{Avm, Facts, facts_of};
use crate::effects::{CallRequest, Effects, Report};
use crate::eval::{Fact, Notice, Own, Support, Verdict, Wrong};
use crate::log::{AuthorIdx, Body, CanonEntry, LogIndex, Offence, StepId};

/// Where the entries of a round come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This peer made them, or somebody of whom no entry is known here.
    Here,
    /// This peer sent them.
    Peer(AuthorIdx),
    /// The own records: whatever follows was said and reported before.
    Store,
}

impl Origin {
    fn sender(self) -> Option<AuthorIdx> {
        match self {
            Origin::Peer(sender) => Some(sender),
            Origin::Here | Origin::Store => None,
        }
    }
}

/// How far a round has come.
#[derive(Debug)]
pub(crate) struct Round {
    origin: Origin,
    /// The entry to evaluate next, and where they end.
    next: u32,
    end: u32,
    /// The entry whose consequences are being drawn.
    open: Option<Learning>,
}

/// An entry that was taken in.
#[derive(Debug)]
struct Learning {
    author: AuthorIdx,
    at: u32,
    steps: Vec<Hash>,
}

impl Avm {
    /// Whether a round of work is not finished. What it asks of the host is
    /// given out when it is.
    pub fn has_more(&self) -> bool {
        self.round.is_some()
    }

    /// Works one turn on what [`Avm::has_more`] says is left. Whatever comes in
    /// before that is done (a message, a result) has to wait for it, and would
    /// finish it at once.
    pub fn resume(&mut self) {
        self.work(self.tasks_per_turn.max(1));
    }

    pub(crate) fn finish(&mut self) {
        self.work(u64::MAX);
    }

    /// Begins a round: evaluates the entries from `base` on, makes the own
    /// entries that follow, and notes whom this peer owes a message.
    pub(crate) fn advance(&mut self, base: LogIndex, origin: Origin) {
        debug_assert!(self.round.is_none(), "one round at a time");
        self.machine.round(base.0);
        if !self.started {
            if self.log.start().initiator != self.key.peer_id()
                && self.log.head(AuthorIdx(0)).is_none()
            {
                // Nobody has signed that this particle exists.
                return;
            }
            self.started = true;
            self.machine.begin(Support {
                since: 1,
                old: if origin.sender().is_some() {
                    0
                } else {
                    u32::MAX
                },
            });
        }
        self.round = Some(Round {
            origin,
            next: base.0,
            end: self.log.len(),
            open: None,
        });
        self.resume();
    }

    fn work(&mut self, tasks: u64) {
        let Some(mut round) = self.round.take() else {
            return;
        };
        self.machine.allow(tasks);
        if !self.go_on(&mut round) {
            self.round = Some(round);
            return;
        }
        self.flush_hops();
        self.note_deliveries(round.origin.sender());
        let report = |notice: Notice| Report {
            code: notice.code,
            message: notice.message,
        };
        let errors = self.machine.take_errors().into_iter().map(report);
        self.effects.errors.extend(errors);
        let stuck = self.machine.take_stuck().into_iter().map(report);
        self.effects.stuck.extend(stuck);
        if round.origin == Origin::Store {
            self.targets.clear();
            self.owed.clear();
            self.effects = Effects {
                calls: std::mem::take(&mut self.effects.calls),
                ..Effects::default()
            };
        }
    }

    /// Goes on until nothing is left to do; false if the turn ends before.
    fn go_on(&mut self, round: &mut Round) -> bool {
        loop {
            if !self.machine.run() {
                return false;
            }
            if let Some(learning) = round.open.take() {
                let verdict = self.machine.verdict(&learning.steps);
                if let Verdict::Wrong(wrong) = verdict {
                    self.cut(learning.author, learning.at, wrong);
                }
            }
            // What may cause no task at all counts as one.
            if !self.machine.spend() {
                return false;
            }
            if round.next < round.end {
                round.open = self.learn(LogIndex(round.next), round.origin.sender());
                round.next += 1;
            } else if let Some(own) = self.machine.take_own() {
                round.open = self.take(own);
            } else {
                return true;
            }
        }
    }

    /// Does what this peer is to do itself.
    fn take(&mut self, own: Own) -> Option<Learning> {
        if self.log.silent().is_some() {
            // Who may not say how it ended must not do it.
            return None;
        }
        match own {
            Own::Call {
                step,
                service,
                function,
                args,
            } => self.effects.calls.push(CallRequest {
                step: StepId(*step.as_bytes()),
                args_cid: args.cid,
                service,
                function,
                args: args.values,
                tetraplets: args.tetraplets,
            }),
            Own::Canon {
                step,
                base,
                kept,
                keys,
            } => {
                self.flush_hops();
                let entry = CanonEntry {
                    step: StepId(*step.as_bytes()),
                    base,
                    kept,
                    keys: keys
                        .into_iter()
                        .map(|key| StepId(*key.as_bytes()))
                        .collect(),
                };
                let index = self
                    .log
                    .append(Body::Canon(entry))
                    .expect("the log is not silent");
                return self.learn(index, None);
            }
            Own::Hop { step, since } => {
                // Every hop of an entry is reached before the entry is made.
                if since > self.log.len() {
                    self.flush_hops();
                }
                self.hops.push(StepId(*step.as_bytes()));
                let author = self.key.peer_id().to_string().into();
                let support = Support {
                    since: self.log.len() + 1,
                    old: u32::MAX,
                };
                self.machine.learn(step, Fact::Hop { author }, support);
            }
        }
        None
    }

    pub(crate) fn flush_hops(&mut self) {
        if !self.hops.is_empty() {
            let hops = Body::Hops(std::mem::take(&mut self.hops));
            self.log
                .append(hops)
                .expect("hops are taken only while the log is not silent");
        }
    }

    /// Takes in one entry. Whether it holds is known when the machine has run.
    fn learn(&mut self, index: LogIndex, sender: Option<AuthorIdx>) -> Option<Learning> {
        if self.log.is_cut(index) {
            return None;
        }
        let held = self.log.entry(index)?;
        let (author, at, entry) = (held.author, held.index, held.entry.clone());
        let known = sender.is_some_and(|sender| self.log.past(sender).length(author) > at);
        let support = Support {
            since: index.0 + 1,
            old: if known { 0 } else { u32::MAX },
        };
        let peer: Arc<str> = self.text(author);
        let wrong = match facts_of(&self.log, &entry, at, &peer) {
            Err(missing) => (Offence::Outcome, missing),
            Ok(Facts::Steps(facts)) => match self.machine.take_entry(facts, support) {
                Ok(steps) => return Some(Learning { author, at, steps }),
                Err(wrong) => wrong,
            },
            Ok(Facts::Presence)
                if !self.machine.is_addressed(&peer) && self.machine.limit_reached().is_none() =>
            {
                (
                    Offence::NotItsStep,
                    "its author has no part in the particle".to_owned(),
                )
            }
            Ok(Facts::Presence | Facts::None) => return None,
        };
        self.cut(author, at, wrong);
        None
    }

    /// Cuts an entry that does not hold out of its journal.
    fn cut(&mut self, author: AuthorIdx, at: u32, (offence, reason): Wrong) {
        if self.log.builds_on_branch(author) {
            return;
        }
        let peer = self.text(author);
        self.effects.offences.push(Report {
            code: crate::OFFENCE,
            message: format!("entry {at} of {peer} does not hold: {reason}"),
        });
        self.log.cut(author, at, offence);
    }

    fn note_deliveries(&mut self, sender: Option<AuthorIdx>) {
        let deliveries = self.machine.take_deliveries();
        if deliveries.is_empty() {
            return;
        }
        let known = sender.map(|sender| self.log.prefix_known_to(sender).0);
        for delivery in deliveries {
            let needs = delivery.support.before(self.machine.base());
            if known.is_some_and(|known| needs <= known) {
                continue;
            }
            let text = self.machine.peer_text(delivery.peer).clone();
            if let Some(id) = self.resolve(&text) {
                self.owe(id);
            }
        }
    }
}
