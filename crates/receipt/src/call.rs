//! What a receipt says of arguments, results and names: hashes that anybody can make again.

use weir_identity::{Address, Hash, PeerId, Value, keccak256};

/// Contents of so many bytes are hashed in one piece; longer ones as a tree of chunks, of which one can be shown alone.
pub const CONTENT_WHOLE_MAX: usize = 32 * 1024;

/// The size of a chunk.
pub const CHUNK_BYTES: usize = 4 * 1024;

/// The particle and the peers around a call, as far as a function can see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallContext {
    /// The particle's identity.
    pub particle: Hash,
    /// Who started the particle.
    pub initiator: PeerId,
    /// The peer that executes.
    pub host: PeerId,
    /// Under whose identity it does, the host's own if there is no worker.
    pub worker: PeerId,
    /// When the particle was started by the initiator's clock, in milliseconds since the Unix epoch.
    pub timestamp_ms: u64,
    /// For how long it lives from then on, in milliseconds.
    pub ttl_ms: u64,
    /// Where the arguments came from: for each argument an array of objects.
    pub tetraplets: Value,
    /// What the function's randomness grows from.
    pub salt: Hash,
}

impl CallContext {
    /// The context as a value: an object with the names of the fields, hashes and peers in their text forms.
    pub fn to_value(&self) -> Value {
        let fields = [
            ("particle", Value::from(self.particle.to_string())),
            ("initiator", self.initiator.to_string().into()),
            ("host", self.host.to_string().into()),
            ("worker", self.worker.to_string().into()),
            ("timestamp_ms", self.timestamp_ms.into()),
            ("ttl_ms", self.ttl_ms.into()),
            ("tetraplets", self.tetraplets.clone()),
            ("salt", self.salt.to_string().into()),
        ];
        let fields = fields.map(|(name, value)| (name.into(), value));
        Value::Object(std::sync::Arc::new(fields.into()))
    }

    /// Reads what [`CallContext::to_value`] gives; none if it is anything else.
    pub fn from_value(value: &Value) -> Option<Self> {
        let text = |field: &str| value.get(field)?.as_str();
        let peer = |field: &str| text(field)?.parse().ok();
        let context = Self {
            particle: text("particle")?.parse().ok()?,
            initiator: peer("initiator")?,
            host: peer("host")?,
            worker: peer("worker")?,
            timestamp_ms: value.get("timestamp_ms")?.as_u64()?,
            ttl_ms: value.get("ttl_ms")?.as_u64()?,
            tetraplets: value.get("tetraplets")?.clone(),
            salt: text("salt")?.parse().ok()?,
        };
        // In one form only, and with nothing beside it.
        (context.to_value() == *value).then_some(context)
    }
}

/// What a receipt says of the arguments (an array): the hash of the DAG-CBOR of `[arguments, context]`.
pub fn args_hash(args: &Value, context: &CallContext) -> Hash {
    let both = Value::from(vec![args.clone(), context.to_value()]);
    content_hash(&both.to_dag_cbor())
}

/// The hash of arguments or a result: `keccak(bytes)`, and above [`CONTENT_WHOLE_MAX`] bytes
/// `keccak(0x02 ‖ length (u64, big endian) ‖ root)` with the Merkle tree of RFC 9162 over the chunks of
/// [`CHUNK_BYTES`], as journals have it over their entries: `keccak(0x00 ‖ chunk)`, `keccak(0x01 ‖ left ‖ right)`.
pub fn content_hash(bytes: &[u8]) -> Hash {
    if bytes.len() <= CONTENT_WHOLE_MAX {
        return keccak256(&[bytes]);
    }
    let mut level: Vec<Hash> = bytes
        .chunks(CHUNK_BYTES)
        .map(|chunk| keccak256(&[&[0], chunk]))
        .collect();
    // Joining neighbours and passing on what is left over gives the tree of the RFC.
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => keccak256(&[&[1], left.as_bytes(), right.as_bytes()]),
                rest => rest[0],
            })
            .collect();
    }
    keccak256(&[
        &[2],
        &(bytes.len() as u64).to_be_bytes(),
        level[0].as_bytes(),
    ])
}

/// The name of a function in a receipt.
pub fn function_id(name: &str) -> Hash {
    keccak256(&[name.as_bytes()])
}

/// The worker in a receipt of a peer without a market: `keccak("LOCAL" ‖ address of the key that signs)`.
pub fn local_worker_id(signer: &Address) -> Hash {
    keccak256(&[b"LOCAL", signer.as_bytes()])
}

/// The request in a receipt of a call without a market: `keccak(particle ‖ step)`.
pub fn local_request_id(particle: &Hash, step: &[u8; 32]) -> Hash {
    keccak256(&[particle.as_bytes(), step])
}
