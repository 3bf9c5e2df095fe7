//! `subnet`: the members of deals, as the market has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use weir_identity::Value;

use super::signature::one;
use super::{Access, Answer, Failure, Function, Input, Kind, Native, View};
use crate::deals::{Member, Subnet as Members};

pub(super) struct Subnet;

impl Native for Subnet {
    fn name(&self) -> &'static str {
        "subnet"
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }
}

static FUNCTIONS: &[Function] = &[Function {
    name: "resolve",
    params: &[one("deal_id", Kind::String)],
    exact: false,
    result: Kind::Object,
    access: Access::Any,
    run: resolve,
}];

/// A failure is part of the answer, so that a script can go on with it.
fn resolve(input: &Input<'_>, view: &View<'_>) -> Result<Answer, Failure> {
    let text = input.string(0)?;
    let found = deal(text).and_then(|deal| {
        view.deals.subnets.get(&deal).ok_or_else(|| {
            format!(
                "deal {deal} is not known here: this peer follows the deals that it serves; ask a peer of the deal"
            )
        })
    });
    Ok(match found {
        Ok(members) => known(members),
        Err(error) => unknown(error),
    }
    .into())
}

/// The number of a deal, in decimal digits or as `0x` and hexadecimal ones.
pub(super) fn deal(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| {
        let shown: String = text.chars().take(64).collect();
        format!("`{shown}` is not the number of a deal: expected decimal digits, or 0x and hexadecimal ones")
    })
}

fn known(subnet: &Members) -> Value {
    let workers = subnet.members.iter().map(member);
    answer([
        ("success", Value::from(true)),
        ("error", Value::from(Vec::new())),
        ("workers", Value::from(workers.collect::<Vec<Value>>())),
        ("block", Value::from(subnet.block)),
        ("view", Value::from(digest(subnet))),
        ("app_cid", Value::from(subnet.package.to_string())),
    ])
}

fn unknown(error: String) -> Value {
    answer([
        ("success", Value::from(false)),
        ("error", Value::from(vec![Value::from(error)])),
        ("workers", Value::from(Vec::new())),
        ("block", Value::from(0_u64)),
        ("view", Value::from("")),
        ("app_cid", Value::from("")),
    ])
}

fn member(member: &Member) -> Value {
    let units = member.units.iter().map(|unit| Value::from(unit.as_ref()));
    let worker = member.worker.map(|worker| Value::from(worker.to_string()));
    answer([
        ("cu_ids", Value::from(units.collect::<Vec<Value>>())),
        ("pat_id", Value::from(member.id.to_string())),
        ("host_id", Value::from(member.host.to_string())),
        (
            "worker_id",
            Value::from(worker.into_iter().collect::<Vec<Value>>()),
        ),
    ])
}

/// The same for two peers exactly if they see the same workers: SHA-256 of the deal, its sorted workers, and the block
/// of the last change.
fn digest(subnet: &Members) -> String {
    let mut workers: Vec<String> = subnet
        .members
        .iter()
        .filter_map(|member| Some(member.worker?.to_string()))
        .collect();
    workers.sort();
    let mut hash = Sha256::new();
    hash.update(format!("{}\n", subnet.deal));
    for worker in workers {
        hash.update(format!("{worker}\n"));
    }
    hash.update(subnet.changed_block.to_string());
    HEXLOWER.encode(&hash.finalize())
}

fn answer<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields: BTreeMap<Arc<str>, Value> = fields
        .into_iter()
        .map(|(name, value)| (Arc::from(name), value))
        .collect();
    Value::Object(Arc::new(fields))
}
