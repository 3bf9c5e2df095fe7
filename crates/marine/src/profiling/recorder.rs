//! What probes tell, as a tree of calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::{Engine, Result, Trap};

use super::probes::{END, FIRST};
use crate::fuel;

/// The most nodes of the tree. What goes deeper or wider counts for the last caller that has a node.
const NODES_MAX: usize = 1 << 20;

/// What the engine takes for a call of any function beside its operators.
const FUNCTION_FUEL: u64 = 1;

/// What the store has: more than any guest and its probes use.
pub(super) const FUEL: u64 = 1 << 62;

/// The root of the tree: whoever calls the guest.
const ROOT: u32 = 0;

/// Where fuel went, by who called whom.
pub(crate) struct Recorder {
    engine: Engine,
    /// What the last probe said. Zero if it was heard.
    pages: u32,
    is_on: bool,
    tree: Vec<Node>,
    /// Who runs, and behind it who called it, down to the root.
    running: Vec<u32>,
    /// What the store had when the last probe was heard.
    left: u64,
    /// What that probe takes after it is heard.
    owed: u64,
    /// What the guest itself had used by then.
    used: u64,
    /// How much it may use.
    limit: u64,
    rest: Arc<AtomicU64>,
    prices: Prices,
    /// Which places are imports.
    imports: Vec<bool>,
}

/// What a probe costs up to the moment when it is heard.
struct Prices {
    operators: u64,
    page: u64,
}

impl Prices {
    fn of_profile() -> Self {
        let costs = fuel::costs();
        let operators = [costs.I32Const, costs.MemoryGrow, costs.Drop, costs.Call];
        Self {
            operators: operators.into_iter().map(u64::from).sum(),
            page: u64::from(costs.variable.memory_grow_per_page),
        }
    }
}

/// A function called by those above it.
pub(super) struct Node {
    /// Which place; nothing for the root.
    pub(super) place: Option<u32>,
    pub(super) parent: u32,
    pub(super) calls: u64,
    /// Fuel of the function itself.
    pub(super) fuel: u64,
    callees: HashMap<u32, u32>,
}

impl Node {
    fn new(place: Option<u32>, parent: u32) -> Self {
        Self {
            place,
            parent,
            calls: 0,
            fuel: 0,
            callees: HashMap::new(),
        }
    }
}

impl Recorder {
    pub(super) fn new(engine: Engine, imports: Vec<bool>) -> Self {
        Self {
            engine,
            pages: 0,
            is_on: false,
            tree: Vec::new(),
            running: Vec::new(),
            left: 0,
            owed: 0,
            used: 0,
            limit: 0,
            rest: Arc::default(),
            prices: Prices::of_profile(),
            imports,
        }
    }

    /// Listens from now on. The store has [`FUEL`], of which the guest may use as much as the limit.
    pub(super) fn begin(&mut self, limit: u64) {
        self.is_on = true;
        self.tree = vec![Node::new(None, ROOT)];
        self.running = vec![ROOT];
        (self.left, self.owed) = (FUEL, 0);
        (self.used, self.limit) = (0, limit);
        self.rest.store(limit, Ordering::Relaxed);
    }

    /// What the guest has left, for whoever watches from outside.
    pub(super) fn rest(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.rest)
    }

    /// Notes what a probe says, and has the engine ask at the next call.
    pub(crate) fn note(&mut self, pages: u32) {
        if self.is_on {
            self.pages = pages;
            self.engine.increment_epoch();
        }
    }

    /// The engine asks, with so much fuel left: fuel since the last probe was that of who ran.
    pub(super) fn hear(&mut self, left: u64) -> Result<()> {
        let pages = std::mem::take(&mut self.pages);
        let mut fuel = self.since(left);
        fuel = fuel.saturating_sub(self.prices.operators + self.prices.page * u64::from(pages));
        self.left = left;
        // Counted when the empty function returns.
        self.owed = FUNCTION_FUEL;
        if self.used.saturating_add(fuel) > self.limit {
            self.spend(fuel);
            return Err(Trap::OutOfFuel.into());
        }
        match pages {
            0 => self.spend(fuel),
            END => {
                self.spend(fuel);
                if self.running.len() > 1 {
                    self.running.pop();
                }
            }
            begin => {
                let place = begin - FIRST;
                // The probe of a function is in it, and what it takes to begin with is its own.
                let own = match self.imports.get(place as usize) {
                    Some(false) => FUNCTION_FUEL.min(fuel),
                    _ => 0,
                };
                self.spend(fuel - own);
                let callee = self.callee(place);
                self.running.push(callee);
                self.spend(own);
                if let Some(node) = self.tree.get_mut(callee as usize) {
                    node.calls += 1;
                }
            }
        }
        self.rest.store(self.limit - self.used, Ordering::Relaxed);
        Ok(())
    }

    /// The tree, at the end of the call, and how much the guest has used.
    pub(super) fn finish(mut self, left: u64) -> (Vec<Node>, u64) {
        let fuel = self.since(left);
        self.spend(fuel);
        (self.tree, self.used)
    }

    /// What was used since the last probe was heard, with the next one.
    fn since(&self, left: u64) -> u64 {
        let used = self.left.saturating_sub(left);
        used.saturating_sub(self.owed)
    }

    /// Nobody uses more than there is: what is over was for a probe that did not come.
    fn spend(&mut self, fuel: u64) {
        let fuel = fuel.min(self.limit - self.used);
        let running = self.running.last().copied().unwrap_or(ROOT);
        if let Some(node) = self.tree.get_mut(running as usize) {
            node.fuel += fuel;
        }
        self.used += fuel;
    }

    fn callee(&mut self, place: u32) -> u32 {
        let caller = self.running.last().copied().unwrap_or(ROOT);
        let next = self.tree.len();
        let Some(node) = self.tree.get_mut(caller as usize) else {
            return ROOT;
        };
        if let Some(callee) = node.callees.get(&place) {
            return *callee;
        }
        if next >= NODES_MAX {
            return caller;
        }
        node.callees.insert(place, next as u32);
        self.tree.push(Node::new(Some(place), caller));
        next as u32
    }
}
