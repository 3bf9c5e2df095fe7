//! What the receipt of a call says about its execution, and what is kept of it.
//!
//! The commit of a call is followed by its answer without a wait, and both are written in one transaction. A call that
//! is cancelled before its commit has changed nothing. One that is cancelled after it, before the peer took the answer,
//! has changed the state without an entry and a receipt: the change is not taken back, because the next call may have
//! seen it. The receipts of the service then do not join at this place.

use weir_identity::{Hash, Value};
use weir_marine::{Judgement, Limits, Mode, Module, World};
use weir_peer::{Call, Execution, Timestamp};
use weir_receipt::{CallContext, Material, Transcript, content_hash, local_request_id};

use crate::evidence::Kept;

/// The circumstances of a call that its receipt covers.
pub(crate) fn circumstances(call: &Call, salt: Hash) -> CallContext {
    let about = &call.context;
    CallContext {
        particle: about.particle.0,
        initiator: about.initiator,
        host: about.host,
        worker: about.worker,
        timestamp_ms: about.timestamp.ms(),
        ttl_ms: about.ttl_ms,
        tetraplets: tetraplets(call),
        salt,
    }
}

/// A call that ended in a way that everybody finds who repeats it.
pub(crate) struct Ended<'a> {
    pub(crate) module: &'a Module,
    pub(crate) mode: Mode,
    pub(crate) limits: &'a Limits,
    pub(crate) world: &'a World,
    pub(crate) call: &'a Call,
    pub(crate) circumstances: &'a CallContext,
    pub(crate) transcript: &'a Transcript,
    pub(crate) judgement: &'a Judgement,
    pub(crate) now: Timestamp,
}

impl Ended<'_> {
    /// What the peer writes into the receipt, and what this node keeps for those who want to execute the call again.
    pub(crate) fn record(&self) -> (Execution, Kept) {
        let bounds = self.limits.bounds(self.world);
        let arguments = Value::from(self.call.args.clone());
        let call = Material::call_bytes(&arguments, self.circumstances);
        let judgement = self.judgement;
        let execution = Execution {
            module_set: self.module.set_hash(&bounds),
            args: content_hash(&call),
            pre_state: judgement.pre_state,
            post_state: judgement.post_state,
            result: content_hash(&judgement.result.to_dag_cbor()),
            effects: judgement.effects,
            fuel: judgement.fuel,
            outcome: judgement.outcome,
        };
        let about = &self.call.context;
        let kept = Kept {
            request: local_request_id(&about.particle.0, &about.step),
            at_ms: self.now.ms(),
            state: (self.mode != Mode::Pure).then_some(judgement.pre_state),
            material: Material {
                component: self.module.cid(),
                service: self.call.service.to_string(),
                function: self.call.function.to_string(),
                bounds,
                call: call.into(),
                transcript: self.transcript.encode().into(),
                witness: None,
            },
        };
        (execution, kept)
    }
}

/// Where the arguments came from: for each of them an array of objects.
fn tetraplets(call: &Call) -> Value {
    let origin = |tetraplet: &weir_peer::Tetraplet| {
        let fields = [
            ("peer", &tetraplet.peer),
            ("service", &tetraplet.service),
            ("function", &tetraplet.function),
            ("lens", &tetraplet.lens),
        ];
        let fields = fields.map(|(name, text)| (name.into(), Value::from(&**text)));
        Value::Object(std::sync::Arc::new(fields.into()))
    };
    let of_argument = |origins: &Vec<std::sync::Arc<weir_peer::Tetraplet>>| {
        Value::from(
            origins
                .iter()
                .map(|tetraplet| origin(tetraplet))
                .collect::<Vec<_>>(),
        )
    };
    Value::from(call.tetraplets.iter().map(of_argument).collect::<Vec<_>>())
}
