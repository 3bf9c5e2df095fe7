//! Who has a place in a deal, looked at again and again.

use crate::failure::Failure;
use crate::market::{Context, stays, workers_of};
use std::collections::BTreeSet;
use std::time::Duration;
use weir_chain::{ChainError, Cursor, Follower, Index, News};
use weir_identity::PeerId;

/// How often it is looked, here and on a chain that is elsewhere.
const PAUSE: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// Follows the places of a deal.
pub(super) struct Look<'a> {
    context: &'a Context,
    deal: u64,
    follower: Follower,
    index: Index,
}

/// What is seen.
pub(super) struct Seen {
    /// Workers that are active.
    pub(super) active: u16,
    /// How many the deal wants.
    pub(super) wanted: u16,
    /// The peers that have a place and are not about to leave.
    pub(super) hosts: BTreeSet<PeerId>,
}

impl<'a> Look<'a> {
    pub(super) fn new(context: &'a Context, deal: u64) -> Self {
        let deployment = context.deployment.clone();
        let cursor = Cursor::before(&deployment);
        Self {
            follower: Follower::new(context.client.clone(), deployment, cursor),
            context,
            deal,
            index: Index::default(),
        }
    }

    pub(super) async fn look(&mut self) -> Result<Seen, Failure> {
        let seen = self.seen().await;
        seen.map_err(|error| self.context.failed("the deal cannot be read", &error))
    }

    /// How long to wait before the next time.
    pub(super) fn pause(&self) -> Duration {
        PAUSE[usize::from(!self.context.is_local())]
    }

    async fn seen(&mut self) -> Result<Seen, ChainError> {
        loop {
            let news = self.follower.next().await?;
            self.index.learn(&news);
            if matches!(news, News::Nothing) {
                break;
            }
        }
        let view = self.context.market().deal(self.deal).await?;
        let workers = workers_of(self.context, &self.index, self.deal).await?;
        let staying = workers.iter().filter(|view| stays(view));
        // Whoever has a place was registered, which an event told with its key.
        let hosts = staying.filter_map(|view| self.index.peer_id(view.worker.peer));
        Ok(Seen {
            active: view.deal.activeWorkers,
            wanted: view.deal.targetWorkers,
            hosts: hosts.collect(),
        })
    }
}
