//! `srv`: the services of this peer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use weir_identity::{PeerId, Value};

use super::signature::one;
use super::{Access, Answer, Code, Failure, Function, Input, Kind, Native, Param, View};
use crate::error::ServiceError;
use crate::services::{Service, ServiceChange};

pub(super) struct Srv;

impl Native for Srv {
    fn name(&self) -> &'static str {
        "srv"
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }
}

static NAME: &[Param] = &[one("service", Kind::String)];

const fn function(
    name: &'static str,
    params: &'static [Param],
    result: Kind,
    access: Access,
    run: fn(&Input<'_>, &View<'_>) -> Result<Answer, Failure>,
) -> Function {
    Function {
        name,
        params,
        exact: false,
        result,
        access,
        run,
    }
}

static FUNCTIONS: &[Function] = &[
    function("list", &[], Kind::Array, Access::Any, |_, view| {
        let records = view
            .services
            .iter()
            .map(|service| record(service, view.worker));
        Ok(records.collect::<Vec<Value>>().into())
    }),
    function("info", NAME, Kind::Object, Access::Any, |input, view| {
        Ok(record(find(input, view)?, view.worker).into())
    }),
    function(
        "get_interface",
        NAME,
        Kind::Object,
        Access::Any,
        |input, view| Ok(find(input, view)?.interface.clone().into()),
    ),
    function(
        "resolve_alias",
        &[one("alias", Kind::String)],
        Kind::String,
        Access::Any,
        |input, view| {
            let alias = input.string(0)?;
            let id = view
                .services
                .resolve_alias(alias)
                .ok_or_else(|| no_service(alias))?;
            Ok(id.as_ref().into())
        },
    ),
    function(
        "resolve_alias_opt",
        &[one("alias", Kind::String)],
        Kind::Strings,
        Access::Any,
        |input, view| {
            let id = view.services.resolve_alias(input.string(0)?);
            Ok(id
                .into_iter()
                .map(|id| Value::from(id.as_ref()))
                .collect::<Vec<Value>>()
                .into())
        },
    ),
    function(
        "add_alias",
        &[one("alias", Kind::String), one("service", Kind::String)],
        Kind::String,
        Access::Protected,
        |input, view| {
            let alias = Arc::from(input.string(0)?);
            let name = input.string(1)?;
            let service = view
                .services
                .find(name)
                .ok_or_else(|| no_service(name))?
                .id
                .clone();
            let change = ServiceChange::AddAlias { alias, service };
            view.services
                .check(&change, view.limits)
                .map_err(Failure::from)?;
            Ok(Answer::Change(change))
        },
    ),
    function(
        "create",
        &[one("blueprint", Kind::String)],
        Kind::String,
        Access::Protected,
        |input, view| {
            let blueprint = input.string(0)?;
            let alike = view
                .services
                .iter()
                .find(|service| &*service.blueprint == blueprint)
                .ok_or_else(|| {
                    let text = format!("no service here has the blueprint `{blueprint}`");
                    Failure::new(Code::NotFound, text)
                })?;
            let service = Service {
                id: id_of_step(view.step),
                owner: view.initiator,
                aliases: BTreeSet::new(),
                ..alike.clone()
            };
            let change = ServiceChange::Register(service.clone());
            view.services
                .check(&change, view.limits)
                .map_err(Failure::from)?;
            Ok(Answer::Create(service))
        },
    ),
    function(
        "remove",
        NAME,
        Kind::String,
        Access::Protected,
        |input, view| {
            let service = find(input, view)?;
            let owner = service.owner == view.initiator || view.initiator == view.host;
            if !owner && !view.is_manager() {
                let text = format!("service `{}` belongs to {}", service.id, service.owner);
                return Err(Failure::new(Code::Forbidden, text));
            }
            Ok(Answer::Change(ServiceChange::Remove {
                service: service.id.clone(),
            }))
        },
    ),
];

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let code = match &error {
            ServiceError::NotFound(_) => Code::NotFound,
            ServiceError::Exists(_) => Code::Exists,
            ServiceError::Reserved(_) => Code::Forbidden,
            ServiceError::Limit { .. } => Code::Limit,
            ServiceError::BadName(_) => Code::ArgType,
        };
        let text = error.to_string();
        let message = text
            .split_once(": ")
            .map_or(text.as_str(), |(_, message)| message);
        Failure::new(code, message)
    }
}

/// A UUID (version 4 by its form) that belongs to one step: the same call, were
/// it made again, names the same service.
fn id_of_step(step: [u8; 32]) -> Arc<str> {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&step[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    Arc::from(parts.join("-"))
}

fn no_service(name: &str) -> Failure {
    Failure::from(ServiceError::NotFound(name.to_owned()))
}

fn find<'a>(input: &Input<'_>, view: &View<'a>) -> Result<&'a Service, Failure> {
    let name = input.string(0)?;
    view.services.find(name).ok_or_else(|| no_service(name))
}

fn record(service: &Service, worker: PeerId) -> Value {
    let aliases = service
        .aliases
        .iter()
        .map(|alias| Value::from(alias.as_ref()));
    let fields = [
        ("id", Value::from(service.id.as_ref())),
        ("blueprint_id", Value::from(service.blueprint.as_ref())),
        ("service_type", Value::from("service")),
        ("owner_id", Value::from(service.owner.to_string())),
        ("aliases", Value::from(aliases.collect::<Vec<Value>>())),
        ("worker_id", Value::from(worker.to_string())),
    ];
    let fields: BTreeMap<Arc<str>, Value> = fields
        .into_iter()
        .map(|(name, value)| (Arc::from(name), value))
        .collect();
    Value::Object(Arc::new(fields))
}
