//! What everybody finds who makes a call: the part of its output that a receipt is about.

use weir_identity::{Hash, Value};
use weir_receipt::state::Root;
use weir_receipt::{
    Bounds, CallContext as Circumstances, Checked, Evidence, EvidenceError, Outcome,
};

use crate::context::{CallContext, Origin};
use crate::error::Error;
use crate::limits::Limits;
use crate::module::{Call, CallOutput, Module};
use crate::world::{Mode, Outside, StateAt, World};

/// What a receipt says of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// How it ended.
    pub outcome: Outcome,
    /// What it gave, or what says why it gave nothing.
    pub result: Value,
    /// The fuel that it used; if it was stopped in the middle of its work, the limit.
    pub fuel: u64,
    /// The root of the state that it found. A pure function finds the empty one.
    pub pre_state: Hash,
    /// The root of the state that it left.
    pub post_state: Hash,
    /// The root of its effects.
    pub effects: Hash,
}

impl Judgement {
    /// Judges the output of a function with this mode, for which the state had this root. None if nobody else would
    /// find the same: a failure of this machine is no outcome, and a call that did not fit the function was none.
    pub fn of(output: &CallOutput, mode: Mode, limits: &Limits, root: &Root) -> Option<Self> {
        let (outcome, result) = match &output.result {
            Ok(value) => (Outcome::Ok, value.clone()),
            Err(error) => (outcome(error)?, error.to_value()),
        };
        let pre_state = match mode {
            Mode::Pure => Root::EMPTY_HASH,
            Mode::View | Mode::Update => root.hash(),
        };
        let post_state = match &output.commit {
            Some(commit) => commit.root.hash(),
            None => pre_state,
        };
        Some(Self {
            outcome,
            result,
            fuel: match &output.result {
                Err(error) if stopped_midway(error) => limits.fuel,
                _ => output.fuel,
            },
            pre_state,
            post_state,
            effects: output.transcript.root(),
        })
    }
}

/// Whether the guest was stopped between two of its instructions. How much fuel it had used by then is only as exact as
/// code is compiled.
fn stopped_midway(error: &Error) -> bool {
    matches!(
        error,
        Error::Trap { .. }
            | Error::Exit { .. }
            | Error::Memory { .. }
            | Error::Handles { .. }
            | Error::Effects { .. }
    )
}

/// How a call ended that failed, if everybody would find the same.
fn outcome(error: &Error) -> Option<Outcome> {
    Some(match error {
        error if error.is_infrastructure() => return None,
        Error::Guest { .. } => Outcome::GuestError,
        Error::Trap { .. } | Error::Exit { .. } => Outcome::Trap,
        Error::Fuel { .. } => Outcome::OutOfFuel,
        error if error.code().starts_with("limit/") => Outcome::Limit,
        _ => return None,
    })
}

impl Error {
    /// The failure as scripts and receipts have it: what the function returned as its error, otherwise a text
    /// `group/code: what happened`.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Guest { payload } => payload.clone(),
            error => Value::from(format!("{}: {error}", error.code())),
        }
    }
}

impl Limits {
    /// Those that decide alike on every machine, with those of the world around the call.
    pub fn bounds(&self, world: &World) -> Bounds {
        Bounds {
            fuel: self.fuel,
            memory_bytes: self.memory_bytes,
            argument_bytes: self.argument_bytes,
            result_bytes: self.result_bytes,
            state: world.state.limits,
            transcript: world.transcript,
        }
    }
}

impl CallContext {
    /// The circumstances that a receipt covers, as a guest of this service sees them.
    pub fn of(circumstances: &Circumstances, service: &str) -> Self {
        let Circumstances {
            particle,
            initiator,
            host,
            worker,
            timestamp_ms,
            ttl_ms,
            tetraplets,
            salt,
        } = circumstances;
        let origins = |tetraplets: &Value| {
            tetraplets
                .as_array()
                .unwrap_or_default()
                .iter()
                .map(origin)
                .collect()
        };
        Self {
            request: particle.to_string(),
            initiator: initiator.to_string(),
            host: host.to_string(),
            worker: worker.to_string(),
            service: service.to_owned(),
            timestamp_ms: *timestamp_ms,
            ttl_ms: *ttl_ms,
            provenance: tetraplets
                .as_array()
                .unwrap_or_default()
                .iter()
                .map(origins)
                .collect(),
            salt: *salt.as_bytes(),
        }
    }
}

fn origin(tetraplet: &Value) -> Origin {
    let text = |field: &str| {
        tetraplet
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .into()
    };
    Origin {
        peer: text("peer"),
        service: text("service"),
        function: text("function"),
        lens: text("lens"),
    }
}

/// What came of a repetition.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// The call does here what its receipt says.
    Same,
    /// It does not. The receipt is wrong, and whoever signed it can be shown so.
    Differs {
        /// Which part of the receipt.
        what: &'static str,
        /// What the receipt says.
        receipt: String,
        /// What was found here.
        here: String,
    },
    /// The evidence is not what the receipt is about. That says nothing against the receipt.
    Unfit(EvidenceError),
    /// The call could not be repeated: this machine failed, or the evidence ends too early. That says nothing
    /// against the receipt either.
    Undecided(Error),
}

impl Module {
    /// Executes a call again from its evidence and compares what comes of it with the receipt. Needs nothing of the
    /// state of the service, and asks nobody outside. The signature is the caller's to check.
    pub async fn replay(&self, evidence: &Evidence, wall_ms: u64) -> Verdict {
        let receipt = &evidence.receipt.receipt;
        let checked = match evidence.check() {
            Ok(checked) => checked,
            Err(error) => return Verdict::Unfit(error),
        };
        if self.set_hash(&evidence.material.bounds) != receipt.module_set_hash {
            let what = "a component, bounds or an execution profile";
            return Verdict::Unfit(EvidenceError::Differs(what));
        }
        match self.repeat(evidence, checked, wall_ms).await {
            Ok(judgement) => compare(evidence, &judgement),
            // The recorded effects are those that the receipt covers, so it is the receipt that does not hold.
            Err(Error::Replay { detail }) => Verdict::Differs {
                what: "host_log_hash",
                receipt: receipt.host_log_hash.to_string(),
                here: detail,
            },
            // Nobody executes what fits no function, so nobody can have a receipt of it.
            Err(error) if error.is_of_the_caller() => Verdict::Differs {
                what: "outcome",
                receipt: format!("{:?}", receipt.outcome),
                here: error.to_string(),
            },
            Err(error) => Verdict::Undecided(error),
        }
    }

    async fn repeat(
        &self,
        evidence: &Evidence,
        checked: Checked,
        wall_ms: u64,
    ) -> Result<Judgement, Error> {
        let material = &evidence.material;
        let function = self.function(&material.function)?;
        let knows_state = function.mode() != Mode::Pure;
        if knows_state
            && checked.witness.is_none()
            && evidence.receipt.receipt.pre_state_root != Root::EMPTY_HASH
        {
            return Err(Error::Witness {
                detail: "the evidence holds nothing of the state".to_owned(),
            });
        }
        let bounds = &material.bounds;
        let limits = Limits {
            fuel: bounds.fuel,
            memory_bytes: bounds.memory_bytes,
            argument_bytes: bounds.argument_bytes,
            result_bytes: bounds.result_bytes,
            wall_ms,
            log_bytes: 0,
        };
        let state = match checked.witness {
            Some(witness) => StateAt {
                root: *witness.root(),
                nodes: std::sync::Arc::new(witness),
                limits: bounds.state,
            },
            None => StateAt {
                limits: bounds.state,
                ..StateAt::default()
            },
        };
        let world = World {
            state,
            outside: Outside::Recorded(std::sync::Arc::new(checked.transcript)),
            transcript: bounds.transcript,
            witness: false,
        };
        let output = self
            .call(Call {
                function: &material.function,
                arguments: checked.arguments.as_array().unwrap_or_default(),
                context: &CallContext::of(&checked.context, &material.service),
                limits: &limits,
                world: &world,
            })
            .await;
        match Judgement::of(&output, function.mode(), &limits, &world.state.root) {
            Some(judgement) => Ok(judgement),
            None => Err(output.result.err().unwrap_or_else(|| Error::Engine {
                detail: "a call without an outcome".to_owned(),
            })),
        }
    }
}

/// The first difference.
fn compare(evidence: &Evidence, here: &Judgement) -> Verdict {
    let receipt = &evidence.receipt.receipt;
    let result = weir_receipt::content_hash(&here.result.to_dag_cbor());
    let hashes = [
        ("result_hash", receipt.result_hash, result),
        ("pre_state_root", receipt.pre_state_root, here.pre_state),
        ("post_state_root", receipt.post_state_root, here.post_state),
        ("host_log_hash", receipt.host_log_hash, here.effects),
    ];
    if receipt.outcome != here.outcome {
        let name = |outcome: Outcome| format!("{outcome:?}");
        return Verdict::Differs {
            what: "outcome",
            receipt: name(receipt.outcome),
            here: name(here.outcome),
        };
    }
    for (what, receipt, here) in hashes {
        if receipt != here {
            return differs(what, receipt, here);
        }
    }
    if receipt.fuel != here.fuel {
        return Verdict::Differs {
            what: "fuel",
            receipt: receipt.fuel.to_string(),
            here: here.fuel.to_string(),
        };
    }
    Verdict::Same
}

fn differs(what: &'static str, receipt: Hash, here: Hash) -> Verdict {
    Verdict::Differs {
        what,
        receipt: receipt.to_string(),
        here: here.to_string(),
    }
}
