//! Answers of the host service `proof`: what receipts of this node have hashes of, piece by piece.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use weir_identity::{Cid, Hash, Value};
use weir_marine::{Call as Again, CallContext, Limits, Marine, Module, Outside, States, World};
use weir_peer::{Call, CallOutcome};
use weir_receipt::{Material, Transcript};

use crate::components::Components;
use crate::evidence::Kept;
use crate::store::Store;

/// Bytes of one piece.
const PIECE_BYTES: usize = 256 << 10;

/// How many answers are remembered while their pieces are fetched, and how large they may be together.
const RECENT_MAX: usize = 16;
const RECENT_BYTES_MAX: usize = 64 << 20;

/// Where the answers come from. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Proofs {
    /// Not kept open for this.
    store: Weak<Store>,
    states: States,
    components: Components,
    /// Executes calls once more; without it what knew a state has no witness.
    marine: Option<Marine>,
    recent: Arc<Mutex<VecDeque<(Name, Bytes)>>>,
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Material(Hash),
    Component(Cid),
}

impl Proofs {
    pub(crate) fn new(
        store: &Arc<Store>,
        states: States,
        components: Components,
        marine: Option<Marine>,
    ) -> Self {
        Self {
            store: Arc::downgrade(store),
            states,
            components,
            marine,
            recent: Arc::default(),
        }
    }

    /// The piece that a call asks for, as an array of bytes as text and the number of all bytes.
    pub(crate) async fn answer(self, call: Call, wall_ms: u64) -> CallOutcome {
        let piece: Result<_, String> = async {
            let (name, offset) = wanted(&call)?;
            let all = if let Some(all) = self.recall(&name) {
                all
            } else {
                let all = match &name {
                    Name::Material(request) => self.material(*request, wall_ms).await?,
                    Name::Component(cid) => self.component(*cid).await?.into(),
                };
                self.remember(name, all.clone());
                all
            };
            let end = offset.saturating_add(PIECE_BYTES).min(all.len());
            let piece = all.get(offset..end).unwrap_or_default();
            let text = BASE64URL_NOPAD.encode(piece);
            Ok(vec![Value::from(text), Value::from(all.len() as u64)])
        }
        .await;
        match piece {
            Ok(piece) => CallOutcome::Value(Value::from(piece)),
            Err(reason) => CallOutcome::failed(reason),
        }
    }

    /// The components of all calls of which evidence is kept; none if that cannot be found out. Blocks.
    pub(crate) fn components(&self) -> Option<BTreeSet<Cid>> {
        match self.store.upgrade()?.evidence_index() {
            Ok(index) => Some(index.iter().map(|indexed| indexed.component).collect()),
            Err(error) => {
                tracing::warn!(%error, "cannot read what is kept of calls");
                None
            }
        }
    }

    async fn component(&self, cid: Cid) -> Result<Vec<u8>, String> {
        let components = self.components.clone();
        let bytes = blocking(move || components.read(&cid)).await?;
        bytes.map_err(|_| format!("NOT_FOUND: {cid} is not here"))
    }

    async fn material(&self, request: Hash, wall_ms: u64) -> Result<Bytes, String> {
        let store = self.store.upgrade().ok_or("INTERNAL: the node stops")?;
        let found = blocking(move || store.evidence(&request)).await?;
        let found = found.map_err(|error| format!("INTERNAL: {error}"))?;
        let kept = found.and_then(|bytes| Kept::decode(request, &bytes));
        let mut kept = kept.ok_or("NOT_FOUND: nothing is kept for this request")?;
        if let Some(root) = kept.state {
            let module = self.module(kept.material.component).await?;
            let witness = self.witness(&kept.material, &root, &module, wall_ms);
            kept.material.witness = Some(witness.await?.into());
        }
        Ok(kept.material.encode().into())
    }

    /// The component that a call was executed with, whatever its service runs now.
    async fn module(&self, cid: Cid) -> Result<Module, String> {
        let marine = self.marine.clone();
        let marine = marine.ok_or("NOT_FOUND: this node runs no components any more")?;
        let bytes = self.component(cid).await?;
        let module = blocking(move || marine.load(&bytes)).await?;
        module.map_err(|error| format!("INTERNAL: {error}"))
    }

    /// Executes the call once more, on the state that it found, to see what it touches.
    async fn witness(
        &self,
        material: &Material,
        root: &Hash,
        module: &Module,
        wall_ms: u64,
    ) -> Result<Vec<u8>, String> {
        let internal = |error: &dyn std::fmt::Display| format!("INTERNAL: {error}");
        let snapshot = self.states.at(&material.service, root);
        let snapshot = snapshot.map_err(|error| internal(&error))?;
        let snapshot = snapshot.ok_or("NOT_FOUND: the state that it found is not kept any more")?;
        let (arguments, circumstances) = material.read_call().map_err(|error| internal(&error))?;
        let bounds = &material.bounds;
        let transcript = Transcript::decode(material.transcript.clone(), &bounds.transcript);
        let transcript = transcript.map_err(|error| internal(&error))?;
        let world = World {
            state: snapshot.state_at(),
            outside: Outside::Recorded(Arc::new(transcript)),
            transcript: bounds.transcript,
            witness: true,
        };
        let limits = Limits {
            fuel: bounds.fuel,
            memory_bytes: bounds.memory_bytes,
            argument_bytes: bounds.argument_bytes,
            result_bytes: bounds.result_bytes,
            wall_ms,
            log_bytes: 0,
        };
        let output = module
            .call(Again {
                function: &material.function,
                arguments: arguments.as_array().unwrap_or_default(),
                context: &CallContext::of(&circumstances, &material.service),
                limits: &limits,
                world: &world,
            })
            .await;
        match (output.witness, output.result) {
            (Some(witness), _) => Ok(witness),
            (None, Err(error)) => Err(internal(&error)),
            (None, Ok(_)) => Err("INTERNAL: there is no witness".to_owned()),
        }
    }

    fn recall(&self, name: &Name) -> Option<Bytes> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let found = recent.iter().find(|(known, _)| known == name);
        found.map(|(_, bytes)| bytes.clone())
    }

    fn remember(&self, name: Name, bytes: Bytes) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_back((name, bytes));
        let mut held: usize = recent.iter().map(|(_, bytes)| bytes.len()).sum();
        while recent.len() > RECENT_MAX || held > RECENT_BYTES_MAX {
            let Some((_, bytes)) = recent.pop_front() else {
                break;
            };
            held -= bytes.len();
        }
    }
}

/// What a call asks for, and from where on.
fn wanted(call: &Call) -> Result<(Name, usize), String> {
    let [what, offset] = &call.args[..] else {
        return Err("ARG_MISSING: it takes what and offset".to_owned());
    };
    let what = what.as_str().unwrap_or_default();
    let offset = offset.as_u64().map(usize::try_from);
    let Some(Ok(offset)) = offset else {
        return Err("ARG_TYPE: the offset is no number".to_owned());
    };
    let name = match &*call.function {
        "component" => what.parse().map(Name::Component).ok(),
        _ => what.parse().map(Name::Material).ok(),
    };
    let kind = || match &*call.function {
        "component" => format!("ARG_TYPE: `{what}` is no content id"),
        _ => format!("ARG_TYPE: `{what}` is no request"),
    };
    Ok((name.ok_or_else(kind)?, offset))
}

/// What reads files waits on a thread for that.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| "INTERNAL: reading what is kept panicked".to_owned())
}
