//! `.weir/market.json`: the market of the local network as other commands find it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weir_chain::{Client, Deployment};

use super::failed;
use crate::code::Code;
use crate::failure::Failure;
use crate::project::Project;
use crate::state_file;

const FILE: &str = "market.json";
const VERSION: u32 = 1;

/// Where the chain of the local network is, and the market on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarketFile {
    version: u32,
    /// The URL of the chain's JSON-RPC.
    pub(crate) url: String,
    /// Where the contracts are.
    pub(crate) deployment: Deployment,
    /// Whether the network runs without its chain now, which stays for when it runs with it again.
    #[serde(default)]
    is_left_out: bool,
}

impl MarketFile {
    pub(crate) fn new(url: String, deployment: Deployment) -> Self {
        Self {
            version: VERSION,
            url,
            deployment,
            is_left_out: false,
        }
    }

    /// Notes that the network of a project runs without the chain that it may have.
    pub(crate) fn leave_out(project: &Project) -> Result<(), Failure> {
        match Self::find(project)? {
            Some(mut file) => {
                file.is_left_out = true;
                file.write(project)
            }
            None => Ok(()),
        }
    }

    /// What stands in the file of a project; none if there is no file.
    pub(crate) fn find(project: &Project) -> Result<Option<Self>, Failure> {
        let path = Self::path(project);
        let fix = "weir up --fresh";
        let file = state_file::read::<Self>(&path, fix)?;
        if let Some(other) = file.as_ref().filter(|file| file.version != VERSION) {
            let cause = format!("its version is {}", other.version);
            return Err(state_file::malformed(&path, cause, fix));
        }
        Ok(file)
    }

    /// The market of the network that runs here, or ran here.
    pub(crate) fn here() -> Result<Self, Failure> {
        let found = Self::find(&Project::here()?)?;
        found.filter(|file| !file.is_left_out).ok_or_else(|| {
            Failure::new(Code::NoChain, "the network here has no chain")
                .cause("it was started with --no-chain, or by an older version")
                .fix("weir up")
        })
    }

    /// Writes the file, whole or not at all.
    pub(crate) fn write(&self, project: &Project) -> Result<(), Failure> {
        state_file::write(&Self::path(project), self)
    }

    /// The chain.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::new(std::slice::from_ref(&self.url), self.deployment.chain_id)
            .map_err(|error| failed("the chain cannot be asked", &error))
    }

    fn path(project: &Project) -> PathBuf {
        project.state().join(FILE)
    }
}

/// A deployment from a file: as it is, or as a local network keeps it.
pub(crate) fn market_file(path: &Path) -> Result<Deployment, Failure> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum File {
        Bare(Deployment),
        Kept(MarketFile),
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        let what = format!("cannot read {}", path.display());
        Failure::new(Code::FileUnreadable, what).cause(error)
    })?;
    match serde_json::from_str(&text) {
        Ok(File::Bare(deployment)) => Ok(deployment),
        Ok(File::Kept(file)) => Ok(file.deployment),
        Err(_) => {
            let what = format!("{} describes no market", path.display());
            Err(Failure::new(Code::InputMalformed, what).cause(
                "it must be an object with chain_id, first_block, params, registry, capacity, market, audit, lens, \
                 stake_token and pay_token, or the .weir/market.json of a local network",
            ))
        }
    }
}
