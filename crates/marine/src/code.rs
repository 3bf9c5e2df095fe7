//! The code of a module, linked with all that it imports.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::{Component, ComponentExportIndex, Instance, InstancePre};
use wasmtime::{AsContextMut, Store};
use weir_identity::Value;

use crate::bridge::Arguments;
use crate::contract::Function;
use crate::error::Error;
use crate::failure::{Phase, engine_failure, explain};
use crate::instance::{instantiate, try_instantiate};
use crate::linked::{Provider, of_part};
use crate::module::Call;
use crate::runtime::Shared;
use crate::sandbox::{CallState, read_blobs};

/// Code that is ready to make instances.
pub(crate) struct Code {
    pub(crate) pre: InstancePre<CallState>,
    /// The parts that are linked through the host.
    pub(crate) providers: Vec<Arc<Provider>>,
    /// Where the functions of the contract are, in its order.
    pub(crate) exports: Vec<ComponentExportIndex>,
}

impl Code {
    /// How much memory the native code takes, with its tables.
    pub(crate) fn bytes(&self) -> u64 {
        let parts = self.providers.iter().map(|provider| provider.component());
        let sizes = parts.chain([self.pre.component()]).map(image_bytes);
        sizes.sum()
    }

    /// Runs the function in a fresh instance. From `started` on, the fuel is that of the call.
    pub(crate) async fn run(
        &self,
        store: &mut Store<CallState>,
        function: &Function,
        (call, arguments): (&Call<'_>, Arguments),
        started: &mut Option<Instant>,
    ) -> Result<Value, Error> {
        let limits = call.limits;
        let instance = instantiate(&self.pre, store).await?;
        store
            .set_fuel(limits.fuel)
            .map_err(|error| engine_failure(&error))?;
        *started = Some(Instant::now());
        self.invoke(store, instance, function, (call, arguments))
            .await
    }

    /// Calls the function of an instance.
    pub(crate) async fn invoke(
        &self,
        store: &mut Store<CallState>,
        instance: Instance,
        function: &Function,
        (call, arguments): (&Call<'_>, Arguments),
    ) -> Result<Value, Error> {
        let limits = call.limits;
        store.data_mut().links.open(limits);
        let export = self.exports.get(function.number);
        let callee = export.and_then(|export| instance.get_func(&mut *store, export));
        let callee = callee.ok_or_else(|| Error::Engine {
            detail: format!("the instance lacks `{}`", function.full_name()),
        })?;
        let arguments = match arguments {
            Arguments::Wanting(blobs) => {
                let read = read_blobs(store.as_context_mut(), blobs, limits).await;
                let explained = |error| explain(&error, Phase::Call(limits), &store.data().memory);
                let blobs = read.map_err(explained)?;
                Arguments::convert(function, call.arguments, limits, blobs)?
            }
            ready => ready,
        };
        match arguments.call(callee, store, function, limits).await {
            Ok(result) => result,
            Err(error) => Err(explain(&error, Phase::Call(limits), &store.data().memory)),
        }
    }

    /// How many slots a call takes: each part that is linked through the host has an instance of its own.
    pub(crate) fn slots(&self) -> u32 {
        u32::try_from(self.providers.len().saturating_add(1)).unwrap_or(u32::MAX)
    }

    /// Makes an instance, and one of each part that is linked, to see whether that works at all. Blocks.
    pub(crate) fn try_start(&self, shared: &Shared) -> Result<(), Error> {
        try_instantiate(&self.pre, shared)?;
        for provider in &self.providers {
            try_instantiate(&provider.pre, shared)
                .map_err(|error| of_part(&provider.name, error))?;
        }
        Ok(())
    }
}

fn image_bytes(component: &Component) -> u64 {
    let image = component.image_range();
    (image.end as usize).saturating_sub(image.start as usize) as u64
}
