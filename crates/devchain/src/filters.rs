//! Filters: changes that are held until somebody asks for them.

use alloy_primitives::B256;
use alloy_primitives::map::HashMap;
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};

use crate::block::Block;
use crate::config::Limits;
use crate::error::Error;
use crate::event::Event;

/// What a filter watches.
#[derive(Debug, Clone)]
pub enum Watched {
    /// New blocks.
    Blocks,
    /// Transactions as they are taken.
    Transactions,
    /// Logs of new blocks, and of blocks that are gone.
    Logs(Box<Filter>),
}

/// What happened since somebody asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// Of blocks or transactions.
    Hashes(Vec<B256>),
    /// Logs.
    Logs(Vec<Log>),
}

impl Happened {
    fn len(&self) -> usize {
        match self {
            Happened::Hashes(hashes) => hashes.len(),
            Happened::Logs(logs) => logs.len(),
        }
    }
}

#[derive(Debug)]
struct Installed {
    watched: Watched,
    happened: Happened,
    asked_at: u64,
    /// More happened than is held.
    overflowed: bool,
}

/// The filters of a chain. They end with the process.
#[derive(Debug)]
pub struct Filters {
    installed: HashMap<u64, Installed>,
    next: u64,
    count_max: usize,
    changes_max: usize,
    idle_seconds_max: u64,
}

impl Filters {
    /// No filters.
    pub fn new(limits: &Limits) -> Self {
        Filters {
            installed: HashMap::default(),
            next: 1,
            count_max: limits.filters,
            changes_max: limits.filter_changes,
            idle_seconds_max: limits.filter_idle_seconds,
        }
    }

    /// Installs a filter; gives its name.
    pub fn install(&mut self, watched: Watched, now: u64) -> Result<u64, Error> {
        let idle = self.idle_seconds_max;
        self.installed
            .retain(|_, filter| now.saturating_sub(filter.asked_at) <= idle);
        if self.installed.len() >= self.count_max {
            return Err(Error::Limit(format!(
                "there are {} filters, which is the limit; uninstall some",
                self.count_max
            )));
        }
        let id = self.next;
        self.next += 1;
        let filter = Installed {
            happened: nothing(&watched),
            watched,
            asked_at: now,
            overflowed: false,
        };
        self.installed.insert(id, filter);
        Ok(id)
    }

    /// Removes a filter; whether there was one.
    pub fn uninstall(&mut self, id: u64) -> bool {
        self.installed.remove(&id).is_some()
    }

    /// What a filter watches.
    pub fn watched(&mut self, id: u64, now: u64) -> Result<Watched, Error> {
        let filter = self.installed.get_mut(&id).ok_or(Error::UnknownFilter)?;
        filter.asked_at = now;
        Ok(filter.watched.clone())
    }

    /// What happened since this was asked last.
    pub fn changes(&mut self, id: u64, now: u64) -> Result<Happened, Error> {
        let filter = self.installed.get_mut(&id).ok_or(Error::UnknownFilter)?;
        if filter.overflowed {
            self.installed.remove(&id);
            return Err(Error::Limit(format!(
                "more than {} changes since the filter was asked; it is removed, install it again",
                self.changes_max
            )));
        }
        filter.asked_at = now;
        let nothing = nothing(&filter.watched);
        Ok(std::mem::replace(&mut filter.happened, nothing))
    }

    /// Holds what an event means for each filter.
    pub fn notice(&mut self, event: &Event) {
        for filter in self.installed.values_mut() {
            if filter.overflowed {
                continue;
            }
            match (&filter.watched, &mut filter.happened, event) {
                (Watched::Blocks, Happened::Hashes(hashes), Event::Head(block)) => {
                    hashes.push(block.hash);
                }
                (Watched::Transactions, Happened::Hashes(hashes), Event::Waiting(waiting)) => {
                    hashes.push(waiting.signed.hash());
                }
                (Watched::Logs(wanted), Happened::Logs(logs), Event::Head(block)) => {
                    logs.extend(watched_logs(wanted, block, false));
                }
                (Watched::Logs(wanted), Happened::Logs(logs), Event::Removed(block)) => {
                    logs.extend(watched_logs(wanted, block, true));
                }
                _ => {}
            }
            if filter.happened.len() > self.changes_max {
                filter.overflowed = true;
                filter.happened = nothing(&filter.watched);
            }
        }
    }
}

fn nothing(watched: &Watched) -> Happened {
    match watched {
        Watched::Blocks | Watched::Transactions => Happened::Hashes(Vec::new()),
        Watched::Logs(_) => Happened::Logs(Vec::new()),
    }
}

/// The logs of a block that somebody watches, newest first if the block is gone.
pub fn watched_logs(wanted: &Filter, block: &Block, removed: bool) -> Vec<Log> {
    let within = match wanted.block_option {
        FilterBlockOption::Range { .. } => wanted.matches_block_range(block.number()),
        FilterBlockOption::AtBlockHash(hash) => hash == block.hash,
    };
    if !within {
        return Vec::new();
    }
    let mut logs: Vec<Log> = block.logs(wanted, removed).collect();
    if removed {
        logs.reverse();
    }
    logs
}
