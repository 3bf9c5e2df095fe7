//! The engine of a node, and how components get into it.

use std::collections::HashMap;
use std::hash::{Hash as _, Hasher};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use thiserror::Error as ThisError;
use tokio::sync::Semaphore;
use tracing::{debug, warn};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use weir_identity::{Cid, Hash};

use crate::admission::{Import, admit, imports};
use crate::cache::{Cache, CacheConfig, CacheKey};
use crate::compiler::CompilerProcess;
use crate::contract::Contract;
use crate::error::Error;
use crate::execution::Execution;
use crate::failure::engine_failure;
use crate::flight::{Flight, Turns};
use crate::limits::ComponentLimits;
use crate::manifest::{Manifest, extract};
use crate::module::{Module, ModuleParts};
use crate::profile::Profile;
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
    linker: Linker<CallState>,
    components: ComponentLimits,
    cache: Option<Cache>,
    compiler: Option<CompilerProcess>,
    engine_hash: [u8; 32],
    /// What is in use or being loaded.
    loaded: Mutex<HashMap<Cid, Entry>>,
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
                components: config.components,
                cache: config
                    .cache
                    .map(Cache::open)
                    .transpose()
                    .map_err(SetupError::Cache)?,
                compiler: config.compiler,
                loaded: Mutex::default(),
                turns: Turns::new(COMPILATIONS),
            }),
        })
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

    /// What a component asks of its host, granted or not, types apart. The
    /// component is checked like by [`Self::check`] otherwise.
    pub fn imports(&self, component: &[u8]) -> Result<Vec<Import>, Error> {
        let features = self.shared.engine.get_wasm_features();
        imports(component, &self.shared.components, features)
    }

    /// Loads a component: checks and compiles it, or takes its compiled code
    /// from the cache. A component that is in use already is not loaded again.
    ///
    /// Blocks: compiling takes in the order of a second for each megabyte, and
    /// [`ComponentLimits::compile_ms`] at most, counted from when it begins.
    pub fn load(&self, component: &[u8]) -> Result<Module, Error> {
        let cid = Cid::of_raw(component);
        let flight = {
            let mut loaded = self.shared.lock_loaded();
            match loaded.get(&cid) {
                Some(Entry::Loading(flight)) => Arc::clone(flight),
                Some(Entry::InUse(parts)) if let Some(parts) = parts.upgrade() => {
                    return Ok(Module::new(Arc::clone(&self.shared), parts));
                }
                _ => {
                    let flight = self.depart(cid, component)?;
                    loaded.insert(cid, Entry::Loading(Arc::clone(&flight)));
                    flight
                }
            }
        };
        let parts = flight.wait(self.shared.components.compile_ms)?;
        Ok(Module::new(Arc::clone(&self.shared), parts))
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
        std::thread::Builder::new()
            .name("weir-compile".to_owned())
            .spawn(move || {
                let outcome = landing.shared.load(cid, &component, &landing.flight);
                landing.land(outcome.map(Arc::new));
            })
            .map_err(|error| Error::Exhausted {
                what: "threads",
                detail: error.to_string(),
            })?;
        Ok(flight)
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
            self.land(Err(Error::Engine {
                detail: "the compiler panicked".to_owned(),
            }));
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

    fn load(&self, cid: Cid, bytes: &[u8], flight: &Flight) -> Result<ModuleParts, Error> {
        let key = self.cache_key(&cid);
        if let Some(parts) = self.load_cached(key, cid, bytes) {
            return Ok(parts);
        }
        let manifest = admit(bytes, &self.components, self.engine.get_wasm_features())?;
        let _turn = self.turns.take();
        flight.begin();
        let code = match &self.compiler {
            Some(compiler) => compiler.compile(bytes, self.execution, &self.engine_hash)?,
            None => self.engine.precompile_component(bytes).map_err(|error| {
                Error::InvalidComponent {
                    detail: format!("{error:#}"),
                }
            })?,
        };
        // What was compiled a moment ago can only be refused because the pool has no room for its parts.
        let component = self.deserialize(&code).map_err(|error| Error::NoPlace {
            detail: format!("{error:#}"),
        })?;
        let parts = self.assemble(cid, &component, manifest)?;
        parts.try_start(self)?;
        if let Some(cache) = &self.cache {
            cache.write(key, &code);
        }
        Ok(parts)
    }

    /// An entry of the cache was admitted when it was written: the key covers
    /// the bytes of the component, the profile and the engine.
    fn load_cached(&self, key: CacheKey, cid: Cid, bytes: &[u8]) -> Option<ModuleParts> {
        let code = self.cache.as_ref()?.read(key)?;
        let parts = self
            .deserialize(&code)
            .map_err(|error| engine_failure(&error))
            .and_then(|component| self.assemble(cid, &component, extract(bytes)?));
        match parts {
            Ok(parts) => Some(parts),
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
    ) -> Result<ModuleParts, Error> {
        let mut contract = Contract::of(&self.engine, component, &self.components)?;
        if let Some(manifest) = &manifest {
            contract.apply(manifest)?;
        }
        let pre =
            self.linker
                .instantiate_pre(component)
                .map_err(|error| Error::ForbiddenImport {
                    imports: vec![format!("{error:#}")],
                })?;
        if let Err(error) = component.initialize_copy_on_write_image() {
            debug!(%error, %cid, "the first call will set up the memory image");
        }
        let ty = component.component_type();
        let has_effects = ty.imports(&self.engine).any(|(name, _)| has_effects(name));
        Ok(ModuleParts {
            cid,
            contract,
            manifest,
            has_effects,
            pre,
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
