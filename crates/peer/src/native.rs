//! Host functions: services that every peer answers itself.
//!
//! One file per service, each a [`Native`]: a name and a table of functions
//! with typed parameters, who may call them, and a pure function from
//! arguments and a `View` of the peer to an `Answer`. What a function
//! wants changed or waited for, it says in the answer; the peer does it.
//!
//! Failures are texts `CODE: message` with the codes of [`Code`], surfacing in
//! scripts as error 10000 with the service code 1.

mod array;
mod blocks;
mod cmp;
mod debug;
mod failure;
mod json;
mod math;
mod op;
mod peer;
mod proof;
mod signature;
mod size;
mod srv;
mod subnet;
mod worker;

use std::sync::Arc;

use weir_identity::{PeerId, Value};

use crate::deals::DealTable;
use crate::limits::Limits;
use crate::reach::Contact;
use crate::services::{Service, ServiceChange, ServiceTable};
use crate::time::Timestamp;

pub use failure::{Code, Failure};
pub(crate) use signature::Input;
pub use signature::{Form, Kind, Param};
pub(crate) use size::{encoded_size, encoded_size_within};

/// One host service.
pub trait Native: Sync {
    /// The service id in scripts.
    fn name(&self) -> &'static str;
    /// What it offers.
    fn functions(&self) -> &'static [Function];
}

/// One function of a host service.
#[derive(Debug)]
pub struct Function {
    /// Name in scripts.
    pub name: &'static str,
    /// Parameters in order.
    pub params: &'static [Param],
    /// More arguments than parameters are an error; otherwise they are ignored.
    pub exact: bool,
    /// What it returns.
    pub result: Kind,
    /// Who may call it.
    pub access: Access,
    run: fn(&Input<'_>, &View<'_>) -> Result<Answer, Failure>,
}

/// Who may call a function. The initiator of the particle counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Any,
    /// The host itself and its manager; on a worker the worker too.
    Protected,
}

/// What a host function wants.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// To return a value.
    Value(Value),
    /// To return `value` after a time.
    Timeout { after_ms: u64, value: Value },
    /// To connect to a peer and return whether that worked.
    Connect(Contact),
    /// To change the service table and return `""`.
    Change(ServiceChange),
    /// To add a service and return its id.
    Create(Service),
    /// To have the driver answer, as a service of kind [`HOST`].
    Driver,
}

impl<T: Into<Value>> From<T> for Answer {
    fn from(value: T) -> Self {
        Answer::Value(value.into())
    }
}

/// What the driver executes a host function as, when the peer itself cannot answer it.
pub const HOST: &str = "host";

/// What host functions see of their peer.
pub(crate) struct View<'a> {
    pub now: Timestamp,
    /// The step of the particle that calls.
    pub step: [u8; 32],
    pub host: PeerId,
    pub worker: PeerId,
    pub initiator: PeerId,
    pub manager: Option<PeerId>,
    pub version: &'a str,
    pub addresses: &'a [Arc<str>],
    pub relay: bool,
    pub limits: &'a Limits,
    pub services: &'a ServiceTable,
    pub deals: &'a DealTable,
    pub network: &'a dyn NetworkView,
}

/// What host functions see of the network.
pub(crate) trait NetworkView {
    fn is_connected(&self, peer: &PeerId) -> bool;
    fn contact(&self, peer: &PeerId) -> Option<Contact>;
}

impl View<'_> {
    /// The initiator is the manager.
    fn is_manager(&self) -> bool {
        self.manager == Some(self.initiator)
    }

    fn permits(&self, access: Access) -> bool {
        match access {
            Access::Any => true,
            Access::Protected => {
                [self.host, self.worker].contains(&self.initiator) || self.is_manager()
            }
        }
    }
}

/// All host services, by name.
pub static NATIVES: [&dyn Native; 12] = [
    &array::Array,
    &blocks::Blocks,
    &cmp::Cmp,
    &debug::Debug,
    &json::Json,
    &math::Math,
    &op::Op,
    &peer::Peer,
    &proof::Proof,
    &srv::Srv,
    &subnet::Subnet,
    &worker::Worker,
];

/// The host service of this name.
pub(crate) fn service(name: &str) -> Option<&'static dyn Native> {
    let index = NATIVES
        .binary_search_by_key(&name, |native| native.name())
        .ok()?;
    Some(NATIVES[index])
}

/// Calls a function of a host service.
pub(crate) fn call(
    native: &dyn Native,
    function: &str,
    args: &[Value],
    view: &View<'_>,
) -> Result<Answer, Failure> {
    let found = native
        .functions()
        .iter()
        .find(|f| f.name == function)
        .ok_or_else(|| {
            let text = format!(
                "host service `{}` has no function `{function}`",
                native.name()
            );
            Failure::new(Code::NotFound, text)
        })?;
    if !view.permits(found.access) {
        let text = format!(
            "`{}.{function}` is for the host and its manager only",
            native.name()
        );
        return Err(Failure::new(Code::Forbidden, text));
    }
    let input = Input::check(found.params, found.exact, args)?;
    let answer = (found.run)(&input, view)?;
    if let Answer::Value(value) | Answer::Timeout { value, .. } = &answer {
        let limit = view.limits.result_bytes;
        if !encoded_size_within(value, limit) {
            let text = format!("the result is over the limit result_bytes = {limit}");
            return Err(Failure::new(Code::Limit, text));
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests;
