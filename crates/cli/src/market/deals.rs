//! `.weir/deals.json`: the deals that were made from this folder, by name.

use std::path::PathBuf;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::failure::Failure;
use crate::project::Project;

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
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self {
                    version: VERSION,
                    deals: Vec::new(),
                });
            }
            Err(error) => {
                let what = format!("cannot read {}", path.display());
                return Err(Failure::new(Code::FileUnreadable, what).cause(error));
            }
        };
        let malformed = |cause: String| {
            let what = format!("cannot understand {}", path.display());
            Failure::new(Code::StateMalformed, what)
                .cause(cause)
                .fix("remove the file; weir deal ls --all shows your deals by number")
        };
        let deals: Self =
            serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        if deals.version != VERSION {
            return Err(malformed(format!("its version is {}", deals.version)));
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

    /// Writes the file, whole or not at all.
    fn store(&self, project: &Project) -> Result<(), Failure> {
        let path = path(project);
        let unwritable = |error: std::io::Error| {
            let what = format!("cannot write {}", path.display());
            Failure::new(Code::FileUnwritable, what).cause(error)
        };
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::internal("the deals cannot be described", error))?;
        let beside = path.with_extension("json.new");
        std::fs::write(&beside, text + "\n").map_err(unwritable)?;
        std::fs::rename(&beside, &path).map_err(unwritable)
    }
}

fn path(project: &Project) -> PathBuf {
    project.state().join(FILE)
}
