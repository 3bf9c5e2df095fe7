//! Packets that were merged in part: they are answered when the rest has come,
//! at the latest when the particle ends.

use weir_avm::Merged;
use weir_avm::log::{Head, Refusal as Fault, Refused, Want};
use weir_identity::PeerId;

use super::{Verdict, shortened};
use crate::error::Refusal;
use crate::particle::Incomplete;
use crate::peer::Peer;
use crate::store::ParticleKey;
use crate::wire::Packet;

/// Journals that one packet may leave waiting; more are worth a repetition.
const HEADS: usize = 64;

impl Peer {
    /// What is answered to a packet that was merged.
    pub(super) fn judge(
        &mut self,
        key: &ParticleKey,
        mut heads: Vec<Head>,
        merged: &Merged,
        packet: &Packet,
        back: PeerId,
    ) -> Verdict {
        let limits = self.config.limits.clone();
        let Some(particle) = self.particles.get_mut(key) else {
            return Verdict::Parked;
        };
        let origin = packet.id.origin;
        let refused = merged.refused.iter().find(|refused| {
            let in_packet = || heads.iter().any(|head| head.author == refused.author);
            refused.sender == origin && (refused.why == Fault::Proof || in_packet())
        });
        if let Some(refused) = refused {
            return Verdict::Refused(refusal_of(refused));
        }
        if let Some(avm) = particle.avm() {
            let log = avm.log();
            heads.retain(|head| !log.has_head(head));
        }
        let known = particle.incomplete.iter().position(|i| i.id == packet.id);
        let Some(first) = heads.first() else {
            if let Some(known) = known {
                particle.incomplete.remove(known);
                self.parked -= 1;
            }
            particle.remember_answered(packet.id);
            return Verdict::Taken;
        };
        let refusal = if heads.len() > HEADS {
            Some(Refusal::overloaded("incomplete journals", HEADS))
        } else if known.is_some() {
            None
        } else if particle.incomplete.len() >= limits.parked_per_particle {
            let value = limits.parked_per_particle;
            Some(Refusal::overloaded("parked_per_particle", value))
        } else if self.parked >= limits.parked {
            Some(Refusal::overloaded("parked", limits.parked))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return Verdict::Refused(refusal);
        }
        let what = match merged.wants.first() {
            Some(Want::Journal { author, from }) => {
                format!("the journal of {author} from entry {from}")
            }
            Some(Want::Blob(cid)) => format!("value {cid}"),
            Some(Want::Start) => "the start of the particle".to_owned(),
            None => format!("what entry {} of {} names", first.length, first.author),
        };
        let incomplete = Incomplete {
            id: packet.id,
            back,
            heads,
            what,
        };
        if let Some(known) = known {
            particle.incomplete[known] = incomplete;
        } else {
            particle.incomplete.push(incomplete);
            self.parked += 1;
        }
        Verdict::Parked
    }

    /// Answers what a merge has completed, or found to be wrong.
    pub(super) fn settle_incomplete(&mut self, key: &ParticleKey, refused: &[Refused]) {
        let Some(particle) = self.particles.get_mut(key) else {
            return;
        };
        for mut waiting in std::mem::take(&mut particle.incomplete) {
            let Some(particle) = self.particles.get_mut(key) else {
                return;
            };
            let fault = refused.iter().find(|refused| {
                let mut heads = waiting.heads.iter();
                refused.sender == waiting.id.origin && heads.any(|h| h.author == refused.author)
            });
            if let Some(fault) = fault {
                self.parked -= 1;
                self.refuse(waiting.id, waiting.back, refusal_of(fault));
                continue;
            }
            if let Some(avm) = particle.avm() {
                let log = avm.log();
                waiting.heads.retain(|head| !log.has_head(head));
            }
            if waiting.heads.is_empty() {
                particle.remember_answered(waiting.id);
                self.parked -= 1;
                self.network.answer(waiting.id, waiting.back, Ok(()));
            } else {
                particle.incomplete.push(waiting);
            }
        }
    }
}

fn refusal_of(refused: &Refused) -> Refusal {
    if let Fault::ParkingFull { limit, value } = refused.why {
        return Refusal::overloaded(limit, value);
    }
    let what = format!("journal of {}: {}", refused.author, refused.why);
    Refusal::Rejected {
        what: shortened(&what),
    }
}
