//! What each name stands for: definitions, and the places that mean them.

use crate::modules;
use std::collections::HashMap;
use std::sync::Arc;
use weir_aqua::hir::{FuncId, LocalId};
use weir_aqua::syntax::{ItemKind, Member};
use weir_aqua::types::{Record, Ty};
use weir_aqua::{Compilation, FileId, Place, Span};

/// What is defined at a place.
#[derive(Debug, Clone)]
pub enum What {
    /// A function.
    Func(FuncId),
    /// A constant: its number among all.
    Const(usize),
    /// A type, service or ability: its number among all.
    Type(usize),
    /// A local value of a function.
    Local(FuncId, LocalId),
    /// A field, member or method of a type, and its number there.
    Member(Arc<Record>, usize),
    /// A whole file.
    File(FileId),
    /// A file under a name: that which it gives itself, or another in the file that uses it.
    Module(FileId),
}

/// The meaning of the names of a compilation.
#[derive(Debug)]
pub struct Index {
    definitions: HashMap<Place, What>,
    /// In the order of the places where names are used.
    uses: Vec<(Place, Place)>,
    /// In the order of the places.
    types: Vec<(Place, Ty)>,
}

impl Index {
    /// Gathers what the compiler has noted.
    pub fn new(compilation: &Compilation) -> Self {
        let mut definitions = HashMap::new();
        let mut members = HashMap::new();
        let Compilation {
            set, world, bodies, ..
        } = compilation;
        for (index, constant) in world.constants().iter().enumerate() {
            definitions.insert(constant.place, What::Const(index));
        }
        for id in world.functions() {
            definitions.insert(world.func(id).place, What::Func(id));
            let Some(Some(function)) = bodies.functions.get(id.0 as usize) else {
                continue;
            };
            for (index, local) in function.locals.iter().enumerate() {
                let place = Place {
                    file: function.place.file,
                    span: local.span,
                };
                // what the checker adds stands where the call stands that it belongs to
                if text(compilation, place).is_some_and(|text| text == local.name) {
                    definitions
                        .entry(place)
                        .or_insert(What::Local(id, LocalId(index as u32)));
                }
            }
        }
        let mut types_at = HashMap::new();
        for (index, def) in world.types().iter().enumerate() {
            types_at.insert(def.place, index);
            definitions.insert(def.place, What::Type(index));
        }
        for (number, file) in set.files.iter().enumerate() {
            let file_id = FileId(number as u32);
            definitions.insert(start_of(file_id), What::File(file_id));
            for item in &file.parsed.tree.items {
                let Some((name, written)) = members_of(&item.kind) else {
                    continue;
                };
                let place = |span| Place {
                    file: file_id,
                    span,
                };
                let Some(def) = types_at.get(&place(name)) else {
                    continue;
                };
                let (Ty::Struct(record) | Ty::Ability(record) | Ty::Service(record)) =
                    &world.types()[*def].ty
                else {
                    continue;
                };
                for (index, member) in written.iter().enumerate() {
                    let place = place(member.name.span);
                    definitions.insert(place, What::Member(record.clone(), index));
                    members.insert((Arc::as_ptr(record), member.name.text.as_str()), place);
                }
            }
        }
        let mut uses: Vec<(Place, Place)> = world
            .references
            .iter()
            .chain(&bodies.references)
            .map(|(from, to)| (last_name(compilation, *from), *to))
            .collect();
        uses.append(&mut modules::uses(compilation, &uses));
        for (place, module) in modules::definitions(compilation) {
            definitions.insert(place, What::Module(module));
        }
        for (place, record) in &bodies.members {
            let name = text(compilation, *place).unwrap_or_default();
            if let Some(target) = members.get(&(Arc::as_ptr(record), name)) {
                uses.push((*place, *target));
            }
        }
        for (number, file) in set.files.iter().enumerate() {
            for (span, target) in &file.imports {
                if let Some(target) = target {
                    let place = Place {
                        file: FileId(number as u32),
                        span: *span,
                    };
                    uses.push((place, start_of(*target)));
                }
            }
        }
        uses.sort_unstable();
        uses.dedup();
        let mut types = bodies.types.clone();
        types.sort_by_key(|(place, _)| *place);
        Self {
            definitions,
            uses,
            types,
        }
    }

    /// What is defined exactly there.
    pub fn definition(&self, place: Place) -> Option<&What> {
        self.definitions.get(&place)
    }

    /// All definitions, in no order.
    pub fn definitions(&self) -> impl Iterator<Item = (Place, &What)> {
        self.definitions.iter().map(|(place, what)| (*place, what))
    }

    /// All uses, in the order of their places.
    pub fn uses(&self) -> &[(Place, Place)] {
        &self.uses
    }

    /// What the name at an offset means: its own place, and the places where that is
    /// defined. `Name(field)` means both a value and a field.
    pub fn at(&self, file: FileId, offset: u32) -> Option<(Place, Vec<Place>)> {
        // names are not nested: only those that start last before the offset can touch it
        let end = self
            .uses
            .partition_point(|(place, _)| (place.file, place.span.start) <= (file, offset));
        let last = self.uses[..end].last().map(|(place, _)| *place);
        let touched = last.filter(|place| place.file == file && place.span.touches(offset));
        if let Some(place) = touched {
            let targets = self.uses[..end]
                .iter()
                .rev()
                .take_while(|(from, _)| *from == place)
                .map(|(_, to)| *to);
            let mut targets: Vec<Place> = targets.collect();
            // `{Ability}` defines a value, too, but its type says more
            targets.sort_unstable();
            return Some((place, targets));
        }
        self.definitions
            .keys()
            .filter(|place| place.file == file && place.span.touches(offset))
            .find(|place| place.span.end > place.span.start)
            .map(|place| (*place, vec![*place]))
    }

    /// The definition that a definition stands for: `{Ability}` in a function's
    /// arguments defines a value that means the type.
    pub fn root(&self, place: Place) -> Place {
        let index = self.uses.partition_point(|(from, _)| *from < place);
        match self.uses.get(index) {
            Some((from, to)) if *from == place && *to != place => *to,
            _ => place,
        }
    }

    /// The smallest value around an offset, and its type.
    pub fn value_at(&self, file: FileId, offset: u32) -> Option<(Place, &Ty)> {
        let end = self
            .types
            .partition_point(|(place, _)| (place.file, place.span.start) <= (file, offset));
        self.types[..end]
            .iter()
            .rev()
            .take_while(|(place, _)| place.file == file)
            .filter(|(place, _)| place.span.touches(offset))
            .min_by_key(|(place, _)| place.span.end - place.span.start)
            .map(|(place, ty)| (*place, ty))
    }

    /// The type of a value that ends there.
    pub fn value_before(&self, file: FileId, end: u32) -> Option<&Ty> {
        let upto = self
            .types
            .partition_point(|(place, _)| (place.file, place.span.start) < (file, end));
        self.types[..upto]
            .iter()
            .rev()
            .take_while(|(place, _)| place.file == file)
            .find(|(place, _)| place.span.end == end)
            .map(|(_, ty)| ty)
    }
}

/// The place that stands for a whole file.
pub fn start_of(file: FileId) -> Place {
    Place {
        file,
        span: Span::default(),
    }
}

/// The members that a definition lists, and where its name stands.
fn members_of(kind: &ItemKind) -> Option<(Span, &[Member])> {
    match kind {
        ItemKind::Data {
            name,
            fields: members,
        }
        | ItemKind::Ability { name, members }
        | ItemKind::Service {
            name,
            methods: members,
            ..
        } => Some((name.span, members)),
        _ => None,
    }
}

fn text(compilation: &Compilation, place: Place) -> Option<&str> {
    let text = &compilation.set.get(place.file).text;
    text.get(place.span.range())
}

/// Of `Module.name` the name alone.
fn last_name(compilation: &Compilation, place: Place) -> Place {
    let text = text(compilation, place).unwrap_or_default();
    let Some(dot) = text.rfind('.') else {
        return place;
    };
    let after = &text[dot + 1..];
    let spaces = after.len() - after.trim_start().len();
    let start = place.span.start + (dot + 1 + spaces) as u32;
    Place {
        file: place.file,
        span: Span::new(start, place.span.end),
    }
}
