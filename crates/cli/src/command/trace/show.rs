//! `weir trace [ID]`: who ran what, when, on which arguments, with signatures.

use super::{timestamp, tree};
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Cell, Column, Output, Report, Table};
use crate::particles::{self, Kept};
use crate::project::{Network, Project};
use serde::Serialize;
use std::time::{Duration, SystemTime};
use weir_avm::{Deed, Export, Trace, TracedAnswer, Visit, What};
use weir_identity::{Hash, Value};
use weir_receipt::SignedReceipt;

#[derive(Serialize)]
struct Shown {
    particle: String,
    initiator: Peer,
    timestamp: String,
    ttl_ms: u64,
    purpose: String,
    visits: Vec<ShownVisit>,
    journals: Vec<Journal>,
    waiting: Vec<Waiting>,
}

#[derive(Clone, Serialize)]
struct Peer {
    id: String,
    name: String,
}

#[derive(Serialize)]
struct ShownVisit {
    peer: Peer,
    /// Index of the visit that it learnt of.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<usize>,
    entries: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    index: u32,
    /// Milliseconds from the start until it was known here; absent for own entries and where nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    known_after_ms: Option<f64>,
    #[serde(flatten)]
    says: Says,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Says {
    Start,
    Call {
        service: String,
        function: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        args: Option<Vec<Value>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<CallError>,
        #[serde(skip_serializing_if = "Option::is_none")]
        receipt: Option<ShownReceipt>,
    },
    Canon {
        #[serde(skip_serializing_if = "Option::is_none")]
        instruction: Option<String>,
        elements: u64,
    },
    Hops {
        count: usize,
    },
    Seen,
    Other {
        number: u16,
    },
}

#[derive(Serialize)]
struct CallError {
    code: i32,
    message: Value,
}

/// What a receipt says that the entry does not.
#[derive(Serialize)]
struct ShownReceipt {
    digest: String,
    /// Its number among those of the worker.
    seq: u64,
    /// Its number among those of the service.
    service_seq: u64,
    fuel: u64,
}

#[derive(Serialize)]
struct Journal {
    peer: Peer,
    entries: u32,
    root: String,
    signature: String,
}

#[derive(Serialize)]
struct Waiting {
    peer: Peer,
    instruction: String,
}

/// Shows the particle; the latest one without an id.
pub(super) fn run(id: Option<&str>, output: &Output) -> Result<Report, Failure> {
    let project = Project::here()?;
    let kept = particles::find(&project, id)?;
    let damaged = |cause: String| {
        Failure::new(
            Code::StateMalformed,
            format!("the kept log of {} is damaged", particles::short(&kept.id)),
        )
        .cause(cause)
    };
    let export = Export::parse(&kept.log()?).map_err(|error| damaged(error.to_string()))?;
    let trace = weir_avm::trace(&export).map_err(|fault| damaged(fault.to_string()))?;
    // Names are a comfort: a log is shown also where its network is forgotten.
    let network = project.network().ok();
    let shown = shown(&trace, &kept, network.as_ref());
    let started = started(trace.start.timestamp_ms, SystemTime::now(), output);
    let text = text(&shown, &started, network.as_ref(), output);
    let id = particles::short(&kept.id);
    Ok(Report::new(&shown, text).then(format!("next: weir trace export {id} > t.json")))
}

fn shown(trace: &Trace, kept: &Kept, network: Option<&Network>) -> Shown {
    let initiator = trace.start.initiator.to_string();
    let peer = |id: String| {
        let name = match network.map(|network| network.name_of(&id)) {
            Some(name) if name != id => name.to_owned(),
            _ if id == initiator => "client".to_owned(),
            _ => id.clone(),
        };
        Peer { id, name }
    };
    Shown {
        particle: trace.particle.to_string(),
        initiator: peer(initiator.clone()),
        timestamp: timestamp(trace.start.timestamp_ms),
        ttl_ms: trace.start.ttl_ms,
        purpose: kept.about.purpose.clone(),
        visits: trace
            .visits
            .iter()
            .map(|visit| shown_visit(visit, kept, &peer))
            .collect(),
        journals: trace
            .heads
            .iter()
            .map(|head| Journal {
                peer: peer(head.head.author.to_string()),
                entries: head.head.length,
                root: head.head.root.to_string(),
                signature: head.signature.to_string(),
            })
            .collect(),
        waiting: trace
            .waiting
            .iter()
            .map(|waiting| Waiting {
                peer: peer(waiting.peer.to_string()),
                instruction: waiting.what.clone(),
            })
            .collect(),
    }
}

fn shown_visit(visit: &Visit, kept: &Kept, peer: &impl Fn(String) -> Peer) -> ShownVisit {
    let id = visit.peer.to_string();
    let entries = visit
        .deeds
        .iter()
        .map(|deed| Entry {
            index: deed.index,
            known_after_ms: known_after(kept, &id, deed.index),
            says: says(deed),
        })
        .collect();
    ShownVisit {
        peer: peer(id),
        cause: visit.cause,
        entries,
    }
}

fn known_after(kept: &Kept, author: &str, index: u32) -> Option<f64> {
    kept.about
        .seen
        .iter()
        .find(|seen| seen.author == author && seen.length > index)
        .map(|seen| Duration::from_micros(seen.after_us).as_secs_f64() * 1e3)
}

fn says(deed: &Deed) -> Says {
    match &deed.what {
        What::Start => Says::Start,
        What::Seen => Says::Seen,
        What::Hops(count) => Says::Hops { count: *count },
        What::Other(number) => Says::Other { number: *number },
        What::Canon {
            instruction,
            elements,
        } => Says::Canon {
            instruction: instruction.clone(),
            elements: *elements,
        },
        What::Call {
            service,
            function,
            args,
            answer,
            receipt,
            ..
        } => {
            let (result, error) = match answer {
                TracedAnswer::Value(value) => (Some(value.clone()), None),
                TracedAnswer::Unused => (None, None),
                TracedAnswer::Failed { code, message } => {
                    let (code, message) = (*code, message.clone());
                    (None, Some(CallError { code, message }))
                }
            };
            Says::Call {
                service: service.to_string(),
                function: function.to_string(),
                args: args.clone(),
                result,
                error,
                receipt: receipt.as_deref().and_then(shown_receipt),
            }
        }
    }
}

/// One that cannot be read is for `trace verify` to name.
fn shown_receipt(bytes: &[u8]) -> Option<ShownReceipt> {
    let signed = SignedReceipt::decode(bytes).ok()?;
    Some(ShownReceipt {
        digest: Hash::from(*signed.digest().as_bytes()).to_string(),
        seq: signed.receipt.seq,
        service_seq: signed.receipt.service_seq,
        fuel: signed.receipt.fuel,
    })
}

/// How long ago that was, or with `-v` when.
fn started(timestamp_ms: u64, now: SystemTime, output: &Output) -> String {
    let then = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(timestamp_ms));
    let ago = then.and_then(|then| now.duration_since(then).ok());
    match ago {
        Some(ago) if output.verbosity() == 0 => {
            let seconds = Duration::from_secs(ago.as_secs());
            format!("{} ago", humantime::format_duration(seconds))
        }
        // Also what was started in the future, by the clock of this machine.
        _ => timestamp(timestamp_ms),
    }
}

fn text(shown: &Shown, started: &str, network: Option<&Network>, output: &Output) -> String {
    let palette = output.palette();
    let mut text = format!(
        "{} {} started {} by {}, to live {}\n",
        palette.bold(&shown.purpose),
        palette.dot(),
        started,
        shown.initiator.name,
        humantime::format_duration(Duration::from_millis(shown.ttl_ms)),
    );
    let parents: Vec<Option<usize>> = shown.visits.iter().map(|visit| visit.cause).collect();
    let nodes = shown.visits.iter().map(|visit| {
        let entries = visit
            .entries
            .iter()
            .map(|entry| line(entry, network, output));
        (palette.bold(&visit.peer.name), entries.collect::<Vec<_>>())
    });
    text.push_str(&tree::draw(&parents, &nodes.collect::<Vec<_>>(), palette));
    for waiting in &shown.waiting {
        text.push_str(&format!(
            "{} waiting for {}: {}\n",
            palette.cross(),
            waiting.peer.name,
            named(waiting.instruction.trim_end(), network)
        ));
    }
    let mut table = Table::new(&[
        Column::Text("SIGNED BY"),
        Column::Id("PEER"),
        Column::Number("ENTRIES"),
        Column::Id("ROOT"),
        Column::Id("SIGNATURE"),
    ]);
    for journal in &shown.journals {
        table.row([
            Cell::new(&*journal.peer.name),
            journal.peer.id.as_str().into(),
            journal.entries.to_string().into(),
            journal.root.as_str().into(),
            journal.signature.as_str().into(),
        ]);
    }
    text.push('\n');
    text.push_str(&output.render(&table));
    text
}

/// The text with `@name` for peers of the network.
fn named(text: &str, network: Option<&Network>) -> String {
    network.map_or_else(|| text.to_owned(), |network| network.with_names(text))
}

/// Values longer than this are cut, unless `-v`.
const VALUE_SHOWN: usize = 60;

fn line(entry: &Entry, network: Option<&Network>, output: &Output) -> String {
    let palette = output.palette();
    let cut = |text: String| {
        let text = named(&text, network);
        if output.verbosity() > 0 || text.chars().count() <= VALUE_SHOWN {
            text
        } else {
            text.chars().take(VALUE_SHOWN).collect::<String>() + palette.ellipsis()
        }
    };
    let what = match &entry.says {
        Says::Start => "start".to_owned(),
        Says::Seen => "seen".to_owned(),
        Says::Hops { count } => format!("passed {count} hops"),
        Says::Other { number } => format!("entry of kind {number}"),
        Says::Canon {
            instruction,
            elements,
        } => {
            let instruction = instruction.as_deref().unwrap_or("canon");
            format!("{} {} elements", cut(instruction.to_owned()), elements)
        }
        Says::Call {
            service,
            function,
            args,
            result,
            error,
            receipt,
        } => {
            let args: Vec<String> = args
                .iter()
                .flatten()
                .map(|arg| cut(arg.to_json()))
                .collect();
            let answer = match (result, error) {
                (Some(value), _) => format!(" {} {}", palette.arrow(), cut(value.to_json())),
                (None, Some(error)) => format!(
                    " {} {}",
                    palette.cross(),
                    palette.error(&cut(error.message.to_json()))
                ),
                (None, None) => String::new(),
            };
            let fuel = receipt.as_ref().map_or(String::new(), |receipt| {
                palette.dim(&format!(" {} {} fuel", palette.dot(), receipt.fuel))
            });
            format!("{service}.{function} {}{answer}{fuel}", args.join(" "))
        }
    };
    match entry.known_after_ms {
        Some(after) => format!("{what}  {}", palette.dim(&format!("+{after:.1} ms"))),
        None => what,
    }
}
