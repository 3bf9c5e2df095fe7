//! The manifest inside the component: a custom section at its end.

use super::{Manifest, fault};
use crate::error::Error;
use crate::sections::{Twice, find, put};

/// The name of the custom section that holds the canonical form of the manifest.
pub const MANIFEST_SECTION: &str = "weir:manifest";

/// Writes the manifest as the last section of the component, in place of one that is there. The bytes depend on
/// nothing but component and manifest.
pub fn embed(component: &[u8], manifest: &Manifest) -> Result<Vec<u8>, Error> {
    put(component, MANIFEST_SECTION, &manifest.to_dag_cbor()?)
}

/// The manifest of a component, if it has one. Manifests of components inside are not its own.
pub fn extract(component: &[u8]) -> Result<Option<Manifest>, Error> {
    let data = find(component, MANIFEST_SECTION)?.map_err(|Twice| {
        Error::BadManifest(fault(format!(
            "there are two sections `{MANIFEST_SECTION}`; `weir wasm link` writes one"
        )))
    })?;
    data.map(Manifest::from_dag_cbor).transpose()
}
