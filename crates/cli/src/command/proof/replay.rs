//! `weir proof replay FILE…`: calls executed again from their evidence, without network, key or state.

use super::EVIDENCE;
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report};
use crate::patience::Patience;
use serde::Serialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use weir_identity::{Cid, PeerId};
use weir_marine::{Execution, Marine, MarineConfig, Module, Verdict};
use weir_receipt::{Evidence, local_worker_id};

#[derive(Serialize)]
struct Replayed {
    same: bool,
    calls: Vec<Same>,
}

/// A call that did here what its receipt says.
#[derive(Serialize)]
struct Same {
    file: String,
    service: String,
    function: String,
    signer: String,
    outcome: u8,
    fuel: u64,
}

/// What to execute again, and what with.
pub(super) struct Files<'a> {
    /// Files of evidence, and folders with them.
    pub(super) evidence: &'a [PathBuf],
    /// The component of all calls, if it does not stand beside its evidence.
    pub(super) component: Option<&'a Path>,
}

/// Executes each call again; fails with the first that is not what its receipt says.
pub(super) fn run(
    files: &Files,
    execution: Execution,
    timeout: Option<Duration>,
    output: &Output,
) -> Result<Report, Failure> {
    let patience = Patience::new(timeout);
    let marine = Marine::new(MarineConfig {
        execution,
        ..MarineConfig::default()
    })
    .map_err(|error| Failure::internal("the runtime cannot be set up", error))?;
    let mut modules = HashMap::new();
    let mut calls = Vec::new();
    let mut lines = String::new();
    for file in expand(files.evidence)? {
        let name = input::name(&file);
        let evidence = Evidence::decode(input::bytes(&file)?)
            .map_err(|error| unreadable(&name, &error.to_string()))?;
        let signer = signer(&name, &evidence)?;
        let cid = evidence.material.component;
        if let std::collections::hash_map::Entry::Vacant(e) = modules.entry(cid) {
            let beside = file.with_file_name(format!("{cid}.wasm"));
            let path = files.component.unwrap_or(&beside);
            e.insert(load(&marine, path, &cid, patience, output)?);
        }
        let module = modules[&cid].clone();
        let receipt = evidence.receipt.receipt.clone();
        let (service, function) = (
            evidence.material.service.clone(),
            evidence.material.function.clone(),
        );
        let progress = output.progress(format!("executing {service}.{function} again"));
        let verdict = patience.wait_for(&function, move || again(&module, &evidence))??;
        drop(progress);
        judge(&name, &signer, &verdict)?;
        lines.push_str(&format!(
            "{} {name}: {service}.{function} is the same, {} fuel, signed by {signer}\n",
            output.palette().check(),
            receipt.fuel
        ));
        calls.push(Same {
            file: name,
            service,
            function,
            signer: signer.to_string(),
            outcome: receipt.outcome.code(),
            fuel: receipt.fuel,
        });
    }
    let replayed = Replayed { same: true, calls };
    Ok(Report::new(&replayed, lines.trim_end()))
}

/// The files, and those with evidence in the folders.
fn expand(files: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::new();
    for file in files {
        if !file.is_dir() {
            all.push(file.clone());
            continue;
        }
        let unreadable = |error: std::io::Error| {
            Failure::new(
                Code::FileUnreadable,
                format!("cannot read {}", file.display()),
            )
            .cause(error)
        };
        let mut inside = Vec::new();
        for entry in file.read_dir().map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == EVIDENCE)
            {
                inside.push(path);
            }
        }
        if inside.is_empty() {
            let what = format!("{} holds no evidence", file.display());
            return Err(Failure::new(Code::EvidenceUnreadable, what)
                .fix("weir proof export writes files that end in .evidence"));
        }
        inside.sort();
        all.append(&mut inside);
    }
    Ok(all)
}

/// Who signed the receipt. That has to be who executed the call, by the circumstances that the receipt covers: any bytes
/// are the signature of some key.
fn signer(name: &str, evidence: &Evidence) -> Result<PeerId, Failure> {
    let key = evidence.receipt.signer();
    let key =
        key.map_err(|error| unreadable(name, &format!("nobody signed the receipt: {error}")))?;
    let signer = key.peer_id();
    let (_, context) =
        (evidence.material.read_call()).map_err(|error| unreadable(name, &error.to_string()))?;
    let receipt = &evidence.receipt.receipt;
    let is_worker = receipt.deal_id != 0 || receipt.worker_id == local_worker_id(&key.address());
    if signer != context.worker || !is_worker {
        let cause = format!(
            "it was executed as {}, who did not sign this receipt",
            context.worker
        );
        return Err(unreadable(name, &cause));
    }
    Ok(signer)
}

fn load(
    marine: &Marine,
    path: &Path,
    cid: &Cid,
    patience: Patience,
    output: &Output,
) -> Result<Module, Failure> {
    let bytes = input::bytes(path).map_err(|failure| {
        failure.fix("weir proof export writes the component beside the evidence; or name it with --component")
    })?;
    if !cid.names(&bytes) {
        let what = format!("{} is another component", input::name(path));
        return Err(Failure::new(Code::EvidenceUnreadable, what)
            .fact("executed", cid.to_string())
            .fact("found", Cid::of_raw(&bytes).to_string()));
    }
    let progress = output.progress("compiling the component");
    let marine = marine.clone();
    let loaded = patience.wait_for("compiling the component", move || marine.load(&bytes))?;
    drop(progress);
    loaded.map_err(|error| {
        let what = format!("{} cannot be loaded", input::name(path));
        Failure::new(Code::ComponentRefused, what).cause(error)
    })
}

fn again(module: &Module, evidence: &Evidence) -> Result<Verdict, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| Failure::internal("the call cannot be made", error))?;
    // How long it may take is for --timeout and Ctrl-C.
    Ok(runtime.block_on(module.replay(evidence, u64::MAX)))
}

fn judge(name: &str, signer: &PeerId, verdict: &Verdict) -> Result<(), Failure> {
    match verdict {
        Verdict::Same => Ok(()),
        Verdict::Differs {
            what,
            receipt,
            here,
        } => Err(
            Failure::new(Code::ReceiptRefuted, format!("{name} does not hold"))
                .cause(format!("{what} is not what the call gives"))
                .fact("signed by", signer.to_string())
                .fact("receipt", receipt.as_str())
                .fact("here", here.as_str()),
        ),
        Verdict::Unfit(error) => Err(unreadable(name, &error.to_string())),
        Verdict::Undecided(error) => Err(Failure::new(
            Code::ReceiptUndecided,
            format!("{name} could not be decided"),
        )
        .cause(error)),
    }
}

fn unreadable(name: &str, cause: &str) -> Failure {
    Failure::new(
        Code::EvidenceUnreadable,
        format!("{name} is no evidence of a call"),
    )
    .cause(cause)
    .fix("weir proof export TRACE, and leave the files as they are")
}
