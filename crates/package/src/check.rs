//! What stands against deploying a package on a node.

use crate::grants::Grants;
use crate::root::Root;

/// One thing that a package wants and does not get.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A service asks for what the node does not give.
    #[error(
        "service `{service}` asks for {missing}, which this node does not grant; its operator can allow it, or deploy elsewhere"
    )]
    NotGranted {
        /// The service.
        service: String,
        /// The interface with its range of versions.
        interface: String,
        /// What, in words that name the interface.
        missing: String,
    },
    /// It has schedules.
    #[error("the package has schedules ({}), and this version of Weir does not run schedules yet; publish it without them, or call the functions from outside", .names.join(", "))]
    Schedules {
        /// Their names.
        names: Vec<String>,
    },
}

/// Everything that the package asks for and `granted` does not cover, and its schedules. It can be deployed if nothing
/// is left to say.
pub fn check(root: &Root, granted: &Grants) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = Vec::new();
    for service in root.services() {
        let beyond = service.grants().beyond(granted);
        refusals.extend(beyond.map(|(interface, missing)| Refusal::NotGranted {
            service: service.name().to_owned(),
            interface: interface.to_owned(),
            missing,
        }));
    }
    refusals.extend(schedules_refusal(root));
    refusals
}

/// Why a package with schedules cannot be deployed yet.
pub fn schedules_refusal(root: &Root) -> Option<Refusal> {
    let names: Vec<String> = root
        .schedules()
        .iter()
        .map(|it| it.name().to_owned())
        .collect();
    (!names.is_empty()).then_some(Refusal::Schedules { names })
}
