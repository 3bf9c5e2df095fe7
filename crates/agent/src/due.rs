//! What a peer owes the market: commitments to the receipts of the epoch that has ended.

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_primitives::Address;
use weir_chain::{ChainError, MarketReader, PeerView, Served};

/// What is to be committed, as of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    /// The epoch. A commitment is possible for less than an epoch, so there is no other one.
    pub(crate) epoch: u32,
    /// For how long it is still possible.
    pub(crate) left: Duration,
    /// For how long it is possible in all.
    pub(crate) window: Duration,
    /// Receipts of earlier epochs than this one are not asked for any more.
    pub(crate) keep_from: u32,
    /// The workers of the epoch for each token of which nothing was committed.
    pub(crate) tokens: BTreeMap<Address, Vec<Served>>,
}

impl Due {
    /// None if nothing is due, or it is too late.
    pub(crate) async fn of(
        market: MarketReader<'_>,
        peer: Address,
        seen: &PeerView,
    ) -> Result<Option<Self>, ChainError> {
        let time = &seen.time;
        let epoch = time.epoch.saturating_sub(1);
        let mut tokens: BTreeMap<Address, Vec<Served>> = BTreeMap::new();
        for served in &seen.served {
            tokens.entry(served.token).or_default().push(*served);
        }
        if tokens.is_empty() {
            return Ok(None);
        }
        let window = market.commit_window().await?;
        let passed = time.seconds.saturating_sub(time.epoch_begin);
        let left = window.saturating_sub(passed);
        for token in tokens.keys().copied().collect::<Vec<_>>() {
            let committed = market.committed(peer, token, epoch).await?;
            if committed.bit((epoch & 255) as usize) {
                tokens.remove(&token);
            }
        }
        if tokens.is_empty() || left == 0 {
            return Ok(None);
        }
        Ok(Some(Self {
            epoch,
            left: Duration::from_secs(left),
            window: Duration::from_secs(window),
            keep_from: epoch.saturating_sub(market.retention().await?),
            tokens,
        }))
    }
}
