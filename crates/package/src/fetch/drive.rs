//! A fetch that asks real sources.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use weir_identity::{Cid, Codec};

use super::{Fetch, Progress, Request, Verdict};
use crate::block::Block;
use crate::error::FetchError;
use crate::limits::Limits;
use crate::package::Package;
use crate::source::Source;
use crate::sources::Sources;
use crate::store::BlockStore;

/// Fetches a package: what `store` has is not asked for again, and every block is kept there as soon as it is
/// verified, so that a fetch that was cut off goes on where it was. Dropping the future ends it.
///
/// Runs on any executor, on several threads if the store may be sent to them. `progress` is told after each block.
pub async fn fetch<S: BlockStore + ?Sized>(
    cid: Cid,
    limits: Limits,
    sources: &[&dyn Source],
    store: &mut S,
    mut progress: impl FnMut(Progress),
) -> Result<Package, FetchError> {
    let names = sources.iter().map(|source| source.name());
    let mut fetch = Fetch::new(cid, limits, Sources::new(names))?;
    resume(&mut fetch, store)?;
    progress(fetch.progress());
    let mut answers = FuturesUnordered::new();
    let ask = |request: Request| async move {
        let source = sources.get(request.source).copied();
        let Some(source) = source else {
            return (request, Err(crate::SourceError::NotFound));
        };
        let answer = source.ask(&request.cid, request.bytes_max).await;
        (request, answer)
    };
    loop {
        answers.extend(fetch.want()?.into_iter().map(ask));
        let Some((request, answer)) = answers.next().await else {
            break;
        };
        match answer {
            Err(why) => fetch.failed(&request, &why),
            Ok(bytes) => {
                if fetch.provide(&request, bytes.clone())? == Verdict::Accepted {
                    if let Some(block) = Block::verified(request.cid, bytes) {
                        store.put(&block)?;
                    }
                    if request.cid.codec() == Codec::DagCbor {
                        // It links to blocks that may be here, of another package or of a fetch that was cut off.
                        resume(&mut fetch, store)?;
                    }
                    progress(fetch.progress());
                }
            }
        }
    }
    fetch.finish()
}

/// Takes what the store has. A block that cannot be read is fetched again.
fn resume<S: BlockStore + ?Sized>(fetch: &mut Fetch, store: &S) -> Result<(), FetchError> {
    fetch.resume(|cid| store.get(cid).ok().flatten())
}
