//! What all peers of one process share.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use weir_identity::Cid;

use crate::engine::Program;
use crate::limits::Limits;

/// Parsed scripts by CID, shared by any number of peers and threads.
///
/// Bounded by count and by bytes of text; the oldest leave first. A script in
/// use by a particle stays alive with the particle.
pub struct Shared {
    scripts_max: usize,
    bytes_max: usize,
    scripts: Mutex<Scripts>,
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
        }
    }

    /// Number of cached scripts.
    pub fn scripts(&self) -> usize {
        self.lock().order.len()
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
            .finish_non_exhaustive()
    }
}
