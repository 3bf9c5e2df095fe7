//! Gets packages, checks them, forgets them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::RwLock;
use weir_identity::{Cid, Hash, PeerId};
use weir_node::NodeHandle;
use weir_package::{
    FetchError, Folder, Grants, Limits, Package, Pins, Refusal, Source, StoreError, check, collect,
    fetch,
};
use weir_peer::deals::{Code, DealTable, PackageLimits};

use crate::exchange::Exchange;
use crate::peers::Peers;

/// The packages of one agent. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Packages {
    folder: Folder,
    sources: Arc<[Arc<dyn Source>]>,
    host: NodeHandle,
    exchange: Arc<Exchange>,
    patience: Duration,
    needs: Arc<Mutex<Needs>>,
    /// Whoever fetches reads it, whoever deletes writes it: what is on its way is not taken for unused.
    turn: Arc<RwLock<()>>,
    /// Whether blocks are to be deleted when no fetch is under way any more.
    untidy: Arc<AtomicBool>,
}

/// It is said before a package is fetched.
#[derive(Default)]
struct Needs {
    /// What workers have or are about to have.
    packages: BTreeSet<Cid>,
    /// The other hosts of each deal.
    hosts: BTreeMap<u64, Vec<PeerId>>,
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
        host: NodeHandle,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let folder = Folder::open(folder)?;
        Ok(Self {
            exchange: Arc::new(Exchange::new(folder.clone())),
            folder,
            sources: sources.into(),
            host,
            patience,
            needs: Arc::default(),
            turn: Arc::default(),
            untidy: Arc::default(),
        })
    }

    /// What the host answers for the service `blocks`.
    pub(crate) fn exchange(&self) -> Arc<Exchange> {
        self.exchange.clone()
    }

    /// Gets the package of a deal with everything in it, and checks that it is the code and may be installed here. What
    /// is here is not asked for again.
    pub(crate) async fn get(
        &self,
        deal: u64,
        code: &Code,
        limits: PackageLimits,
    ) -> Result<Package, Failure> {
        let turn = self.turn.read().await;
        let package = self.fetch(deal, code, limits).await;
        drop(turn);
        if self.untidy.swap(false, Ordering::Relaxed) {
            self.tidy();
        }
        let package = package?;
        self.judge(&package, code.module_set, limits)?;
        Ok(package)
    }

    async fn fetch(
        &self,
        deal: u64,
        code: &Code,
        limits: PackageLimits,
    ) -> Result<Package, Failure> {
        let peers = Peers {
            host: &self.host,
            exchange: &self.exchange,
            hosts: || self.needs(|needs| needs.hosts.get(&deal).cloned().unwrap_or_default()),
            patience: self.patience,
            doubts: Mutex::default(),
        };
        let sources = self.sources.iter().map(|source| &**source);
        let sources: Vec<&dyn Source> = sources.chain([&peers as &dyn Source]).collect();
        let bounds = Limits {
            bytes: limits.bytes,
            ..Limits::default()
        };
        let mut store = self.folder.clone();
        let package = fetch(code.package, bounds, &sources, &mut store, |_| {}).await;
        package.map_err(|error| match error {
            FetchError::Unavailable { .. } | FetchError::Store(_) => Failure::for_now(error),
            FetchError::TooLarge { .. } | FetchError::NotAPackage { .. } => {
                Failure::for_good(error)
            }
        })
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
            for granted in self.host.config().effects.granted_to(service) {
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

    /// Says which packages workers have or are about to have, and who is in which deal.
    pub(crate) fn need(&self, packages: BTreeSet<Cid>, deals: &DealTable) {
        let me = self.host.peer_id();
        let hosts = deals.subnets.iter().map(|(deal, subnet)| {
            let members = subnet.members.iter().map(|member| member.host);
            let others: BTreeSet<PeerId> = members.filter(|host| *host != me).collect();
            (*deal, others.into_iter().collect())
        });
        let hosts = hosts.collect();
        self.needs(|needs| *needs = Needs { packages, hosts });
    }

    fn needs<T>(&self, with: impl FnOnce(&mut Needs) -> T) -> T {
        with(&mut self.needs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Deletes the blocks of all packages that are not needed, now or after the fetches that are under way: they may
    /// wait for others, who must not keep further fetches waiting.
    pub(crate) fn tidy(&self) {
        let Ok(_turn) = self.turn.try_write() else {
            self.untidy.store(true, Ordering::Relaxed);
            return;
        };
        let mut pins = Pins::default();
        for cid in self.needs(|needs| needs.packages.clone()) {
            pins.pin(cid, "a worker");
        }
        let mut folder = self.folder.clone();
        match collect(&mut folder, &pins) {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => tracing::info!(blocks = gone.len(), "deleted blocks that no worker needs"),
            Err(error) => tracing::warn!(%error, "cannot delete blocks that no worker needs"),
        }
    }
}
