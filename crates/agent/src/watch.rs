//! Follows the chain and tells what it says of one peer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use weir_chain::{ChainError, Client, Cursor, Deployment, Follower, Index, News};
use weir_identity::PeerId;
use weir_peer::deals::MarketView;

use crate::due::Due;
use crate::view;

/// After so many new blocks what was learnt is written down. Less would be learnt again within a second.
const WRITE_AFTER: u64 = 5_000;

/// The pause after a failure, and the longest.
const PAUSE: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];

/// What is told. Only the latest counts: a view says all that is, whatever was told before.
#[derive(Debug, Clone, Default)]
pub(crate) enum Told {
    /// Nothing yet.
    #[default]
    Nothing,
    /// What the market says at a block, and what the peer owes it.
    View(Arc<MarketView>, Option<Arc<Due>>),
    /// The chain cannot be read, for this reason; it goes on being asked.
    Trouble(String),
}

/// Follows for one peer.
pub(crate) struct Watch {
    pub(crate) client: Client,
    pub(crate) deployment: Deployment,
    pub(crate) peer: Address,
    /// Whether deals are looked for in which a place can be claimed.
    pub(crate) open: bool,
    pub(crate) poll: Duration,
    /// Where it is written down how far it is.
    pub(crate) file: PathBuf,
}

/// What is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    deployment: Deployment,
    cursor: Cursor,
    index: Index,
}

impl Watch {
    /// Follows until nobody listens.
    pub(crate) async fn run(self, tell: watch::Sender<Told>) {
        let (cursor, mut index) = self.place();
        let mut written = index.block();
        let mut follower = self.follower(cursor);
        let mut keys = BTreeMap::new();
        let mut pause = PAUSE[0];
        // Whether something happened that no view has shown yet.
        let mut moved = false;
        // The last epoch of which all is committed.
        let mut settled = 0;
        // Whether the last view lacked events.
        let mut lacked = false;
        loop {
            let next = self.next(
                &mut follower,
                &mut index,
                &mut keys,
                (&mut moved, &mut settled),
            );
            let told = match next.await {
                Ok(None) => {
                    tokio::time::sleep(self.poll).await;
                    if tell.is_closed() {
                        return;
                    }
                    continue;
                }
                Ok(Some((view, due))) => {
                    (pause, lacked) = (PAUSE[0], false);
                    if index.block().abs_diff(written) >= WRITE_AFTER {
                        written = index.block();
                        self.write(&follower, &index);
                    }
                    Told::View(Arc::new(view), due)
                }
                Err(error) => {
                    // Whoever was told of a trouble is told when it is over, also if nothing new happens.
                    moved = true;
                    let lacks = matches!(error, ChainError::MissingEvents(_));
                    // The first time the chain may just have changed its mind between two questions.
                    let lacks_again = lacks && std::mem::replace(&mut lacked, true);
                    if lacks_again {
                        self.client.doubt();
                    }
                    if lacks_again || matches!(error, ChainError::TooDeep { .. }) {
                        // What events told may be wrong from the beginning.
                        index = Index::default();
                        keys.clear();
                        follower = self.follower(Cursor::before(&self.deployment));
                    }
                    let told = Told::Trouble(error.to_string());
                    if tell.send(told).is_err() {
                        return;
                    }
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(PAUSE[1]);
                    continue;
                }
            };
            if tell.send(told).is_err() {
                return;
            }
        }
    }

    /// The view at the head, if something happened since the last one.
    async fn next(
        &self,
        follower: &mut Follower,
        index: &mut Index,
        keys: &mut BTreeMap<B256, PeerId>,
        (moved, settled): (&mut bool, &mut u32),
    ) -> Result<Option<(MarketView, Option<Arc<Due>>)>, ChainError> {
        loop {
            let news = follower.next().await?;
            index.learn(&news);
            let has_begun = index.block() >= self.deployment.first_block;
            match news {
                News::Nothing if !*moved || !has_begun => return Ok(None),
                News::Nothing => break,
                News::Blocks { to, head, .. } => {
                    *moved = true;
                    if to >= head {
                        break;
                    }
                }
                News::RolledBack { .. } => (*moved, *settled) = (true, 0),
            }
        }
        let market = self.client.market(&self.deployment);
        let seen = market.peer_view(self.peer, index).await?;
        let open = if self.open {
            market.open_deals(index).await?
        } else {
            Vec::new()
        };
        let members = seen.members.values().flatten();
        for member in members.filter(|member| member.key.is_some()) {
            let Some(activation) = index.activation(member.worker) else {
                continue;
            };
            let known: Option<&PeerId> = keys.get(&member.worker);
            let is_same = |peer: &PeerId| view::account(peer) == activation.key;
            if !known.is_some_and(is_same)
                && let Some(peer) = self.client.worker_id(&self.deployment, activation).await?
            {
                keys.insert(member.worker, peer);
            }
        }
        let due = if *settled == seen.time.epoch {
            None
        } else {
            Due::of(market, self.peer, &seen).await?
        };
        if due.is_none() {
            *settled = seen.time.epoch;
        }
        *moved = false;
        let view = view::market(&seen, &open, index, keys);
        Ok(Some((view, due.map(Arc::new))))
    }

    fn follower(&self, cursor: Cursor) -> Follower {
        Follower::new(self.client.clone(), self.deployment.clone(), cursor)
    }

    /// Where it was, or the beginning. What was written down can be learnt again, so nothing depends on it.
    fn place(&self) -> (Cursor, Index) {
        let beginning = || (Cursor::before(&self.deployment), Index::default());
        match read(&self.file) {
            Ok(Some(place)) if place.deployment == self.deployment => (place.cursor, place.index),
            Ok(_) => beginning(),
            Err(error) => {
                tracing::warn!(%error, file = %self.file.display(), "the chain is followed from the beginning of the market");
                beginning()
            }
        }
    }

    fn write(&self, follower: &Follower, index: &Index) {
        let place = Place {
            deployment: self.deployment.clone(),
            cursor: follower.cursor().clone(),
            index: index.clone(),
        };
        let draft = self.file.with_extension("json.new");
        let written = serde_json::to_vec(&place)
            .map_err(std::io::Error::from)
            .and_then(|text| std::fs::write(&draft, text))
            .and_then(|()| std::fs::rename(&draft, &self.file));
        if let Err(error) = written {
            tracing::warn!(%error, file = %self.file.display(), "cannot note how far the chain was followed");
        }
    }
}

fn read(file: &Path) -> std::io::Result<Option<Place>> {
    match std::fs::read(file) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
