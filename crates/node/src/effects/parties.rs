//! Who has a say in what a service may do, and what holds in the end.

use std::collections::BTreeSet;

use weir_marine::{Fault, Grants, Policy};

use super::config::Permit;
use super::http::{HttpRule, HttpRules};

/// What every operator allows: it costs nothing, tells nothing, and is recorded like the rest.
pub(super) const ENTROPY: &str = "weir:host/entropy@0.1";

/// What reaches nothing outside of the service and so is nobody's to allow but the component's.
pub(super) const WITHOUT_EFFECTS: [&str; 2] = ["weir:host/state@0.1", "wasi:filesystem@0.2"];

const HTTP: &str = "weir:host/http@0.1";
const PROGRAMS: &str = "weir:host/programs@0.1";

/// The three who have a say. Nothing is granted that one of them does not grant.
pub(super) struct Parties<'a> {
    /// The CID of the component.
    pub(super) component: String,
    /// What the component asks for. Without a manifest it asks for all that it imports, but for no host and no
    /// program.
    pub(super) manifest: Option<Grants>,
    /// What the operator allows.
    pub(super) operator: &'a [Permit],
    /// What the deployer allows; everything without a word from it.
    pub(super) deployer: Option<Grants>,
}

impl Parties<'_> {
    /// Whether an interface is granted that has no more to it.
    pub(super) fn plain(&self, interface: &str) -> Result<(), Fault> {
        let is_asked = self
            .manifest
            .as_ref()
            .is_none_or(|grants| grants.policy(interface).is_some());
        let is_allowed = interface == ENTROPY
            || self
                .permits()
                .any(|permit| permit.grants.policy(interface).is_some());
        let is_deployed = self
            .deployer
            .as_ref()
            .is_none_or(|grants| grants.policy(interface).is_some());
        who_denies(interface, [is_asked, is_allowed, is_deployed])
    }

    /// What is granted over HTTP: for each permission of the operator what the others leave of it.
    pub(super) fn http(&self) -> Result<HttpRules, Fault> {
        let narrowed = self.narrowed(HTTP)?;
        let rules = narrowed.into_iter().filter_map(|(policy, private)| {
            let Policy::Http(policy) = policy else {
                return None;
            };
            Some(HttpRule { policy, private })
        });
        Ok(HttpRules(rules.collect()))
    }

    /// The names of the programs that are granted.
    pub(super) fn programs(&self) -> Result<BTreeSet<String>, Fault> {
        let narrowed = self.narrowed(PROGRAMS)?;
        let names = narrowed.into_iter().filter_map(|(policy, _)| match policy {
            Policy::Programs(names) => Some(names),
            _ => None,
        });
        Ok(names.flatten().collect())
    }

    fn permits(&self) -> impl Iterator<Item = &Permit> {
        self.operator
            .iter()
            .filter(|permit| permit.component.is(&self.component))
    }

    /// Each policy of the operator for an interface, with what the others leave of it.
    fn narrowed(&self, interface: &str) -> Result<Vec<(Policy, bool)>, Fault> {
        let asked = self
            .manifest
            .as_ref()
            .and_then(|grants| grants.policy(interface));
        let deployed = self
            .deployer
            .as_ref()
            .map(|grants| grants.policy(interface));
        let allowed: Vec<(&Policy, bool)> = self
            .permits()
            .filter_map(|permit| Some((permit.grants.policy(interface)?, permit.private)))
            .collect();
        who_denies(
            interface,
            [asked.is_some(), !allowed.is_empty(), deployed != Some(None)],
        )?;
        let narrow = |(policy, private): (&Policy, bool)| {
            let policy = policy.intersect(asked?)?;
            let policy = match deployed.flatten() {
                Some(deployed) => policy.intersect(deployed)?,
                None => policy,
            };
            Some((policy, private))
        };
        Ok(allowed.into_iter().filter_map(narrow).collect())
    }
}

/// An error that names the first who does not grant the interface: manifest, operator, deployer.
fn who_denies(interface: &str, granted: [bool; 3]) -> Result<(), Fault> {
    let whose = [
        "the manifest of the component does not ask for it",
        "the operator of the peer does not allow it",
        "whoever deployed the service does not allow it",
    ];
    match granted.into_iter().zip(whose).find(|(granted, _)| !granted) {
        None => Ok(()),
        Some((_, why)) => Err(Fault::Denied(format!("{interface} is not granted: {why}"))),
    }
}

#[cfg(test)]
mod tests;
