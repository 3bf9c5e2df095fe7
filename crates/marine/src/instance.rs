//! Making instances, and waiting for them to work.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use crate::context::CallContext;
use crate::error::Error;
use crate::failure::{Phase, engine_failure, explain};
use crate::limits::Limits;
use crate::profile::Profile;
use crate::runtime::Shared;
use crate::sandbox::{CallState, LogSink};
use crate::store::fresh_store;
use crate::world::{Mode, World};

/// Makes an instance. What this takes is not part of a call's fuel, and is bounded by [`Profile::START_FUEL`]. Code of the
/// guest that runs meanwhile has clocks, randomness, its log and `/tmp`, and nothing else.
pub(crate) async fn instantiate(
    pre: &InstancePre<CallState>,
    store: &mut Store<CallState>,
) -> Result<Instance, Error> {
    store
        .set_fuel(Profile::START_FUEL)
        .map_err(|error| engine_failure(&error))?;
    store.data_mut().session.set_starting(true);
    let made = pre.instantiate_async(&mut *store).await;
    store.data_mut().session.set_starting(false);
    match made {
        Ok(instance) => Ok(instance),
        Err(error) => Err(explain(&error, Phase::Start, &store.data().memory)),
    }
}

/// Makes an instance to see whether that works at all. Blocks.
pub(crate) fn try_instantiate(pre: &InstancePre<CallState>, shared: &Shared) -> Result<(), Error> {
    let limits = Limits {
        log_bytes: 0,
        ..Limits::default()
    };
    let log = Arc::new(Mutex::new(LogSink::new(0)));
    // Of all that an update finds, it can use no more than what starts before any other function.
    let around = (&CallContext::default(), &World::default(), Mode::Update);
    let state = CallState::new(around, [0; 32], &limits, log);
    let mut store = fresh_store(&shared.engine, state, &limits)?;
    let start = pin!(instantiate(pre, &mut store));
    let wall = Duration::from_millis(limits.wall_ms);
    let cause = match run_here(pin!(within(wall, start))) {
        Some(Ok(_)) => return Ok(()),
        Some(Err(error)) => error,
        None => Error::WallClock {
            limit_ms: limits.wall_ms,
        },
    };
    Err(Error::StartFailed {
        cause: Box::new(cause),
    })
}

/// The output of the work, or nothing if it takes too long. The work has to
/// return now and then, as a guest does that yields; no timer is involved.
pub(crate) async fn within<T>(wall: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let start = Instant::now();
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if start.elapsed() >= wall => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Runs work on this thread that never waits for anything but its own turn.
fn run_here<T>(mut work: Pin<&mut impl Future<Output = T>>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = work.as_mut().poll(&mut context) {
            return output;
        }
    }
}
