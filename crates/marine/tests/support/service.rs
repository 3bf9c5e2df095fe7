//! A service as its worker runs it: state in memory, and what is kept of each call.

use std::sync::{Arc, LazyLock};

use futures::executor::block_on;
use weir_identity::{Hash, Keypair, Value, keccak256};
use weir_marine::{
    Call, CallContext, CallOutput, Judgement, Limits, Module, Outside, StateAt, World,
};
use weir_receipt::state::{Limits as StateLimits, MemoryNodes, Root};
use weir_receipt::{
    Evidence, Material, Receipt, ReceiptDomain, TranscriptLimits, args_hash, content_hash,
    function_id, local_request_id, local_worker_id,
};

use super::json;

/// Who signs.
pub(crate) static KEY: LazyLock<Keypair> =
    LazyLock::new(|| Keypair::from_secret(&[7; 32]).expect("it is a secret key"));

/// A service whose state is kept in memory.
pub(crate) struct Service {
    pub(crate) module: Module,
    pub(crate) name: &'static str,
    pub(crate) root: Root,
    pub(crate) nodes: MemoryNodes,
    pub(crate) limits: Limits,
    pub(crate) state: StateLimits,
    pub(crate) outside: Outside,
    pub(crate) transcript: TranscriptLimits,
    /// How many calls have a receipt.
    executed: u64,
}

impl Service {
    /// With an empty state and without effects.
    pub(crate) fn new(name: &'static str, module: Module) -> Self {
        Self {
            module,
            name,
            root: Root::EMPTY,
            nodes: MemoryNodes::default(),
            limits: Limits::default(),
            state: StateLimits::default(),
            outside: Outside::default(),
            transcript: TranscriptLimits::default(),
            executed: 0,
        }
    }

    /// Makes a call with arguments in JSON and keeps what it makes of the state.
    pub(crate) fn call(&mut self, function: &str, arguments: &str) -> CallOutput {
        self.call_in(function, &json(arguments), &circumstances(0))
    }

    fn call_in(
        &mut self,
        function: &str,
        arguments: &Value,
        circumstances: &weir_receipt::CallContext,
    ) -> CallOutput {
        let nodes = Arc::new(std::mem::take(&mut self.nodes));
        let world = World {
            state: StateAt {
                root: self.root,
                nodes: nodes.clone(),
                limits: self.state,
            },
            outside: self.outside.clone(),
            transcript: self.transcript,
            witness: true,
        };
        let output = block_on(self.module.call(Call {
            function,
            arguments: arguments.as_array().expect("they are an array"),
            context: &CallContext::of(circumstances, self.name),
            limits: &self.limits,
            world: &world,
        }));
        drop(world);
        self.nodes = Arc::into_inner(nodes).expect("the call has ended");
        if let Some(commit) = &output.commit {
            self.nodes.apply(commit);
            self.root = commit.root;
        }
        output
    }

    /// Makes a call, and gives what a peer keeps of it; none if it failed for reasons of this machine.
    pub(crate) fn execute(&mut self, function: &str, arguments: &str) -> Option<Evidence> {
        let arguments = json(arguments);
        let circumstances = circumstances(self.executed);
        let before = self.root;
        let output = self.call_in(function, &arguments, &circumstances);
        let mode = self.module.function(function).expect("it is there").mode();
        let judgement = Judgement::of(&output, mode, &self.limits, &before)?;
        let bounds = self.limits.bounds(&World {
            transcript: self.transcript,
            ..World::default()
        });
        self.executed += 1;
        let receipt = Receipt {
            version: Receipt::VERSION,
            deal_id: 0,
            worker_id: local_worker_id(&KEY.address()),
            service_id: keccak256(&[self.name.as_bytes()]),
            seq: self.executed - 1,
            service_seq: self.executed - 1,
            module_set_hash: self.module.set_hash(&bounds),
            function_id: function_id(function),
            args_hash: args_hash(&arguments, &circumstances),
            pre_state_root: judgement.pre_state,
            post_state_root: judgement.post_state,
            result_hash: content_hash(&judgement.result.to_dag_cbor()),
            host_log_hash: judgement.effects,
            fuel: judgement.fuel,
            outcome: judgement.outcome,
            request_id: local_request_id(&circumstances.particle, &[0; 32]),
            prev_receipt: Hash::ZERO,
            prev_service_receipt: Hash::ZERO,
            trace_commit: Hash::ZERO,
            epoch: 0,
        };
        Some(Evidence {
            receipt: receipt.sign(&ReceiptDomain::local(), &KEY),
            material: Material {
                component: self.module.cid(),
                service: self.name.to_owned(),
                function: function.to_owned(),
                bounds,
                call: Material::call_bytes(&arguments, &circumstances).into(),
                transcript: output.transcript.encode().into(),
                witness: output.witness.map(Into::into),
            },
        })
    }
}

/// Those of the call with that number.
fn circumstances(number: u64) -> weir_receipt::CallContext {
    weir_receipt::CallContext {
        particle: keccak256(&[b"particle", &number.to_be_bytes()]),
        initiator: KEY.peer_id(),
        host: KEY.peer_id(),
        worker: KEY.peer_id(),
        timestamp_ms: 1_700_000_000_000 + number,
        ttl_ms: 60_000,
        tetraplets: json(r#"[[{"peer":"p","service":"s","function":"f","lens":""}]]"#),
        salt: keccak256(&[b"salt", &number.to_be_bytes()]),
    }
}

/// Value or error as text.
pub(crate) fn show(output: &CallOutput) -> String {
    match &output.result {
        Ok(value) => value.to_json(),
        Err(error) => format!("{}: {error}", error.code()),
    }
}
