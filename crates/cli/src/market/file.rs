//! `.weir/market.json`: the market of the local network as other commands find it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weir_chain::{Client, Deployment};

use super::failed;
use crate::code::Code;
use crate::failure::Failure;
use crate::project::Project;

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
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let what = format!("cannot read {}", path.display());
                return Err(Failure::new(Code::FileUnreadable, what).cause(error));
            }
        };
        let malformed = |cause: String| {
            let what = format!("cannot understand {}", path.display());
            Failure::new(Code::StateMalformed, what)
                .cause(cause)
                .fix("weir up --fresh")
        };
        let file: Self =
            serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        if file.version != VERSION {
            return Err(malformed(format!("its version is {}", file.version)));
        }
        Ok(Some(file))
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
        let path = Self::path(project);
        let unwritable = |error: std::io::Error| {
            let what = format!("cannot write {}", path.display());
            Failure::new(Code::FileUnwritable, what).cause(error)
        };
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::internal("the market cannot be described", error))?;
        let beside = path.with_extension("json.new");
        std::fs::write(&beside, text).map_err(unwritable)?;
        std::fs::rename(&beside, &path).map_err(unwritable)
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
