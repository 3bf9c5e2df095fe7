//! Names and literals, each kept once.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::ast::{NameId, Span};

/// Numbers for different pieces of a text, in order of appearance.
///
/// Hashes are seeded: scripts come from strangers, who must not be able to make
/// names collide. The table holds half of each hash and no text, which keeps it
/// small enough to stay in the cache for scripts with many names.
struct Interner {
    hasher: DefaultHashBuilder,
    table: HashTable<Entry>,
    /// Where each piece appears first.
    first: Vec<Span>,
}

#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    number: u32,
}

impl Entry {
    /// What the table works with; its upper and its lower bits both matter there.
    fn table_hash(hash: u32) -> u64 {
        u64::from(hash) << 32 | u64::from(hash)
    }
}

impl Interner {
    fn new() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            table: HashTable::new(),
            first: Vec::new(),
        }
    }

    /// The number of the piece at `span` of `text`, and whether it is a new one.
    fn number(&mut self, text: &str, span: Span) -> (u32, bool) {
        let piece = &text.as_bytes()[span.range()];
        let hash = self.hasher.hash_one(piece) as u32;
        let known = self.table.find(Entry::table_hash(hash), |entry| {
            entry.hash == hash
                && &text.as_bytes()[self.first[entry.number as usize].range()] == piece
        });
        if let Some(entry) = known {
            return (entry.number, false);
        }
        let number = self.first.len() as u32;
        self.first.push(span);
        let entry = Entry { hash, number };
        self.table
            .insert_unique(Entry::table_hash(hash), entry, |entry| {
                Entry::table_hash(entry.hash)
            });
        (number, true)
    }
}

/// The names of a script.
pub(crate) struct Names(Interner);

impl Names {
    pub(crate) fn new() -> Self {
        Self(Interner::new())
    }

    /// The number of the name at `span` of `text`.
    pub(crate) fn id(&mut self, text: &str, span: Span) -> NameId {
        NameId(self.0.number(text, span).0)
    }

    /// Where each name appears first, by number.
    pub(crate) fn into_spans(self) -> Vec<Span> {
        self.0.first
    }
}

/// The string literals and field names of a script, each allocated once.
pub(crate) struct Literals {
    interner: Interner,
    shared: Vec<Arc<str>>,
}

impl Literals {
    pub(crate) fn new() -> Self {
        Self {
            interner: Interner::new(),
            shared: Vec::new(),
        }
    }

    /// The piece at `span` of `text`.
    pub(crate) fn share(&mut self, text: &str, span: Span) -> Arc<str> {
        let (number, new) = self.interner.number(text, span);
        if new {
            self.shared.push(Arc::from(&text[span.range()]));
        }
        self.shared[number as usize].clone()
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
