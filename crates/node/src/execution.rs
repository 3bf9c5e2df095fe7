//! What the receipt of a call says about its execution.

use weir_identity::{Hash, Value};
use weir_marine::{Judgement, Limits, Module, World};
use weir_peer::{Call, Execution};
use weir_receipt::{CallContext, args_hash};

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

/// What the peer writes into the receipt of a call.
pub(crate) fn execution(
    module: &Module,
    (limits, world): (&Limits, &World),
    (arguments, circumstances): (&[Value], &CallContext),
    judgement: &Judgement,
) -> Execution {
    Execution {
        module_set: module.set_hash(&limits.bounds(world)),
        args: args_hash(&Value::from(arguments.to_vec()), circumstances),
        pre_state: judgement.pre_state,
        post_state: judgement.post_state,
        effects: judgement.effects,
        fuel: judgement.fuel,
        outcome: judgement.outcome,
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
