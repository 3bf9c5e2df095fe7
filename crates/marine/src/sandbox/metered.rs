//! What the host's functions cost a guest.
//!
//! The engine counts the guest's own operators only. Without a price here, a
//! guest that does nothing but write would neither use up its fuel nor return
//! to the executor, and no limit of its call would hold. So every function
//! takes a price for being called and one for the work that grows with what
//! the guest asks for, the bytes of its arguments included.

use std::future::poll_fn;
use std::task::Poll;

use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut, Trap, format_err};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::random::{insecure, random};
use wasmtime_wasi_io::bindings::wasi::io::poll::{Host as _, HostPollable as _};

use super::{CallState, HANDLES_MAX};
use crate::profile::Profile;

type Store<'a> = StoreContextMut<'a, CallState>;

/// Fuel units for calling such a function.
const CALL_FUEL: u64 = 1_000;

/// Fuel units for each pollable that is polled.
const POLLABLE_FUEL: u64 = 1_000;

/// Fuel units for each random byte.
const RANDOM_BYTE_FUEL: u64 = 10;

/// As a part of the profile.
pub(super) fn description() -> String {
    format!("host call {CALL_FUEL} pollable {POLLABLE_FUEL} random byte {RANDOM_BYTE_FUEL}")
}

/// Puts the functions with a price in the place of those without.
pub(super) fn add_to_linker(linker: &mut Linker<CallState>) -> Result<()> {
    linker.allow_shadowing(true);
    add_poll(linker)?;
    add_random(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn add_poll(linker: &mut Linker<CallState>) -> Result<()> {
    let mut poll = linker.instance("wasi:io/poll@0.2.12")?;
    poll.func_wrap_async(
        "poll",
        |mut store, (list,): (Vec<Resource<DynPollable>>,)| {
            Box::new(async move {
                at_most(list.len() as u64, HANDLES_MAX as u64, "pollables")?;
                charge(
                    &mut store,
                    (list.len() as u64).saturating_mul(POLLABLE_FUEL),
                )
                .await?;
                Ok((store.data_mut().table.poll(list).await?,))
            })
        },
    )?;
    poll.func_wrap_async(
        "[method]pollable.ready",
        |mut store, (pollable,): (Resource<DynPollable>,)| {
            Box::new(async move {
                charge(&mut store, POLLABLE_FUEL).await?;
                Ok((store.data_mut().table.ready(pollable).await?,))
            })
        },
    )?;
    poll.func_wrap_async(
        "[method]pollable.block",
        |mut store, (pollable,): (Resource<DynPollable>,)| {
            Box::new(async move {
                charge(&mut store, POLLABLE_FUEL).await?;
                store.data_mut().table.block(pollable).await
            })
        },
    )
}

fn add_random(linker: &mut Linker<CallState>) -> Result<()> {
    linker
        .instance("wasi:random/random@0.2.12")?
        .func_wrap_async("get-random-bytes", |mut store, (len,): (u64,)| {
            Box::new(async move {
                charge(&mut store, len.saturating_mul(RANDOM_BYTE_FUEL)).await?;
                let mut source = &mut store.data_mut().random;
                Ok((random::Host::get_random_bytes(&mut source, len)?,))
            })
        })?;
    linker
        .instance("wasi:random/insecure@0.2.12")?
        .func_wrap_async("get-insecure-random-bytes", |mut store, (len,): (u64,)| {
            Box::new(async move {
                charge(&mut store, len.saturating_mul(RANDOM_BYTE_FUEL)).await?;
                let mut source = &mut store.data_mut().random;
                Ok((insecure::Host::get_insecure_random_bytes(&mut source, len)?,))
            })
        })
}

/// Takes the price of a call from the guest's fuel, and returns to the
/// executor as often as a guest does that computes.
pub(crate) async fn charge(store: &mut Store<'_>, work: u64) -> Result<()> {
    let fuel = store.get_fuel()?;
    let Some(left) = fuel.checked_sub(work.saturating_add(CALL_FUEL)) else {
        store.set_fuel(0)?;
        return Err(Trap::OutOfFuel.into());
    };
    // Setting the fuel begins the engine's interval anew, so it is kept here.
    store.set_fuel(left)?;
    let since = &mut store.data_mut().fuel_at_pause;
    // More fuel than at the pause before: a new phase has begun.
    if since
        .checked_sub(left)
        .is_none_or(|used| used >= Profile::YIELD_FUEL)
    {
        *since = left;
        pause().await;
    }
    Ok(())
}

/// Lets other tasks run once.
async fn pause() {
    let mut paused = false;
    poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn at_most(got: u64, limit: u64, what: &str) -> Result<()> {
    if got > limit {
        return Err(format_err!(
            "passed {got} {what} at once, at most {limit} are taken"
        ));
    }
    Ok(())
}
