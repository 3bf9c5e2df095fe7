//! Which interfaces a component may use, and how far.
//!
//! Three parties have a say: the manifest of the service asks, the operator of the peer allows, the deployer narrows.
//! What holds is the [intersection](Grants::intersect) of what they say.

mod policy;

use std::collections::BTreeMap;

use weir_identity::Value;

use crate::interface::track;

pub(crate) use policy::parse_policy;
pub use policy::{Hosts, HttpPolicy, Policy};

/// Interfaces with the policy that holds for each.
///
/// An interface is named with a range of versions: `weir:host/http@0.1` stands for every `0.1.x`, `acme:x/y@2` for
/// every `2.x.y`. The files of a service are granted as a whole, as `wasi:filesystem@0.2`.
///
/// ```
/// use weir_marine::{Grants, Policy};
///
/// let mut grants = Grants::default();
/// grants.insert("weir:host/state@0.1.0", Policy::Plain)?;
/// assert!(grants.policy("weir:host/state@0.1.4").is_some());
/// assert!(grants.policy("weir:host/state@0.2.0").is_none());
/// # Ok::<(), weir_marine::GrantError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(BTreeMap<String, Policy>);

/// Why an interface cannot be granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// This is not the name of an interface with a range of versions.
    #[error(
        "`{0}` is not the name of an interface; write it as PACKAGE/INTERFACE@VERSION, like `weir:host/http@0.1`"
    )]
    Name(String),
    /// They are no object of interfaces with their policies.
    #[error("grants are an object: the name of each interface and its policy")]
    Form,
    /// The interface takes another kind of policy.
    #[error("the policy is not one that `{0}` understands")]
    Policy(String),
}

impl Grants {
    /// Grants an interface, in place of what was granted of it before.
    pub fn insert(&mut self, interface: &str, policy: Policy) -> Result<(), GrantError> {
        let name = grant_name(interface).ok_or_else(|| GrantError::Name(interface.to_owned()))?;
        if !policy.fits(&name) {
            return Err(GrantError::Policy(name));
        }
        self.0.insert(name, policy);
        Ok(())
    }

    /// What holds for the import of that name; nothing if it is not granted.
    pub fn policy(&self, import: &str) -> Option<&Policy> {
        self.0.get(&grant_name(import)?)
    }

    /// The interfaces with their ranges of versions, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Policy)> {
        self.0.iter().map(|(name, policy)| (name.as_str(), policy))
    }

    /// Whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What both grant: interfaces that stand in both, as far as both policies go. The result never allows what one
    /// of the two does not.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let common = |(name, mine): (&String, &Policy)| {
            let theirs = other.0.get(name)?;
            Some((name.clone(), mine.intersect(theirs)?))
        };
        Self(self.0.iter().filter_map(common).collect())
    }

    /// What either grants; where both do, what `self` says.
    pub(crate) fn union(mut self, other: &Self) -> Self {
        for (name, policy) in &other.0 {
            self.0.entry(name.clone()).or_insert_with(|| policy.clone());
        }
        self
    }

    /// Reads exactly what [`Self::to_value`] gives.
    pub fn from_value(value: &Value) -> Result<Self, GrantError> {
        let fields = value.as_object().ok_or(GrantError::Form)?;
        let mut grants = Self::default();
        for (name, value) in fields {
            let size = |size: &Value| size.as_u64().ok_or_else(|| "a number of bytes".to_owned());
            let policy = parse_policy(name, value, size)
                .map_err(|_| GrantError::Policy(name.to_string()))?;
            grants.insert(name, policy)?;
        }
        Ok(grants)
    }

    /// As an object: name of the interface to policy.
    pub fn to_value(&self) -> Value {
        self.0
            .iter()
            .map(|(name, policy)| (name.as_str(), policy.to_value()))
            .collect()
    }
}

/// The name under which an interface is granted.
pub(crate) fn grant_name(interface: &str) -> Option<String> {
    let track = track(interface)?;
    // One cannot be used without the other.
    match track
        .split_once('@')
        .and_then(|(path, version)| Some((path.split_once('/')?.0, version)))
    {
        Some(("wasi:filesystem", version)) => Some(format!("wasi:filesystem@{version}")),
        _ if track.contains('/') || track.starts_with("wasi:filesystem@") => Some(track),
        _ => None,
    }
}
