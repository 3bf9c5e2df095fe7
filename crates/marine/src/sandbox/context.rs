//! `weir:host/context` and `weir:host/log`: who calls, and notes about it.

use wasmtime::Result;
use wasmtime::component::{ComponentType, Lift, Linker, Lower};

use super::CallState;
use super::log::LogSink;
use super::metered::charge;
use crate::context::Origin;

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Info {
    request: String,
    initiator: String,
    host: String,
    worker: String,
    service: String,
    #[component(name = "timestamp-ms")]
    timestamp_ms: u64,
    #[component(name = "ttl-ms")]
    ttl_ms: u64,
    salt: Vec<u8>,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
struct Tetraplet {
    peer: String,
    service: String,
    function: String,
    lens: String,
}

impl Tetraplet {
    fn of(origin: &Origin) -> Self {
        Self {
            peer: origin.peer.to_string(),
            service: origin.service.to_string(),
            function: origin.function.to_string(),
            lens: origin.lens.to_string(),
        }
    }

    fn len(&self) -> usize {
        self.peer.len() + self.service.len() + self.function.len() + self.lens.len()
    }
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum Level {
    /// Something failed.
    #[component(name = "error")]
    Error,
    /// Something may go wrong.
    #[component(name = "warn")]
    Warn,
    /// What happens.
    #[component(name = "info")]
    Info,
    /// What helps to find a mistake.
    #[component(name = "debug")]
    Debug,
    /// Everything.
    #[component(name = "trace")]
    Trace,
}

/// Links both.
pub(super) fn add_to_linker(linker: &mut Linker<CallState>) -> Result<()> {
    let mut context = linker.instance("weir:host/context@0.1.0")?;
    context.func_wrap_async("get", |mut store, (): ()| {
        Box::new(async move {
            charge(&mut store, 0).await?;
            let about = &store.data().context;
            Ok((Info {
                request: about.request.clone(),
                initiator: about.initiator.clone(),
                host: about.host.clone(),
                worker: about.worker.clone(),
                service: about.service.clone(),
                timestamp_ms: about.timestamp_ms,
                ttl_ms: about.ttl_ms,
                salt: about.salt.to_vec(),
            },))
        })
    })?;
    context.func_wrap_async("provenance", |mut store, (argument,): (u32,)| {
        Box::new(async move {
            let origins = store.data().context.provenance.get(argument as usize);
            let origins: Vec<_> = origins.into_iter().flatten().map(Tetraplet::of).collect();
            let bytes: usize = origins.iter().map(Tetraplet::len).sum();
            charge(&mut store, bytes as u64).await?;
            Ok((origins,))
        })
    })?;
    let mut log = linker.instance("weir:host/log@0.1.0")?;
    log.func_wrap_async("write", |mut store, (level, text): (Level, String)| {
        Box::new(async move {
            charge(&mut store, text.len() as u64).await?;
            LogSink::lock(&store.data().log).note(level, text);
            Ok(())
        })
    })
}
