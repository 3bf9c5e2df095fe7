//! `worker`: the workers that this peer runs for deals.
//!
//! Who has a worker here is decided by the market and the policy of the operator, not by scripts: what would change it,
//! says so.

use weir_identity::Value;

use super::signature::one;
use super::subnet::deal;
use super::{Access, Answer, Code, Failure, Function, Input, Kind, Native, Param, View};
use crate::deals::Local;

pub(super) struct Worker;

impl Native for Worker {
    fn name(&self) -> &'static str {
        "worker"
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }
}

static DEAL: &[Param] = &[one("deal_id", Kind::String)];

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
    function("get_worker_id", DEAL, Kind::Strings, |input, view| {
        let found = find(input, view)?;
        let id = found.map(|local| Value::from(local.peer.to_string()));
        Ok(id.into_iter().collect::<Vec<Value>>().into())
    }),
    function("list", &[], Kind::Strings, |_, view| {
        let workers = view.deals.here.values();
        let ids = workers.map(|local| Value::from(local.peer.to_string()));
        Ok(ids.collect::<Vec<Value>>().into())
    }),
    function("is_active", DEAL, Kind::Bool, |input, view| {
        let local = find(input, view)?.ok_or_else(|| {
            let text = format!("deal `{}` has no worker here", shown(input));
            Failure::new(Code::NotFound, text)
        })?;
        Ok(local.running.into())
    }),
    function("create", &[], Kind::String, of_the_market),
    function("remove", &[], Kind::String, of_the_market),
    function("activate", &[], Kind::String, of_the_market),
    function("deactivate", &[], Kind::String, of_the_market),
];

fn find<'a>(input: &Input<'_>, view: &'a View<'_>) -> Result<Option<&'a Local>, Failure> {
    let deal = deal(input.string(0)?).map_err(|text| Failure::new(Code::ArgType, text))?;
    Ok(view.deals.here.get(&deal))
}

fn shown(input: &Input<'_>) -> String {
    let text = input.string(0).unwrap_or_default();
    text.chars().take(64).collect()
}

fn of_the_market(_: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    let text =
        "the workers of a peer follow the market and the policy of its operator, not scripts";
    Err(Failure::new(Code::Forbidden, text))
}
