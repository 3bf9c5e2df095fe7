//! Carries out single effects.

use std::time::Instant;

use weir_identity::PeerId;
use weir_peer::native::HOST;
use weir_peer::{Call, Effect, Event, ParticleEvent, ParticleId};

use super::{Done, Driver, caught};
use crate::blocks;
use crate::clock;
use crate::news::News;
use crate::transport::{Multiaddr, SendError};

impl Driver {
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            // A commit is not done here, but where others can wait for it.
            Effect::Persist(_) => {}
            Effect::Load { prefix } => {
                let store = self.store.clone();
                self.work.spawn_blocking(move || {
                    let read = || store.scan(&prefix).map_err(|error| error.to_string());
                    let records = caught("load", read).and_then(|records| records);
                    Done::Loaded { prefix, records }
                });
            }
            Effect::Send { to, frame } => self.send(&to, frame),
            Effect::Dial { peer, addresses } => {
                let addresses: Vec<Multiaddr> = addresses
                    .iter()
                    .filter_map(|text| text.parse().ok())
                    .collect();
                if addresses.is_empty() {
                    tracing::debug!(%peer, "none of its addresses can be understood");
                    self.peer.handle(Event::DialFailed { peer }, clock::now());
                } else {
                    self.transport.dial(peer, addresses);
                }
            }
            Effect::Disconnect { peer, reason } => {
                tracing::info!(%peer, reason, "disconnecting");
                self.transport.disconnect(&peer, &reason);
            }
            Effect::Call(call) if call.kind.as_deref() == Some(HOST) => {
                self.answer(*call);
            }
            Effect::Call(call) => {
                let service = self.peer.services().find(&call.service);
                self.executor.start(*call, service);
            }
            Effect::CancelCall(call) => self.executor.cancel(call),
            Effect::SetTimer { at } => self.timer = Some(at),
            Effect::Report { particle, event } => self.report(particle, event),
        }
    }

    /// Begins to answer a host function.
    fn answer(&mut self, call: Call) {
        if &*call.service == "blocks" {
            let exchange = self.blocks.clone();
            self.executor
                .answer(call.id, |_| blocks::answer(call, exchange));
        } else {
            let proofs = self.proofs.clone();
            self.executor
                .answer(call.id, |wall_ms| proofs.answer(call, wall_ms));
        }
    }

    fn send(&mut self, to: &PeerId, frame: bytes::Bytes) {
        match self.transport.send(to, frame) {
            Ok(()) => {}
            // The peer has been told, or is about to be.
            Err(SendError::NotConnected) => {}
            Err(error @ SendError::Full { .. }) => {
                // The neighbour does not read. What is lost here is sent again over the next connection.
                self.meters.sends_refused.inc();
                tracing::warn!(peer = %to, %error, "disconnecting");
                self.transport.disconnect(to, &error.to_string());
            }
            Err(error @ SendError::TooLarge { .. }) => {
                self.meters.sends_refused.inc();
                tracing::warn!(peer = %to, %error, "not sent");
            }
        }
    }

    fn report(&mut self, particle: ParticleId, event: ParticleEvent) {
        let Some(watcher) = self.watchers.get(&particle) else {
            tracing::debug!(particle = %particle.0, ?event, "nobody listens");
            return;
        };
        let journals = match &event {
            ParticleEvent::Learnt { .. } => self.journals(&particle),
            _ => Vec::new(),
        };
        if !watcher.tell(News {
            at: Instant::now(),
            event,
            journals,
        }) {
            self.watchers.remove(&particle);
        }
    }

    fn journals(&self, particle: &ParticleId) -> Vec<(PeerId, u32)> {
        let Some(log) = self.peer.log(particle) else {
            return Vec::new();
        };
        let authors = (0..log.author_count()).map(weir_avm::log::AuthorIdx);
        authors
            .map(|author| (log.author(author), log.journal_len(author)))
            .collect()
    }
}
