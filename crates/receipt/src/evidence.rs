//! What a call can be executed again from, by somebody who has never held the service's state.

use bytes::Bytes;
use weir_identity::{Cid, Value, keccak256};

use crate::call::{CallContext, content_hash, function_id};
use crate::receipt::SignedReceipt;
use crate::state::Witness;
use crate::transcript::{Transcript, TranscriptLimits};
use crate::wire::{Malformed, Reader, put_bytes};

/// The bounds of a call that decide alike on every machine what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Fuel units.
    pub fuel: u64,
    /// Bytes of linear memories and tables.
    pub memory_bytes: u64,
    /// Bytes of the arguments.
    pub argument_bytes: u64,
    /// Bytes of the result.
    pub result_bytes: u64,
    /// What the state may come to, and how much one call may change.
    pub state: crate::state::Limits,
    /// How many effects it may have, and how large.
    pub transcript: TranscriptLimits,
}

impl Bounds {
    const FIELDS: usize = 10;

    /// The length of [`Bounds::encode`].
    pub const BYTES: usize = 8 * Self::FIELDS;

    /// The fields in order, 8 bytes each, big endian: the state's entries, bytes, changed keys and changed bytes and
    /// the effects and their bytes after the first four.
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let fields: [u64; Self::FIELDS] = [
            self.fuel,
            self.memory_bytes,
            self.argument_bytes,
            self.result_bytes,
            self.state.entries,
            self.state.bytes,
            self.state.changed_keys,
            self.state.changed_bytes,
            self.transcript.effects as u64,
            self.transcript.bytes as u64,
        ];
        let mut out = [0; Self::BYTES];
        for (place, field) in out.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_be_bytes());
        }
        out
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let size = |value: u64| usize::try_from(value).map_err(|_| Malformed("a bound"));
        Ok(Self {
            fuel: reader.u64()?,
            memory_bytes: reader.u64()?,
            argument_bytes: reader.u64()?,
            result_bytes: reader.u64()?,
            state: crate::state::Limits {
                entries: reader.u64()?,
                bytes: reader.u64()?,
                changed_keys: reader.u64()?,
                changed_bytes: reader.u64()?,
            },
            transcript: TranscriptLimits {
                effects: size(reader.u64()?)?,
                bytes: size(reader.u64()?)?,
            },
        })
    }
}

/// Everything that the hashes of a receipt stand for, except the result, which is what a repetition gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Material {
    /// The component that was executed.
    pub component: Cid,
    /// The service.
    pub service: String,
    /// The function, as it was called.
    pub function: String,
    /// The bounds of the call.
    pub bounds: Bounds,
    /// DAG-CBOR of `[arguments, context]`: see [`Material::call_bytes`].
    pub call: Bytes,
    /// The encoded [`Transcript`].
    pub transcript: Bytes,
    /// The encoded [`Witness`]; none for a function that knows no state.
    pub witness: Option<Bytes>,
}

/// A receipt with its material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The receipt.
    pub receipt: SignedReceipt,
    /// What it has hashes of.
    pub material: Material,
}

/// Why evidence is not what a receipt is about, before anything is executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// It cannot be read.
    #[error("the evidence cannot be read: {0}")]
    Malformed(#[from] Malformed),
    /// The receipt is about something else.
    #[error("the receipt is about {0} other than those of the evidence")]
    Differs(&'static str),
    /// The version of the receipt is a later one.
    #[error("the receipt has version {0}, only version 1 is known here")]
    Version(u16),
}

/// What evidence holds, read and held against its receipt.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The arguments, an array.
    pub arguments: Value,
    /// The circumstances of the call.
    pub context: CallContext,
    /// Its effects.
    pub transcript: Transcript,
    /// The part of the state that it touched.
    pub witness: Option<Witness>,
}

const VERSION: u8 = 1;
const CID_BYTES: usize = 36;
const NAME_BYTES_MAX: usize = 4096;

impl Material {
    /// Most bytes of it.
    pub const BYTES_MAX: usize = 256 << 20;

    /// The bytes of [`Material::call`].
    pub fn call_bytes(arguments: &Value, context: &CallContext) -> Vec<u8> {
        Value::from(vec![arguments.clone(), context.to_value()]).to_dag_cbor()
    }

    /// The encoded form, with lengths as LEB128:
    /// ```text
    /// material = 0x01 ‖ component (36) ‖ bytes(service) ‖ bytes(function) ‖ bounds (80)
    ///          ‖ bytes(call) ‖ bytes(transcript) ‖ (0x00 | 0x01 ‖ bytes(witness))
    /// ```
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.component.to_bytes());
        put_bytes(&mut out, self.service.as_bytes());
        put_bytes(&mut out, self.function.as_bytes());
        out.extend_from_slice(&self.bounds.encode());
        put_bytes(&mut out, &self.call);
        put_bytes(&mut out, &self.transcript);
        out.push(self.witness.is_some().into());
        if let Some(witness) = &self.witness {
            put_bytes(&mut out, witness);
        }
        out
    }

    /// The component that encoded material names, without reading the rest.
    pub fn component_of(bytes: &[u8]) -> Option<Cid> {
        let (&version, rest) = bytes.split_first()?;
        let cid = rest.get(..CID_BYTES).filter(|_| version == VERSION)?;
        Cid::from_bytes(cid).ok()
    }

    /// Reads what [`Material::encode`] writes.
    pub fn decode(bytes: impl Into<Bytes>) -> Result<Self, Malformed> {
        let bytes = bytes.into();
        if bytes.len() > Self::BYTES_MAX {
            return Err(Malformed("evidence of too many bytes"));
        }
        let mut reader = Reader::new(&bytes);
        if reader.byte()? != VERSION {
            return Err(Malformed("evidence of another version"));
        }
        let component = Cid::from_bytes(reader.take(CID_BYTES)?)
            .map_err(|_| Malformed("the id of a component"))?;
        let mut name = || {
            std::str::from_utf8(reader.bytes(NAME_BYTES_MAX)?)
                .map(str::to_owned)
                .map_err(|_| Malformed("a name that is no UTF-8"))
        };
        let (service, function) = (name()?, name()?);
        let bounds = Bounds::read(&mut reader)?;
        let call = part(&mut reader, &bytes)?;
        let transcript = part(&mut reader, &bytes)?;
        let witness = match reader.byte()? {
            0 => None,
            1 => Some(part(&mut reader, &bytes)?),
            _ => return Err(Malformed("whether there is a witness")),
        };
        reader.end()?;
        Ok(Self {
            component,
            service,
            function,
            bounds,
            call,
            transcript,
            witness,
        })
    }

    /// Reads the call: the arguments, which are an array, and the circumstances.
    pub fn read_call(&self) -> Result<(Value, CallContext), Malformed> {
        let malformed = Malformed("arguments and circumstances");
        let call = Value::from_dag_cbor(&self.call).map_err(|_| malformed)?;
        let Some([arguments, context]) = call.as_array() else {
            return Err(malformed);
        };
        if arguments.as_array().is_none() {
            return Err(malformed);
        }
        let context = CallContext::from_value(context).ok_or(malformed)?;
        Ok((arguments.clone(), context))
    }
}

impl Evidence {
    /// The receipt as it stands in a journal (553 bytes), then the material.
    pub fn encode(&self) -> Vec<u8> {
        [self.receipt.encode(), self.material.encode()].concat()
    }

    /// Reads what [`Evidence::encode`] writes. Holds nothing against anything yet: see [`Evidence::check`].
    pub fn decode(bytes: impl Into<Bytes>) -> Result<Self, Malformed> {
        let bytes = bytes.into();
        let receipt = bytes
            .get(..SignedReceipt::BYTES)
            .ok_or(Malformed("the bytes end too early"))?;
        Ok(Self {
            receipt: SignedReceipt::decode(receipt)?,
            material: Material::decode(bytes.slice(SignedReceipt::BYTES..))?,
        })
    }

    /// Reads the parts and holds each against what the receipt says of it. The signature is the caller's to check:
    /// only he knows whose it should be.
    pub fn check(&self) -> Result<Checked, EvidenceError> {
        let (receipt, material) = (&self.receipt.receipt, &self.material);
        let same = |holds: bool, what| {
            if holds {
                Ok(())
            } else {
                Err(EvidenceError::Differs(what))
            }
        };
        if receipt.version != crate::Receipt::VERSION {
            return Err(EvidenceError::Version(receipt.version));
        }
        let service = keccak256(&[material.service.as_bytes()]);
        same(receipt.service_id == service, "a service")?;
        let function = function_id(&material.function);
        same(receipt.function_id == function, "a function")?;
        same(
            receipt.args_hash == content_hash(&material.call),
            "arguments or circumstances",
        )?;
        let (arguments, context) = material.read_call()?;
        let transcript =
            Transcript::decode(material.transcript.clone(), &material.bounds.transcript)?;
        same(receipt.host_log_hash == transcript.root(), "effects")?;
        let witness = material
            .witness
            .clone()
            .map(|witness| Witness::decode(witness, Material::BYTES_MAX))
            .transpose()?;
        if let Some(witness) = &witness {
            let proves = witness.proves(&receipt.pre_state_root);
            same(proves.is_ok(), "a state")?;
        }
        Ok(Checked {
            arguments,
            context,
            transcript,
            witness,
        })
    }
}

/// Bytes with their length, as a part of `all`, which the reader reads.
fn part(reader: &mut Reader<'_>, all: &Bytes) -> Result<Bytes, Malformed> {
    let len = reader.uint(all.len())?;
    let at = reader.at();
    reader.take(len)?;
    Ok(all.slice(at..at + len))
}
