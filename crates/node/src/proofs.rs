//! Answers of the host service `proof`: what receipts of this node have hashes of, piece by piece.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use weir_identity::{Cid, Hash, Value};
use weir_marine::{Call as Again, CallContext, Limits, Module, Outside, States, World};
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
#[derive(Clone)]
pub(crate) struct Proofs {
    /// Not kept open for this.
    store: Weak<Store>,
    states: States,
    components: Components,
    recent: Arc<Mutex<VecDeque<(Name, Bytes)>>>,
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Material(Hash),
    Component(Cid),
}

/// What a call asks for.
pub(crate) enum Wanted {
    /// What is kept of a call.
    Material { kept: Box<Kept>, offset: usize },
    /// A component.
    Component { cid: Cid, offset: usize },
}

impl Wanted {
    /// The component that has to be executed for it.
    pub(crate) fn component(&self) -> Option<Cid> {
        match self {
            Self::Material { kept, .. } => kept.state.map(|_| kept.material.component),
            Self::Component { .. } => None,
        }
    }
}

impl Proofs {
    pub(crate) fn new(store: &Arc<Store>, states: States, components: Components) -> Self {
        Self {
            store: Arc::downgrade(store),
            states,
            components,
            recent: Arc::default(),
        }
    }

    /// Finds what a call asks for, or says why there is no such thing.
    pub(crate) fn wanted(&self, call: &Call) -> Result<Wanted, String> {
        let [what, offset] = &call.args[..] else {
            return Err("ARG_MISSING: it takes what and offset".to_owned());
        };
        let what = what.as_str().unwrap_or_default();
        let offset = offset.as_u64().map(usize::try_from);
        let Some(Ok(offset)) = offset else {
            return Err("ARG_TYPE: the offset is no number".to_owned());
        };
        if &*call.function == "component" {
            let cid = what
                .parse()
                .map_err(|_| format!("ARG_TYPE: `{what}` is no content id"))?;
            return Ok(Wanted::Component { cid, offset });
        }
        let request: Hash = what
            .parse()
            .map_err(|_| format!("ARG_TYPE: `{what}` is no request"))?;
        let store = self.store.upgrade().ok_or("INTERNAL: the node stops")?;
        let found = store
            .evidence(&request)
            .map_err(|error| format!("INTERNAL: {error}"))?;
        let kept = found.and_then(|bytes| Kept::decode(request, &bytes));
        let kept = kept.ok_or("NOT_FOUND: nothing is kept for this request")?;
        Ok(Wanted::Material {
            kept: Box::new(kept),
            offset,
        })
    }

    /// The piece, as an array of bytes as text and the number of all bytes.
    pub(crate) async fn answer(
        self,
        wanted: Result<Wanted, String>,
        module: Option<Module>,
        wall_ms: u64,
    ) -> CallOutcome {
        let piece: Result<_, String> = async {
            let wanted = wanted?;
            let (name, offset) = match &wanted {
                Wanted::Material { kept, offset } => (Name::Material(kept.request), *offset),
                Wanted::Component { cid, offset } => (Name::Component(*cid), *offset),
            };
            let all = if let Some(all) = self.recall(&name) {
                all
            } else {
                let all = self.whole(wanted, module, wall_ms).await?;
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

    async fn whole(
        &self,
        wanted: Wanted,
        module: Option<Module>,
        wall_ms: u64,
    ) -> Result<Bytes, String> {
        match wanted {
            Wanted::Component { cid, .. } => {
                let components = self.components.clone();
                let read = tokio::task::spawn_blocking(move || components.read(&cid));
                let bytes = read.await.map_err(|_| "INTERNAL: reading it panicked")?;
                let bytes = bytes.map_err(|_| format!("NOT_FOUND: {cid} is not here"))?;
                Ok(bytes.into())
            }
            Wanted::Material { kept, .. } => {
                let mut kept = *kept;
                if let Some(root) = kept.state {
                    let module = module.ok_or("NOT_FOUND: its component is not here any more")?;
                    let witness = self
                        .witness(&kept.material, &root, &module, wall_ms)
                        .await?;
                    kept.material.witness = Some(witness.into());
                }
                Ok(kept.material.encode().into())
            }
        }
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
