//! `weir call`: one function on its replicas, by a policy.

mod arguments;
mod tally;

use crate::args::{Call, Global};
use crate::code::Code;
use crate::command::air::check;
use crate::command::chain::asking;
use crate::entrance;
use crate::failure::Failure;
use crate::market::{Context, hosts_of};
use crate::output::{Cell, Column, Output, Report, Table};
use crate::policy::Policy;
use crate::project::Network;
use crate::replicas::{self, Replicas};
use crate::session::{Outcome, Request, Running, Session};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tally::{Answer, End, Replica, Tally};
use weir_identity::{PeerId, Value};
use weir_peer::ParticleEvent;

#[derive(Serialize)]
struct Called {
    particle: String,
    service: String,
    function: String,
    policy: String,
    replicas: Vec<Replica>,
    agreeing: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
}

/// Makes the call and tells what each replica answered.
pub(crate) fn run(args: &Call, global: &Global, output: &Output) -> Result<Report, Failure> {
    let (project, network) = entrance::here()?;
    let policy = Policy::load(&args.policy, Some(&project.aqua()))?;
    let deal = replicas::deal_of(&project, &network, &args.target.service)?;
    let listed = match deal {
        None => Some(Replicas::of_network(&network, &args.target.service)?),
        Some(_) => None,
    };
    let name = format!("policy {}", policy.name);
    // Faults are shown in the text as it stands in the file.
    check::parsed(&name, policy.text(), output)?;
    let arguments = args.arguments.len();
    let script = policy.script(arguments);
    weir_air::parse(&script, &weir_air::Limits::default()).map_err(|faults| {
        let name = format!("{name} with {arguments} arguments");
        check::refused(&name, &script, &faults, output)
    })?;

    let session = Session::open(&project, &network, output)?;
    let replicas = match (listed, deal) {
        (Some(listed), _) => listed,
        (None, deal) => of_deal(&session, &network, deal.unwrap_or_default())?,
    };
    let network = &replicas.network;
    let request = Request {
        script,
        data: inputs(args, &policy, &replicas, session.relay()),
        ttl: args.ttl,
        purpose: purpose(args),
    };
    let mut running = session.submit(request)?;
    let target = target(args);
    let progress = output.progress(format!(
        "waiting for {target} on {} replicas",
        replicas.peers.len()
    ));
    let mut tally = Tally::default();
    let outcome = running.follow(global.timeout, |event, at| {
        if let ParticleEvent::Callback {
            service,
            function,
            args,
        } = event
            && &**service == "callbackSrv"
        {
            tally.callback(function, args, at, |peer| network.name_of(peer).to_owned());
            if tally.end.is_none() {
                let answered = tally.replicas.len();
                progress.say(format!(
                    "waiting for {target}: {answered} of {} replicas answered",
                    replicas.peers.len()
                ));
            }
        }
        tally.end.is_some()
    });
    drop(progress);
    for offence in running.offences(network) {
        output.warn(offence);
    }
    running.save(&project)?;

    let called = Called {
        particle: running.particle(),
        service: args.target.service.clone(),
        function: args.target.function.clone(),
        policy: args.policy.clone(),
        agreeing: tally.agreeing(),
        result: match &tally.end {
            Some(End::Done(value)) => value.clone(),
            _ => None,
        },
        replicas: tally.replicas.clone(),
    };
    let text = text(&called, replicas.peers.len(), &running, output);
    let report = Report::new(&called, text);
    let failure = failure(&tally, outcome?, args, &target, &running, network);
    Ok(match failure {
        Some(failure) => report.failing(failure.trace(running.short_id())),
        None => report.then(format!("next: weir trace {}", running.short_id())),
    })
}

/// The workers of the deal that the service belongs to.
fn of_deal(session: &Session, network: &Network, deal: u64) -> Result<Replicas, Failure> {
    // Elsewhere than in the local network the chain says who can be asked.
    let network = match &network.context {
        None => network.clone(),
        Some(name) => network.with(asking(hosts(name, deal))?),
    };
    let replicas = Replicas::of_deal(session, &network, deal)?;
    if replicas.peers.is_empty() {
        return Err(Failure::new(
            Code::NoSuchService,
            format!("deal {deal} has no worker that answers"),
        )
        .cause("no peer of the network knows one that is active")
        .fix(format!("look at it with weir deal show {deal}")));
    }
    Ok(replicas)
}

async fn hosts(context: &str, deal: u64) -> Result<Vec<PeerId>, Failure> {
    let context = Context::named(context)?;
    let hosts = hosts_of(&context, deal).await;
    hosts.map_err(|error| context.failed("the deal cannot be read", &error))
}

fn target(args: &Call) -> String {
    format!("{}.{}", args.target.service, args.target.function)
}

/// The command as it was meant, for people.
fn purpose(args: &Call) -> String {
    let mut words = vec![target(args)];
    words.extend(args.arguments.iter().cloned());
    words.extend(["--policy".to_owned(), args.policy.clone()]);
    words.join(" ")
}

/// What `getDataSrv` answers; described in `aqua/README.md`.
fn inputs(
    args: &Call,
    policy: &Policy,
    replicas: &Replicas,
    relay: &str,
) -> BTreeMap<Arc<str>, Value> {
    let majority = replicas.peers.len() / 2 + 1;
    let attempts = u32::try_from(replicas.peers.len() + 1).unwrap_or(u32::MAX);
    let patience = args.ttl / attempts;
    let parameter = match &policy.parameter {
        Some(text) => arguments::value(text),
        None => Value::from(majority as u64),
    };
    let values: Vec<Value> = args
        .arguments
        .iter()
        .map(|text| arguments::value(text))
        .collect();
    [
        ("relay", Value::from(relay)),
        ("service", Value::from(args.target.service.as_str())),
        ("function", Value::from(args.target.function.as_str())),
        ("args", Value::from(values)),
        ("n", parameter),
        ("patience_ms", Value::from(milliseconds(patience))),
    ]
    .into_iter()
    .chain(replicas.data())
    .map(|(name, value)| (Arc::from(name), value))
    .collect()
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn text(called: &Called, replicas: usize, running: &Running, output: &Output) -> String {
    let mut table = Table::new(&[
        Column::Text("REPLICA"),
        Column::Id("PEER"),
        Column::Number("TIME"),
        Column::Text("RESULT"),
    ]);
    for replica in &called.replicas {
        let time = format!("{:.1} ms", replica.time_ms.as_secs_f64() * 1e3);
        let answer = match &replica.answer {
            Answer::Result(value) => Cell::new(value.to_json()),
            Answer::Error(error) => Cell::failed(message(error)),
        };
        table.row([
            Cell::new(&*replica.name),
            replica.peer.as_str().into(),
            time.into(),
            answer,
        ]);
    }
    let mut text = if called.replicas.is_empty() {
        String::new()
    } else {
        output.render(&table)
    };
    // A policy of the user's own may give an answer without naming replicas.
    if called.replicas.is_empty()
        && let Some(result) = &called.result
    {
        text.push_str(&result.to_json());
        text.push('\n');
    }
    let answered = called.replicas.len();
    let mut statements = Vec::new();
    let failed = called
        .replicas
        .iter()
        .filter(|replica| replica.has_failed())
        .count();
    if answered - failed > 1 {
        statements.push(format!("{}/{answered} agree", called.agreeing));
    }
    if failed > 0 {
        statements.push(format!("{failed}/{answered} failed"));
    }
    if answered < replicas {
        statements.push(format!("{answered} of {replicas} replicas answered"));
    }
    statements.push(format!("trace {}", running.short_id()));
    text.push_str(&statements.join(&format!(" {} ", output.palette().dot())));
    text
}

/// The sentence in an error object, or the whole where it has none.
fn message(error: &Value) -> String {
    error
        .get("message")
        .and_then(Value::as_str)
        .map_or_else(|| error.to_json(), str::to_owned)
}

fn failure(
    tally: &Tally,
    outcome: Outcome,
    args: &Call,
    target: &str,
    running: &Running,
    network: &Network,
) -> Option<Failure> {
    match &tally.end {
        Some(End::Done(Some(_))) => None,
        Some(End::Done(None)) => function_failure(tally, target),
        Some(End::Unmet(reason)) => Some(
            Failure::new(
                Code::PolicyUnmet,
                format!("policy {}: {reason}", args.policy),
            )
            .fact("calling", target)
            .fact("reached", reached(tally)),
        ),
        None => match outcome {
            Outcome::Finished => ended(tally, target, args, running),
            other => Some(
                running
                    .unfinished(other, target, network)
                    .fact("reached", reached(tally)),
            ),
        },
    }
}

fn reached(tally: &Tally) -> String {
    format!(
        "{} answered, {} failed",
        tally.results().count(),
        tally.errors().count()
    )
}

/// Without an answer of its own a call is as good as its replicas.
fn function_failure(tally: &Tally, target: &str) -> Option<Failure> {
    let failed = tally.errors().count();
    let (_, first) = tally.errors().next()?;
    let asked = tally.replicas.len();
    Some(
        Failure::new(
            Code::FunctionFailed,
            format!("{target} failed on {failed} of {asked} replicas"),
        )
        .cause(message(first)),
    )
}

/// A policy of the user's own may end in any way.
fn ended(tally: &Tally, target: &str, args: &Call, running: &Running) -> Option<Failure> {
    let policy = format!("policy {}", args.policy);
    // What the replicas answered before the script broke off is no answer of the policy.
    if let Some(failure) = running.script_failure(&policy) {
        return Some(failure);
    }
    if tally.replicas.is_empty() {
        let what = format!("{policy} ended without an answer");
        return Some(Failure::new(Code::PolicyUnmet, what));
    }
    function_failure(tally, target)
}
