//! Names and literals, each kept once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ast::{NameId, Span};

/// The names of a script. The map is keyed against crafted collisions, for
/// scripts come from strangers.
#[derive(Default)]
pub(crate) struct Names<'t> {
    ids: HashMap<&'t str, NameId>,
    first: Vec<Span>,
}

impl<'t> Names<'t> {
    /// The number of a spelling which stands at `start`.
    pub(crate) fn id(&mut self, spelling: &'t str, start: u32) -> NameId {
        *self.ids.entry(spelling).or_insert_with(|| {
            self.first
                .push(Span::new(start, start + spelling.len() as u32));
            NameId(self.first.len() as u32 - 1)
        })
    }

    /// Where each name appears first, by number.
    pub(crate) fn into_spans(self) -> Vec<Span> {
        self.first
    }
}

/// The string literals and field names of a script.
#[derive(Default)]
pub(crate) struct Literals<'t> {
    shared: HashMap<&'t str, Arc<str>>,
}

impl<'t> Literals<'t> {
    pub(crate) fn share(&mut self, text: &'t str) -> Arc<str> {
        self.shared
            .entry(text)
            .or_insert_with(|| Arc::from(text))
            .clone()
    }
}

/// Names longer than this are not compared: the cost is the product of the lengths.
const COMPARED_BYTES_MAX: usize = 32;
/// How many candidates are looked at.
const COMPARED_NAMES_MAX: usize = 2_000;

/// The candidate most similar to `name`, if one is similar enough to be what was meant.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if name.len() > COMPARED_BYTES_MAX {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= COMPARED_BYTES_MAX && *candidate != name)
        .take(COMPARED_NAMES_MAX)
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, candidate)| {
            // A third of a name may be mistyped; of a name of one letter nothing is left then.
            distance * 3 <= name.chars().count().max(candidate.chars().count())
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
