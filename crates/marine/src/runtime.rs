//! The engine of a node, and how components get into it.

use std::collections::HashMap;
use std::hash::{Hash as _, Hasher};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustix::io::Errno;
use thiserror::Error as ThisError;
use tokio::sync::{Semaphore, oneshot};
use tracing::{debug, warn};
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};
use weir_identity::{Cid, Hash};

use crate::admission::{Import, admit, imports, read_sections};
use crate::cache::{Cache, CacheConfig, CacheKey};
use crate::code::Code;
use crate::compiler::CompilerProcess;
use crate::contract::{Contract, modes};
use crate::error::Error;
use crate::execution::Execution;
use crate::flight::{Flight, Turns};
use crate::limits::ComponentLimits;
use crate::linked::{Imports, Linked, Provider, link, of_part};
use crate::manifest::{Manifest, Part};
use crate::module::{About, Module, ModuleParts};
use crate::profile::Profile;
use crate::residence::{ComponentSource, Residence, Residents};
use crate::sandbox::{CallState, has_effects, linker};

/// How to set up a [`Marine`].
#[derive(Debug, Clone)]
pub struct MarineConfig {
    /// The rules under which guests run.
    pub profile: Profile,
    /// How their code is executed.
    pub execution: Execution,
    /// How many calls may be in progress at once; further calls wait. Each
    /// slot reserves address space (about 16 GiB), not memory.
    pub slots: u32,
    /// What a component may be.
    pub components: ComponentLimits,
    /// How much code is in memory while nobody executes it.
    pub residence: Residence,
    /// Where compiled code is kept between runs; without it every run compiles anew.
    pub cache: Option<CacheConfig>,
    /// Where components are compiled; without it in this process, where
    /// nothing bounds the memory that this takes.
    pub compiler: Option<CompilerProcess>,
}

impl Default for MarineConfig {
    fn default() -> Self {
        Self {
            profile: Profile::Det1,
            execution: Execution::default(),
            slots: 64,
            components: ComponentLimits::default(),
            residence: Residence::default(),
            cache: None,
            compiler: None,
        }
    }
}

/// Why a [`Marine`] could not be set up.
#[derive(Debug, ThisError)]
pub enum SetupError {
    /// The folder for compiled code cannot be used.
    #[error("cannot use the folder for compiled code: {0}")]
    Cache(#[source] io::Error),
    /// The engine refuses the configuration, or this machine does not offer what it needs.
    #[error("the WebAssembly engine cannot be set up: {0}")]
    Engine(String),
}

/// The Wasm runtime of a node: one engine, its pool of instances and its cache
/// of compiled code. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Marine {
    pub(crate) shared: Arc<Shared>,
}

/// What modules need of the runtime that loaded them.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) profile: Profile,
    pub(crate) profile_id: Hash,
    execution: Execution,
    /// One permit for each call that the pool has room for.
    pub(crate) slots: Semaphore,
    slots_total: u32,
    linker: Linker<CallState>,
    components: ComponentLimits,
    cache: Option<Cache>,
    compiler: Option<CompilerProcess>,
    engine_hash: [u8; 32],
    /// What is in use or being loaded.
    loaded: Mutex<HashMap<Cid, Entry>>,
    residents: Arc<Residents>,
    /// Held while a component is compiled and tried.
    turns: Turns,
}

enum Entry {
    InUse(Weak<ModuleParts>),
    Loading(Arc<Flight>),
}

/// How many components are compiled at once. One takes all cores as it is; the
/// second is there so that a slow one does not hold up the others.
const COMPILATIONS: u32 = 2;

impl Marine {
    /// Sets up an engine.
    pub fn new(config: MarineConfig) -> Result<Self, SetupError> {
        let refused = |error: wasmtime::Error| SetupError::Engine(format!("{error:#}"));
        // More than calls can use, for the trial instantiations of components that are being loaded.
        let pool = config.slots.saturating_add(COMPILATIONS);
        let engine = config.profile.engine_config(config.execution, pool);
        let engine = engine
            .and_then(|config| Engine::new(&config))
            .map_err(refused)?;
        Self::with_engine(engine, config)
    }

    /// The same with an engine of a configuration of its own.
    pub(crate) fn with_engine(engine: Engine, config: MarineConfig) -> Result<Self, SetupError> {
        let refused = |error: wasmtime::Error| SetupError::Engine(format!("{error:#}"));
        Ok(Self {
            shared: Arc::new(Shared {
                linker: linker(&engine).map_err(refused)?,
                engine_hash: engine_hash(&engine),
                engine,
                profile: config.profile,
                profile_id: config.profile.id(),
                execution: config.execution,
                slots: Semaphore::new(config.slots as usize),
                slots_total: config.slots,
                components: config.components,
                cache: config
                    .cache
                    .map(Cache::open)
                    .transpose()
                    .map_err(SetupError::Cache)?,
                compiler: config.compiler,
                loaded: Mutex::default(),
                residents: Residents::new(config.residence),
                turns: Turns::new(COMPILATIONS),
            }),
        })
    }

    /// How much code is in memory.
    pub fn resident(&self) -> Residence {
        self.shared.residents.in_memory()
    }

    /// The rules under which guests run.
    pub fn profile(&self) -> Profile {
        self.shared.profile
    }

    /// Checks the bytes of a component without compiling it: its size, its
    /// validity, its imports and its manifest. What passes here may still fail to load.
    pub fn check(&self, component: &[u8]) -> Result<(), Error> {
        let features = self.shared.engine.get_wasm_features();
        admit(component, &self.shared.components, features).map(|_| ())
    }

    /// What a component asks of its host, granted or not, types apart, and apart
    /// from what parts serve that it carries. The component is checked like by [`Self::check`] otherwise.
    pub fn imports(&self, component: &[u8]) -> Result<Vec<Import>, Error> {
        let features = self.shared.engine.get_wasm_features();
        let mut imports = imports(component, &self.shared.components, features)?;
        let (_, linked) = read_sections(component)?;
        imports.retain(|import| !linked.imports.contains_key(&import.name));
        Ok(imports)
    }

    /// Loads a component: checks and compiles it, or takes its compiled code
    /// from the cache. A component that is in use already is not loaded again.
    /// Its code stays in memory for as long as the module is there.
    ///
    /// Blocks: compiling takes in the order of a second for each megabyte, and
    /// [`ComponentLimits::compile_ms`] at most, counted from when it begins.
    pub fn load(&self, component: &[u8]) -> Result<Module, Error> {
        let cid = Cid::of_raw(component);
        let module = Module::new(Arc::clone(&self.shared), self.parts(cid, component)?, None);
        // Others, who can bring it back, may have let it be put down.
        let seat = &module.parts.seat;
        if seat.code().is_none() {
            let (_, code) = self.shared.load(cid, component, &Flight::default())?;
            seat.put(Arc::new(code));
        }
        Ok(module)
    }

    /// The same for a component whose bytes can be read again, so that its code need not stay in memory
    /// ([`Residence`]).
    pub fn load_from(
        &self,
        component: &[u8],
        source: Arc<dyn ComponentSource>,
    ) -> Result<Module, Error> {
        let parts = self.parts(Cid::of_raw(component), component)?;
        Ok(Module::new(Arc::clone(&self.shared), parts, Some(source)))
    }

    /// What is known of a component, by whoever loads it first.
    fn parts(&self, cid: Cid, component: &[u8]) -> Result<Arc<ModuleParts>, Error> {
        let flight = {
            let mut loaded = self.shared.lock_loaded();
            match loaded.get(&cid) {
                Some(Entry::Loading(flight)) => Arc::clone(flight),
                Some(Entry::InUse(parts)) if let Some(parts) = parts.upgrade() => {
                    return Ok(parts);
                }
                _ => {
                    let flight = self.depart(cid, component)?;
                    loaded.insert(cid, Entry::Loading(Arc::clone(&flight)));
                    flight
                }
            }
        };
        flight.wait(self.shared.components.compile_ms)
    }

    /// Loads on a thread of its own, which goes on when nobody waits any more:
    /// a compiler cannot be interrupted.
    fn depart(&self, cid: Cid, component: &[u8]) -> Result<Arc<Flight>, Error> {
        let flight = Arc::new(Flight::default());
        let landing = Landing {
            shared: Arc::clone(&self.shared),
            flight: Arc::clone(&flight),
            cid,
        };
        let component = component.to_vec();
        spawn(move || {
            let outcome = landing.shared.load(cid, &component, &landing.flight);
            landing.land(outcome.map(|assembled| Arc::new(landing.shared.seated(assembled))));
        })?;
        Ok(flight)
    }
}

/// Validating goes into what is nested by calling itself, as deep as admission allows; this is some ten times what that
/// takes.
const STACK_BYTES: usize = 8 << 20;

/// A thread for work that cannot be interrupted.
fn spawn(work: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let thread = std::thread::Builder::new()
        .name("weir-compile".to_owned())
        .stack_size(STACK_BYTES);
    let spawned = thread.spawn(work);
    spawned.map(drop).map_err(|error| Error::Exhausted {
        what: "threads",
        detail: error.to_string(),
    })
}

fn panicked() -> Error {
    Error::Engine {
        detail: "the compiler panicked".to_owned(),
    }
}

/// Brings a flight to its end, also when its thread panics.
struct Landing {
    shared: Arc<Shared>,
    flight: Arc<Flight>,
    cid: Cid,
}

impl Landing {
    fn land(&self, outcome: Result<Arc<ModuleParts>, Error>) {
        let mut loaded = self.shared.lock_loaded();
        loaded.retain(|cid, entry| match entry {
            Entry::InUse(parts) => parts.strong_count() > 0,
            Entry::Loading(_) => *cid != self.cid,
        });
        if let Ok(parts) = &outcome {
            loaded.insert(self.cid, Entry::InUse(Arc::downgrade(parts)));
        }
        // Under the lock, so that whoever finds no flight finds what it brought.
        self.flight.land(outcome);
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.land(Err(panicked()));
        }
    }
}

impl std::fmt::Debug for Marine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Marine")
            .field("profile", &self.shared.profile)
            .field("free_slots", &self.shared.slots.available_permits())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn lock_loaded(&self) -> MutexGuard<'_, HashMap<Cid, Entry>> {
        // The map holds only complete entries, whatever another thread panicked at.
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self, cid: Cid, bytes: &[u8], flight: &Flight) -> Result<(About, Code), Error> {
        if let Some(assembled) = self.load_cached(cid, bytes) {
            return Ok(assembled);
        }
        let features = self.engine.get_wasm_features();
        let (manifest, linked) = admit(bytes, &self.components, features)?;
        let _turn = self.turns.take();
        flight.begin();
        let (component, code) = self.compile(bytes)?;
        let mut providers = Vec::new();
        let mut codes = vec![(self.cache_key(&cid), code)];
        for part in &linked.parts {
            let bytes = &part.component;
            let compiled = self.compile(bytes);
            let (component, code) = compiled.map_err(|error| of_part(&part.name, error))?;
            codes.push((self.cache_key(&Cid::of_raw(bytes)), code));
            providers.push(component);
        }
        let (about, linked) = self.assemble(cid, &component, manifest, (&linked, &providers))?;
        linked.try_start(self)?;
        if let Some(cache) = &self.cache {
            for (key, code) in &codes {
                cache.write(*key, code);
            }
        }
        Ok((about, linked))
    }

    /// A module with its code in memory.
    pub(crate) fn seated(&self, (about, code): (About, Code)) -> ModuleParts {
        ModuleParts {
            about,
            seat: self.residents.seat(Arc::new(code)),
        }
    }

    /// Loads code again that was put down, for all who wait for it. It goes on when nobody waits any more.
    pub(crate) async fn bring_back(
        self: &Arc<Self>,
        parts: &Arc<ModuleParts>,
        source: &Arc<dyn ComponentSource>,
    ) -> Result<Arc<Code>, Error> {
        let turn = parts.seat.turn().await;
        if let Some(code) = parts.seat.code() {
            return Ok(code);
        }
        // The semaphore is never closed, so an error cannot occur.
        let permit = Arc::clone(&self.residents.returns)
            .acquire_owned()
            .await
            .ok();
        let (done, answer) = oneshot::channel();
        let (shared, parts, source) = (Arc::clone(self), Arc::clone(parts), Arc::clone(source));
        spawn(move || {
            let _held = (turn, permit);
            let cid = parts.about.cid;
            let loaded = source.read(&cid).and_then(|bytes| {
                let loaded = shared.load(cid, &bytes, &Flight::default());
                loaded.map_err(|error| error.to_string())
            });
            // It could be loaded before, so it is this machine that fails, whatever it says.
            let code = loaded.map(|(_, code)| Arc::new(code));
            let code = code.map_err(|detail| Error::Away { cid, detail });
            if let Ok(code) = &code {
                parts.seat.put(Arc::clone(code));
            }
            // Whoever asked may have gone.
            let _ = done.send(code);
        })?;
        answer.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// A component, and its code for the cache.
    fn compile(&self, bytes: &[u8]) -> Result<(Component, Vec<u8>), Error> {
        let code = match &self.compiler {
            Some(compiler) => compiler.compile(bytes, self.execution, &self.engine_hash)?,
            None => self.engine.precompile_component(bytes).map_err(|error| {
                Error::InvalidComponent {
                    detail: format!("{error:#}"),
                }
            })?,
        };
        let component = self.deserialize(&code).map_err(|error| {
            let detail = format!("{error:#}");
            if error
                .chain()
                .any(|cause| cause.is::<io::Error>() || cause.is::<Errno>())
            {
                let what = "memory";
                return Error::Exhausted { what, detail };
            }
            // What was compiled a moment ago can only be refused because the pool has no room for its parts.
            Error::NoPlace { detail }
        })?;
        Ok((component, code))
    }

    /// An entry of the cache was admitted when it was written: the key covers
    /// the bytes of the component, the profile and the engine.
    fn load_cached(&self, cid: Cid, bytes: &[u8]) -> Option<(About, Code)> {
        let component = self.cached(&cid)?;
        let parts = read_sections(bytes).and_then(|(manifest, linked)| {
            let providers = linked.parts.iter();
            let providers: Option<Vec<Component>> = providers
                .map(|part| self.cached(&Cid::of_raw(&part.component)))
                .collect();
            let assembled = providers
                .map(|providers| self.assemble(cid, &component, manifest, (&linked, &providers)));
            assembled.transpose()
        });
        match parts {
            Ok(parts) => parts,
            Err(error) => {
                warn!(%error, %cid, "compiled code from the cache is of no use");
                None
            }
        }
    }

    fn cached(&self, cid: &Cid) -> Option<Component> {
        let code = self.cache.as_ref()?.read(self.cache_key(cid))?;
        match self.deserialize(&code) {
            Ok(component) => Some(component),
            Err(error) => {
                warn!(%error, %cid, "compiled code from the cache is of no use");
                None
            }
        }
    }

    pub(crate) fn assemble(
        &self,
        cid: Cid,
        component: &Component,
        manifest: Option<Manifest>,
        (linked, providers): (&Linked, &[Component]),
    ) -> Result<(About, Code), Error> {
        let mut contract = Contract::of(&self.engine, component, &self.components)?;
        let providers = self.providers(manifest.as_ref(), linked, providers)?;
        for provider in &providers {
            contract.may(modes(&self.engine, provider.component()));
        }
        if let Some(manifest) = &manifest {
            contract.apply(manifest)?;
        }
        let name = manifest.as_ref().map_or("", Manifest::facade);
        let pre = self.instantiable((name, component), &linked.imports, &providers)?;
        let components = providers
            .iter()
            .map(|provider| Provider::component(provider));
        let has_effects = components.chain([component]).any(|component| {
            let ty = component.component_type();
            ty.imports(&self.engine).any(|(name, _)| has_effects(name))
        });
        let code = Code {
            exports: contract.exports(component)?,
            providers,
            pre,
        };
        let about = About {
            cid,
            contract,
            manifest,
            has_effects,
        };
        Ok((about, code))
    }

    /// The parts that are linked through the host, each with those that it uses.
    fn providers(
        &self,
        manifest: Option<&Manifest>,
        linked: &Linked,
        components: &[Component],
    ) -> Result<Vec<Arc<Provider>>, Error> {
        let needed = linked.parts.len().saturating_add(1);
        if needed > self.slots_total as usize {
            return Err(Error::NoPlace {
                detail: format!(
                    "a call needs {needed} slots, one for each part that is linked through the host; \
                     there are {}",
                    self.slots_total
                ),
            });
        }
        let mut providers = Vec::new();
        for (number, (part, component)) in linked.parts.iter().zip(components).enumerate() {
            let name = part.name.as_str();
            let pre = self.instantiable((name, component), &part.imports, &providers);
            let pre = pre.map_err(|error| of_part(name, error))?;
            let said = manifest.and_then(|manifest| manifest.parts().get(name));
            let limits = said.and_then(Part::linked).unwrap_or_default();
            providers.push(Arc::new(Provider::new(number, name, limits, pre)));
        }
        Ok(providers)
    }

    /// A component with everything that it imports.
    fn instantiable(
        &self,
        (name, component): (&str, &Component),
        imports: &Imports,
        providers: &[Arc<Provider>],
    ) -> Result<InstancePre<CallState>, Error> {
        let pre = if imports.is_empty() {
            self.linker.instantiate_pre(component)
        } else {
            let mut linker = self.linker.clone();
            link(&mut linker, (name, component), imports, providers)?;
            linker.instantiate_pre(component)
        };
        if let Err(error) = component.initialize_copy_on_write_image() {
            debug!(%error, name, "the first call will set up the memory image");
        }
        pre.map_err(|error| Error::ForbiddenImport {
            imports: vec![format!("{error:#}")],
        })
    }

    /// Turns compiled code into a component.
    ///
    /// The callers pass code that this process compiled itself, that its own
    /// child compiled, or that [`Cache::read`] has authenticated as written by
    /// this node.
    #[allow(
        unsafe_code,
        reason = "the engine cannot verify native code; its origin is verified instead"
    )]
    fn deserialize(&self, code: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: the bytes come from `precompile_component`, in this process,
        // in a child or in an earlier process. The child's come through a pipe
        // that nobody else holds, from a program that the operator named, with
        // the identity of this very engine; a component that could make the
        // compiler lie could do so in this process as well. Entries of the cache carry a MAC under a
        // secret of this node, checked over the very bytes that are used here.
        unsafe { Component::deserialize(&self.engine, code) }
    }

    fn cache_key(&self, cid: &Cid) -> CacheKey {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&cid.to_bytes());
        hasher.update(self.profile_id.as_bytes());
        hasher.update(&self.engine_hash);
        hasher.update(format!("{:?}", self.components).as_bytes());
        CacheKey(*hasher.finalize().as_bytes())
    }
}

/// Identifies everything about the engine and this processor that compiled code depends on.
pub(crate) fn engine_hash(engine: &Engine) -> [u8; 32] {
    struct Adapter(blake3::Hasher);

    impl Hasher for Adapter {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        fn finish(&self) -> u64 {
            let hash = self.0.finalize();
            let (start, _) = hash.as_bytes().split_at(8);
            start
                .iter()
                .fold(0, |sum, &byte| sum << 8 | u64::from(byte))
        }
    }

    let mut adapter = Adapter(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut adapter);
    *adapter.0.finalize().as_bytes()
}
