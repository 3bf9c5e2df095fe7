//! `weir proof export`: what the receipts of a particle have hashes of, from the peers that executed.

use super::EVIDENCE;
use crate::args::Global;
use crate::code::Code;
use crate::entrance;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::particles;
use crate::project::Network;
use crate::session::{Request, Session};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use weir_avm::{Export, What, trace};
use weir_identity::{PeerId, Value};
use weir_peer::ParticleEvent;
use weir_receipt::{Evidence, Material, SignedReceipt};

/// The script that asks for one piece.
const SCRIPT: &str = include_str!("../../../../../aqua/material.air");

/// How long one piece may take.
const TTL: Duration = Duration::from_secs(30);

#[derive(Serialize)]
struct Exported {
    folder: String,
    evidence: Vec<String>,
    components: Vec<String>,
}

/// Asks for the evidence of each receipt of a particle that was started here, and for the components.
pub(super) fn run(
    id: Option<&str>,
    folder: Option<&Path>,
    global: &Global,
    output: &Output,
) -> Result<Report, Failure> {
    let project = entrance::project()?;
    let kept = particles::find(&project, id)?;
    let receipts = receipts(&kept.log()?)?;
    let short = particles::short(&kept.id);
    if receipts.is_empty() {
        let what = format!("trace {short} has no receipts");
        return Err(Failure::new(Code::NoSuchTrace, what)
            .cause("no component was executed, or no call of one ended"));
    }
    let folder = folder.map_or_else(|| PathBuf::from(format!("proof-{short}")), Path::to_owned);
    std::fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, error))?;
    let (_, network) = entrance::here()?;
    let session = Session::open(&project, &network, output)?;
    let asking = Asking {
        session: &session,
        network: &network,
        timeout: global.timeout,
        output,
    };
    let mut exported = Exported {
        folder: folder.display().to_string(),
        evidence: Vec::new(),
        components: Vec::new(),
    };
    for (peer, receipt) in receipts {
        let request = receipt.receipt.request_id.to_string();
        let digest = weir_identity::Hash::from(*receipt.digest().as_bytes());
        let bytes = asking.all(&peer, "material", &request)?;
        let material = Material::decode(bytes).map_err(|error| lied(&peer, &error))?;
        let cid = material.component;
        let evidence = Evidence { receipt, material };
        evidence.check().map_err(|error| lied(&peer, &error))?;
        let name = format!("{}.{EVIDENCE}", particles::short(&digest));
        write(&folder.join(&name), &evidence.encode())?;
        exported.evidence.push(name);
        let name = format!("{cid}.wasm");
        if !exported.components.contains(&name) {
            let component = asking.all(&peer, "component", &cid.to_string())?;
            if !cid.names(&component) {
                return Err(lied(&peer, &"the bytes are another component"));
            }
            write(&folder.join(&name), &component)?;
            exported.components.push(name);
        }
    }
    let text = format!(
        "{} with {} receipts; weir proof replay {}",
        exported.folder,
        exported.evidence.len(),
        exported.folder
    );
    Ok(Report::new(&exported, text))
}

/// The receipts in a log, and who signed each.
fn receipts(log: &str) -> Result<Vec<(PeerId, SignedReceipt)>, Failure> {
    let damaged = |error: String| Failure::internal("the kept log is damaged", error);
    let export = Export::parse(log).map_err(|error| damaged(error.to_string()))?;
    let trace = trace(&export).map_err(|fault| damaged(fault.what))?;
    let mut receipts = Vec::new();
    for visit in &trace.visits {
        for deed in &visit.deeds {
            let What::Call {
                receipt: Some(receipt),
                ..
            } = &deed.what
            else {
                continue;
            };
            let receipt =
                SignedReceipt::decode(receipt).map_err(|error| damaged(error.to_string()))?;
            receipts.push((visit.peer, receipt));
        }
    }
    Ok(receipts)
}

/// Asks peers for bytes.
struct Asking<'a> {
    session: &'a Session,
    network: &'a Network,
    timeout: Option<Duration>,
    output: &'a Output,
}

impl Asking<'_> {
    /// All pieces, one after the other.
    fn all(&self, peer: &PeerId, function: &str, what: &str) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        loop {
            let (piece, total) = self.piece(peer, function, what, bytes.len() as u64)?;
            bytes.extend_from_slice(&piece);
            if bytes.len() as u64 >= total {
                return Ok(bytes);
            }
            if piece.is_empty() || total > Material::BYTES_MAX as u64 {
                return Err(lied(peer, &"the pieces do not add up"));
            }
        }
    }

    fn piece(
        &self,
        peer: &PeerId,
        function: &str,
        what: &str,
        offset: u64,
    ) -> Result<(Vec<u8>, u64), Failure> {
        let named = self.network.with_names(&peer.to_string());
        let inputs = [
            ("relay", Value::from(self.session.relay())),
            ("peer", Value::from(peer.to_string())),
            ("function", Value::from(function)),
            ("what", Value::from(what)),
            ("offset", Value::from(offset)),
        ];
        let data: BTreeMap<Arc<str>, Value> = inputs
            .into_iter()
            .map(|(name, value)| (Arc::from(name), value))
            .collect();
        let purpose = format!("the {function} of a call at {named}");
        let mut running = self.session.submit(Request {
            script: SCRIPT.to_owned(),
            data,
            ttl: TTL,
            purpose: purpose.clone(),
        })?;
        let progress = self.output.progress(format!("asking for {purpose}"));
        let mut answer = None;
        let outcome = running.follow(self.timeout, |event, _| {
            if let ParticleEvent::Callback { function, args, .. } = event {
                answer = Some((function.clone(), args.clone()));
            }
            answer.is_some()
        });
        drop(progress);
        let outcome = outcome?;
        if answer.is_some() {
            // A question of this command is no trace that anybody looks for.
            running.forget()?;
        }
        match answer {
            Some((function, args)) if &*function == "piece" => {
                read(args.first()).ok_or_else(|| lied(peer, &"this is no piece of it"))
            }
            Some((_, args)) => {
                let cause = args.first().map_or(String::new(), reason);
                let what = format!("{named} does not give the {function}");
                Err(Failure::new(Code::NoEvidence, what).cause(cause))
            }
            None => Err(running.unfinished(outcome, &purpose, self.network)),
        }
    }
}

/// An array of bytes as text and the number of all bytes.
fn read(piece: Option<&Value>) -> Option<(Vec<u8>, u64)> {
    let [bytes, total] = piece?.as_array()? else {
        return None;
    };
    let bytes = BASE64URL_NOPAD.decode(bytes.as_str()?.as_bytes()).ok()?;
    Some((bytes, total.as_u64()?))
}

/// The text in the error of a script.
fn reason(error: &Value) -> String {
    let message = error.get("message").and_then(Value::as_str);
    message.map_or_else(|| error.to_json(), str::to_owned)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Failure::new(
        Code::FileUnwritable,
        format!("cannot write {}", path.display()),
    )
    .cause(error)
}

fn lied(peer: &PeerId, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Code::NoEvidence,
        format!("{peer} gives something else than its receipt is about"),
    )
    .cause(error)
}
