//! The market's side of a step: how a worker stands after this view.

use super::judge::judge;
use super::reconcile::{Output, Reconciler, Turn};
use super::record::{Phase, Record, Stand};
use super::view::{WorkerStatus, WorkerView};

/// What a view shows of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// Nothing.
    Absent,
    /// A match that was not taken up in time, or whose deal ended, and that still has its units.
    Lapsed,
    /// A match.
    Matched,
    /// It serves.
    Serving,
    /// Its time is over, and it still has its units.
    Ended,
    /// It was released.
    Over,
}

impl Sight {
    pub(super) fn of(seen: Option<&WorkerView>, epoch: u32) -> Self {
        let Some(seen) = seen else {
            return Sight::Absent;
        };
        let ended = seen.end_epoch.is_some_and(|end| end <= epoch);
        match seen.status {
            WorkerStatus::Over => Sight::Over,
            WorkerStatus::Matched { deadline }
                if epoch > deadline || seen.deal.status == super::view::DealStatus::Ended =>
            {
                Sight::Lapsed
            }
            WorkerStatus::Matched { .. } => Sight::Matched,
            WorkerStatus::Active | WorkerStatus::Notice if ended => Sight::Ended,
            WorkerStatus::Active | WorkerStatus::Notice => Sight::Serving,
        }
    }
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    /// Nothing is left of the worker here, and the chain does not show it, or shows a new life of it.
    Forget,
}

impl Reconciler {
    /// How a worker stands that has no record; none if there is nothing to do for it.
    pub(super) fn first_stand(&self, seen: &WorkerView, turn: Turn<'_>) -> Option<Stand> {
        match Sight::of(Some(seen), turn.view.epoch) {
            Sight::Absent | Sight::Over => None,
            Sight::Matched => Some(self.judged(seen, turn)),
            Sight::Lapsed | Sight::Ended => Some(declined("it had lapsed before this peer saw it")),
            Sight::Serving => Some(declined(
                "it was activated with a key that this peer does not have: its records were lost, or another program \
                 activated it",
            )),
        }
    }

    fn judged(&self, seen: &WorkerView, turn: Turn<'_>) -> Stand {
        let room = self.room(&turn, seen.id);
        match judge(turn.policy, room, &seen.deal, turn.view.epoch) {
            Ok(()) => Stand::Wanted,
            Err(refusal) => declined(&refusal.to_string()),
        }
    }

    /// Changes how a worker stands by what the view shows of it.
    pub(super) fn judge_stand(
        &self,
        record: &mut Record,
        seen: Option<&WorkerView>,
        turn: Turn<'_>,
        out: &mut Output,
    ) -> Fate {
        let sight = Sight::of(seen, turn.view.epoch);
        let absent = record.phase == Phase::Absent;
        let idle = absent && record.chain.pending.is_none();
        match (sight, &mut record.stand) {
            // Nothing was begun, or nothing is left: if it comes back, it is judged anew.
            (Sight::Absent, Stand::Wanted | Stand::Declined { .. } | Stand::Missing { .. })
                if idle && !record.served =>
            {
                return Fate::Forget;
            }
            (Sight::Absent, Stand::Wanted | Stand::Declined { .. }) => {
                record.stand = Stand::Missing {
                    block: turn.view.block,
                    since: turn.now,
                };
            }
            (Sight::Absent, Stand::Missing { block, since }) => {
                // After a reorganisation the count may begin lower.
                *block = turn.view.block.min(*block);
                if turn.view.block - *block >= turn.timing.reorg_blocks {
                    let keep_ms = if record.served {
                        turn.timing.keep_ms
                    } else {
                        0
                    };
                    let keep_until = since.plus(keep_ms);
                    record.stand = Stand::Over { keep_until };
                }
            }
            (Sight::Absent | Sight::Over, Stand::Over { .. }) if idle => return Fate::Forget,
            (Sight::Absent | Sight::Over | Sight::Ended, Stand::Over { .. }) => {}
            // The name has come again, and nothing is left of its former life.
            (
                Sight::Matched | Sight::Serving | Sight::Lapsed,
                Stand::Missing { .. } | Stand::Over { .. },
            ) if idle => return Fate::Forget,
            (_, _) if record.phase == Phase::Removing => {}
            (Sight::Matched, Stand::Missing { .. } | Stand::Over { .. }) => {
                if let Some(seen) = seen {
                    record.stand = self.judged(seen, turn);
                }
            }
            (Sight::Serving, Stand::Missing { .. } | Stand::Over { .. }) => {
                let room = self.room(&turn, record.identity.worker);
                let fits = u32::from(record.units) <= room.units && room.workers > 0;
                record.stand = if fits {
                    Stand::Wanted
                } else {
                    declined("it was gone, and its place here has been given to others")
                };
            }
            (Sight::Matched | Sight::Serving, Stand::Wanted) => {
                if let Some(seen) = seen
                    && let Some(reason) = record.why_not_any_more(seen, &turn, out)
                {
                    record.stand = declined(&reason);
                }
            }
            (Sight::Lapsed, Stand::Wanted | Stand::Missing { .. } | Stand::Over { .. }) => {
                record.stand = declined("the match lapsed, or the customer ended the deal");
            }
            (Sight::Matched | Sight::Serving | Sight::Lapsed, Stand::Declined { .. }) => {}
            (Sight::Ended, Stand::Declined { .. }) if !record.served => {}
            (Sight::Ended | Sight::Over, _) => {
                let keep_ms = if record.served {
                    turn.timing.keep_ms
                } else {
                    0
                };
                record.stand = Stand::Over {
                    keep_until: turn.now.plus(keep_ms),
                };
            }
        }
        if sight == Sight::Serving && record.stand == Stand::Wanted {
            record.served = true;
        }
        Fate::Keep
    }
}

impl Record {
    /// Why a worker that was wanted cannot be served.
    fn why_not_any_more(
        &self,
        seen: &WorkerView,
        turn: &Turn<'_>,
        out: &mut Output,
    ) -> Option<String> {
        let epoch = turn.view.epoch;
        if let Phase::Installed {
            code,
            coming: Some(coming),
        } = &self.phase
            && let Some(reason) = &coming.hopeless
            && !seen.deal.permits(code, epoch)
        {
            return Some(format!("the deal's new code cannot be served: {reason}"));
        }
        match seen.status {
            WorkerStatus::Matched { deadline } => {
                let is_here = matches!(self.phase, Phase::Installed { .. });
                if self.leaving {
                    return Some("the operator gave it back".to_owned());
                }
                let left = turn.view.epoch_end.since(turn.view.time);
                if is_here || epoch < deadline {
                    return None;
                }
                // The chain's time goes on between two views.
                let rest = left.saturating_sub(turn.timing.decline_ms);
                if rest > 0 {
                    out.wake(turn.now.plus(rest));
                    return None;
                }
                let trouble = self.trouble.as_deref().unwrap_or("it took too long");
                Some(format!("it was not ready in time: {trouble}"))
            }
            _ if seen.key.is_some_and(|key| key != self.identity.peer.address()) => Some(
                "it was activated with a key that this peer does not have: another program activated it"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

fn declined(reason: &str) -> Stand {
    Stand::Declined {
        reason: reason.to_owned(),
    }
}
