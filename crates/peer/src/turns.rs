//! Particles whose evaluation takes more than one turn.
//!
//! Each turn is an event of its own, the timer, so that the driver handles what
//! has come in between two of them. What the particle asks for (calls, messages)
//! is given out after its last turn; what it learnt is recorded after the first.

use crate::peer::Peer;
use crate::store::ParticleKey;
use crate::time::Timestamp;

impl Peer {
    /// The particle goes on after all that wait already.
    pub(crate) fn line_up(&mut self, key: ParticleKey) {
        if let Some(particle) = self.particles.get_mut(&key)
            && !std::mem::replace(&mut particle.lined_up, true)
        {
            self.line.push_back(key);
        }
    }

    /// One particle goes on for one turn.
    pub(crate) fn take_turn(&mut self, now: Timestamp) {
        let Some(key) = self.line.pop_front() else {
            return;
        };
        let Some(particle) = self.particles.get_mut(&key) else {
            return;
        };
        particle.lined_up = false;
        let Some(avm) = particle.avm() else {
            return;
        };
        avm.resume();
        particle.touched = now;
        self.collect(key, now);
        self.catch_up(&key, now);
    }

    /// Takes in what waited for the particle to be evaluated.
    pub(crate) fn catch_up(&mut self, key: &ParticleKey, now: Timestamp) {
        let Some(particle) = self.particles.get_mut(key) else {
            return;
        };
        if particle.has_more() {
            return;
        }
        if std::mem::take(&mut particle.nudge_when_ready) && particle.nudge() {
            self.dirty.insert(*key);
        }
        self.release_held(key);
        self.take_parked(key, now);
    }
}
