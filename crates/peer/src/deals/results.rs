//! What is made of answers: of jobs, of transactions, and of the operator.

use super::effect::{Outcome, Subject, TransactionKey, Work};
use super::identity::WorkerIdentity;
use super::reconcile::Reconciler;
use super::record::{Record, Stand};
use super::transactions::Sent;
use super::view::{WorkerId, WorkerView};
use crate::time::Timestamp;

impl Reconciler {
    pub(super) fn on_done(&mut self, worker: WorkerIdentity, work: Work, now: Timestamp) {
        self.on_job(worker, work, now, |record, _| record.done(work));
    }

    pub(super) fn on_failed(
        &mut self,
        worker: WorkerIdentity,
        work: Work,
        reason: &str,
        permanent: bool,
        now: Timestamp,
    ) {
        let pause = self.timing.clone();
        self.on_job(worker, work, now, |record, seen| {
            record.failed(work, reason, permanent, seen, &pause, now);
        });
    }

    /// A job of a worker that is still the same one came to an end.
    fn on_job(
        &mut self,
        worker: WorkerIdentity,
        work: Work,
        now: Timestamp,
        change: impl FnOnce(&mut Record, Option<(&WorkerView, u32)>),
    ) {
        let id = worker.worker;
        let Some(record) = self.workers.get_mut(&id) else {
            return;
        };
        if record.identity != worker {
            return;
        }
        if let Some(asked) = self.asked.get_mut(&id)
            && asked.job == Some(work)
        {
            asked.job = None;
        }
        let view = self.view.as_deref();
        let seen = view.and_then(|view| {
            let seen = view.workers.iter().find(|seen| seen.id == id)?;
            Some((seen, view.epoch))
        });
        let before = record.stand.clone();
        change(record, seen);
        self.dirty.insert(id);
        self.note_declined(&before, id, now);
    }

    /// A worker that was wanted is given back: the deal is not claimed again at once.
    pub(super) fn note_declined(&mut self, before: &Stand, id: WorkerId, now: Timestamp) {
        let Some(record) = self.workers.get(&id) else {
            return;
        };
        if let (Stand::Wanted, Stand::Declined { reason }) = (before, &record.stand) {
            let hopeless = record.hopeless();
            self.leave_alone(record.deal, hopeless, &reason.clone(), now);
        }
    }

    /// The operator leaves a deal: what is matched is given back, what serves gives notice and serves to its end.
    pub(super) fn on_leave(&mut self, deal: u64, now: Timestamp) {
        let mut code = None;
        for (id, record) in &mut self.workers {
            if record.deal == deal && record.stand == Stand::Wanted && !record.leaving {
                record.leaving = true;
                self.dirty.insert(*id);
                code = code.or(record.code());
            }
        }
        self.leave_alone(deal, code, "the operator left it", now);
    }

    pub(super) fn on_transaction(&mut self, key: TransactionKey, outcome: Outcome, now: Timestamp) {
        match key.subject {
            Subject::Worker(id) => {
                let Some(record) = self.workers.get_mut(&id) else {
                    return;
                };
                if record.identity.incarnation != key.incarnation {
                    return;
                }
                if let Some(ended) = record.chain.ended(key.number, outcome, &self.timing, now) {
                    match ended {
                        Err(trouble) => record.trouble = Some(trouble),
                        Ok(()) if record.failures == 0 => record.trouble = None,
                        Ok(()) => {}
                    }
                    self.asked.entry(id).or_default().sent = Sent::default();
                    self.dirty.insert(id);
                }
            }
            Subject::Deal(deal) => self.on_claim(deal, key, outcome, now),
        }
    }
}
