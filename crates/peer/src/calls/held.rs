//! What waits until a particle is evaluated.
//!
//! A particle whose evaluation takes several turns takes no results meanwhile.
//! The result of a call is kept in the place of its intent until it is taken,
//! in one commit with what the call changed. A host function, which may change
//! something here, is not run before: what it did and its result are durable
//! together.

use super::{Answer, Open, Queued};
use crate::peer::Peer;
use crate::store::ParticleKey;

/// A call or a result that waits.
#[derive(Debug)]
pub(crate) enum Held {
    /// A call to be answered here.
    Call(Queued),
    /// How a call ended.
    Outcome {
        open: Open,
        answer: Answer,
        intent: bool,
    },
}

impl Peer {
    /// The particle can take what waited.
    pub(crate) fn release_held(&mut self, key: &ParticleKey) {
        let Some(particle) = self.particles.get_mut(key) else {
            return;
        };
        let mut held = std::mem::take(&mut particle.held);
        while let Some(next) = held.pop_front() {
            self.release(next);
            let Some(particle) = self.particles.get_mut(key) else {
                return;
            };
            if particle.has_more() {
                held.append(&mut particle.held);
                particle.held = held;
                return;
            }
        }
    }

    /// Goes on with a call or a result.
    pub(crate) fn release(&mut self, held: Held) {
        match held {
            Held::Call(queued) => {
                self.calls.held -= 1;
                let initiator = self.particles.get(&queued.open.key);
                if let Some(initiator) = initiator.map(|particle| particle.start.initiator) {
                    self.calls.queue(initiator, queued);
                }
            }
            Held::Outcome {
                open,
                answer,
                intent,
            } => self.complete(open, answer, intent),
        }
    }
}
