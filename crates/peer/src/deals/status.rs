//! Why things are as they are, for people.

use super::judge::is_to_pay_less;
use super::reconcile::{Reconciler, Turn};
use super::record::{Phase, Record, Stand};
use super::stand::Sight;
use super::view::{Code, WorkerId, WorkerStatus, WorkerView};
use crate::time::Timestamp;

/// The deals of this peer, as an operator may ask for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The block of the latest view.
    pub block: Option<u64>,
    /// What holds for all deals: that the chain is out of reach, for example.
    pub why: Vec<String>,
    /// One for each worker and claim, and for each open deal that was passed over.
    pub deals: Vec<DealStatusLine>,
}

/// One worker or deal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DealStatusLine {
    /// Number of the deal.
    pub deal: u64,
    /// The worker, if this peer has one in it.
    pub worker: Option<WorkerId>,
    /// A word or two for where it is.
    pub state: &'static str,
    /// Why it is there, what it waits for, and what went wrong, the most important first.
    pub why: Vec<String>,
}

impl Reconciler {
    /// Where each worker and deal is, and why.
    pub fn report(&self, now: Timestamp) -> Report {
        let mut why = Vec::new();
        match &self.view {
            None => why.push("nothing has been heard of the chain since the start".to_owned()),
            Some(view) if now.since(self.viewed_at) > self.timing.stale_ms => why.push(format!(
                "nothing has been heard of the chain for {} s, since block {}: everything goes on from what it said then",
                now.since(self.viewed_at) / 1000,
                view.block
            )),
            Some(_) => {}
        }
        let workers = self.workers.values().map(|record| self.line(record, now));
        let claims = self.claims.values().map(|claim| {
            let mut why: Vec<String> = claim.trouble.iter().cloned().collect();
            let state = match (claim.failed_until, claim.mined) {
                (Some(until), _) => {
                    why.push(format!("it is left alone for {}", pause(until, now)));
                    "claim failed"
                }
                (None, Some(block)) => {
                    why.push(format!(
                        "it was mined in block {block}; the match is not seen yet"
                    ));
                    "claimed"
                }
                (None, None) => {
                    why.push("the claim waits to be mined".to_owned());
                    "claiming"
                }
            };
            line(claim.deal, None, state, why)
        });
        let passed_over = self
            .passed_over
            .iter()
            .map(|(deal, refusal)| line(*deal, None, "not claimed", vec![refusal.to_string()]));
        Report {
            block: self.view.as_ref().map(|view| view.block),
            why,
            deals: workers.chain(claims).chain(passed_over).collect(),
        }
    }

    fn line(&self, record: &Record, now: Timestamp) -> DealStatusLine {
        let worker = record.identity.worker;
        let view = self.view.as_deref();
        let seen = view.and_then(|view| view.workers.iter().find(|seen| seen.id == worker));
        let mut why = Vec::new();
        let state = match (&record.stand, &record.phase) {
            (_, Phase::Removing) => {
                why.extend(record.reason());
                why.push("waits until all that it has is deleted".to_owned());
                "removing"
            }
            (Stand::Declined { .. }, _) => {
                why.extend(record.reason());
                if record.served {
                    "leaving"
                } else {
                    "declining"
                }
            }
            (Stand::Missing { block, .. }, _) => {
                let seen = view.map_or(0, |view| view.block.saturating_sub(*block));
                why.push(format!(
                    "the chain does not show it since block {block}; it is stopped and kept for {} more blocks",
                    self.timing.reorg_blocks.saturating_sub(seen)
                ));
                "missing"
            }
            (Stand::Over { keep_until }, _) => {
                why.push(format!("its data is kept for {}", pause(*keep_until, now)));
                "over"
            }
            (Stand::Wanted, Phase::Absent) => "accepted",
            (Stand::Wanted, Phase::Fetching { code }) => {
                why.push(format!("waits for package {} from peers", code.package));
                "fetching"
            }
            (Stand::Wanted, Phase::Installing { code }) => {
                why.push(format!(
                    "waits until the services of {} are made",
                    code.package
                ));
                "installing"
            }
            (Stand::Wanted, Phase::Installed { code, coming }) => {
                let turn = view.map(|view| Turn {
                    policy: &self.policy,
                    timing: &self.timing,
                    view,
                    now,
                });
                let stopped = turn.and_then(|turn| record.why_stopped(seen, &turn));
                why.extend(stopped.map(str::to_owned));
                let pays_less = seen.and_then(|seen| is_to_pay_less(&self.policy, &seen.deal));
                why.extend(pays_less.map(|refusal| format!("is left: {refusal}")));
                if let Some(coming) = coming {
                    why.push(swap(code, coming.fetched, &coming.code));
                }
                installed(seen, record.running, view.map_or(0, |view| view.epoch))
            }
        };
        if let Some(pending) = &record.chain.pending {
            let verb = if pending.abandoned {
                "is withdrawn"
            } else {
                "waits to be mined"
            };
            why.push(format!("{} {verb}", pending.intent.name()));
        }
        let retry = record.retry_at.max(record.chain.retry_at);
        if let Some(trouble) = &record.trouble {
            why.push(trouble.clone());
            if retry > now {
                why.push(format!("tries again in {}", pause(retry, now)));
            }
        }
        line(record.deal, Some(worker), state, why)
    }
}

impl Record {
    fn reason(&self) -> Option<String> {
        match &self.stand {
            Stand::Declined { reason } => Some(reason.clone()),
            _ => None,
        }
    }
}

fn line(
    deal: u64,
    worker: Option<WorkerId>,
    state: &'static str,
    why: Vec<String>,
) -> DealStatusLine {
    DealStatusLine {
        deal,
        worker,
        state,
        why,
    }
}

fn installed(seen: Option<&WorkerView>, running: bool, epoch: u32) -> &'static str {
    match (Sight::of(seen, epoch), seen.map(|seen| seen.status)) {
        (Sight::Matched, _) => "activating",
        (_, Some(WorkerStatus::Notice)) if running => "serving until its end",
        _ if running => "serving",
        _ => "stopped",
    }
}

fn swap(from: &Code, fetched: bool, to: &Code) -> String {
    let waits = if fetched {
        "is here and"
    } else {
        "is on its way and"
    };
    format!(
        "package {} {waits} will replace {}",
        to.package, from.package
    )
}

fn pause(until: Timestamp, now: Timestamp) -> String {
    format!("{} s", until.since(now).div_ceil(1000))
}
