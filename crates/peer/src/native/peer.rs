//! `peer`: this peer, its clock and its neighbours.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_identity::Value;

use super::signature::{many, maybe, one};
use super::{Access, Answer, Failure, Function, Input, Kind, Native, Param, View};
use crate::reach::Contact;

pub(super) struct Peer;

impl Native for Peer {
    fn name(&self) -> &'static str {
        "peer"
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }
}

const fn function(
    name: &'static str,
    params: &'static [Param],
    result: Kind,
    run: fn(&Input<'_>, &View<'_>) -> Result<Answer, Failure>,
) -> Function {
    Function {
        name,
        params,
        exact: false,
        result,
        access: Access::Any,
        run,
    }
}

static FUNCTIONS: &[Function] = &[
    function("timestamp_ms", &[], Kind::Unsigned, |_, view| {
        Ok(view.now.ms().into())
    }),
    function("timestamp_sec", &[], Kind::Unsigned, |_, view| {
        Ok((view.now.ms() / 1000).into())
    }),
    function(
        "is_connected",
        &[one("peer_id", Kind::PeerId)],
        Kind::Bool,
        |input, view| {
            let peer = input.peer_id(0)?;
            Ok(
                ([view.host, view.worker].contains(&peer) || view.network.is_connected(&peer))
                    .into(),
            )
        },
    ),
    Function {
        name: "connect",
        params: &[one("peer_id", Kind::PeerId), many("addresses", Kind::Any)],
        exact: false,
        result: Kind::Bool,
        access: Access::Protected,
        run: connect,
    },
    function(
        "get_contact",
        &[one("peer_id", Kind::PeerId)],
        Kind::Any,
        |input, view| {
            let peer = input.peer_id(0)?;
            Ok(view
                .network
                .contact(&peer)
                .map_or(Value::from(""), |found| contact(&found))
                .into())
        },
    ),
    function(
        "timeout",
        &[
            one("duration_ms", Kind::Duration),
            maybe("message", Kind::Any),
        ],
        Kind::Any,
        timeout,
    ),
    function("identify", &[], Kind::Object, |_, view| {
        Ok(identify(view).into())
    }),
];

fn texts(texts: &[Arc<str>]) -> Value {
    Value::from(
        texts
            .iter()
            .map(|text| Value::from(text.as_ref()))
            .collect::<Vec<Value>>(),
    )
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields: BTreeMap<Arc<str>, Value> = fields
        .into_iter()
        .map(|(name, value)| (Arc::from(name), value))
        .collect();
    Value::Object(Arc::new(fields))
}

fn contact(contact: &Contact) -> Value {
    object([
        ("peer_id", Value::from(contact.peer.to_string())),
        ("addresses", texts(&contact.addresses)),
    ])
}

/// The addresses may stand alone, in a list, or in a list in a list.
fn connect(input: &Input<'_>, view: &View<'_>) -> Result<Answer, Failure> {
    let limits = view.limits;
    let mut addresses: Vec<Arc<str>> = Vec::new();
    let mut open: Vec<&Value> = input.rest(1).iter().take(1).collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items.iter().take(limits.addresses_per_contact)),
            Value::String(text) if text.len() <= limits.address_bytes => {
                addresses.push(text.clone());
            }
            _ => {}
        }
        if addresses.len() == limits.addresses_per_contact {
            break;
        }
    }
    addresses.reverse();
    Ok(Answer::Connect(Contact {
        peer: input.peer_id(0)?,
        addresses,
    }))
}

fn timeout(input: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    let value = input
        .optional(1)?
        .cloned()
        .unwrap_or_else(|| Value::from(""));
    Ok(Answer::Timeout {
        after_ms: input.duration_ms(0)?,
        value,
    })
}

fn identify(view: &View<'_>) -> Value {
    let limits = view.limits;
    let features: &[&str] = if view.relay { &["relay"] } else { &[] };
    object([
        ("external_addresses", texts(view.addresses)),
        ("node_version", Value::from(view.version)),
        ("air_version", Value::from(view.version)),
        ("spell_version", Value::from("")),
        ("allowed_binaries", Value::from(Vec::new())),
        ("vm_info", Value::Null),
        (
            "protocols",
            Value::from(vec![Value::from("/weir/particle/1")]),
        ),
        (
            "features",
            Value::from(
                features
                    .iter()
                    .map(|f| Value::from(*f))
                    .collect::<Vec<Value>>(),
            ),
        ),
        (
            "limits",
            object([
                ("message_bytes", Value::from(limits.message_bytes as u64)),
                ("ttl_ms", Value::from(limits.ttl_ms)),
                ("clock_skew_ms", Value::from(limits.clock_skew_ms)),
            ]),
        ),
    ])
}
