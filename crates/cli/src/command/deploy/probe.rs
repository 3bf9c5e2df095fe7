//! Asks the workers of a new deal whether they answer.

use super::Replica;
use super::plan::Plan;
use crate::code::Code;
use crate::failure::Failure;
use crate::output::Output;
use crate::project::Network;
use crate::replicas::Replicas;
use crate::session::{Request, Session};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use weir_identity::Value;
use weir_peer::ParticleEvent;

/// Each worker is asked for the interface of a service.
const PROBE: &str = include_str!("probe.air");

/// How long one round of questions may take.
const ROUND: Duration = Duration::from_secs(3);

/// The pause between rounds.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks until so many workers of a deal have answered for all services.
pub(super) fn answering(
    (session, network): (&Session, &Network),
    (deal, workers): (u64, u16),
    plan: &Plan,
    patience: Duration,
    output: &Output,
) -> Result<Vec<Replica>, Failure> {
    let progress = output.progress(format!("asking the workers of deal {deal}"));
    let begin = Instant::now();
    loop {
        let replicas = Replicas::of_deal(session, network, deal)?;
        let mut silent: BTreeSet<&String> = replicas.peers.iter().collect();
        // Each node learns of the others by the chain, at its own pace.
        if replicas.peers.len() >= usize::from(workers) {
            let mut answered: Option<BTreeSet<String>> = None;
            for service in services(plan) {
                let round = ask(session, &replicas, &service)?;
                answered = Some(match answered {
                    None => round,
                    Some(before) => before.intersection(&round).cloned().collect(),
                });
            }
            let answered = answered.unwrap_or_default();
            silent.retain(|peer| !answered.contains(*peer));
            if silent.is_empty() {
                let peers = replicas.peers.iter();
                let named = peers.map(|peer| Replica {
                    name: replicas.network.name_of(peer).to_owned(),
                    peer: peer.clone(),
                });
                let mut named: Vec<Replica> = named.collect();
                named.sort_by(|one, other| one.name.cmp(&other.name));
                return Ok(named);
            }
        }
        if begin.elapsed() >= patience {
            let names: Vec<&str> = silent
                .iter()
                .map(|peer| replicas.network.name_of(peer))
                .collect();
            let cause = if names.is_empty() {
                format!("the network knows none of its {workers} workers")
            } else {
                format!("no answer from {}", names.join(", "))
            };
            return Err(Failure::new(
                Code::NotServed,
                format!("deal {deal} is made, and not all answer"),
            )
            .cause(cause)
            .fix(format!("look at it with weir deal show {deal}")));
        }
        progress.say(format!("waiting for answers of deal {deal}"));
        // Nodes learn of workers from the chain; nothing tells this command when they did.
        std::thread::sleep(PAUSE);
    }
}

/// What is asked for: the services of the package, or whether the worker answers at all.
fn services(plan: &Plan) -> Vec<String> {
    if plan.services.is_empty() {
        vec![String::new()]
    } else {
        plan.services.clone()
    }
}

/// The peers that answered for a service.
fn ask(session: &Session, replicas: &Replicas, service: &str) -> Result<BTreeSet<String>, Failure> {
    let (function, arguments) = match service {
        "" => ("list", Vec::new()),
        service => ("get_interface", vec![Value::from(service)]),
    };
    let data = [
        ("relay", Value::from(session.relay())),
        ("function", Value::from(function)),
        ("args", Value::from(arguments.clone())),
    ];
    let operands = if arguments.is_empty() {
        ""
    } else {
        "args.$.[0]"
    };
    let request = Request {
        script: PROBE.replace("ARGUMENTS", operands),
        data: data
            .into_iter()
            .chain(replicas.data())
            .map(|(name, value)| (Arc::from(name), value))
            .collect(),
        ttl: ROUND,
        purpose: "whether workers answer".to_owned(),
    };
    let mut answered = BTreeSet::new();
    let mut heard = 0;
    let mut running = session.submit(request)?;
    let outcome = running.follow(None, |event, _| {
        if let ParticleEvent::Callback { function, args, .. } = event {
            heard += 1;
            let peer = args.first().and_then(Value::as_str);
            if let Some(peer) = peer.filter(|_| &**function == "answered") {
                answered.insert(peer.to_owned());
            }
        }
        heard == replicas.peers.len()
    });
    let forgotten = running.forget();
    outcome?;
    forgotten?;
    Ok(answered)
}
