//! The manifest of a service: what it consists of, what each part may use, and how its functions are called.
//!
//! Its source is TOML ([`Manifest::from_toml`]). What peers read is canonical DAG-CBOR ([`Manifest::to_dag_cbor`]),
//! embedded in the component ([`embed`](crate::embed_manifest)), so that one CID stands for code and manifest.
//! `docs/manifest.md` describes every key.

mod item;
mod read;
mod section;

use std::collections::BTreeMap;

use semver::Version;
use weir_identity::{Cid, Value};

use crate::error::Error;
use crate::grants::Grants;
use crate::limits::Limits;
use crate::world::Mode;

pub(crate) use read::fault;
pub use section::{MANIFEST_SECTION, embed, extract};

/// The most bytes of a manifest, as TOML and in canonical form.
pub const MANIFEST_BYTES_MAX: usize = 64 << 10;

/// Who may call a function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    #[default]
    Any,
    /// The owner of the service.
    Owner,
}

impl Access {
    /// The word for it in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Owner => "owner",
        }
    }
}

/// The manifest of a service. Whatever its origin, it follows the rules of `docs/manifest.md` on its own; whether it
/// fits the components is seen when they are composed and loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) default_mode: Option<Mode>,
    pub(crate) commit_on_err: bool,
    pub(crate) limits: ServiceLimits,
    pub(crate) parts: BTreeMap<String, Part>,
    /// The name of a part.
    pub(crate) facade: String,
    /// Part and import to the part that serves it.
    pub(crate) wiring: BTreeMap<(String, String), String>,
    pub(crate) functions: BTreeMap<String, FunctionRules>,
}

/// What a call of the service may use at most; where nothing is said, what the peer gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceLimits {
    /// Fuel units of a call.
    pub fuel: Option<u64>,
    /// Bytes of memory of a call.
    pub memory_bytes: Option<u64>,
    /// Bytes of the state, keys and values together.
    pub state_bytes: Option<u64>,
    /// Bytes of a result.
    pub result_bytes: Option<u64>,
}

/// A component of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which component.
    pub component: PartSource,
    /// What it may use, beside what every component has.
    pub grants: Grants,
    /// How other parts reach it.
    pub link: Link,
}

/// How other parts reach a part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Link {
    /// It is composed with them into one component: calls are cheap, and its fuel and memory are those of all.
    #[default]
    Composed,
    /// Through the host, which keeps it in a store of its own within these bounds. For parts of another owner.
    Host(PartLimits),
}

/// What a part that is linked through the host may use in a call at most; where nothing is said, what the call has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartLimits {
    /// Fuel units each time that it is called.
    pub fuel: Option<u64>,
    /// Bytes of its memory.
    pub memory_bytes: Option<u64>,
}

/// Where the component of a part is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartSource {
    /// In a file, relative to the manifest.
    Path(String),
    /// Under the CID of its bytes.
    Cid(Cid),
}

/// What the manifest says about a function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FunctionRules {
    /// What it may do with the state; the service's default if absent.
    pub mode: Option<Mode>,
    /// Fuel units of a call at most, in place of the service's limit.
    pub fuel: Option<u64>,
    /// Who may call it.
    pub access: Access,
}

impl Manifest {
    /// Reads the TOML form. Parts are files or CIDs there, and sizes may be text like `64 MiB`.
    pub fn from_toml(source: &str) -> Result<Self, Error> {
        read::from_toml(source).map_err(Error::BadManifest)
    }

    /// Reads exactly what [`Self::to_dag_cbor`] writes, and nothing else.
    pub fn from_dag_cbor(bytes: &[u8]) -> Result<Self, Error> {
        let limit = MANIFEST_BYTES_MAX;
        if bytes.len() > limit {
            let problem = format!("it has {} bytes, at most {limit} are allowed", bytes.len());
            return Err(Error::BadManifest(fault(problem)));
        }
        let value = Value::from_dag_cbor(bytes)
            .map_err(|error| Error::BadManifest(fault(error.to_string())))?;
        let manifest = read::from_value(&value).map_err(Error::BadManifest)?;
        // One manifest has one form: the order of lists and the spelling of names are part of it.
        if manifest.to_value() != value {
            let problem = "it is not in canonical form; `weir wasm link` writes it".to_owned();
            return Err(Error::BadManifest(fault(problem)));
        }
        Ok(manifest)
    }

    /// The canonical form. Fails if a part is not named by its CID yet, or if that is too long.
    pub fn to_dag_cbor(&self) -> Result<Vec<u8>, Error> {
        if let Some((name, part)) = self.parts.iter().find(|(_, part)| part.cid().is_none()) {
            let problem = format!(
                "part `{name}` is the file {}, not a CID; compose the parts first",
                part.component
            );
            return Err(Error::BadManifest(fault(problem)));
        }
        let bytes = self.to_value().to_dag_cbor();
        if bytes.len() > MANIFEST_BYTES_MAX {
            let problem = format!(
                "it takes {} bytes with the CIDs of all parts, at most {MANIFEST_BYTES_MAX} are allowed",
                bytes.len()
            );
            return Err(Error::BadManifest(fault(problem)));
        }
        Ok(bytes)
    }

    /// The name of the service.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version of the service.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The mode of functions that [`Self::functions`] says nothing about. If absent, it is what the
    /// imports of the component are good for: [`Mode::Update`] with a state, else [`Mode::View`] with effects, else
    /// [`Mode::Pure`].
    pub fn default_mode(&self) -> Option<Mode> {
        self.default_mode
    }

    /// Whether changes of the state are kept when a function returns an error.
    pub fn commit_on_err(&self) -> bool {
        self.commit_on_err
    }

    /// What calls may use at most.
    pub fn limits(&self) -> ServiceLimits {
        self.limits
    }

    /// The parts by name.
    pub fn parts(&self) -> &BTreeMap<String, Part> {
        &self.parts
    }

    /// The name of the part whose exports are the functions of the service.
    pub fn facade(&self) -> &str {
        &self.facade
    }

    /// What it says about single functions, as it names them.
    pub fn functions(&self) -> &BTreeMap<String, FunctionRules> {
        &self.functions
    }

    /// What is granted to the service as a whole: the grants of all parts together. Two parts never have different
    /// policies for one interface once they are composed.
    pub fn grants(&self) -> Grants {
        self.parts
            .values()
            .fold(Grants::default(), |sum, part| sum.union(&part.grants))
    }

    /// The limits of a call that the peer would give these.
    pub fn cap(&self, given: &Limits, function: Option<&FunctionRules>) -> Limits {
        let least = |given: u64, own: Option<u64>| own.map_or(given, |own| given.min(own));
        let fuel = function
            .and_then(|function| function.fuel)
            .or(self.limits.fuel);
        Limits {
            fuel: least(given.fuel, fuel),
            memory_bytes: least(given.memory_bytes, self.limits.memory_bytes),
            result_bytes: least(given.result_bytes, self.limits.result_bytes),
            ..given.clone()
        }
    }

    /// The manifest with everything that it does not say: `null` where the peer or the component decides.
    pub fn effective(&self) -> Value {
        let mode = |mode: Option<Mode>| mode.map_or(Value::Null, |mode| mode.name().into());
        let functions = self.functions.iter().map(|(name, rules)| {
            let rules = object([
                ("mode", mode(rules.mode.or(self.default_mode))),
                ("fuel", number(rules.fuel.or(self.limits.fuel))),
                ("access", rules.access.name().into()),
            ]);
            (name.as_str(), rules)
        });
        object([
            (
                "service",
                object([
                    ("name", self.name.as_str().into()),
                    ("version", self.version.to_string().into()),
                    ("default_mode", mode(self.default_mode)),
                    ("commit_on_err", self.commit_on_err.into()),
                ]),
            ),
            (
                "limits",
                object(
                    self.limits
                        .named()
                        .map(|(name, limit)| (name, number(limit))),
                ),
            ),
            ("part", self.parts_value()),
            ("wiring", self.wiring_value()),
            ("functions", functions.collect()),
        ])
    }

    /// The canonical form as a value: what is said, without what follows from defaults but for the two flags.
    pub(crate) fn to_value(&self) -> Value {
        let service = [
            ("name", Some(self.name.as_str().into())),
            ("version", Some(self.version.to_string().into())),
            ("default_mode", self.default_mode.map(|m| m.name().into())),
            ("commit_on_err", Some(self.commit_on_err.into())),
        ];
        let limits = self.limits.named();
        let functions = self.functions.iter().map(|(name, rules)| {
            let rules = said([
                ("mode", rules.mode.map(|mode| mode.name().into())),
                ("fuel", rules.fuel.map(Value::from)),
                ("access", Some(rules.access.name().into())),
            ]);
            (name.as_str(), rules)
        });
        object([
            ("manifest", Value::from(read::FORMAT)),
            ("service", said(service)),
            (
                "limits",
                said(limits.map(|(name, limit)| (name, limit.map(Value::from)))),
            ),
            ("part", self.parts_value()),
            ("wiring", self.wiring_value()),
            ("functions", functions.collect()),
        ])
    }

    fn parts_value(&self) -> Value {
        let parts = self.parts.iter().map(|(name, part)| {
            let link = part.linked();
            said([
                ("name", Some(name.as_str().into())),
                ("component", Some(part.component.to_string().into())),
                ("facade", Some((*name == self.facade).into())),
                ("grants", Some(part.grants.to_value())),
                ("link", link.map(|_| Link::HOST.into())),
                ("limits", link.map(PartLimits::to_value)),
            ])
        });
        parts.collect()
    }

    fn wiring_value(&self) -> Value {
        let wires = self.wiring.iter();
        wires
            .map(|((part, import), provider)| {
                (format!("{part}/{import}"), provider.as_str().into())
            })
            .collect()
    }
}

impl ServiceLimits {
    fn named(&self) -> [(&'static str, Option<u64>); 4] {
        [
            ("fuel", self.fuel),
            ("memory", self.memory_bytes),
            ("state", self.state_bytes),
            ("result", self.result_bytes),
        ]
    }
}

impl Link {
    /// The word for [`Self::Host`] in manifests.
    pub(crate) const HOST: &str = "host";
}

impl PartLimits {
    fn to_value(self) -> Value {
        said([
            ("fuel", self.fuel.map(Value::from)),
            ("memory", self.memory_bytes.map(Value::from)),
        ])
    }
}

impl Part {
    /// Its bounds, if it is linked through the host.
    pub fn linked(&self) -> Option<PartLimits> {
        match self.link {
            Link::Composed => None,
            Link::Host(limits) => Some(limits),
        }
    }

    /// The CID of the component, if the part is named by it.
    pub fn cid(&self) -> Option<Cid> {
        match &self.component {
            PartSource::Path(_) => None,
            PartSource::Cid(cid) => Some(*cid),
        }
    }
}

/// The path or the CID.
impl std::fmt::Display for PartSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => f.pad(path),
            Self::Cid(cid) => cid.fmt(f),
        }
    }
}

fn object<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    fields.into_iter().collect()
}

fn said<const N: usize>(fields: [(&'static str, Option<Value>); N]) -> Value {
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn number(number: Option<u64>) -> Value {
    number.map_or(Value::Null, Value::from)
}
