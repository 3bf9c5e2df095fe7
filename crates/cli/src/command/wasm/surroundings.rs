//! What calls of a component find around them when there is no network.

use crate::args::Allowance;
use crate::failure::Failure;
use crate::permissions;
use std::sync::Arc;
use weir_marine::{CallContext, Limits, Manifest, Module, Outside, StateAt, World};
use weir_node::LoneEffects;
use weir_receipt::state::{Commit, MemoryNodes, Root};

/// The name of a service whose component has no manifest.
const NAMELESS: &str = "component";

/// The state of a service from one call to the next, and what calls may do outside.
#[derive(Debug)]
pub(super) struct Surroundings {
    root: Root,
    nodes: Arc<MemoryNodes>,
    effects: Option<LoneEffects>,
    timestamp_ms: u64,
}

impl Surroundings {
    /// The empty state, and the effects of the file that is named, if one is.
    pub(super) fn new(allowance: &Allowance) -> Result<Self, Failure> {
        let effects = match &allowance.effects {
            None => None,
            Some(file) => {
                let config = permissions::read(Some(file))?;
                Some(LoneEffects::new(config).map_err(unprepared)?)
            }
        };
        Ok(Self {
            root: Root::EMPTY,
            nodes: Arc::default(),
            effects,
            timestamp_ms: allowance.at,
        })
    }

    /// What the next call finds.
    pub(super) fn world(&self, module: &Module) -> World {
        let effects = self.effects.as_ref();
        World {
            state: StateAt {
                root: self.root,
                nodes: self.nodes.clone(),
                ..StateAt::default()
            },
            outside: effects.map_or(Outside::Closed, |effects| {
                Outside::Open(effects.of(service(module), module))
            }),
            ..World::default()
        }
    }

    /// Its circumstances. They are always the same, unless it has effects.
    pub(super) fn context(&self, module: &Module) -> Result<CallContext, Failure> {
        match &self.effects {
            Some(effects) => effects
                .circumstances(service(module), self.timestamp_ms)
                .map_err(unprepared),
            None => Ok(CallContext {
                timestamp_ms: self.timestamp_ms,
                ..CallContext::default()
            }),
        }
    }

    /// Keeps what a call that has ended makes of the state.
    pub(super) fn keep(&mut self, commit: &Commit) -> Result<(), Failure> {
        let nodes = Arc::get_mut(&mut self.nodes);
        let nodes = nodes.ok_or_else(|| Failure::internal("the state is in use", "a call runs"))?;
        nodes.apply(commit);
        self.root = commit.root;
        Ok(())
    }
}

/// What a call may use. How long it may take is for `--timeout` and Ctrl-C.
pub(super) fn limits(allowance: &Allowance) -> Limits {
    Limits {
        fuel: allowance.fuel,
        memory_bytes: allowance.memory << 20,
        wall_ms: u64::MAX,
        ..Limits::default()
    }
}

fn service(module: &Module) -> &str {
    module.manifest().map_or(NAMELESS, Manifest::name)
}

fn unprepared(error: std::io::Error) -> Failure {
    Failure::internal("effects cannot be prepared", error)
}
