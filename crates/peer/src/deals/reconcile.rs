//! The reconciler itself: what comes in, in which order a step is made, and what goes out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weir_identity::Keypair;

use super::effect::{Effect, Event, Work};
use super::identity::WorkerIdentity;
use super::judge::{Refusal, Room};
use super::policy::{Policy, Timing};
use super::record::{Claim, Phase, Record, Stand, Transactions};
use super::stand::Fate;
use super::store::{self, Stored};
use super::transactions::Sent;
use super::view::{MarketView, WorkerId, WorkerView};
use crate::effect::Batch;
use crate::error::RestoreError;
use crate::event::StoredRecord;
use crate::store::damaged;
use crate::time::Timestamp;

/// Follows the market for one peer. See the [module](super) for what a driver does.
#[derive(Debug)]
pub struct Reconciler {
    pub(super) key: Arc<Keypair>,
    pub(super) policy: Policy,
    pub(super) timing: Timing,
    pub(super) view: Option<Arc<MarketView>>,
    pub(super) viewed_at: Timestamp,
    /// Number of the next record.
    pub(super) next: u64,
    pub(super) workers: BTreeMap<WorkerId, Record>,
    pub(super) claims: BTreeMap<u64, Claim>,
    /// What was given out in this life of the process.
    pub(super) asked: BTreeMap<WorkerId, Asked>,
    pub(super) claims_sent: BTreeMap<u64, Sent>,
    /// Why open deals are not claimed.
    pub(super) passed_over: BTreeMap<u64, Refusal>,
    pub(super) dirty: BTreeSet<WorkerId>,
    pub(super) dirty_claims: BTreeSet<u64>,
    dirty_next: bool,
    timer_at: Option<Timestamp>,
}

/// What was given out for one worker in this life of the process.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The job under way.
    pub job: Option<Work>,
    /// The transaction under way.
    pub sent: Sent,
    /// Whether the worker was told to run.
    pub run: Option<bool>,
}

/// What a step is made with.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub policy: &'a Policy,
    pub timing: &'a Timing,
    pub view: &'a MarketView,
    pub now: Timestamp,
}

/// What a step gives.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub effects: Vec<Effect>,
    wake: Option<Timestamp>,
}

impl Output {
    /// Another step is due at `at`.
    pub(super) fn wake(&mut self, at: Timestamp) {
        if at < Timestamp::NEVER {
            self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
        }
    }
}

impl Reconciler {
    /// One that has no records. `key` is that of the peer, from which those of workers follow.
    pub fn new(key: Arc<Keypair>, policy: Policy, timing: Timing) -> Self {
        Reconciler {
            key,
            policy,
            timing,
            view: None,
            viewed_at: Timestamp::default(),
            next: 0,
            workers: BTreeMap::new(),
            claims: BTreeMap::new(),
            asked: BTreeMap::new(),
            claims_sent: BTreeMap::new(),
            passed_over: BTreeMap::new(),
            dirty: BTreeSet::new(),
            dirty_claims: BTreeSet::new(),
            dirty_next: false,
            timer_at: None,
        }
    }

    /// One as its store left it: `records` are all under [`super::prefix`].
    ///
    /// # Errors
    /// A record cannot be read, or is of another peer.
    pub fn restore(
        key: Arc<Keypair>,
        policy: Policy,
        timing: Timing,
        records: impl IntoIterator<Item = StoredRecord>,
    ) -> Result<Self, RestoreError> {
        let mut made = Self::new(key, policy, timing);
        for (key, value) in records {
            match store::read(&key, &value)? {
                Stored::Next(next) => made.next = next,
                Stored::Worker(record) => {
                    let peer = record.identity.keypair(&made.key).map(|key| key.peer_id());
                    if peer != Ok(record.identity.peer) {
                        let what = "the worker's key does not follow from the key of this peer";
                        return Err(damaged(&key, what));
                    }
                    made.workers.insert(record.identity.worker, *record);
                }
                Stored::Claim(claim) => {
                    made.claims.insert(claim.deal, *claim);
                }
            }
        }
        Ok(made)
    }

    /// Takes in an event and says what is to be done, in this order. An [`Effect::Persist`], if there is one, comes
    /// first, and there is at most one.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut out = Output::default();
        match event {
            Event::Started => self.resume(&mut out),
            Event::View(view) => {
                self.view = Some(view);
                self.viewed_at = now;
            }
            Event::Done { worker, work } => self.on_done(worker, work, now),
            Event::Failed {
                worker,
                work,
                reason,
                permanent,
            } => self.on_failed(worker, work, &reason, permanent, now),
            Event::Transaction { key, outcome } => self.on_transaction(key, outcome, now),
            Event::Leave { deal } => self.on_leave(deal, now),
            Event::Policy(policy) => self.policy = *policy,
            Event::Timer => self.timer_at = None,
        }
        if let Some(view) = self.view.clone() {
            self.reconcile(&view, now, &mut out);
        }
        self.finish(out)
    }

    /// The records of all workers, by their names.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.workers.values()
    }

    /// The claims that are under way or were lost.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.claims.values()
    }

    /// Workers that answered calls answer them again, also while no view comes: the chain may be out of reach.
    fn resume(&mut self, out: &mut Output) {
        for (id, record) in &self.workers {
            if record.running && matches!(record.phase, Phase::Installed { .. }) {
                self.asked.entry(*id).or_default().run = Some(true);
                out.effects.push(Effect::Run {
                    worker: record.identity,
                    run: true,
                });
            }
        }
    }

    /// Brings everything one step nearer to what the view says.
    fn reconcile(&mut self, view: &MarketView, now: Timestamp, out: &mut Output) {
        let (policy, timing) = (self.policy.clone(), self.timing.clone());
        let turn = Turn {
            policy: &policy,
            timing: &timing,
            view,
            now,
        };
        let seen: BTreeMap<WorkerId, &WorkerView> =
            view.workers.iter().map(|seen| (seen.id, seen)).collect();
        let known: Vec<WorkerId> = self.workers.keys().copied().collect();
        for id in known {
            self.step(id, seen.get(&id).copied(), turn, out);
        }
        for (id, seen) in &seen {
            if !self.workers.contains_key(id) && self.welcome(seen, turn) {
                self.step(*id, Some(seen), turn, out);
            }
        }
        self.limit_kept(turn, out);
        self.step_claims(&turn, out);
    }

    /// Makes a record for a worker that is seen first, unless nothing is to be done for it.
    fn welcome(&mut self, seen: &WorkerView, turn: Turn<'_>) -> bool {
        let Some(stand) = self.first_stand(seen, turn) else {
            return false;
        };
        let incarnation = self.number();
        let Ok(identity) = WorkerIdentity::new(&self.key, seen.id, incarnation, turn.now) else {
            tracing::error!(worker = %seen.id, incarnation, "no key of this worker; the next number is tried");
            return false;
        };
        let record = Record {
            identity,
            deal: seen.deal.id,
            units: seen.deal.units,
            stand,
            phase: Phase::Absent,
            running: false,
            served: false,
            leaving: false,
            refused: false,
            unfunded_since: None,
            chain: Transactions::default(),
            failures: 0,
            retry_at: Timestamp::default(),
            trouble: None,
        };
        self.workers.insert(seen.id, record);
        self.dirty.insert(seen.id);
        true
    }

    /// The number of a new record.
    pub(super) fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        self.dirty_next = true;
        number
    }

    fn step(&mut self, id: WorkerId, seen: Option<&WorkerView>, turn: Turn<'_>, out: &mut Output) {
        let Some(before) = self.workers.get(&id) else {
            return;
        };
        let mut record = before.clone();
        match self.judge_stand(&mut record, seen, turn, out) {
            Fate::Forget => {
                self.workers.remove(&id);
                self.asked.remove(&id);
                self.dirty.insert(id);
            }
            Fate::Keep => {
                let asked = self.asked.entry(id).or_default();
                record.work(seen, turn, asked, out);
                record.transact(seen, turn, asked, out);
                record.run(seen, turn, asked, out);
                if *before != record {
                    let stand = before.stand.clone();
                    self.dirty.insert(id);
                    self.workers.insert(id, record);
                    self.note_declined(&stand, id, turn.now);
                }
            }
        }
    }

    /// Of too many workers whose data is kept, the oldest go.
    fn limit_kept(&mut self, turn: Turn<'_>, out: &mut Output) {
        let mut kept: Vec<(Timestamp, WorkerId)> = self
            .workers
            .iter()
            .filter_map(|(id, record)| match (&record.stand, &record.phase) {
                (_, Phase::Absent | Phase::Removing) => None,
                (Stand::Over { keep_until }, _) => Some((*keep_until, *id)),
                _ => None,
            })
            .collect();
        kept.sort();
        let excess = kept.len().saturating_sub(turn.policy.kept_workers);
        for (_, id) in &kept[..excess] {
            if let Some(record) = self.workers.get_mut(id) {
                record.stand = Stand::Over {
                    keep_until: turn.now,
                };
                self.dirty.insert(*id);
                out.wake(turn.now);
            }
        }
    }

    /// What is left to give, beside `except`.
    pub(super) fn room(&self, turn: &Turn<'_>, except: WorkerId) -> Room {
        let wanted = self
            .workers
            .values()
            .filter(|record| record.stand == Stand::Wanted && record.identity.worker != except);
        let (mut units, mut workers) = (0, 0);
        for record in wanted {
            units += u32::from(record.units);
            workers += 1;
        }
        Room {
            units: capacity(turn).saturating_sub(units),
            workers: turn.policy.workers.saturating_sub(workers),
        }
    }

    /// Puts together what a step gave: the records first, in one transaction.
    fn finish(&mut self, mut out: Output) -> Vec<Effect> {
        let mut batch = Batch::default();
        if std::mem::take(&mut self.dirty_next) {
            batch.put_next(self.next);
        }
        for id in std::mem::take(&mut self.dirty) {
            match self.workers.get(&id) {
                Some(record) => batch.put_worker(record),
                None => batch.delete_worker(id),
            }
        }
        for deal in std::mem::take(&mut self.dirty_claims) {
            match self.claims.get(&deal) {
                Some(claim) => batch.put_claim(claim),
                None => batch.delete_claim(deal),
            }
        }
        let mut effects = Vec::new();
        if !batch.is_empty() {
            effects.push(Effect::Persist(batch));
        }
        effects.append(&mut out.effects);
        if let Some(at) = out.wake
            && self.timer_at.is_none_or(|set| at < set)
        {
            self.timer_at = Some(at);
            effects.push(Effect::SetTimer { at });
        }
        effects
    }
}

/// Compute units that this peer may give.
pub(super) fn capacity(turn: &Turn<'_>) -> u32 {
    // Without a commitment nobody is matched, but who was stays.
    let staked = turn
        .view
        .commitment
        .map_or(u32::MAX, |commitment| u32::from(commitment.units));
    turn.policy.units.min(staked)
}
