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
use weir_identity::Cid;

use crate::admission::admit;
use crate::cache::{Cache, CacheConfig, CacheKey};
use crate::contract::Contract;
use crate::error::Error;
use crate::failure::engine_failure;
use crate::limits::ComponentLimits;
use crate::module::{Module, ModuleParts};
use crate::profile::Profile;
use crate::sandbox::{CallState, linker};

/// How to set up a [`Marine`].
#[derive(Debug, Clone)]
pub struct MarineConfig {
    /// The rules under which guests run.
    pub profile: Profile,
    /// How many calls may be in progress at once; further calls wait. Each
    /// slot reserves address space (about 16 GiB), not memory.
    pub slots: u32,
    /// What a component may be.
    pub components: ComponentLimits,
    /// Where compiled code is kept between runs; without it every run compiles anew.
    pub cache: Option<CacheConfig>,
}

impl Default for MarineConfig {
    fn default() -> Self {
        Self {
            profile: Profile::Det1,
            slots: 64,
            components: ComponentLimits::default(),
            cache: None,
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
    shared: Arc<Shared>,
}

/// What modules need of the runtime that loaded them.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) profile: Profile,
    /// One permit for each call that the pool has room for.
    pub(crate) slots: Semaphore,
    linker: Linker<CallState>,
    components: ComponentLimits,
    cache: Option<Cache>,
    engine_hash: [u8; 32],
    /// Held while a component is loaded: compiling takes all cores as it is,
    /// and nothing is compiled twice. Maps to what is loaded and in use.
    loaded: Mutex<HashMap<Cid, Weak<ModuleParts>>>,
}

impl Marine {
    /// Sets up an engine.
    pub fn new(config: MarineConfig) -> Result<Self, SetupError> {
        let refused = |error: wasmtime::Error| SetupError::Engine(format!("{error:#}"));
        // One more than calls can use, for the trial instantiation of a component that is being loaded.
        let pool = config.slots.saturating_add(1);
        let engine = Engine::new(&config.profile.engine_config(pool)).map_err(refused)?;
        Ok(Self {
            shared: Arc::new(Shared {
                linker: linker(&engine).map_err(refused)?,
                engine_hash: engine_hash(&engine),
                engine,
                profile: config.profile,
                slots: Semaphore::new(config.slots as usize),
                components: config.components,
                cache: config
                    .cache
                    .map(Cache::open)
                    .transpose()
                    .map_err(SetupError::Cache)?,
                loaded: Mutex::default(),
            }),
        })
    }

    /// The rules under which guests run.
    pub fn profile(&self) -> Profile {
        self.shared.profile
    }

    /// Checks the bytes of a component without compiling it: its size, its
    /// validity and its imports. What passes here may still fail to load.
    pub fn check(&self, component: &[u8]) -> Result<(), Error> {
        let features = self.shared.engine.get_wasm_features();
        admit(component, &self.shared.components, features)
    }

    /// Loads a component: checks and compiles it, or takes its compiled code
    /// from the cache. A component that is in use already is not loaded again.
    ///
    /// Blocks: compiling takes in the order of a second for each megabyte.
    /// Only one component is loaded at a time.
    pub fn load(&self, component: &[u8]) -> Result<Module, Error> {
        let cid = Cid::of_raw(component);
        let mut loaded = self.shared.lock_loaded();
        if let Some(parts) = loaded.get(&cid).and_then(Weak::upgrade) {
            return Ok(Module::new(Arc::clone(&self.shared), parts));
        }
        let parts = Arc::new(self.shared.load(cid, component)?);
        loaded.retain(|_, parts| parts.strong_count() > 0);
        loaded.insert(cid, Arc::downgrade(&parts));
        Ok(Module::new(Arc::clone(&self.shared), parts))
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
    fn lock_loaded(&self) -> MutexGuard<'_, HashMap<Cid, Weak<ModuleParts>>> {
        // The map holds only complete entries, whatever another thread panicked at.
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self, cid: Cid, bytes: &[u8]) -> Result<ModuleParts, Error> {
        let key = self.cache_key(&cid);
        if let Some(parts) = self.load_cached(key, cid) {
            return Ok(parts);
        }
        admit(bytes, &self.components, self.engine.get_wasm_features())?;
        let code =
            self.engine
                .precompile_component(bytes)
                .map_err(|error| Error::InvalidComponent {
                    detail: format!("{error:#}"),
                })?;
        let parts = self.assemble(
            cid,
            &self
                .deserialize(&code)
                .map_err(|error| engine_failure(&error))?,
        )?;
        parts.try_start(self)?;
        if let Some(cache) = &self.cache {
            cache.write(key, &code);
        }
        Ok(parts)
    }

    /// An entry of the cache was admitted when it was written: the key covers
    /// the bytes of the component, the profile and the engine.
    fn load_cached(&self, key: CacheKey, cid: Cid) -> Option<ModuleParts> {
        let code = self.cache.as_ref()?.read(key)?;
        let parts = self
            .deserialize(&code)
            .map_err(|error| engine_failure(&error))
            .and_then(|component| self.assemble(cid, &component));
        match parts {
            Ok(parts) => Some(parts),
            Err(error) => {
                warn!(%error, %cid, "compiled code from the cache is of no use");
                None
            }
        }
    }

    fn assemble(&self, cid: Cid, component: &Component) -> Result<ModuleParts, Error> {
        let contract = Contract::of(&self.engine, component)?;
        let pre =
            self.linker
                .instantiate_pre(component)
                .map_err(|error| Error::ForbiddenImport {
                    imports: vec![format!("{error:#}")],
                })?;
        if let Err(error) = component.initialize_copy_on_write_image() {
            debug!(%error, %cid, "the first call will set up the memory image");
        }
        Ok(ModuleParts { cid, contract, pre })
    }

    /// Turns compiled code into a component.
    ///
    /// The callers pass code that this process compiled itself or that
    /// [`Cache::read`] has authenticated as written by this node.
    #[allow(
        unsafe_code,
        reason = "the engine cannot verify native code; its origin is verified instead"
    )]
    fn deserialize(&self, code: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: the bytes come from `precompile_component`, in this process
        // or in an earlier one: entries of the cache carry a MAC under a
        // secret of this node, checked over the very bytes that are used here.
        unsafe { Component::deserialize(&self.engine, code) }
    }

    fn cache_key(&self, cid: &Cid) -> CacheKey {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&cid.to_bytes());
        hasher.update(self.profile.id().as_bytes());
        hasher.update(&self.engine_hash);
        hasher.update(format!("{:?}", self.components).as_bytes());
        CacheKey(*hasher.finalize().as_bytes())
    }
}

/// Identifies everything about the engine and this processor that compiled code depends on.
fn engine_hash(engine: &Engine) -> [u8; 32] {
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
