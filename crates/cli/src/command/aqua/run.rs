//! `weir aqua run`: a function on the network, started from here.

use super::{faults, sources};
use crate::args::{Global, Sources};
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::project::{Network, Project};
use crate::session::{Outcome, Request, Running, Session};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use weir_aqua::invocation::{Invocation, shown};
use weir_aqua::lower::Options;
use weir_aqua::types::Ty;
use weir_aqua::{Compilation, emit};
use weir_identity::Value;
use weir_peer::ParticleEvent;

/// What the user asked for.
pub(super) struct Wanted<'a> {
    pub(super) file: &'a Path,
    pub(super) function: &'a str,
    pub(super) data: Option<&'a str>,
    pub(super) plan: bool,
    pub(super) ttl: Duration,
}

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

/// Compiles the program, runs the function and shows what it answers.
pub(super) fn run(
    wanted: &Wanted<'_>,
    sources: &Sources,
    global: &Global,
    output: &Output,
) -> Result<Report, Failure> {
    let compilation = sources::compiled(vec![wanted.file.to_path_buf()], sources, output)?;
    if let Some(failure) = faults::refused(&compilation) {
        return Err(failure);
    }
    let invocation = invocation(&compilation, wanted)?;
    let name = compilation.world.func(invocation.func).name.clone();
    let program = compilation
        .program(invocation.func, &Options::default())
        .map_err(|limit| {
            faults::show_one(&compilation, &limit, output);
            Failure::new(Code::AquaInvalid, limit.message.clone())
        })?;
    if wanted.plan {
        let plan = emit::plan_text(&emit::plan(&program));
        let ran = Ran {
            function: name,
            particle: None,
            results: Vec::new(),
            callbacks: Vec::new(),
            plan: Some(plan.clone()),
        };
        return Ok(Report::new(&ran, plan));
    }
    let project = Project::here()?;
    let network = project.network()?;
    let session = Session::open(&project, &network, output)?;
    let request = Request {
        script: network.names()?.to_ids(&emit::air(&program)),
        data: inputs(&invocation, &network, session.relay())?,
        ttl: wanted.ttl,
        purpose: name.clone(),
    };
    let mut running = session.submit(request)?;
    let progress = output.progress(format!("waiting for {name}"));
    let mut told = Told::default();
    let outcome = running.follow(global.timeout, |event, _| told.take_in(event));
    drop(progress);
    for offence in running.offences(&network) {
        output.warn(offence);
    }
    running.save(&project)?;
    let silent = compilation
        .world
        .func(invocation.func)
        .ty
        .results
        .is_empty();
    let ended = told.results.is_some() || (silent && told.error.is_none());
    let types = &compilation.world.func(invocation.func).ty.results;
    if let Some(results) = &mut told.results {
        for (result, ty) in results.iter_mut().zip(types) {
            *result = typed(ty, result);
        }
    }
    let report = report(&name, &running, &told, &network);
    Ok(match outcome? {
        _ if told.error.is_some() => {
            report.failing(failed(&name, told.error.as_ref(), &network).trace(running.short_id()))
        }
        Outcome::Enough => report,
        Outcome::Finished => match running.script_failure(&name) {
            Some(failure) => report.failing(failure.trace(running.short_id())),
            None if ended => report,
            None => report.failing(
                running
                    .unfinished(Outcome::Finished, &name, &network)
                    .trace(running.short_id()),
            ),
        },
        other => report.failing(
            running
                .unfinished(other, &name, &network)
                .trace(running.short_id()),
        ),
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

fn invocation(compilation: &Compilation, wanted: &Wanted<'_>) -> Result<Invocation, Failure> {
    let data = match wanted.data {
        None => serde_json::Map::new(),
        Some(text) => serde_json::from_str(text).map_err(|error| {
            Failure::new(Code::InputMalformed, "--data is not a JSON object").cause(error)
        })?,
    };
    Invocation::read(compilation, wanted.function, &data).map_err(|problem| {
        let failure = Failure::new(Code::AquaCall, problem.message);
        match problem.help {
            Some(help) => failure.fix(help),
            None => failure,
        }
    })
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
