//! The chain itself: a state machine without sockets, threads or clock. Time comes with each call, in seconds since
//! 1970.

mod fees;
mod logs;
mod read;
mod seal;
mod set;
mod snapshot;
mod submit;
mod time;
mod view;

use std::collections::VecDeque;
use std::sync::Arc;

use alloy_primitives::map::HashMap;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY};

use crate::block::Block;
use crate::changes::{Account, Changes};
use crate::config::{Config, Mining};
use crate::error::{Error, StoreError};
use crate::event::Event;
use crate::filters::Filters;
use crate::pool::{Pool, Waiting};
use crate::state::State;
use crate::store::{Meta, Store, Time};
use crate::transaction::Signed;

pub use fees::TIP;
pub use view::View;

/// Blocks that stay in memory.
const RECENT: usize = 64;

/// A chain.
#[derive(Debug)]
pub struct Chain {
    config: Config,
    mining: Mining,
    store: Store,
    /// What the store says about itself.
    meta: Meta,
    state: State,
    pool: Pool,
    /// The hashes of all blocks.
    hashes: Vec<B256>,
    numbers: HashMap<B256, u64>,
    /// The newest blocks, the newest last. Never empty.
    recent: VecDeque<Arc<Block>>,
    head: Arc<Block>,
    filters: Filters,
    events: Vec<Event>,
    /// Why the store takes no more writes.
    broken: Option<StoreError>,
}

impl Chain {
    /// Opens the chain of the configuration, or makes one.
    pub fn open(config: Config, now: u64) -> Result<Self, StoreError> {
        let store = Store::open(config.path.as_deref())?;
        Self::on(store, config, now)
    }

    /// The same, on a store that is open.
    pub(crate) fn on(store: Store, config: Config, now: u64) -> Result<Self, StoreError> {
        let found = if let Some(found) = store.load()? {
            found
        } else {
            begin(&store, &config, now)?;
            let found = store.load()?;
            found.ok_or_else(|| store.damaged("what was just written is not there"))?
        };
        if found.meta.chain_id != config.chain_id {
            return Err(StoreError::OtherChain {
                path: store.path().to_owned(),
                found: found.meta.chain_id,
                wanted: config.chain_id,
            });
        }
        let number = found.hashes.len().checked_sub(1);
        let number = number.ok_or_else(|| store.damaged("block 0 is not there"))? as u64;
        let head = store.block(number)?;
        let head = head.ok_or_else(|| store.damaged("the newest block is not there"))?;
        let head = Arc::new(head);
        let numbered = found.hashes.iter().zip(0..);
        let mut chain = Chain {
            mining: config.mining,
            store,
            meta: found.meta,
            state: found.state,
            pool: Pool::default(),
            numbers: numbered.map(|(hash, number)| (*hash, number)).collect(),
            hashes: found.hashes,
            recent: VecDeque::from([head.clone()]),
            head,
            filters: Filters::new(&config.limits),
            events: Vec::new(),
            broken: None,
            config,
        };
        for (sequence, raw) in found.pool {
            let signed = Signed::decode(&raw, usize::MAX);
            let signed = signed.map_err(|_| chain.store.damaged("a transaction cannot be read"))?;
            chain.pool.insert(Waiting {
                signed: Arc::new(signed),
                sequence,
            });
        }
        Ok(chain)
    }

    /// How it was opened.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Accounts that had money at block 0.
    pub fn accounts(&self) -> &[Address] {
        &self.meta.accounts
    }

    /// The newest block.
    pub fn head(&self) -> &Arc<Block> {
        &self.head
    }

    /// When blocks are made.
    pub fn mining(&self) -> Mining {
        self.mining
    }

    /// Changes when blocks are made, until the chain is opened again.
    pub fn set_mining(&mut self, mining: Mining) {
        self.mining = mining;
    }

    /// The transactions that wait.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The nonce that the next transaction of an account must have, after those that wait.
    pub fn pending_nonce(&self, address: Address) -> u64 {
        self.pool.next_nonce(address, self.nonce(address))
    }

    /// The filters.
    pub fn filters(&mut self) -> &mut Filters {
        &mut self.filters
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    #[cfg(test)]
    pub(crate) fn meta(&self) -> &Meta {
        &self.meta
    }

    fn emit(&mut self, event: Event) {
        self.filters.notice(&event);
        self.events.push(event);
    }

    /// An error if the store is broken.
    fn writable(&self) -> Result<(), Error> {
        match &self.broken {
            Some(error) => Err(error.clone().into()),
            None => Ok(()),
        }
    }

    /// Notes that a write failed: nobody knows what became of it, so nothing is built on it.
    fn written(&mut self, result: Result<(), StoreError>) -> Result<(), Error> {
        if let Err(error) = &result {
            tracing::error!(%error, "the chain takes no more changes");
            self.broken = Some(error.clone());
        }
        Ok(result?)
    }
}

/// Writes block 0.
fn begin(store: &Store, config: &Config, now: u64) -> Result<(), StoreError> {
    let mut changes = Changes::default();
    for (address, balance) in &config.accounts {
        let account = Account {
            nonce: 0,
            balance: *balance,
            code_hash: KECCAK256_EMPTY,
        };
        changes.accounts.insert(*address, Some(account));
    }
    let block = seal::genesis(config, config.genesis_timestamp.unwrap_or(now), &changes);
    let meta = Meta {
        chain_id: config.chain_id,
        accounts: config
            .accounts
            .iter()
            .map(|(address, _)| *address)
            .collect(),
        oldest_state: 0,
        time: Time {
            offset: 0,
            next: Vec::new(),
        },
        snapshots: Vec::new(),
        next_snapshot: 1,
        next_sequence: 0,
    };
    store.write(|writer| {
        writer.meta(&meta)?;
        writer.block(&block, &Changes::default())?;
        writer.state(&changes)
    })
}
