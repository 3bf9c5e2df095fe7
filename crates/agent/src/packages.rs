//! Gets packages, checks them, forgets them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::RwLock;
use weir_identity::{Cid, Hash};
use weir_node::EffectsConfig;
use weir_package::{
    FetchError, Folder, Grants, Limits, Package, Pins, Refusal, Source, StoreError, check, collect,
    fetch,
};
use weir_peer::deals::{Code, PackageLimits};

/// The packages of one agent. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Packages {
    folder: Folder,
    sources: Arc<[Arc<dyn Source>]>,
    effects: EffectsConfig,
    /// What workers have or are about to have. It is said before a package is fetched.
    wanted: Arc<Mutex<BTreeSet<Cid>>>,
    /// Whoever fetches reads it, whoever deletes writes it: what is on its way is not taken for unused.
    turn: Arc<RwLock<()>>,
}

/// Why a package is not here.
#[derive(Debug)]
pub(crate) struct Failure {
    /// In words.
    pub(crate) reason: String,
    /// Whether trying again is of no use.
    pub(crate) permanent: bool,
}

impl Failure {
    pub(crate) fn for_now(reason: impl ToString) -> Self {
        Self {
            reason: reason.to_string(),
            permanent: false,
        }
    }

    pub(crate) fn for_good(reason: impl ToString) -> Self {
        Self {
            reason: reason.to_string(),
            permanent: true,
        }
    }
}

impl Packages {
    pub(crate) fn open(
        folder: &Path,
        sources: Vec<Arc<dyn Source>>,
        effects: EffectsConfig,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            folder: Folder::open(folder)?,
            sources: sources.into(),
            effects,
            wanted: Arc::default(),
            turn: Arc::default(),
        })
    }

    /// Gets a package with everything in it, and checks that it is the code and may be installed here. What is here is
    /// not asked for again.
    pub(crate) async fn get(&self, code: &Code, limits: PackageLimits) -> Result<Package, Failure> {
        let _turn = self.turn.read().await;
        let sources: Vec<&dyn Source> = self.sources.iter().map(|source| &**source).collect();
        let bounds = Limits {
            bytes: limits.bytes,
            ..Limits::default()
        };
        let mut store = self.folder.clone();
        let package = fetch(code.package, bounds, &sources, &mut store, |_| {}).await;
        let package = package.map_err(|error| match error {
            FetchError::Unavailable { .. } | FetchError::Store(_) => Failure::for_now(error),
            FetchError::TooLarge { .. } | FetchError::NotAPackage { .. } => {
                Failure::for_good(error)
            }
        })?;
        self.judge(&package, code.module_set, limits)?;
        Ok(package)
    }

    /// Whether a package is the code that a deal names, and may be installed here.
    fn judge(
        &self,
        package: &Package,
        module_set: Hash,
        limits: PackageLimits,
    ) -> Result<(), Failure> {
        let root = package.root();
        let services = root.services().len();
        if services > limits.services as usize {
            return Err(Failure::for_good(format!(
                "package {} has {services} services, this node takes at most {}",
                package.cid(),
                limits.services
            )));
        }
        let hash = root.module_set_hash();
        if hash != module_set {
            return Err(Failure::for_good(format!(
                "the modules of package {} hash to {hash}, and the deal says {module_set}; its owner can set the version again",
                package.cid()
            )));
        }
        let refusals = self.refusals(package);
        if refusals.is_empty() {
            return Ok(());
        }
        let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        Err(Failure::for_good(texts.join("; ")))
    }

    /// What the package asks for and no permission of the operator gives, and what cannot be done at all.
    fn refusals(&self, package: &Package) -> Vec<Refusal> {
        let root = package.root();
        let components: BTreeMap<&str, String> = root
            .services()
            .iter()
            .map(|service| (service.name(), service.component().content().to_string()))
            .collect();
        let mut left = check(root, &Grants::default());
        for service in components.values() {
            for granted in self.effects.granted_to(service) {
                let Ok(granted) = Grants::from_value(&granted.to_value()) else {
                    continue;
                };
                let beyond = check(root, &granted);
                left.retain(|refusal| match refusal {
                    Refusal::NotGranted { service: named, .. } => {
                        components.get(&**named) != Some(service) || beyond.contains(refusal)
                    }
                    Refusal::Schedules { .. } => true,
                });
            }
        }
        left
    }

    /// Says which packages workers have or are about to have.
    pub(crate) fn want(&self, wanted: BTreeSet<Cid>) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = wanted;
    }

    /// Deletes the blocks of all packages that are not wanted.
    pub(crate) async fn tidy(&self) {
        let _turn = self.turn.write().await;
        let mut pins = Pins::default();
        for cid in &*self.wanted.lock().unwrap_or_else(PoisonError::into_inner) {
            pins.pin(*cid, "a worker");
        }
        let mut folder = self.folder.clone();
        match collect(&mut folder, &pins) {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => tracing::info!(blocks = gone.len(), "deleted blocks that no worker needs"),
            Err(error) => tracing::warn!(%error, "cannot delete blocks that no worker needs"),
        }
    }
}
