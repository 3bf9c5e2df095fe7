//! Loading a component: once for all who want it, a few at a time, and no
//! longer than they are ready to wait.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::module::ModuleParts;

/// The loading of one component, for which any number of threads wait.
#[derive(Default)]
pub(crate) struct Flight {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// When its turn came.
    began: Option<Instant>,
    outcome: Option<Result<Arc<ModuleParts>, Error>>,
}

impl Flight {
    /// Its turn has come: from now on the time counts.
    pub(crate) fn begin(&self) {
        lock(&self.state).began = Some(Instant::now());
        self.changed.notify_all();
    }

    /// Tells everybody what became of it; what is told first counts.
    pub(crate) fn land(&self, outcome: Result<Arc<ModuleParts>, Error>) {
        lock(&self.state).outcome.get_or_insert(outcome);
        self.changed.notify_all();
    }

    /// Waits until it lands, but not longer than that after it began.
    pub(crate) fn wait(&self, limit_ms: u64) -> Result<Arc<ModuleParts>, Error> {
        let limit = Duration::from_millis(limit_ms);
        let mut state = lock(&self.state);
        loop {
            if let Some(outcome) = &state.outcome {
                return outcome.clone();
            }
            let left = match state.began {
                None => limit,
                Some(began) => limit.saturating_sub(began.elapsed()),
            };
            if left.is_zero() && state.began.is_some() {
                return Err(Error::TooCostly { limit_ms });
            }
            // Until it begins there is nothing to count: whoever is before it ends in bounded time.
            let left = left.max(Duration::from_millis(1));
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// How many components may be compiled at once.
pub(crate) struct Turns {
    free: Mutex<u32>,
    returned: Condvar,
}

/// One of the [`Turns`], given back when dropped.
pub(crate) struct Turn<'a>(&'a Turns);

impl Turns {
    pub(crate) fn new(count: u32) -> Self {
        Self {
            free: Mutex::new(count),
            returned: Condvar::new(),
        }
    }

    /// Waits for a turn.
    pub(crate) fn take(&self) -> Turn<'_> {
        let mut free = self
            .returned
            .wait_while(lock(&self.free), |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.returned.notify_one();
    }
}

/// Locks. Every change is complete in itself, whatever another thread panicked at.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
