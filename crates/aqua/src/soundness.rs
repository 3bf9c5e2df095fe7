//! Which functions no mistake reaches.
//!
//! A mistake in one function says nothing about others: an editor goes on showing what it knows of them. A definition is
//! reached by a mistake that lies in it or in anything that it mentions, directly or not. What a mistake leaves without
//! a meaning has no definition to mention; its type is [`Ty::Error`], and so whoever has a value of that type is
//! reached as well. A header is mentioned by all definitions of its file.

use crate::compile::Compilation;
use crate::diagnostic::Severity;
use crate::hir::FuncId;
use crate::source::{FileId, Place};
use crate::types::Ty;
use hashbrown::HashSet;

impl Compilation {
    /// The functions for which there can be scripts, whatever is wrong with the rest: no mistake lies in them or in
    /// anything that they need.
    pub fn sound_functions(&self) -> HashSet<FuncId> {
        let parts = Parts::new(self);
        let mut mentioned_by: Vec<Vec<usize>> = vec![Vec::new(); parts.count];
        for (file, start) in parts.starts.iter().enumerate() {
            let end = start + 1 + self.set.files[file].parsed.tree.items.len();
            mentioned_by[*start] = (start + 1..end).collect();
        }
        let references = self.world.references.iter().chain(&self.bodies.references);
        for (from, to) in references {
            mentioned_by[parts.at(self, *to)].push(parts.at(self, *from));
        }
        let errors = self.diagnostics.iter();
        let errors = errors.filter(|diagnostic| diagnostic.severity == Severity::Error);
        let unknown = self.bodies.types.iter().filter(|(_, ty)| *ty == Ty::Error);
        let places = errors.map(|error| error.place);
        let places = places.chain(unknown.map(|(place, _)| *place));
        let mut pending: Vec<usize> = places.map(|place| parts.at(self, place)).collect();
        let mut reached = vec![false; parts.count];
        while let Some(part) = pending.pop() {
            if !std::mem::replace(&mut reached[part], true) {
                pending.append(&mut mentioned_by[part]);
            }
        }
        let functions = self.world.functions();
        functions
            .filter(|id| !reached[parts.at(self, self.world.func(*id).place)])
            .collect()
    }
}

/// The parts of all files by number: of each file its header, then its definitions.
struct Parts {
    /// The numbers of the headers.
    starts: Vec<usize>,
    count: usize,
}

impl Parts {
    fn new(compilation: &Compilation) -> Self {
        let mut count = 0;
        let files = compilation.set.files.iter().map(|file| {
            let start = count;
            count += 1 + file.parsed.tree.items.len();
            start
        });
        let starts = files.collect();
        Self { starts, count }
    }

    /// The part that a place lies in. What stands between definitions belongs to the one before.
    fn at(&self, compilation: &Compilation, place: Place) -> usize {
        let FileId(file) = place.file;
        let items = &compilation.set.get(place.file).parsed.tree.items;
        let before = items.partition_point(|item| item.span.start <= place.span.start);
        self.starts[file as usize] + before
    }
}
