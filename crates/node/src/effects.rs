//! What services do outside, as far as it is granted to them.
//!
//! Three parties have a say ([`Parties`]): the manifest of the component asks, the operator of the node allows
//! ([`EffectsConfig`]), whoever deployed the service may narrow it. What holds is what all of them say.
//!
//! Every effect ends when its future is dropped, has a time limit of its own beside that of the call, and gives an
//! answer of bounded size. Errors tell the guest what it can do about them, and nothing about the machine.

mod blobs;
mod config;
mod http;
mod lone;
mod parties;
mod programs;

use std::io;
use std::path::Path;
use std::sync::Arc;

use weir_identity::{Hash, Keypair, PeerId, Value};
use weir_marine::{
    Answer, BlobRead, Effector, Fault, Grants, HttpRequest, HttpResponse, Manifest, Module,
    ProgramOutput, ProgramRun, guest_message,
};

pub use blobs::BlobLimits;
pub use config::{EffectsConfig, EffectsConfigError, Permit, Whom};
pub use http::HttpLimits;
pub use lone::LoneEffects;
pub use programs::{Argument, Parameter, Program, ProgramLimits};

pub(crate) use blobs::Blobs;

use http::Http;
use parties::Parties;
use programs::Programs;

const BLOBS_FOLDER: &str = "blobs";
const PROGRAMS_FOLDER: &str = "programs";

/// Everything with which a node performs effects. Services share it.
pub(crate) struct Effects {
    permits: Vec<Permit>,
    http: Http,
    blobs: Blobs,
    programs: Programs,
    keypair: Arc<Keypair>,
}

impl Effects {
    /// Effects of the node with this folder and key.
    pub(crate) fn new(
        config: EffectsConfig,
        folder: &Path,
        keypair: Arc<Keypair>,
    ) -> io::Result<Self> {
        Ok(Effects {
            permits: config.allow,
            http: Http::new(config.http)?,
            blobs: Blobs::new(folder.join(BLOBS_FOLDER), config.blobs),
            programs: Programs::new(
                folder.join(PROGRAMS_FOLDER),
                config.programs,
                config.offered,
            ),
            keypair,
        })
    }

    /// The blobs of the node.
    pub(crate) fn blobs(&self) -> &Blobs {
        &self.blobs
    }
}

/// Performs the effects of one service.
pub(crate) struct ServiceEffects {
    pub(crate) effects: Arc<Effects>,
    /// The id of the service.
    pub(crate) service: Arc<str>,
    /// Its component, with the manifest if it has one.
    pub(crate) module: Module,
    /// What whoever deployed it allows, if that is less than everything: [`Grants`] as a value.
    pub(crate) terms: Option<Value>,
    /// Who executes it.
    pub(crate) worker: PeerId,
}

impl ServiceEffects {
    /// Few calls have effects, so this is looked up when one of them has.
    fn parties(&self) -> Result<Parties<'_>, Fault> {
        let deployer = self.terms.as_ref().map(Grants::from_value).transpose();
        let unreadable = |error| {
            Fault::Denied(format!(
                "the terms of the deployment are not readable: {error}"
            ))
        };
        Ok(Parties {
            component: self.module.cid().to_string(),
            manifest: self.module.manifest().map(Manifest::grants),
            operator: &self.effects.permits,
            deployer: deployer.map_err(unreadable)?,
        })
    }
}

impl Effector for ServiceEffects {
    fn fetch(&self, key: Hash, request: HttpRequest) -> Answer<'_, HttpResponse> {
        Box::pin(async move {
            let rules = self.parties()?.http()?;
            self.effects.http.fetch(key, request, &rules).await
        })
    }

    fn blob_size(&self, cid: String) -> Answer<'_, u64> {
        Box::pin(async move {
            self.parties()?.plain("weir:host/blobs@0.1")?;
            self.effects.blobs.size(&cid).await
        })
    }

    fn blob_read(&self, read: BlobRead) -> Answer<'_, Vec<u8>> {
        Box::pin(async move {
            self.parties()?.plain("weir:host/blobs@0.1")?;
            self.effects.blobs.read(read).await
        })
    }

    fn blob_put(&self, bytes: Vec<u8>) -> Answer<'_, String> {
        Box::pin(async move {
            self.parties()?.plain("weir:host/blobs@0.1")?;
            self.effects.blobs.put(&self.service, bytes).await
        })
    }

    fn sign(&self, message: Vec<u8>) -> Answer<'_, Vec<u8>> {
        Box::pin(async move {
            self.parties()?.plain("weir:host/signing@0.1")?;
            if self.worker != self.effects.keypair.peer_id() {
                let why = format!("this node has no key of the worker {}", self.worker);
                return Err(Fault::Denied(why));
            }
            let message = guest_message(&self.service, &message);
            let signature = self.effects.keypair.sign(&message);
            Ok(signature.to_bytes().to_vec())
        })
    }

    fn run(&self, _key: Hash, run: ProgramRun) -> Answer<'_, ProgramOutput> {
        Box::pin(async move {
            let granted = self.parties()?.programs()?;
            self.effects.programs.run(run, &granted).await
        })
    }

    fn entropy(&self, len: u32) -> Answer<'_, Vec<u8>> {
        Box::pin(async move {
            self.parties()?.plain(parties::ENTROPY)?;
            let mut bytes = vec![0; len as usize];
            getrandom::fill(&mut bytes)
                .map_err(|error| Fault::Failed(format!("the system has no randomness: {error}")))?;
            Ok(bytes)
        })
    }
}

/// The longest text of an error that a guest gets, in characters: what it is told is recorded.
const TEXT_CHARS_MAX: usize = 300;

fn short(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
