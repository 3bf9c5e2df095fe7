//! `.weir/deals.json`: the deals that were made from this folder, by name.

use std::path::PathBuf;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::project::Project;
use crate::state_file;

const FILE: &str = "deals.json";
const VERSION: u32 = 1;

/// What stands in the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deals {
    version: u32,
    deals: Vec<Known>,
}

/// A deal that has a name here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// The name.
    pub(crate) name: String,
    /// The contract that it is a deal of.
    pub(crate) market: Address,
    /// Its number.
    pub(crate) deal: u64,
    /// The CID of its package.
    pub(crate) package: String,
    /// The services in it, and their other names.
    pub(crate) services: Vec<String>,
}

impl Deals {
    /// What is known in a project.
    pub(crate) fn load(project: &Project) -> Result<Self, Failure> {
        let path = path(project);
        let fix = "remove the file; weir deal ls shows your deals by number";
        let Some(deals) = state_file::read::<Self>(&path, fix)? else {
            return Ok(Self {
                version: VERSION,
                deals: Vec::new(),
            });
        };
        if deals.version != VERSION {
            let cause = format!("its version is {}", deals.version);
            return Err(state_file::malformed(&path, cause, fix));
        }
        Ok(deals)
    }

    /// The deals of a market.
    pub(crate) fn of(&self, market: Address) -> impl Iterator<Item = &Known> {
        self.deals
            .iter()
            .filter(move |known| known.market == market)
    }

    /// The deal of a name.
    pub(crate) fn named(&self, market: Address, name: &str) -> Option<&Known> {
        self.of(market).find(|known| known.name == name)
    }

    /// The deal that has a service, the latest first.
    pub(crate) fn of_service(&self, market: Address, service: &str) -> Option<&Known> {
        let has = |known: &&Known| known.services.iter().any(|name| name == service);
        self.of(market).filter(has).last()
    }

    /// Keeps a deal under its name, in place of what was kept of the market under it.
    pub(crate) fn put(&mut self, known: Known, project: &Project) -> Result<(), Failure> {
        self.forget(known.market, &known.name);
        self.deals.push(known);
        self.store(project)
    }

    /// Forgets the name of a deal.
    pub(crate) fn remove(
        &mut self,
        market: Address,
        name: &str,
        project: &Project,
    ) -> Result<(), Failure> {
        self.forget(market, name);
        self.store(project)
    }

    fn forget(&mut self, market: Address, name: &str) {
        self.deals
            .retain(|known| known.market != market || known.name != name);
    }

    /// Forgets all deals of a market, which is a new one at the place of an old one.
    pub(crate) fn clear(&mut self, market: Address, project: &Project) -> Result<(), Failure> {
        let before = self.deals.len();
        self.deals.retain(|known| known.market != market);
        if self.deals.len() == before {
            return Ok(());
        }
        self.store(project)
    }

    fn store(&self, project: &Project) -> Result<(), Failure> {
        state_file::write(&path(project), self)
    }
}

fn path(project: &Project) -> PathBuf {
    project.state().join(FILE)
}
