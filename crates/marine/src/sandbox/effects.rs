//! The one way by which a guest reaches the outside: what it asks and what it is answered goes into the transcript,
//! and when the call is repeated the transcript answers.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasmtime::component::Linker;
use wasmtime::{Result, StoreContextMut, format_err};
use weir_identity::{Cid, Hash, PeerId, Signature, keccak256};
use weir_receipt::{Effect, ReplayError, Transcript, TranscriptError, TranscriptLimits};

use super::CallState;
use super::metered::charge;
use crate::convert::Blobs;
use crate::effects::{
    Answer, BlobRead, Effector, Fault, HttpRequest, Nobody, ProgramRun, guest_message,
};
use crate::limits::Limits;
use crate::world::{Mode, Outside, World};

type Store<'a> = StoreContextMut<'a, CallState>;
type Answered<T> = (std::result::Result<T, Fault>,);

/// Fuel units for an effect.
const EFFECT_FUEL: u64 = 1_000_000;

/// Fuel units for each byte of its request and of its answer: both are encoded and hashed.
const EFFECT_BYTE_FUEL: u64 = 30;

/// Fuel units for checking a signature, beside those for the bytes that it is for, which are hashed too.
const VERIFY_FUEL: u64 = 500_000;

/// Bytes of an answer that has to fit before an effect is performed: those of a fault.
const FAULT_BYTES: usize = 1024;

/// The most that one blob read and one request for entropy give, in bytes.
const BLOB_READ_MAX: u32 = 64 << 10;
const ENTROPY_MAX: u32 = 4096;

/// As a part of the profile.
pub(super) fn description() -> String {
    format!(
        "effect {EFFECT_FUEL} byte {EFFECT_BYTE_FUEL} verify {VERIFY_FUEL} fault {FAULT_BYTES} \
         blob at once {BLOB_READ_MAX} entropy {ENTROPY_MAX}"
    )
}

const BLOBS: &str = "weir:host/blobs@0.1.0";

/// The effects of a call so far.
pub(crate) struct Funnel {
    mode: Mode,
    outside: Outside,
    limits: TranscriptLimits,
    transcript: Transcript,
    /// What the keys of effects grow from.
    seed: [u8; 32],
}

/// Why a call cannot go on after it asked for an effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EffectFailure {
    /// It asks for something else than when it was recorded.
    #[error(transparent)]
    Differs(#[from] ReplayError),
    /// The recorded answer is none to this question.
    #[error("the recorded answer of {interface}#{function} cannot be read")]
    Answer {
        interface: &'static str,
        function: &'static str,
    },
    /// It asks for too much.
    #[error(transparent)]
    Limit(#[from] TranscriptError),
}

impl Funnel {
    pub(super) fn new(world: &World, mode: Mode, seed: [u8; 32]) -> Self {
        Self {
            mode,
            outside: world.outside.clone(),
            limits: world.transcript,
            transcript: Transcript::default(),
            seed,
        }
    }

    /// What the keys of effects grow from.
    pub(super) fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// Ends the call: everything that was recorded must have been asked for.
    pub(crate) fn finish(self) -> (Transcript, std::result::Result<(), EffectFailure>) {
        let done = match &self.outside {
            Outside::Recorded(recorded) => recorded
                .replay_from(self.transcript.effects().len())
                .finish()
                .map_err(EffectFailure::from),
            Outside::Closed | Outside::Open(_) => Ok(()),
        };
        (self.transcript, done)
    }

    /// The recorded answer, or who is to give one, and the key of the effect.
    fn next(
        &self,
        interface: &'static str,
        function: &'static str,
        request: &Hash,
    ) -> std::result::Result<Next, EffectFailure> {
        let number = self.transcript.effects().len();
        // Before the record is asked: a call that ended here when it was recorded ends here again.
        self.transcript.room_for(FAULT_BYTES, &self.limits)?;
        if let Outside::Recorded(recorded) = &self.outside {
            let mut replay = recorded.replay_from(number);
            let answer = replay.answer(interface, function, request)?;
            return Ok(Next::Recorded(answer.clone()));
        }
        let key = keccak256(&[b"weir/effect", &self.seed, &(number as u64).to_be_bytes()]);
        Ok(Next::Ask(
            match &self.outside {
                Outside::Open(effector) => effector.clone(),
                Outside::Closed | Outside::Recorded(_) => Arc::new(Nobody),
            },
            key,
        ))
    }
}

enum Next {
    Recorded(Bytes),
    Ask(Arc<dyn Effector>, Hash),
}

/// Performs an effect, or takes its answer from the record.
async fn effect<Q, T, F>(
    store: &mut Store<'_>,
    (interface, function): (&'static str, &'static str),
    request: Q,
    perform: F,
) -> Result<Answered<T>>
where
    Q: Serialize,
    T: Serialize + DeserializeOwned,
    F: for<'e> FnOnce(&'e dyn Effector, Hash, Q) -> Answer<'e, T>,
{
    if store.data().funnel.mode == Mode::Pure {
        return Err(format_err!(
            "a function declared pure asked for {interface}; declare it view or update in the manifest"
        ));
    }
    recorded(store, (interface, function), request, perform).await
}

/// The same, whatever the function was declared.
async fn recorded<Q, T, F>(
    store: &mut Store<'_>,
    (interface, function): (&'static str, &'static str),
    request: Q,
    perform: F,
) -> Result<Answered<T>>
where
    Q: Serialize,
    T: Serialize + DeserializeOwned,
    F: for<'e> FnOnce(&'e dyn Effector, Hash, Q) -> Answer<'e, T>,
{
    type Outcome<T> = std::result::Result<T, Fault>;
    store.data().session.started(interface)?;
    let asked = encode(&request)?;
    let bytes = asked.len() as u64;
    charge(store, EFFECT_FUEL + bytes * EFFECT_BYTE_FUEL).await?;
    let asked = keccak256(&[&asked]);
    let (outcome, answer) = match store.data().funnel.next(interface, function, &asked)? {
        Next::Recorded(answer) => {
            let outcome: Outcome<T> =
                serde_ipld_dagcbor::from_slice(&answer).map_err(|_| EffectFailure::Answer {
                    interface,
                    function,
                })?;
            (outcome, answer)
        }
        Next::Ask(effector, key) => {
            let outcome = perform(&*effector, key, request).await;
            let answer = Bytes::from(encode(&outcome)?);
            (outcome, answer)
        }
    };
    let effect = |answer| Effect {
        interface: Arc::from(interface),
        function: Arc::from(function),
        request: asked,
        answer,
    };
    let bytes = answer.len();
    let funnel = &mut store.data_mut().funnel;
    // What is charged is what the record holds, because a repetition finds nothing else.
    let (outcome, bytes) = match funnel.transcript.push(effect(answer), &funnel.limits) {
        Ok(()) => (outcome, bytes),
        // What does not fit was performed, but nobody could check what came of it.
        Err(TranscriptError::Bytes(limit)) => {
            let outcome: Outcome<T> = Err(Fault::TooLarge(format!(
                "the answers of a call are recorded, {limit} bytes at most"
            )));
            let answer = Bytes::from(encode(&outcome)?);
            let bytes = answer.len();
            funnel
                .transcript
                .push(effect(answer), &funnel.limits)
                .map_err(EffectFailure::from)?;
            (outcome, bytes)
        }
        Err(error) => return Err(EffectFailure::from(error).into()),
    };
    charge(store, bytes as u64 * EFFECT_BYTE_FUEL).await?;
    Ok((outcome,))
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_ipld_dagcbor::to_vec(value).map_err(|error| format_err!("{error}"))
}

/// Reads the blobs that the arguments of a call name. They follow from their names, so a pure function may be given
/// them too; like all that a call is given from outside they are recorded.
pub(crate) async fn read_blobs(
    mut store: Store<'_>,
    mut blobs: Blobs,
    limits: &Limits,
) -> Result<Blobs> {
    // All together, before they are there.
    let mut bytes_left = limits.argument_bytes;
    for cid in blobs.take_wanted() {
        let bytes = read_blob(&mut store, &cid, bytes_left).await?;
        if let Ok(bytes) = &bytes {
            bytes_left = bytes_left.saturating_sub(bytes.len() as u64);
        }
        blobs.put(cid, bytes);
    }
    Ok(blobs)
}

async fn read_blob(
    store: &mut Store<'_>,
    cid: &Cid,
    bytes_max: u64,
) -> Result<std::result::Result<Vec<u8>, Fault>> {
    let name = cid.to_string();
    let (size,) = recorded(store, (BLOBS, "size"), name.clone(), |effector, _, cid| {
        effector.blob_size(cid)
    })
    .await?;
    let size = match size {
        Ok(size) if size <= bytes_max => size,
        Ok(size) => {
            let fault = format!("it has {size} bytes, and {bytes_max} are left for arguments");
            return Ok(Err(Fault::TooLarge(fault)));
        }
        Err(fault) => return Ok(Err(fault)),
    };
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < size {
        let read = BlobRead {
            cid: name.clone(),
            offset: bytes.len() as u64,
            len: BLOB_READ_MAX,
        };
        match recorded(store, (BLOBS, "read"), read, blob_read).await? {
            (Ok(piece),) if !piece.is_empty() => bytes.extend_from_slice(&piece),
            (Ok(_),) => break,
            (Err(fault),) => return Ok(Err(fault)),
        }
    }
    if cid.names(&bytes) {
        return Ok(Ok(bytes));
    }
    // Whoever recorded or answered it lies, or his disk does.
    Err(EffectFailure::Answer {
        interface: BLOBS,
        function: "read",
    }
    .into())
}

fn blob_read(effector: &dyn Effector, _: Hash, read: BlobRead) -> Answer<'_, serde_bytes::ByteBuf> {
    let bytes = effector.blob_read(read);
    Box::pin(async { Ok(serde_bytes::ByteBuf::from(bytes.await?)) })
}

/// Links all interfaces with effects.
pub(super) fn add_to_linker(linker: &mut Linker<CallState>) -> Result<()> {
    let mut http = linker.instance("weir:host/http@0.1.0")?;
    http.func_wrap_async("fetch", |mut store, (request,): (HttpRequest,)| {
        Box::new(async move {
            let name = ("weir:host/http@0.1.0", "fetch");
            effect(&mut store, name, request, |effector, key, request| {
                effector.fetch(key, request)
            })
            .await
        })
    })?;

    let mut blobs = linker.instance(BLOBS)?;
    blobs.func_wrap_async("size", |mut store, (cid,): (String,)| {
        Box::new(async move {
            let name = (BLOBS, "size");
            effect(&mut store, name, cid, |effector, _, cid| {
                effector.blob_size(cid)
            })
            .await
        })
    })?;
    blobs.func_wrap_async(
        "read",
        |mut store, (cid, offset, len): (String, u64, u32)| {
            Box::new(async move {
                let name = (BLOBS, "read");
                let len = len.min(BLOB_READ_MAX);
                let read = BlobRead { cid, offset, len };
                let (answer,) = effect(&mut store, name, read, blob_read).await?;
                Ok((answer.map(serde_bytes::ByteBuf::into_vec),))
            })
        },
    )?;
    blobs.func_wrap_async("put", |mut store, (bytes,): (Vec<u8>,)| {
        Box::new(async move {
            let name = (BLOBS, "put");
            let bytes = serde_bytes::ByteBuf::from(bytes);
            effect(&mut store, name, bytes, |effector, _, bytes| {
                effector.blob_put(bytes.into_vec())
            })
            .await
        })
    })?;

    let mut programs = linker.instance("weir:host/programs@0.1.0")?;
    programs.func_wrap_async(
        "run",
        |mut store, (name, arguments): (String, Vec<String>)| {
            Box::new(async move {
                let run = ProgramRun { name, arguments };
                let name = ("weir:host/programs@0.1.0", "run");
                effect(&mut store, name, run, |effector, key, run| {
                    effector.run(key, run)
                })
                .await
            })
        },
    )?;

    let mut entropy = linker.instance("weir:host/entropy@0.1.0")?;
    entropy.func_wrap_async("bytes", |mut store, (len,): (u32,)| {
        Box::new(async move {
            if len > ENTROPY_MAX {
                // A mistake of the guest alone, which needs no record.
                let why = format!("{len} bytes of entropy: at most {ENTROPY_MAX}");
                return Ok((Err(Fault::Invalid(why)),));
            }
            let name = ("weir:host/entropy@0.1.0", "bytes");
            let (answer,) = effect(&mut store, name, len, |effector, _, len| {
                let bytes = effector.entropy(len);
                Box::pin(async { Ok(serde_bytes::ByteBuf::from(bytes.await?)) })
            })
            .await?;
            Ok((answer.map(serde_bytes::ByteBuf::into_vec),))
        })
    })?;
    add_signing(linker)
}

fn add_signing(linker: &mut Linker<CallState>) -> Result<()> {
    let mut signing = linker.instance("weir:host/signing@0.1.0")?;
    signing.func_wrap_async("sign", |mut store, (message,): (Vec<u8>,)| {
        Box::new(async move {
            let name = ("weir:host/signing@0.1.0", "sign");
            let message = serde_bytes::ByteBuf::from(message);
            let (answer,) = effect(&mut store, name, message, |effector, _, message| {
                let signature = effector.sign(message.into_vec());
                Box::pin(async { Ok(serde_bytes::ByteBuf::from(signature.await?)) })
            })
            .await?;
            Ok((answer.map(serde_bytes::ByteBuf::into_vec),))
        })
    })?;
    // Anybody can check a signature, so this is no effect.
    signing.func_wrap_async(
        "verify",
        |mut store, (peer, service, message, signature): (String, String, Vec<u8>, Vec<u8>)| {
            Box::new(async move {
                let bytes = peer.len() + service.len() + message.len() + signature.len();
                let work = VERIFY_FUEL + bytes as u64 * EFFECT_BYTE_FUEL;
                charge(&mut store, work).await?;
                let peer = peer.parse::<PeerId>();
                let signature = Signature::from_bytes(&signature);
                let holds = match (peer, signature) {
                    (Ok(peer), Ok(signature)) => {
                        let message = guest_message(&service, &message);
                        signature.verify(&message, &peer).is_ok()
                    }
                    _ => false,
                };
                Ok((holds,))
            })
        },
    )
}
