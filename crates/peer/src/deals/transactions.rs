//! What is sent to the chain.
//!
//! A transaction is decided from a view, written with its number, and given out until it has an outcome: the same
//! number always has the same content, whatever crashes in between. Only then the next one is decided, and only from a
//! view that can show what the last one did.

use super::effect::{Effect, Intent, Outcome, Subject, TransactionKey};
use super::judge::is_to_pay_less;
use super::policy::Timing;
use super::reconcile::{Asked, Output, Turn};
use super::record::{Pending, Phase, Record, Stand, Transactions};
use super::stand::Sight;
use super::view::{WorkerStatus, WorkerView};
use crate::intake::shortened;
use crate::time::Timestamp;

/// The transaction that was given out in this life of the process: its number, whether to withdraw it, and when it is
/// given out again.
pub(super) type Sent = Option<(u32, bool, Timestamp)>;

/// A transaction that the present view asks for, and the last epoch in which it is of use.
pub(super) type Wish = (Intent, Option<u32>);

impl Record {
    /// Sends what the view asks for.
    pub(super) fn transact(
        &mut self,
        seen: Option<&WorkerView>,
        turn: Turn<'_>,
        asked: &mut Asked,
        out: &mut Output,
    ) {
        let wish = self.wish(seen, &turn);
        let is_done = |intent: &Intent| is_fulfilled(intent, seen);
        let (subject, incarnation) = (
            Subject::Worker(self.identity.worker),
            self.identity.incarnation,
        );
        self.chain.step(
            wish,
            is_done,
            (subject, incarnation),
            &turn,
            &mut asked.sent,
            out,
        );
    }

    /// What should be on the chain and is not.
    fn wish(&self, seen: Option<&WorkerView>, turn: &Turn<'_>) -> Option<Wish> {
        let seen = seen?;
        let worker = self.identity.worker;
        let epoch = turn.view.epoch;
        match (Sight::of(Some(seen), epoch), seen.status) {
            (Sight::Lapsed | Sight::Ended, _) => Some((Intent::Release { worker }, None)),
            (Sight::Matched, WorkerStatus::Matched { deadline }) => {
                match (&self.stand, &self.phase) {
                    (Stand::Declined { .. }, _) => {
                        Some((Intent::Decline { worker }, Some(deadline)))
                    }
                    (Stand::Wanted, Phase::Installed { code, .. })
                        if seen.deal.permits(code, epoch) =>
                    {
                        let identity = self.identity.peer;
                        Some((Intent::Activate { worker, identity }, Some(deadline)))
                    }
                    _ => None,
                }
            }
            (Sight::Serving, WorkerStatus::Active) => {
                let patience = turn.policy.leave_unfunded_epochs;
                let unfunded = self.unfunded_since.zip(patience);
                let too_long = unfunded
                    .is_some_and(|(since, patience)| epoch.saturating_sub(since) >= patience);
                let leaves = matches!(self.stand, Stand::Declined { .. })
                    || self.leaving
                    || too_long
                    || is_to_pay_less(turn.policy, &seen.deal).is_some();
                leaves.then_some((Intent::Leave { worker }, None))
            }
            _ => None,
        }
    }
}

/// Whether the view shows already what a transaction is to do.
fn is_fulfilled(intent: &Intent, seen: Option<&WorkerView>) -> bool {
    let status = seen.map(|seen| seen.status);
    match intent {
        Intent::Activate { .. } => matches!(
            status,
            Some(WorkerStatus::Active | WorkerStatus::Notice | WorkerStatus::Over)
        ),
        Intent::Leave { .. } => {
            matches!(status, Some(WorkerStatus::Notice | WorkerStatus::Over))
        }
        Intent::Decline { .. } | Intent::Release { .. } => {
            matches!(status, None | Some(WorkerStatus::Over))
        }
        Intent::Claim { .. } => false,
    }
}

impl Transactions {
    /// Gives out the transaction under way, or decides one.
    pub(super) fn step(
        &mut self,
        wish: Option<Wish>,
        is_fulfilled: impl Fn(&Intent) -> bool,
        (subject, incarnation): (Subject, u64),
        turn: &Turn<'_>,
        sent: &mut Sent,
        out: &mut Output,
    ) {
        if let Some(pending) = &mut self.pending {
            let wished = wish.as_ref().map(|(intent, _)| intent);
            if wished != Some(&pending.intent) && !is_fulfilled(&pending.intent) {
                pending.abandoned = true;
            }
        } else if let Some((intent, until_epoch)) = wish {
            if self.retry_at > turn.now {
                return out.wake(self.retry_at);
            }
            if turn.view.block < self.after_block {
                return;
            }
            self.pending = Some(Pending {
                number: self.decided,
                intent,
                until_epoch,
                abandoned: false,
            });
            self.decided += 1;
        }
        let Some(pending) = &self.pending else {
            return;
        };
        if let Some((number, abandoned, again)) = *sent
            && (number, abandoned) == (pending.number, pending.abandoned)
            && again > turn.now
        {
            return out.wake(again);
        }
        let again = turn.now.plus(turn.timing.repeat_ms);
        *sent = Some((pending.number, pending.abandoned, again));
        out.wake(again);
        let key = TransactionKey {
            subject,
            incarnation,
            number: pending.number,
        };
        out.effects.push(if pending.abandoned {
            Effect::Abandon { key }
        } else {
            Effect::Submit {
                key,
                intent: pending.intent.clone(),
                until_epoch: pending.until_epoch,
            }
        });
    }

    /// Takes in the outcome of a transaction, unless it is another one. An error says what went wrong.
    pub(super) fn ended(
        &mut self,
        number: u32,
        outcome: Outcome,
        timing: &Timing,
        now: Timestamp,
    ) -> Option<Result<(), String>> {
        let pending = self.pending.take_if(|pending| pending.number == number)?;
        let trouble = match outcome {
            Outcome::Mined { block } => {
                self.after_block = block;
                self.failures = 0;
                return Some(Ok(()));
            }
            Outcome::Reverted { block, reason } => {
                self.after_block = block;
                format!("{} failed: {}", pending.intent.name(), shortened(&reason))
            }
            Outcome::Lost { .. } if pending.abandoned => return Some(Ok(())),
            Outcome::Lost { reason } => {
                format!(
                    "{} did not get into the chain: {}",
                    pending.intent.name(),
                    shortened(&reason)
                )
            }
        };
        self.failures = self.failures.saturating_add(1);
        self.retry_at = now.plus(timing.pause_ms(self.failures));
        Some(Err(trouble))
    }
}

impl Intent {
    /// What it is called where people read.
    pub fn name(&self) -> &'static str {
        match self {
            Intent::Activate { .. } => "the activation",
            Intent::Decline { .. } => "declining the match",
            Intent::Leave { .. } => "the notice",
            Intent::Release { .. } => "the release of its units",
            Intent::Claim { .. } => "the claim",
        }
    }
}
