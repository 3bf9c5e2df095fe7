//! Values as CBOR: tools can show them without knowing their types, and a field with a default can be added later.

use super::Error;
use minicbor_serde::Deserializer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::type_name;
use std::fmt::Display;

/// The CBOR form of a value. Equal values have equal bytes, unless their order is that of a hash table.
pub(super) fn encode<V: Serialize + ?Sized>(value: &V) -> Result<Vec<u8>, Error> {
    minicbor_serde::to_vec(value).map_err(|error| {
        Error::Malformed(format!("{} has no CBOR form: {error}", type_name::<V>()))
    })
}

/// The value with this CBOR form.
pub(super) fn decode<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, Error> {
    let mut deserializer = Deserializer::new(bytes);
    let malformed = |problem: &dyn Display| {
        Error::Malformed(format!("a value is no {}: {problem}", type_name::<V>()))
    };
    let value = V::deserialize(&mut deserializer).map_err(|error| malformed(&error))?;
    if deserializer.decoder().position() == bytes.len() {
        Ok(value)
    } else {
        Err(malformed(&"something follows it"))
    }
}
