//! The machine's side of a step: package, services, removal, and whether the worker answers.

use super::effect::{Effect, Intent, Job, Work};
use super::policy::{Timing, Unfunded};
use super::reconcile::{Asked, Output, Turn};
use super::record::{Coming, Phase, Record, Stand};
use super::stand::Sight;
use super::view::{Code, DealStatus, DealView, WorkerView};
use crate::intake::shortened;
use crate::time::Timestamp;

impl Record {
    /// Brings what this machine has of the worker one step nearer to what it should have.
    pub(super) fn work(
        &mut self,
        seen: Option<&WorkerView>,
        turn: Turn<'_>,
        asked: &mut Asked,
        out: &mut Output,
    ) {
        if self.is_to_go(&turn, out) {
            self.turn_to(Phase::Removing);
        }
        let deal = seen.map(|seen| &seen.deal);
        if self.stand == Stand::Wanted
            && let Some(deal) = deal
        {
            self.follow(deal, &turn);
        }
        let work = match &self.phase {
            Phase::Absent => None,
            Phase::Removing => Some(Work::Remove),
            _ if self.stand != Stand::Wanted => None,
            Phase::Fetching { code } => Some(Work::Fetch(*code)),
            Phase::Installing { code } => Some(Work::Install(*code)),
            Phase::Installed { coming, .. } => coming.as_ref().and_then(|coming| {
                if coming.swapping {
                    Some(Work::Swap(coming.code))
                } else if coming.fetched || coming.hopeless.is_some() {
                    None
                } else {
                    Some(Work::Fetch(coming.code))
                }
            }),
        };
        if self.retry_at > turn.now {
            out.wake(self.retry_at);
        } else if let Some(work) = work {
            self.ask(work, &turn, asked, out);
        }
    }

    /// Whether all that is here is to be deleted now.
    fn is_to_go(&self, turn: &Turn<'_>, out: &mut Output) -> bool {
        if matches!(self.phase, Phase::Absent | Phase::Removing) {
            return false;
        }
        // An activation may still be mined: nobody shall pay for a worker that was deleted meanwhile.
        let pending = self.chain.pending.as_ref();
        if pending.is_some_and(|pending| matches!(pending.intent, Intent::Activate { .. })) {
            return false;
        }
        match &self.stand {
            Stand::Wanted | Stand::Missing { .. } => false,
            Stand::Declined { .. } => !self.served,
            Stand::Over { keep_until } => {
                let over = *keep_until <= turn.now;
                if !over {
                    out.wake(*keep_until);
                }
                over
            }
        }
    }

    /// What follows from the code that the deal names.
    fn follow(&mut self, deal: &DealView, turn: &Turn<'_>) {
        let wanted = deal.code_at(turn.view.epoch);
        match &mut self.phase {
            Phase::Absent => self.turn_to(Phase::Fetching { code: wanted }),
            Phase::Fetching { code } if *code != wanted => {
                self.turn_to(Phase::Fetching { code: wanted });
            }
            Phase::Fetching { .. } | Phase::Installing { .. } | Phase::Removing => {}
            Phase::Installed { code, coming } => {
                if coming.as_ref().is_some_and(|coming| coming.swapping) {
                    return;
                }
                // What is active now comes first, then what will be.
                let goal = [wanted, deal.code].into_iter().find(|goal| goal != code);
                let same = coming.as_ref().map(|coming| coming.code) == goal;
                if !same {
                    *coming = goal.map(|code| Coming {
                        code,
                        fetched: false,
                        swapping: false,
                        hopeless: None,
                    });
                    (self.failures, self.retry_at) = (0, Timestamp::default());
                }
                if let Phase::Installed {
                    coming: Some(coming),
                    ..
                } = &mut self.phase
                    && coming.fetched
                    && coming.hopeless.is_none()
                    && coming.code == wanted
                    && self.retry_at <= turn.now
                {
                    coming.swapping = true;
                }
            }
        }
    }

    fn turn_to(&mut self, phase: Phase) {
        self.phase = phase;
        (self.failures, self.retry_at) = (0, Timestamp::default());
    }

    /// Gives out a job, unless it is under way. A driver answers every job while it lives, so none is repeated: the
    /// answer may be on its way, and what is done twice may be done beside what comes after it.
    fn ask(&self, work: Work, turn: &Turn<'_>, asked: &mut Asked, out: &mut Output) {
        if asked.job.replace(work) == Some(work) {
            return;
        }
        out.effects.push(Effect::Do(Job {
            worker: self.identity,
            deal: self.deal,
            work,
            limits: turn.policy.package,
        }));
    }

    /// A job is done.
    pub(super) fn done(&mut self, work: Work) {
        match (work, &mut self.phase) {
            (Work::Fetch(done), Phase::Fetching { code }) if done == *code => {
                self.turn_to(Phase::Installing { code: done });
            }
            (Work::Install(done), Phase::Installing { code }) if done == *code => {
                self.turn_to(Phase::Installed {
                    code: done,
                    coming: None,
                });
            }
            (
                Work::Fetch(done),
                Phase::Installed {
                    coming: Some(coming),
                    ..
                },
            ) if done == coming.code => {
                coming.fetched = true;
                (self.failures, self.retry_at) = (0, Timestamp::default());
            }
            (
                Work::Swap(done),
                Phase::Installed {
                    coming: Some(coming),
                    ..
                },
            ) if done == coming.code && coming.swapping => {
                self.turn_to(Phase::Installed {
                    code: done,
                    coming: None,
                });
            }
            (Work::Remove, Phase::Removing) => self.turn_to(Phase::Absent),
            // It answers what is not asked any more.
            _ => return,
        }
        self.trouble = None;
    }

    /// A job could not be done. `seen` is the worker as the latest view shows it, and the epoch of the view.
    pub(super) fn failed(
        &mut self,
        work: Work,
        reason: &str,
        permanent: bool,
        seen: Option<(&WorkerView, u32)>,
        timing: &Timing,
        now: Timestamp,
    ) {
        let reason = shortened(reason);
        // The deal may name other code by now, or nothing is known of it yet.
        let is_wanted =
            |code: &Code| seen.is_some_and(|(seen, epoch)| seen.deal.code_at(epoch) == *code);
        match (work, &mut self.phase) {
            (Work::Fetch(failed), Phase::Fetching { code })
            | (Work::Install(failed), Phase::Installing { code })
                if failed == *code =>
            {
                if !is_wanted(&failed) && seen.is_some() {
                    // Nothing of it is here: what the deal names now is fetched instead.
                    self.turn_to(Phase::Absent);
                } else if permanent && seen.is_some() && self.stand == Stand::Wanted {
                    self.refused = true;
                    self.stand = Stand::Declined {
                        reason: reason.clone(),
                    };
                }
            }
            (
                Work::Fetch(failed) | Work::Swap(failed),
                Phase::Installed {
                    coming: Some(coming),
                    ..
                },
            ) if failed == coming.code => {
                coming.swapping = false;
                if permanent {
                    coming.hopeless = Some(reason.clone());
                }
            }
            (Work::Remove, Phase::Removing) => {}
            _ => return,
        }
        self.failures = self.failures.saturating_add(1);
        self.retry_at = now.plus(timing.pause_ms(self.failures));
        self.trouble = Some(reason);
    }

    /// The code that is here or on its way.
    pub(super) fn code(&self) -> Option<Code> {
        match &self.phase {
            Phase::Fetching { code }
            | Phase::Installing { code }
            | Phase::Installed { code, .. } => Some(*code),
            Phase::Absent | Phase::Removing => None,
        }
    }

    /// The code that made this peer give the worker back.
    pub(super) fn hopeless(&self) -> Option<Code> {
        match &self.phase {
            Phase::Fetching { code } | Phase::Installing { code } if self.refused => Some(*code),
            Phase::Installed {
                coming: Some(coming),
                ..
            } => coming.hopeless.as_ref().map(|_| coming.code),
            _ => None,
        }
    }

    /// Lets the worker answer, or not.
    pub(super) fn run(
        &mut self,
        seen: Option<&WorkerView>,
        turn: Turn<'_>,
        asked: &mut Asked,
        out: &mut Output,
    ) {
        let has_funds = seen.is_none_or(|seen| seen.deal.status != DealStatus::Unfunded);
        self.unfunded_since = match self.unfunded_since {
            _ if has_funds => None,
            None => Some(turn.view.epoch),
            since => since,
        };
        if !matches!(self.phase, Phase::Installed { .. }) {
            // There is nothing to stop, or the removal stops it.
            (self.running, asked.run) = (false, None);
            return;
        }
        let run = self.why_stopped(seen, &turn).is_none();
        self.running = run;
        if asked.run.unwrap_or(false) != run {
            out.effects.push(Effect::Run {
                worker: self.identity,
                run,
            });
        }
        asked.run = Some(run);
    }

    /// Why an installed worker does not answer.
    pub(super) fn why_stopped(&self, seen: Option<&WorkerView>, turn: &Turn<'_>) -> Option<&str> {
        let Phase::Installed { code, coming } = &self.phase else {
            return Some("its services are not installed");
        };
        // Until a swap is answered either code may be what answers.
        let swapping = coming.as_ref().filter(|coming| coming.swapping);
        let mut codes = swapping
            .map(|coming| &coming.code)
            .into_iter()
            .chain([code]);
        let epoch = turn.view.epoch;
        let Some(seen) = seen else {
            return Some("the chain does not show it");
        };
        match Sight::of(Some(seen), epoch) {
            Sight::Serving if self.stand != Stand::Wanted => Some("it is being left"),
            Sight::Serving if !codes.all(|code| seen.deal.permits(code, epoch)) => {
                Some("its services are not those of the deal's code in this epoch")
            }
            Sight::Serving
                if seen.deal.status == DealStatus::Unfunded
                    && turn.policy.unfunded == Unfunded::Stop =>
            {
                Some("the deal has no funds (`unfunded`)")
            }
            Sight::Serving => None,
            Sight::Matched => Some("it is not active yet"),
            Sight::Absent | Sight::Lapsed | Sight::Ended | Sight::Over => Some("its time is over"),
        }
    }
}
