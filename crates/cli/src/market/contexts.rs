//! `contexts.toml`: other markets than that of the local network, with whose key and how much money.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};
use weir_chain::{Deployment, Terms};

use super::smallest;
use crate::code::Code;
use crate::failure::Failure;
use crate::project::{Project, current_folder};

/// The context of the local network, which stands in no file.
pub(crate) const LOCAL: &str = "local";

/// Chooses a context for one command.
const CHOICE: &str = "WEIR_CONTEXT";

/// Where contexts and journals are kept, instead of the user's folder.
const HOME: &str = "WEIR_HOME";

const FILE: &str = "contexts.toml";

/// In `.weir` of a project: the name of its context.
const CHOSEN: &str = "context";

/// What stands in the file.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    #[serde(default)]
    pub(crate) context: BTreeMap<String, Saved>,
}

/// A context as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    /// Endpoints of the chain, the preferred one first.
    pub(crate) rpc: Vec<String>,
    /// The key file.
    pub(crate) key: PathBuf,
    /// Entry points of the network, the preferred one first: multiaddresses that end in peer ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) peers: Vec<String>,
    /// The most coins for the gas of one transaction; a tenth if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gas_cap: Option<String>,
    /// The most of a token in one transaction, by `stake`, `pay` or address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) token_caps: BTreeMap<String, String>,
    /// Where the contracts are.
    pub(crate) market: Deployment,
}

impl Saved {
    /// What a sender may spend.
    pub(crate) fn terms(&self) -> Result<Terms, Failure> {
        let mut terms = Terms::default();
        if let Some(cap) = &self.gas_cap {
            terms.gas_cap = smallest(cap)?;
        }
        for (token, cap) in &self.token_caps {
            terms.token_caps.insert(self.token(token)?, smallest(cap)?);
        }
        Ok(terms)
    }

    /// The caps by token.
    pub(crate) fn caps(&self) -> Result<Vec<(Address, U256)>, Failure> {
        Ok(self.terms()?.token_caps.into_iter().collect())
    }

    fn token(&self, text: &str) -> Result<Address, Failure> {
        token(&self.market, text)
    }
}

/// A token by `stake`, `pay` or its address.
pub(crate) fn token(market: &Deployment, text: &str) -> Result<Address, Failure> {
    match text {
        "stake" => Ok(market.stake_token),
        "pay" => Ok(market.pay_token),
        address => address.parse().map_err(|_| {
            Failure::new(Code::Usage, format!("`{text}` is no token"))
                .cause("tokens are stake, pay, or an address: 0x and 40 hexadecimal digits")
        }),
    }
}

impl Contexts {
    /// All that are kept.
    pub(crate) fn load() -> Result<Self, Failure> {
        let path = home()?.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                let what = format!("cannot read {}", path.display());
                return Err(Failure::new(Code::FileUnreadable, what).cause(error));
            }
        };
        toml::from_str(&text).map_err(|error| {
            let what = format!("cannot understand {}", path.display());
            Failure::new(Code::StateMalformed, what)
                .cause(error)
                .fix("correct the file, or remove it and add its contexts again")
        })
    }

    /// The one of a name.
    pub(crate) fn named(&self, name: &str) -> Result<&Saved, Failure> {
        self.context.get(name).ok_or_else(|| {
            let known: Vec<&str> = [LOCAL]
                .into_iter()
                .chain(self.context.keys().map(String::as_str))
                .collect();
            Failure::new(Code::NoSuchContext, format!("there is no context `{name}`"))
                .cause(format!("there are: {}", known.join(", ")))
                .fix("weir context add NAME --rpc URL --market FILE --key FILE")
        })
    }

    /// Keeps them, whole or not at all.
    pub(crate) fn store(&self) -> Result<(), Failure> {
        let folder = home()?;
        let path = folder.join(FILE);
        let unwritable = |error: std::io::Error| {
            let what = format!("cannot write {}", path.display());
            Failure::new(Code::FileUnwritable, what).cause(error)
        };
        std::fs::create_dir_all(&folder).map_err(unwritable)?;
        let beside = path.with_extension("toml.new");
        std::fs::write(&beside, self.text()?).map_err(unwritable)?;
        std::fs::rename(&beside, &path).map_err(unwritable)
    }

    /// As TOML. What JSON writes of strings, numbers and lists of strings is TOML too.
    fn text(&self) -> Result<String, Failure> {
        let mut text = String::new();
        for (name, saved) in &self.context {
            let mut table = |name: String, fields: Vec<(String, String)>| {
                text.push_str(&format!("[{name}]\n"));
                for (field, value) in fields {
                    text.push_str(&format!("{field} = {value}\n"));
                }
                text.push('\n');
            };
            let mut fields = vec![
                ("rpc".to_owned(), json(&saved.rpc)?),
                ("key".to_owned(), json(&saved.key)?),
            ];
            if !saved.peers.is_empty() {
                fields.push(("peers".to_owned(), json(&saved.peers)?));
            }
            if let Some(cap) = &saved.gas_cap {
                fields.push(("gas_cap".to_owned(), json(cap)?));
            }
            table(format!("context.{name}"), fields);
            let caps = saved.token_caps.iter();
            let caps = caps.map(|(token, cap)| Ok((json(token)?, json(cap)?)));
            let caps = caps.collect::<Result<Vec<_>, Failure>>()?;
            if !caps.is_empty() {
                table(format!("context.{name}.token_caps"), caps);
            }
            let market = serde_json::to_value(&saved.market)
                .map_err(|error| Failure::internal("the market cannot be described", error))?;
            let market = market.as_object().into_iter().flatten();
            let market = market.map(|(field, value)| (field.clone(), value.to_string()));
            table(format!("context.{name}.market"), market.collect());
        }
        Ok(text)
    }
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value)
        .map_err(|error| Failure::internal("a context cannot be written", error))
}

/// Whether a context can have this name: it stands in a file and in paths.
pub(crate) fn check_name(name: &str) -> Result<(), Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let what = match name {
        LOCAL => "`local` is the context of the network of the folder",
        "" => "a context needs a name",
        name if !name.chars().all(plain) => {
            "the name of a context has letters, digits, `-` and `_`"
        }
        _ => return Ok(()),
    };
    Err(Failure::new(Code::Usage, what).fix("choose another name"))
}

/// The name of the context that commands of this folder use: that of the variable, else that of the folder.
pub(crate) fn chosen() -> Result<String, Failure> {
    if let Ok(name) = std::env::var(CHOICE)
        && !name.is_empty()
    {
        return Ok(name);
    }
    let Ok(project) = Project::here() else {
        return Ok(LOCAL.to_owned());
    };
    let path = project.state().join(CHOSEN);
    match std::fs::read_to_string(&path) {
        Ok(name) => Ok(name.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(LOCAL.to_owned()),
        Err(error) => {
            let what = format!("cannot read {}", path.display());
            Err(Failure::new(Code::FileUnreadable, what).cause(error))
        }
    }
}

/// Chooses the context of this folder.
pub(crate) fn choose(name: &str) -> Result<(), Failure> {
    let project = match Project::here() {
        Ok(project) => project,
        Err(_) => Project::at(current_folder()?),
    };
    let path = project.state().join(CHOSEN);
    let unwritable = |error: std::io::Error| {
        let what = format!("cannot write {}", path.display());
        Failure::new(Code::FileUnwritable, what).cause(error)
    };
    std::fs::create_dir_all(project.state()).map_err(unwritable)?;
    std::fs::write(&path, format!("{name}\n")).map_err(unwritable)
}

/// The user's folder.
pub(super) fn home() -> Result<PathBuf, Failure> {
    let set = |name: &str| {
        let value = std::env::var_os(name)?;
        (!value.is_empty()).then(|| PathBuf::from(value))
    };
    let below = |folder: PathBuf, part: &str| Path::new(&folder).join(part);
    set(HOME)
        .or_else(|| Some(below(set("XDG_STATE_HOME")?, "weir")))
        .or_else(|| Some(below(set("HOME")?, ".local/state/weir")))
        .ok_or_else(|| {
            Failure::new(Code::FileUnreadable, "there is no folder for contexts")
                .cause("neither WEIR_HOME nor XDG_STATE_HOME nor HOME says where it is")
        })
}
