//! Between values of the JSON model and typed values of a component.
//!
//! Each function's types are compiled to [`Type`] trees when the component is
//! loaded; a call then walks value and tree together. There is no conversion
//! without a type, so nothing is guessed.

mod blobs;
mod lift;
mod lower;
mod named;
mod types;

pub(crate) use blobs::Blobs;
pub(crate) use lift::{LiftFailure, lift, lift_bytes, lift_some, lift_text};
pub(crate) use lower::{Budget, Mismatch, lower, lower_bytes};
pub use named::{Name, Named};
pub(crate) use types::TypeCompiler;
pub use types::{Case, Field, Type};

/// Byte lists travel as text: this prefix, then base64url without padding.
const BYTES_PREFIX: &str = "b64:";

/// The largest integer that every reader of JSON keeps exact; larger ones travel as decimal text.
const EXACT_INTEGER_MAX: u64 = (1 << 53) - 1;
