//! What the receipt of a call says about its execution.

use weir_identity::{Hash, Value};
use weir_marine::{CallOutput, Error, Limits, Module};
use weir_peer::{Call, Execution};
use weir_receipt::{Outcome, args_hash, state};

/// What the call did, unless nobody else would find the same: a failure of this machine is no outcome, and a call
/// that did not fit the function was none.
pub(crate) fn execution(
    module: &Module,
    limits: &Limits,
    call: &Call,
    salt: [u8; 32],
    output: &CallOutput,
) -> Option<Execution> {
    let outcome = match &output.result {
        Ok(_) => Outcome::Ok,
        Err(error) if error.is_infrastructure() => return None,
        Err(Error::Guest { .. }) => Outcome::GuestError,
        Err(Error::Trap { .. } | Error::Exit { .. }) => Outcome::Trap,
        Err(Error::Fuel { .. }) => Outcome::OutOfFuel,
        Err(error) if error.code().starts_with("limit/") => Outcome::Limit,
        Err(_) => return None,
    };
    let about = &call.context;
    let context = weir_receipt::CallContext {
        particle: about.particle.0,
        initiator: about.initiator,
        host: about.host,
        worker: about.worker,
        timestamp_ms: about.timestamp.ms(),
        ttl_ms: about.ttl_ms,
        tetraplets: tetraplets(call),
        salt: Hash::from(salt),
    };
    // Components have no state and no effects yet that are not part of the profile.
    let state = state::Root::EMPTY.hash();
    Some(Execution {
        module_set: module.set_hash(limits),
        args: args_hash(&Value::from(call.args.clone()), &context),
        pre_state: state,
        post_state: state,
        effects: Hash::ZERO,
        fuel: match outcome {
            Outcome::Trap => limits.fuel,
            _ => output.fuel,
        },
        outcome,
    })
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
