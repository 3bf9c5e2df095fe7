//! What services ask for beside code: interfaces with policies, in the form of manifests (`docs/manifest.md`).

use std::collections::{BTreeMap, BTreeSet};

use weir_identity::Value;

use crate::error::FormatError;
use crate::limits::{GRANT_ITEMS_MAX, GRANTS_MAX};

mod hosts;

/// The longest name of an interface.
const INTERFACE_BYTES_MAX: usize = 128;

/// The longest host, method or name of a program.
const WORD_BYTES_MAX: usize = 253;

/// Interfaces, each with the policy that is asked for or given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(BTreeMap<String, Policy>);

/// How far the grant of one interface goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// `{}`.
    Plain,
    /// Of `weir:host/http`.
    Http {
        hosts: BTreeSet<String>,
        /// Any if absent.
        methods: Option<BTreeSet<String>>,
        /// What the peer gives if absent.
        max_response_bytes: Option<u64>,
    },
    /// Of `weir:host/programs`.
    Programs(BTreeSet<String>),
}

impl Grants {
    /// Reads an object of interfaces with their policies, as it stands in the canonical form of a manifest.
    pub fn from_value(value: &Value) -> Result<Self, FormatError> {
        Self::read(value, "grants")
    }

    pub(crate) fn read(value: &Value, at: &str) -> Result<Self, FormatError> {
        let fields = value
            .as_object()
            .ok_or_else(|| FormatError::new(at, "is not an object of interfaces"))?;
        if fields.len() > GRANTS_MAX {
            let problem = format!("has {} interfaces, at most {GRANTS_MAX}", fields.len());
            return Err(FormatError::new(at, problem));
        }
        let mut grants = BTreeMap::new();
        for (name, policy) in fields {
            if !is_interface(name) {
                let problem = "names no interface; write PACKAGE/INTERFACE@VERSION with the shortest version, like `weir:host/http@0.1`";
                return Err(FormatError::new(format!("{at}.{name:.64}"), problem));
            }
            let policy = Policy::read(name, policy, &format!("{at}.{name}"))?;
            grants.insert(name.to_string(), policy);
        }
        Ok(Self(grants))
    }

    /// The object that [`Grants::from_value`] reads.
    pub fn to_value(&self) -> Value {
        let grants = self.0.iter();
        grants
            .map(|(name, policy)| (name.as_str(), policy.to_value()))
            .collect()
    }

    /// Whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The interfaces, in the order of their names.
    pub fn interfaces(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Each interface of `self` that `given` does not cover, with what is missing, in words that name the interface.
    pub(crate) fn beyond<'a>(&'a self, given: &'a Self) -> impl Iterator<Item = (&'a str, String)> {
        self.0.iter().flat_map(|(name, asked)| {
            let missing = match given.0.get(name) {
                None => vec![name.clone()],
                Some(given) => {
                    let missing = asked.beyond(given).into_iter();
                    missing
                        .map(|missing| format!("{missing} ({name})"))
                        .collect()
                }
            };
            missing
                .into_iter()
                .map(move |missing| (name.as_str(), missing))
        })
    }
}

impl Policy {
    fn read(interface: &str, value: &Value, at: &str) -> Result<Self, FormatError> {
        let fields = value
            .as_object()
            .ok_or_else(|| FormatError::new(at, "is not an object"))?;
        let known: &[&str] = match base(interface) {
            "weir:host/http" => &["hosts", "max_response_bytes", "methods"],
            "weir:host/programs" => &["names"],
            _ => &[],
        };
        if let Some(field) = fields.keys().find(|field| !known.contains(&&***field)) {
            let problem = format!("is not known; known are {known:?}");
            return Err(FormatError::new(format!("{at}.{field:.64}"), problem));
        }
        let words = |key: &str| -> Result<Option<BTreeSet<String>>, FormatError> {
            let field = fields.get(key);
            field
                .map(|list| words(list, &format!("{at}.{key}")))
                .transpose()
        };
        let required = |key: &str| {
            words(key)?.ok_or_else(|| FormatError::new(format!("{at}.{key}"), "is missing"))
        };
        Ok(match base(interface) {
            "weir:host/http" => {
                let hosts = required("hosts")?;
                if let Some(host) = hosts.iter().find(|host| !hosts::is_pattern(host)) {
                    let problem = format!(
                        "`{host}` is neither a host in small letters, nor `*.HOST`, nor `*`, with or without a port"
                    );
                    return Err(FormatError::new(format!("{at}.hosts"), problem));
                }
                let max = fields.get("max_response_bytes").map(|max| {
                    max.as_u64().ok_or_else(|| {
                        FormatError::new(
                            format!("{at}.max_response_bytes"),
                            "is not a number of bytes",
                        )
                    })
                });
                Self::Http {
                    hosts,
                    methods: words("methods")?,
                    max_response_bytes: max.transpose()?,
                }
            }
            "weir:host/programs" => Self::Programs(required("names")?),
            _ => Self::Plain,
        })
    }

    fn to_value(&self) -> Value {
        let list = |words: &BTreeSet<String>| {
            words
                .iter()
                .map(|word| Value::from(word.as_str()))
                .collect()
        };
        let fields: Vec<(&str, Value)> = match self {
            Self::Plain => Vec::new(),
            Self::Programs(names) => vec![("names", list(names))],
            Self::Http {
                hosts,
                methods,
                max_response_bytes,
            } => {
                let methods = methods.as_ref().map(|methods| ("methods", list(methods)));
                let max = max_response_bytes.map(|max| ("max_response_bytes", max.into()));
                let hosts = ("hosts", list(hosts));
                [Some(hosts), methods, max].into_iter().flatten().collect()
            }
        };
        fields.into_iter().collect()
    }

    /// What of this policy `given` does not allow. A limit that the peer narrows is no refusal: a manifest asks for
    /// at most so much.
    fn beyond(&self, given: &Self) -> Vec<String> {
        match (self, given) {
            (Self::Plain, Self::Plain) => Vec::new(),
            (Self::Programs(asked), Self::Programs(given)) => {
                let missing = asked.difference(given);
                missing
                    .map(|name| format!("the program `{name}`"))
                    .collect()
            }
            (
                Self::Http { hosts, methods, .. },
                Self::Http {
                    hosts: given_hosts,
                    methods: given_methods,
                    ..
                },
            ) => {
                let uncovered =
                    |asked: &&String| !given_hosts.iter().any(|given| hosts::covers(given, asked));
                let hosts = hosts.iter().filter(uncovered);
                let mut missing: Vec<_> = hosts.map(|host| format!("the host `{host}`")).collect();
                if let Some(given) = given_methods {
                    match methods {
                        None => missing.push("all methods".to_owned()),
                        Some(asked) => missing.extend(
                            asked
                                .difference(given)
                                .map(|method| format!("the method {method}")),
                        ),
                    }
                }
                missing
            }
            _ => vec!["a policy of this kind".to_owned()],
        }
    }
}

/// A list of words in order, each once.
fn words(value: &Value, at: &str) -> Result<BTreeSet<String>, FormatError> {
    let list = value
        .as_array()
        .filter(|list| list.len() <= GRANT_ITEMS_MAX)
        .ok_or_else(|| {
            FormatError::new(at, format!("is not a list of at most {GRANT_ITEMS_MAX}"))
        })?;
    let fits = |word: &&str| {
        !word.is_empty()
            && word.len() <= WORD_BYTES_MAX
            && word.bytes().all(|byte| byte.is_ascii_graphic())
    };
    list.iter()
        .map(|word| match word.as_str().filter(fits) {
            Some(word) => Ok(word.to_owned()),
            None => Err(FormatError::new(at, "has an item that is no word")),
        })
        .collect()
}

/// The interface without its version.
fn base(interface: &str) -> &str {
    interface
        .split_once('@')
        .map_or(interface, |(base, _)| base)
}

/// `NAMESPACE:PACKAGE/INTERFACE`, or the package `wasi:filesystem`, with the shortest version of what is compatible.
fn is_interface(name: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_alphabetic())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let (path, version) = match name.split_once('@') {
        Some((path, version)) => (path, Some(version)),
        None => (name, None),
    };
    let Some((namespace, rest)) = path.split_once(':') else {
        return false;
    };
    let whole = match rest.split_once('/') {
        Some((package, interface)) => word(package) && word(interface),
        None => path == "wasi:filesystem",
    };
    name.len() <= INTERFACE_BYTES_MAX && word(namespace) && whole && version.is_none_or(is_track)
}

/// `2`, `0.1`, `0.0.3`, or a version before a release in full: the shortest form of a range of versions.
fn is_track(version: &str) -> bool {
    let number = |part: &str| {
        part.parse::<u64>()
            .is_ok_and(|number| number.to_string() == part)
    };
    let zero = |part: &str| part == "0";
    match version.split('.').collect::<Vec<_>>()[..] {
        [major] => number(major) && !zero(major),
        [major, minor] => zero(major) && number(minor) && !zero(minor),
        [major, minor, patch] if zero(major) && zero(minor) && number(patch) => true,
        _ => semver::Version::parse(version)
            .is_ok_and(|version| !version.pre.is_empty() && version.build.is_empty()),
    }
}
