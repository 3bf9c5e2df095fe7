//! From a core module to a component.

use crate::Error;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

/// The eight bytes that a component begins with; a core module has other ones after the first four.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// Turns a core module that carries its WIT world in a custom section, as generators of bindings write it, into a
/// component. A module that was linked with a libc for WASI preview 1 gets the adapter to WASI 0.2. What is a component
/// already is returned as it is.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, Error> {
    if module.starts_with(COMPONENT) {
        return Ok(module.to_vec());
    }
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| {
            encoder.adapter(
                WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
            )
        })
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| Error::NotAComponent {
            detail: format!("{error:#}"),
        })
}
