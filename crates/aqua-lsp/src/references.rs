//! Where a definition is used.

use crate::analysis::Analysis;
use std::collections::BTreeSet;
use weir_aqua::{FileId, Place};

/// All places of all files that mean what stands at an offset, the definition included.
pub fn references(analysis: &Analysis, file: FileId, offset: u32) -> BTreeSet<Place> {
    let Some((_, targets)) = analysis.index().at(file, offset) else {
        return BTreeSet::new();
    };
    targets
        .into_iter()
        .flat_map(|target| of(analysis, target))
        .collect()
}

/// All places that mean a definition, itself included.
pub fn of(analysis: &Analysis, definition: Place) -> BTreeSet<Place> {
    let index = analysis.index();
    let root = index.root(definition);
    let mut found = BTreeSet::from([root]);
    // `{Ability}` is a use of the type and the definition of a value: its uses follow
    let mut new = vec![root];
    while let Some(target) = new.pop() {
        for (from, to) in index.uses() {
            if *to == target && found.insert(*from) && index.definition(*from).is_some() {
                new.push(*from);
            }
        }
    }
    found
}
