//! What a part imports and exports.

use wasmparser::{Parser, Payload, WasmFeatures};

use crate::admission::{imports, invalid};
use crate::error::Error;
use crate::limits::ComponentLimits;

/// A component that is valid and of a size that peers take.
#[derive(Clone)]
pub(crate) struct Component<'a> {
    pub(crate) bytes: &'a [u8],
    /// The names of all imports.
    pub(crate) imports: Vec<String>,
    /// The imports that somebody has to serve, as opposed to mere types.
    pub(crate) needs: Vec<String>,
    /// The names of all exports.
    pub(crate) exports: Vec<String>,
}

impl<'a> Component<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let features = (WasmFeatures::default() | WasmFeatures::CM_MAP) - WasmFeatures::CM_ASYNC;
        let needs = imports(bytes, &ComponentLimits::default(), features)?;
        let (imports, exports) = names(bytes).map_err(invalid)?;
        Ok(Self {
            bytes,
            imports,
            needs: needs.into_iter().map(|import| import.name).collect(),
            exports,
        })
    }
}

/// The names of imports and exports at the top.
fn names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), wasmparser::BinaryReaderError> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}
