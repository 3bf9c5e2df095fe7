//! The workers of a deal.

use std::collections::BTreeSet;

use alloy_primitives::B256;
use weir_chain::bindings::Lens;
use weir_chain::{ChainError, Directory, Index};
use weir_identity::PeerId;

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

/// Whether a worker stays: one under notice has its place until its end, and is not waited for.
pub(crate) fn stays(view: &Lens::WorkerView) -> bool {
    is_live(view) && view.worker.status != NOTICE
}

/// How many workers stay.
pub(crate) fn staying(views: &[Lens::WorkerView]) -> u16 {
    let staying = views.iter().filter(|view| stays(view));
    u16::try_from(staying.count()).unwrap_or(u16::MAX)
}

/// The peers that have a place in a deal now.
pub(crate) async fn hosts_of(context: &Context, deal: u64) -> Result<Vec<PeerId>, ChainError> {
    let directory = Directory::read(&context.client, &context.deployment).await?;
    let index = directory.index();
    let workers = workers_of(context, index, deal).await?;
    let live = workers.iter().filter(|view| is_live(view));
    // Whoever has a place was registered, which an event told with its key.
    let hosts = live.filter_map(|view| index.peer_id(view.worker.peer));
    Ok(hosts.collect())
}

/// Whether a worker is matched, active or under notice.
pub(crate) fn is_live(view: &Lens::WorkerView) -> bool {
    (1..=3).contains(&view.worker.status)
}
