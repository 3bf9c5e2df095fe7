//! Where a name is defined.

use crate::analysis::Analysis;
use weir_aqua::{FileId, Place};

/// The places that define what stands at an offset.
pub fn definition(analysis: &Analysis, file: FileId, offset: u32) -> Vec<Place> {
    match analysis.index().at(file, offset) {
        Some((_, targets)) => targets,
        None => Vec::new(),
    }
}

/// The definitions of the type of the value at an offset.
pub fn type_definition(analysis: &Analysis, file: FileId, offset: u32) -> Vec<Place> {
    use weir_aqua::types::Ty;
    let Some((_, ty)) = analysis.index().value_at(file, offset) else {
        return Vec::new();
    };
    let mut ty = ty;
    while let Some(element) = ty.element() {
        ty = element;
    }
    let (Ty::Struct(record) | Ty::Ability(record) | Ty::Service(record)) = ty else {
        return Vec::new();
    };
    let types = analysis.compilation.world.types().iter();
    types
        .filter(|def| def.name == record.name)
        .filter(|def| match &def.ty {
            Ty::Struct(other) | Ty::Ability(other) | Ty::Service(other) => {
                std::sync::Arc::ptr_eq(record, other)
            }
            _ => false,
        })
        .map(|def| def.place)
        .collect()
}
