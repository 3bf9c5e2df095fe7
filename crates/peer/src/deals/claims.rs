//! Looking for work: claims of places in open deals.
//!
//! A claim has a record from its decision until its worker is seen, or until it failed and the deal has been left
//! alone for a while. Two peers may claim one place: for one of them the chain says no, and it lets go.

use super::effect::{Intent, Outcome, Subject, TransactionKey};
use super::judge::{Room, is_matchable, judge};
use super::reconcile::{Output, Reconciler, Turn, capacity};
use super::record::{Claim, Stand, Transactions};
use super::view::{Code, DealView, WorkerStatus};
use crate::time::Timestamp;

/// Units are numbered in a byte.
const UNITS_MAX: usize = 256;

impl Reconciler {
    pub(super) fn on_claim(
        &mut self,
        deal: u64,
        key: TransactionKey,
        outcome: Outcome,
        now: Timestamp,
    ) {
        let Some(claim) = self.claims.get_mut(&deal) else {
            return;
        };
        if claim.incarnation != key.incarnation {
            return;
        }
        let mined = match &outcome {
            Outcome::Mined { block } => Some(*block),
            _ => None,
        };
        let Some(ended) = claim.chain.ended(key.number, outcome, &self.timing, now) else {
            return;
        };
        claim.mined = mined;
        if mined.is_none() {
            claim.trouble = Some(ended.err().unwrap_or_else(|| "it was withdrawn".to_owned()));
            claim.failed_until = Some(now.plus(self.timing.claim_pause_ms));
        }
        self.dirty_claims.insert(deal);
    }

    /// Leaves a deal alone whose worker was given back: what fails again shall not be claimed again and again.
    pub(super) fn leave_alone(
        &mut self,
        deal: u64,
        hopeless: Option<Code>,
        reason: &str,
        now: Timestamp,
    ) {
        if self.policy.claims == 0 {
            return;
        }
        let incarnation = self.number();
        let claim = self.claims.entry(deal).or_insert(Claim {
            deal,
            incarnation,
            first_unit: 0,
            units: 0,
            chain: Transactions::default(),
            mined: None,
            failed_until: None,
            hopeless: None,
            trouble: None,
        });
        claim.failed_until = Some(now.plus(self.timing.claim_pause_ms));
        claim.hopeless = hopeless.or(claim.hopeless);
        claim.trouble = Some(reason.to_owned());
        self.dirty_claims.insert(deal);
    }

    pub(super) fn step_claims(&mut self, turn: &Turn<'_>, out: &mut Output) {
        let deals: Vec<u64> = self.claims.keys().copied().collect();
        for deal in deals {
            self.step_claim(deal, turn, out);
        }
        self.passed_over.clear();
        if turn.policy.claims == 0 {
            return;
        }
        for deal in &turn.view.open {
            if self.claims.contains_key(&deal.id) || is_member(turn, deal.id) {
                continue;
            }
            if self.claims.values().filter(|claim| claim.is_open()).count() >= turn.policy.claims {
                break;
            }
            match self.consider(deal, turn) {
                Ok(first_unit) => {
                    let claim = Claim {
                        deal: deal.id,
                        incarnation: self.number(),
                        first_unit,
                        units: deal.units,
                        chain: Transactions::default(),
                        mined: None,
                        failed_until: None,
                        hopeless: None,
                        trouble: None,
                    };
                    self.claims.insert(deal.id, claim);
                    self.dirty_claims.insert(deal.id);
                    self.step_claim(deal.id, turn, out);
                }
                Err(refusal) => {
                    self.passed_over.insert(deal.id, refusal);
                }
            }
        }
    }

    /// Whether to claim a place, and from which unit on.
    fn consider(&self, deal: &DealView, turn: &Turn<'_>) -> Result<u8, super::judge::Refusal> {
        is_matchable(turn.view.commitment.as_ref(), deal, turn.view.epoch)?;
        let mut wanted = Room {
            units: capacity(turn),
            workers: turn.policy.workers,
        };
        let open = self.claims.values().filter(|claim| claim.is_open());
        let workers = self
            .workers
            .values()
            .filter(|record| record.stand == Stand::Wanted);
        for units in open
            .map(|claim| claim.units)
            .chain(workers.map(|record| record.units))
        {
            wanted.units = wanted.units.saturating_sub(u32::from(units));
            wanted.workers = wanted.workers.saturating_sub(1);
        }
        judge(turn.policy, wanted, deal, turn.view.epoch)?;
        self.free_row(deal.units, turn)
            .ok_or(super::judge::Refusal::Units {
                needed: deal.units,
                free: 0,
            })
    }

    /// The first unit of a row of free ones. Units are busy as long as the chain says so.
    fn free_row(&self, units: u8, turn: &Turn<'_>) -> Option<u8> {
        let staked = turn.view.commitment.map_or(0, |found| found.units);
        let mut busy = [false; UNITS_MAX];
        let rows = turn
            .view
            .workers
            .iter()
            .filter(|seen| seen.status != WorkerStatus::Over)
            .map(|seen| (seen.first_unit, seen.deal.units))
            .chain(
                self.claims
                    .values()
                    .filter(|claim| claim.is_open())
                    .map(|claim| (claim.first_unit, claim.units)),
            );
        for (first, count) in rows {
            let row = busy.iter_mut().skip(usize::from(first));
            row.take(usize::from(count)).for_each(|unit| *unit = true);
        }
        let staked = usize::from(staked).min(UNITS_MAX);
        let row = busy[..staked]
            .windows(usize::from(units.max(1)))
            .position(|row| row.iter().all(|busy| !busy))?;
        u8::try_from(row).ok()
    }

    fn step_claim(&mut self, deal: u64, turn: &Turn<'_>, out: &mut Output) {
        let Some(claim) = self.claims.get(&deal) else {
            return;
        };
        let mut claim = claim.clone();
        let is_member = is_member(turn, deal);
        let idle = claim.chain.pending.is_none();
        let over = match (claim.mined, claim.failed_until) {
            (_, Some(until)) if until > turn.now => {
                out.wake(until);
                false
            }
            (_, Some(_)) => claim.hopeless.is_none_or(|code| {
                let mut open = turn.view.open.iter();
                !open.any(|open| open.id == deal && open.code == code)
            }),
            // It is a worker, or was none for so long that it was undone.
            (Some(block), None) => {
                is_member || turn.view.block.saturating_sub(block) >= turn.timing.reorg_blocks
            }
            (None, None) => is_member && idle,
        };
        if over && idle {
            self.claims.remove(&deal);
            self.claims_sent.remove(&deal);
            self.dirty_claims.insert(deal);
            return;
        }
        let is_wished = claim.mined.is_none() && claim.is_open();
        if is_wished || !idle {
            let mut open = turn.view.open.iter();
            let open = open.find(|open| is_wished && open.id == deal);
            let wish = open.map(|open| {
                let intent = Intent::Claim {
                    deal,
                    first_unit: claim.first_unit,
                    capabilities: open.capabilities.clone(),
                };
                (intent, None)
            });
            let sent = self.claims_sent.entry(deal).or_default();
            claim.chain.step(
                wish,
                |_| is_member,
                (Subject::Deal(deal), claim.incarnation),
                turn,
                sent,
                out,
            );
        }
        if self.claims.get(&deal) != Some(&claim) {
            self.claims.insert(deal, claim);
            self.dirty_claims.insert(deal);
        }
    }
}

/// Whether this peer has a place in a deal, whatever has become of it.
fn is_member(turn: &Turn<'_>, deal: u64) -> bool {
    let live = |status| status != WorkerStatus::Over;
    let workers = turn.view.workers.iter();
    workers
        .filter(|seen| live(seen.status))
        .any(|seen| seen.deal.id == deal)
}
