//! `weir air run`: any script on the network, started from here.

use super::check;
use crate::args::Global;
use crate::code::Code;
use crate::entrance;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report};
use crate::project::Network;
use crate::session::{Outcome, Request, Session};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use weir_identity::Value;
use weir_peer::ParticleEvent;

#[derive(Serialize)]
struct Ran {
    particle: String,
    callbacks: Vec<Callback>,
}

/// What the script reported to this peer.
#[derive(Serialize)]
struct Callback {
    function: String,
    args: Vec<Value>,
}

/// Runs the script until it says `done`, is finished, or its time is over. In it, `@name` stands for the id of the
/// peer of that name, as in a case of `weir sim run`.
pub(super) fn run(
    file: &Path,
    data: Option<&str>,
    ttl: Duration,
    global: &Global,
    output: &Output,
) -> Result<Report, Failure> {
    let name = input::name(file);
    let text = input::script(file)?;
    let (project, network) = entrance::here()?;
    // Faults are shown in the text as it stands in the file, hence before it has ids.
    check::parsed(&name, &text, output)?;
    let session = Session::open(&project, &network, output)?;
    let request = Request {
        script: network.names()?.to_ids(&text),
        data: inputs(data, &network, session.relay())?,
        ttl,
        purpose: name.clone(),
    };
    let mut running = session.submit(request)?;
    let progress = output.progress(format!("waiting for {name}"));
    let mut callbacks = Vec::new();
    let outcome = running.follow(global.timeout, |event, _| {
        let ParticleEvent::Callback {
            service,
            function,
            args,
        } = event
        else {
            return false;
        };
        callbacks.push(Callback {
            function: function.to_string(),
            args: args.clone(),
        });
        &**service == "callbackSrv" && &**function == "done"
    });
    drop(progress);
    for offence in running.offences(&network) {
        output.warn(offence);
    }
    running.save(&project)?;
    let finished = callbacks
        .last()
        .is_some_and(|callback| callback.function == "done");
    let mut lines = String::new();
    for Callback { function, args } in &callbacks {
        let args: Vec<String> = args.iter().map(Value::to_json).collect();
        lines.push_str(&format!("{function} {}\n", args.join(" ")));
    }
    lines.push_str(&format!("trace {}", running.short_id()));
    let report = Report::new(
        &Ran {
            particle: running.particle(),
            callbacks,
        },
        lines,
    );
    Ok(match outcome? {
        _ if finished => report,
        Outcome::Finished => match running.script_failure(&name) {
            Some(failure) => report.failing(failure.trace(running.short_id())),
            None => report,
        },
        other => report.failing(
            running
                .unfinished(other, &name, &network)
                .trace(running.short_id()),
        ),
    })
}

fn inputs(
    data: Option<&str>,
    network: &Network,
    relay: &str,
) -> Result<BTreeMap<Arc<str>, Value>, Failure> {
    let peers: Vec<Value> = network
        .peers
        .iter()
        .map(|peer| Value::from(peer.id.as_str()))
        .collect();
    let mut inputs: BTreeMap<Arc<str>, Value> = [
        (Arc::from("relay"), Value::from(relay)),
        (Arc::from("peers"), Value::from(peers)),
    ]
    .into();
    if let Some(text) = data {
        let malformed = || Failure::new(Code::InputMalformed, "--data is not a JSON object");
        let value = Value::from_json(text).map_err(|error| malformed().cause(error))?;
        let fields = value.as_object().ok_or_else(malformed)?;
        inputs.extend(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    Ok(inputs)
}
