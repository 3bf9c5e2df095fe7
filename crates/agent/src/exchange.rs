//! What others may have of the packages here, and what they may bring.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;
use weir_identity::Cid;
use weir_node::{BlockExchange, BlockRefused};
use weir_package::{BlockStore, Folder, is_whole};

/// Most blocks that are told to be wanted at once; the others come later.
const WANTS: usize = 64;

/// The blocks that are kept here, and those that fetches wait for. Nothing is taken that no fetch waits for, so there
/// is nothing here that could be filled.
#[derive(Debug)]
pub(crate) struct Exchange {
    folder: Folder,
    awaited: Mutex<BTreeMap<Cid, Vec<Awaiting>>>,
}

/// A fetch that waits for a block. One that is over has closed its end.
#[derive(Debug)]
struct Awaiting {
    bytes_max: usize,
    give: oneshot::Sender<Bytes>,
}

impl Exchange {
    pub(crate) fn new(folder: Folder) -> Self {
        Self {
            folder,
            awaited: Mutex::default(),
        }
    }

    /// The block, when somebody brings it. It is wanted until the receiver is dropped.
    pub(crate) fn expect(&self, cid: Cid, bytes_max: usize) -> oneshot::Receiver<Bytes> {
        let (give, given) = oneshot::channel();
        let mut awaited = self.awaited();
        awaited
            .entry(cid)
            .or_default()
            .push(Awaiting { bytes_max, give });
        given
    }

    /// What is waited for now.
    fn awaited(&self) -> MutexGuard<'_, BTreeMap<Cid, Vec<Awaiting>>> {
        let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        awaited.retain(|_, waiting| {
            waiting.retain(|waiting| !waiting.give.is_closed());
            !waiting.is_empty()
        });
        awaited
    }
}

impl BlockExchange for Exchange {
    fn get(&self, cid: &Cid) -> Result<Option<Bytes>, String> {
        self.folder.get(cid).map_err(|error| error.to_string())
    }

    fn has(&self, package: &Cid) -> Result<bool, String> {
        is_whole(&self.folder, *package).map_err(|error| error.to_string())
    }

    fn wants(&self) -> Vec<Cid> {
        self.awaited().keys().take(WANTS).copied().collect()
    }

    fn put(&self, cid: &Cid, bytes: Bytes) -> Result<(), BlockRefused> {
        let (cid, found) = (*cid, bytes.len());
        let limit = self
            .awaited()
            .get(&cid)
            .and_then(|waiting| waiting.iter().map(|waiting| waiting.bytes_max).max());
        let limit = limit.ok_or(BlockRefused::Unwanted { cid })?;
        if found > limit {
            return Err(BlockRefused::TooLarge {
                cid,
                bytes: found,
                limit,
            });
        }
        if !cid.names(&bytes) {
            return Err(BlockRefused::OtherBytes { cid });
        }
        let waiting = self.awaited().remove(&cid).unwrap_or_default();
        // A fetch may have ended at this moment.
        let mut taken = false;
        for waiting in waiting {
            taken |= waiting.give.send(bytes.clone()).is_ok();
        }
        taken.then_some(()).ok_or(BlockRefused::Unwanted { cid })
    }
}
