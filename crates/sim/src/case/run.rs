//! Runs a case.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weir_air::Diagnostic;
use weir_identity::Value;
use weir_identity::value::Fields;
use weir_peer::{
    Call, CallOutcome, CallPolicy, Limits, ParticleEvent, Submit, SubmitError, Tetraplet,
    Timestamp, Waiting,
};

use super::{Case, CaseError, CaseReport, Mock, Names, PendingStep, SeenCall, SeenError};
use crate::review::{Contradiction, Review, Subject};
use crate::weather::Weather;
use crate::world::{NodeId, Reply, Spec, World};

/// Host services that work in a case as they do on a node.
pub const BUILT_INS: [&str; 5] = ["op", "math", "cmp", "array", "json"];

/// How long the network may need after the last thing that happened, beyond the time to live.
const SPARE_MS: u64 = 1_000;

/// Runs a case until nothing is under way any more or its time to live is over.
pub fn run_case(case: &Case) -> Result<CaseReport, CaseError> {
    let peers = case.names();
    let names = Arc::new(Names::new(peers.iter().cloned()));
    let start = Timestamp(case.timestamp_ms);
    let mut world = World::with_limits(case.seed, start, limits(case));
    let mocks = Arc::new(mocks(case, &names));
    let nodes: Vec<NodeId> = peers
        .iter()
        .map(|name| world.add(spec(name, &mocks)))
        .collect();
    world.set_weather(weather(case.seed));
    world.introduce_all();
    let (echo, mocked, named) = (case.echo, mocks.clone(), peers.clone());
    world.set_services(move |node, call| Reply {
        outcome: answer(&named[node], call, &mocked, echo),
        after_ms: 0,
    });

    let script: Arc<str> = names.to_ids(&case.air).into();
    let submit = Submit {
        script: script.clone(),
        nonce: [0; 16],
        ttl_ms: case.ttl_ms,
        timestamp: Some(start),
        client: None,
        keep: false,
    };
    let submitted = world
        .submit(nodes[0], submit)
        .unwrap_or_else(|| unreachable!("nobody crashes in a case"));
    let particle = submitted.map_err(|error| refused(error, &script, &names))?;
    let subject = Subject::of(&world, nodes[0], &particle)
        .unwrap_or_else(|| unreachable!("a submitted particle is in memory"));
    world.run_until_quiet_within(case.ttl_ms.saturating_sub(1));
    let (entries, pending) = state(&world, &nodes, &subject, &names)?;
    world.run_for(SPARE_MS);
    Ok(report(&world, &names, entries, pending))
}

/// Wide enough for any case; what the script itself must not exceed stays as on a node.
fn limits(case: &Case) -> Limits {
    Limits {
        ttl_ms: case.ttl_ms.max(Limits::default().ttl_ms),
        idle_ms: u64::MAX,
        contacts: usize::MAX,
        neighbours: usize::MAX,
        ..Limits::default()
    }
}

fn weather(seed: u64) -> Weather {
    match seed {
        0 => Weather::calm(),
        _ => Weather {
            latency_ms: 1..=100,
            in_order: false,
            ..Weather::calm()
        },
    }
}

fn refused(error: SubmitError, script: &str, names: &Names) -> CaseError {
    match error {
        SubmitError::Script(found) => CaseError::Script {
            path: "$.air".to_owned(),
            diagnostics: found
                .iter()
                .map(|diagnostic| described(diagnostic, script, names))
                .collect(),
        },
        other => CaseError::Value {
            path: "$".to_owned(),
            problem: other.to_string(),
        },
    }
}

/// A diagnostic with its line and column, both as in the text with names.
fn described(diagnostic: &Diagnostic, script: &str, names: &Names) -> String {
    let before = script
        .get(..diagnostic.span.start as usize)
        .unwrap_or(script);
    let (lines, line) = before
        .rsplit_once('\n')
        .map_or((0, before), |(above, line)| {
            (above.matches('\n').count() + 1, line)
        });
    let column = names.to_names(line).chars().count() + 1;
    let message = names.to_names(&diagnostic.message);
    format!("{}:{column}: {} {message}", lines + 1, diagnostic.code)
}

/// Mocks with ids in place of names.
fn mocks(case: &Case, names: &Names) -> BTreeMap<Arc<str>, Mock> {
    let mock = |mock: &Mock| match mock {
        Mock::Ok(value) => Mock::Ok(names.value_to_ids(value)),
        Mock::Err { message, code } => Mock::Err {
            message: names.value_to_ids(message),
            code: *code,
        },
    };
    case.services
        .iter()
        .map(|(name, value)| (name.clone(), mock(value)))
        .collect()
}

fn spec(name: &Arc<str>, mocks: &BTreeMap<Arc<str>, Mock>) -> Spec {
    let mut overridden = BTreeSet::new();
    for mocked in mocks.keys() {
        let call = match mocked.split_once('/') {
            Some((peer, call)) if peer == &**name => call,
            Some(_) => continue,
            None => mocked,
        };
        // Both names may contain dots, so each dot may be the one between them.
        for (dot, _) in call.match_indices('.') {
            overridden.insert((Arc::from(&call[..dot]), Arc::from(&call[dot + 1..])));
        }
    }
    let natives = Some(BTreeSet::from(BUILT_INS));
    let calls = CallPolicy {
        natives,
        overridden,
        unknown_to_driver: true,
    };
    Spec {
        calls,
        ..Spec::new(name)
    }
}

fn answer(at: &str, call: &Call, mocks: &BTreeMap<Arc<str>, Mock>, echo: bool) -> CallOutcome {
    let name = format!("{}.{}", call.service, call.function);
    let mock = mocks
        .get(format!("{at}/{name}").as_str())
        .or_else(|| mocks.get(name.as_str()));
    match mock {
        Some(Mock::Ok(value)) => CallOutcome::Value(value.clone()),
        Some(Mock::Err { message, code }) => CallOutcome::Failed {
            code: *code,
            message: message.clone(),
        },
        None if echo => {
            let fields = [
                ("at", Value::from(at)),
                ("do", Value::from(name)),
                ("args", Value::from(call.args.clone())),
            ];
            let fields: Fields = fields
                .into_iter()
                .map(|(name, value)| (Arc::from(name), value))
                .collect();
            CallOutcome::Value(Value::from(fields))
        }
        None => CallOutcome::failed(format!(
            "NOT_FOUND: `{name}` is neither mocked nor built in"
        )),
    }
}

/// The number of different entries, and what is reached and not answered.
fn state(
    world: &World,
    nodes: &[NodeId],
    subject: &Subject,
    names: &Names,
) -> Result<(u64, Vec<PendingStep>), Contradiction> {
    let review = Review::of(world, nodes.iter().copied(), subject)?;
    let together = review.together()?;
    let particle = subject.start.id();
    let known: Vec<_> = nodes
        .iter()
        .map(|node| {
            world
                .peer(*node)
                .map_or_else(Vec::new, |peer| peer.waiting(&particle))
        })
        .collect();
    let pending = together.waiting.into_iter().map(|(peer, what)| {
        let knows = |steps: &Vec<Waiting>| {
            steps
                .iter()
                .any(|step| step.peer == peer && step.what == what)
        };
        let knower = nodes
            .iter()
            .zip(&known)
            .find(|(_, steps)| knows(steps))
            .map_or(nodes[0], |(node, _)| *node);
        PendingStep {
            peer: format!("@{}", world.name(knower)),
            call: call_name(&names.to_names(&what)),
            waits_for: names.to_names(&peer),
        }
    });
    Ok((review.entry_count(), pending.collect()))
}

/// `service.function` if the instruction is a call whose names stand in it, otherwise the instruction.
fn call_name(instruction: &str) -> String {
    let instruction = instruction.trim();
    let named = instruction.strip_prefix("call ").and_then(|rest| {
        let (_, names) = rest.split_once("(\"")?;
        let (service, rest) = names.split_once("\" \"")?;
        let (function, _) = rest.split_once("\")")?;
        (!service.contains('"') && !function.contains('"')).then(|| format!("{service}.{function}"))
    });
    named.unwrap_or_else(|| instruction.to_owned())
}

fn report(world: &World, names: &Names, entries: u64, pending: Vec<PendingStep>) -> CaseReport {
    let mut calls = Vec::new();
    let mut errors = Vec::new();
    let mut steps = 0;
    for report in world.reports() {
        let peer = || format!("@{}", world.name(report.at));
        match &report.event {
            ParticleEvent::CallMade {
                service,
                function,
                args,
                tetraplets,
            } => calls.push(SeenCall {
                peer: peer(),
                call: names.to_names(&format!("{service}.{function}")),
                args: args
                    .iter()
                    .map(|value| names.value_to_names(value))
                    .collect(),
                tetraplets: tetraplets
                    .iter()
                    .map(|origins| origins.iter().map(|t| origin(t, names)).collect())
                    .collect(),
            }),
            ParticleEvent::Error(error) | ParticleEvent::Stuck(error) => errors.push(SeenError {
                peer: peer(),
                code: error.code,
                message: names.to_names(&error.message),
            }),
            ParticleEvent::CallEnded { .. } | ParticleEvent::Learnt { .. } => steps += 1,
            _ => {}
        }
    }
    let traffic = world.traffic();
    CaseReport {
        calls,
        errors,
        messages: traffic.messages,
        bytes: traffic.message_bytes,
        steps,
        entries,
        pending,
    }
}

fn origin(tetraplet: &Tetraplet, names: &Names) -> String {
    let Tetraplet {
        peer,
        service,
        function,
        lens,
    } = tetraplet;
    names.to_names(&format!("{peer}|{service}|{function}|{lens}"))
}
