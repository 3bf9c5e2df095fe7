//! The workers of a deal.

use std::collections::BTreeSet;

use alloy_primitives::B256;
use weir_chain::bindings::Lens;
use weir_chain::{ChainError, Index};

use super::Context;

/// All that a deal has and had, as of now.
pub(crate) async fn workers_of(
    context: &Context,
    index: &Index,
    deal: u64,
) -> Result<Vec<Lens::WorkerView>, ChainError> {
    let places: BTreeSet<B256> = index.places_in(deal).map(|place| place.worker).collect();
    let places: Vec<B256> = places.into_iter().collect();
    let market = context.market();
    let epoch = market.time().await?.epoch;
    market.workers(&places, epoch).await
}

/// The status of a worker under notice.
const NOTICE: u8 = 3;

/// How many workers stay: those under notice have their places until their end, and are not waited for.
pub(crate) fn staying(views: &[Lens::WorkerView]) -> u16 {
    let staying = views
        .iter()
        .filter(|view| is_live(view) && view.worker.status != NOTICE);
    u16::try_from(staying.count()).unwrap_or(u16::MAX)
}

/// Whether a worker is matched, active or under notice.
pub(crate) fn is_live(view: &Lens::WorkerView) -> bool {
    (1..=3).contains(&view.worker.status)
}
