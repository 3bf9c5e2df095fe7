//! Who signed what, and which bytes a value is: keys, peer ids, addresses, signatures, hashes, content ids and
//! JSON values.
//!
//! One secp256k1 key is a peer's name on the network ([`PeerId`], as libp2p derives it), the signer of its
//! statements ([`Keypair`], [`Signature`]) and an account on any EVM chain ([`Address`]). Hashes are keccak-256
//! ([`struct@Hash`]) wherever a contract may look, and SHA-256 inside a [`Cid`] for content. A [`Value`] is JSON whose
//! canonical DAG-CBOR bytes are the same on every machine.
//!
//! ```
//! use weir_identity::{Address, Digest, Domain, Keypair, Value, keccak256};
//!
//! let key = Keypair::from_secret(&[7; 32])?;
//! let domain = Domain::new("Weir", "1", 31_337, Address::ZERO);
//! let digest = Digest::eip712(&domain, keccak256(&[b"an encoded struct"]));
//! let signature = key.sign(&digest);
//! signature.verify(&digest, &key.peer_id())?;
//!
//! let value = Value::from_json(r#"{"b": 1.0, "a": [1, null]}"#)?;
//! assert_eq!(value.to_json(), r#"{"a":[1,null],"b":1.0}"#);
//! assert_eq!(Value::from_dag_cbor(&value.to_dag_cbor())?, value);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Invariants
//! - No input or output, no clock, no randomness: whoever makes a key or seals one brings the random bytes.
//! - A [`PublicKey`], a [`PeerId`] and a [`Signature`] have exactly one byte form and one text form; parsing
//!   refuses every other, and every public key is a point of the curve.
//! - Nothing signs a digest from outside: a [`Digest`] names its domain.
//! - A [`Value`] that was parsed is at most [`value::DEPTH_MAX`] arrays and objects deep.

mod address;
mod cid;
mod digest;
mod error;
mod hash;
mod key;
pub mod keystore;
mod peer_id;
mod points;
mod serde_form;
mod signature;
pub mod value;

pub use address::Address;
pub use cid::{Cid, Codec};
pub use digest::{Digest, Domain};
pub use error::{ParseError, SignatureError};
pub use hash::{Hash, keccak256};
pub use key::{Keypair, PublicKey};
pub use peer_id::PeerId;
pub use signature::Signature;
pub use value::Value;
