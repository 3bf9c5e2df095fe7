//! A function that runs on the network, and what it tells.

use super::faults;
use crate::args::Global;
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::project::{Network, Project};
use crate::session::{Outcome, Request, Running, Session};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use weir_aqua::invocation::{Invocation, shown};
use weir_aqua::ir::Program;
use weir_aqua::lower::Options;
use weir_aqua::types::Ty;
use weir_aqua::{Compilation, emit};
use weir_identity::Value;
use weir_peer::ParticleEvent;

#[derive(Serialize)]
struct Ran {
    function: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    particle: Option<String>,
    results: Vec<Value>,
    /// Other calls of the function to its caller.
    callbacks: Vec<Callback>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
}

#[derive(Serialize)]
struct Callback {
    function: String,
    args: Vec<Value>,
}

/// What the function told this peer.
#[derive(Default)]
struct Told {
    callbacks: Vec<Callback>,
    results: Option<Vec<Value>>,
    error: Option<Value>,
}

impl Told {
    /// Takes in an event; whether the function has ended.
    fn take_in(&mut self, event: &ParticleEvent) -> bool {
        let ParticleEvent::Callback {
            service,
            function,
            args,
        } = event
        else {
            return false;
        };
        match (&**service, &**function) {
            ("callbackSrv", "response") => self.results = Some(args.clone()),
            ("errorHandlingSrv", _) => self.error = args.first().cloned(),
            _ => self.callbacks.push(Callback {
                function: function.to_string(),
                args: args.clone(),
            }),
        }
        self.results.is_some() || self.error.is_some()
    }
}

/// The steps and hops of a function.
pub(super) fn program(
    compilation: &Compilation,
    invocation: &Invocation,
    output: &Output,
) -> Result<Program, Failure> {
    compilation
        .program(invocation.func, &Options::default())
        .map_err(|problem| faults::unscripted(compilation, &problem, output))
}

/// The result of a command that only shows the way.
pub(super) fn planned(name: &str, program: &Program) -> Report {
    let plan = emit::plan_text(&emit::plan(program));
    let ran = Ran {
        function: name.to_owned(),
        particle: None,
        results: Vec::new(),
        callbacks: Vec::new(),
        plan: Some(plan.clone()),
    };
    Report::new(&ran, plan)
}

/// Where functions run.
pub(super) struct Place<'a> {
    pub(super) project: &'a Project,
    pub(super) network: &'a Network,
    pub(super) session: &'a Session,
    pub(super) ttl: Duration,
}

/// Runs a function; gives what is to be shown, and its results if it came to its end.
pub(super) fn evaluate(
    place: &Place<'_>,
    compilation: &Compilation,
    invocation: &Invocation,
    global: &Global,
    output: &Output,
) -> Result<(Report, Option<Vec<Value>>), Failure> {
    let Place {
        project,
        network,
        session,
        ttl,
    } = *place;
    let func = compilation.world.func(invocation.func);
    let name = func.name.clone();
    let program = program(compilation, invocation, output)?;
    let script = compilation
        .write(invocation.func, &program)
        .map_err(|problem| faults::unscripted(compilation, &problem, output))?;
    let request = Request {
        script: network.names()?.to_ids(&script),
        data: inputs(invocation, network, session.relay())?,
        ttl,
        purpose: name.clone(),
    };
    let mut running = session.submit(request)?;
    let progress = output.progress(format!("waiting for {name}"));
    let mut told = Told::default();
    let outcome = running.follow(global.timeout, |event, _| told.take_in(event));
    drop(progress);
    for offence in running.offences(network) {
        output.warn(offence);
    }
    running.save(project)?;
    if let Some(results) = &mut told.results {
        for (result, ty) in results.iter_mut().zip(&func.ty.results) {
            *result = typed(ty, result);
        }
    }
    let ended = told.results.is_some() || (func.ty.results.is_empty() && told.error.is_none());
    let report = report(&name, &running, &told, network);
    let trace = running.short_id();
    let failure = match outcome? {
        _ if told.error.is_some() => Some(failed(&name, told.error.as_ref(), network)),
        Outcome::Enough => None,
        Outcome::Finished => match running.script_failure(&name) {
            Some(failure) => Some(failure),
            None if ended => None,
            None => Some(running.unfinished(Outcome::Finished, &name, network)),
        },
        other => Some(running.unfinished(other, &name, network)),
    };
    Ok(match failure {
        Some(failure) => (report.failing(failure.trace(trace)), None),
        None => (report, Some(told.results.unwrap_or_default())),
    })
}

/// A result as its type says: an option is its value or `null`.
fn typed(ty: &Ty, result: &Value) -> Value {
    serde_json::from_str(&result.to_json())
        .ok()
        .and_then(|json| Value::from_json(&shown(ty, &json).to_string()).ok())
        .unwrap_or_else(|| result.clone())
}

fn report(name: &str, running: &Running<'_>, told: &Told, network: &Network) -> Report {
    let mut lines = String::new();
    let text = |value: &Value| network.with_names(&value.to_json());
    for Callback { function, args } in &told.callbacks {
        let args: Vec<String> = args.iter().map(text).collect();
        lines.push_str(&format!("{function} {}\n", args.join(" ")));
    }
    for result in told.results.iter().flatten() {
        lines.push_str(&format!("{}\n", text(result)));
    }
    lines.push_str(&format!("trace {}", running.short_id()));
    let ran = Ran {
        function: name.to_owned(),
        particle: Some(running.particle()),
        results: told.results.clone().unwrap_or_default(),
        callbacks: told
            .callbacks
            .iter()
            .map(|callback| Callback {
                function: callback.function.clone(),
                args: callback.args.clone(),
            })
            .collect(),
        plan: None,
    };
    Report::new(&ran, lines)
}

fn failed(name: &str, error: Option<&Value>, network: &Network) -> Failure {
    let failure = Failure::new(Code::AquaFailed, format!("{name} failed"));
    let Some(error) = error else { return failure };
    let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let failure = match field("peer_id") {
        "" => failure,
        peer => failure.fact("at", network.name_of(peer)),
    };
    match field("message") {
        "" => failure.cause(network.with_names(&error.to_json())),
        message => failure.cause(network.with_names(message)),
    }
}

/// What the script fetches from this peer.
fn inputs(
    invocation: &Invocation,
    network: &Network,
    relay: &str,
) -> Result<BTreeMap<Arc<str>, Value>, Failure> {
    let names = network.names()?;
    let mut inputs: BTreeMap<Arc<str>, Value> = [(Arc::from("-relay-"), Value::from(relay))].into();
    for (name, value) in &invocation.args {
        let value = Value::from_json(&value.to_string()).map_err(|error| {
            Failure::new(
                Code::AquaCall,
                format!("the argument `{name}` cannot be sent"),
            )
            .cause(error)
        })?;
        inputs.insert(Arc::from(name.as_str()), names.value_to_ids(&value));
    }
    Ok(inputs)
}
