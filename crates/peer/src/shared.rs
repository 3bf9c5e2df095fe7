//! What all peers of one process share.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use weir_avm::log::Blobs;
use weir_identity::Cid;

use crate::engine::Program;
use crate::limits::Limits;

/// Parsed scripts and values by CID, shared by any number of peers and threads.
///
/// Scripts are bounded by count and by bytes of text; the oldest leave first. A
/// script in use by a particle stays alive with the particle. A value is held
/// once by all particles that have it, and goes with the last of them.
pub struct Shared {
    scripts_max: usize,
    bytes_max: usize,
    scripts: Mutex<Scripts>,
    values: Arc<Blobs>,
}

#[derive(Default)]
struct Scripts {
    by_cid: BTreeMap<Cid, Arc<Program>>,
    order: VecDeque<Cid>,
    bytes: usize,
}

impl Shared {
    /// Empty caches of the sizes that `limits` names.
    pub fn new(limits: &Limits) -> Self {
        Shared {
            scripts_max: limits.scripts,
            bytes_max: limits.scripts_bytes,
            scripts: Mutex::default(),
            values: Arc::default(),
        }
    }

    /// Number of cached scripts.
    pub fn scripts(&self) -> usize {
        self.lock().order.len()
    }

    /// Number of different values that particles hold, small ones not counted.
    pub fn values(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn blobs(&self) -> &Arc<Blobs> {
        &self.values
    }

    pub(crate) fn script(&self, cid: &Cid) -> Option<Arc<Program>> {
        self.lock().by_cid.get(cid).cloned()
    }

    pub(crate) fn remember(&self, cid: Cid, script: &Arc<Program>) {
        let bytes = script.script().text().len();
        if bytes > self.bytes_max {
            return;
        }
        let mut scripts = self.lock();
        if scripts.by_cid.insert(cid, script.clone()).is_some() {
            return;
        }
        scripts.order.push_back(cid);
        scripts.bytes += bytes;
        while scripts.order.len() > self.scripts_max || scripts.bytes > self.bytes_max {
            let Some(oldest) = scripts.order.pop_front() else {
                return;
            };
            if let Some(script) = scripts.by_cid.remove(&oldest) {
                scripts.bytes -= script.script().text().len();
            }
        }
    }

    /// A cache is valid whatever a panicking thread was doing with it: each
    /// change leaves it whole.
    fn lock(&self) -> std::sync::MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("scripts", &self.scripts())
            .field("values", &self.values())
            .finish_non_exhaustive()
    }
}
