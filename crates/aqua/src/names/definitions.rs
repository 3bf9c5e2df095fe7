//! The types that a file defines.

use super::types::{ELEMENTS, Extent, TypeReader};
use super::{Namespace, Resolver, TypeId};
use crate::diagnostic::{Diagnostic, codes};
use crate::source::{FileId, Place};
use crate::syntax::{Item, ItemKind, Member, Path, TypeExpr, TypeKind};
use crate::types::{Record, Ty};
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

/// How many types a type may consist of, so that comparing and printing it stays cheap.
const SIZE_MAX: usize = 10_000;
/// How deep types may be nested.
const DEPTH_MAX: usize = 100;

impl Resolver<'_> {
    pub(super) fn reader<'r>(&'r mut self, file: FileId, space: &'r Namespace) -> TypeReader<'r> {
        TypeReader {
            types: &self.world.types,
            file,
            space,
            diagnostics: &mut self.world.diagnostics,
            references: &mut self.world.references,
        }
    }

    /// Works out the types that a file defines; each may use any other.
    pub(super) fn resolve_types(
        &mut self,
        file: FileId,
        items: &[Item],
        space: &Namespace,
        own: &HashMap<TypeId, usize>,
    ) {
        let mut pending: Vec<TypeId> = own.keys().copied().collect();
        pending.sort_by_key(|id| std::cmp::Reverse(own[id]));
        let mut done = HashSet::new();
        let mut open: Vec<TypeId> = Vec::new();
        while let Some(id) = pending.last().copied() {
            if done.contains(&id) {
                pending.pop();
                continue;
            }
            let item = &items[own[&id]];
            let needed: Vec<TypeId> = uses(item)
                .into_iter()
                .filter_map(|path| space.find_type(path))
                .filter(|id| own.contains_key(id) && !done.contains(id))
                .collect();
            if needed.is_empty() || open.contains(&id) {
                if let Some(again) = needed.iter().find(|needed| open.contains(needed)) {
                    self.report_circle(file, id, *again);
                }
                pending.pop();
                open.retain(|other| *other != id);
                done.insert(id);
                self.define_type(file, item, space, id);
                continue;
            }
            open.push(id);
            // what is open already is a circle, reported when its turn comes
            pending.extend(needed.into_iter().filter(|id| !open.contains(id)));
        }
    }

    fn report_circle(&mut self, file: FileId, id: TypeId, needed: TypeId) {
        let (name, place) = (self.world.ty(id).name.clone(), self.world.ty(id).place);
        let other = self.world.ty(needed).place;
        let mut problem = Diagnostic::error(
            codes::RECURSION,
            format!("the type `{name}` contains itself"),
            file,
            place.span,
        );
        if id != needed {
            problem = problem.label(other, "by way of this type");
        }
        self.report(problem.help("a type can only use types that do not use it"));
    }

    fn define_type(&mut self, file: FileId, item: &Item, space: &Namespace, id: TypeId) {
        let mut service_id = None;
        let (ty, extent) = match &item.kind {
            ItemKind::Alias { ty, .. } => self.reader(file, space).ty(ty),
            ItemKind::Data { name, fields } => {
                let (mut record, extent) = self.record(file, space, &name.text, fields, "field");
                for (field, member) in record.members.iter_mut().zip(fields) {
                    if !field.1.is_data() {
                        let problem = Diagnostic::error(
                            codes::NOT_DATA,
                            format!("{} cannot be a field of a structure", field.1.kind()),
                            file,
                            member.ty.span,
                        )
                        .note(ELEMENTS);
                        self.report(match field.1.element() {
                            Some(element) if *element != Ty::Error => problem
                                .help("hold its elements in an array")
                                .edit(member.ty.span, format!("[]{element}")),
                            _ => problem.help("use an `ability` in place of `data`"),
                        });
                        field.1 = Ty::Error;
                    }
                }
                (Ty::Struct(Arc::new(record)), extent)
            }
            ItemKind::Ability { name, members } => {
                let (record, extent) = self.record(file, space, &name.text, members, "member");
                (Ty::Ability(Arc::new(record)), extent)
            }
            ItemKind::Service { name, id, methods } => {
                let (record, extent) = self.record(file, space, &name.text, methods, "method");
                for ((_, ty), method) in record.members.iter().zip(methods) {
                    match ty {
                        Ty::Arrow(arrow) if arrow.results.len() > 1 => self.report(
                            Diagnostic::error(
                                codes::BAD_TYPE,
                                "a method of a service has at most one result",
                                file,
                                method.ty.span,
                            )
                            .help("let it return a struct"),
                        ),
                        Ty::Arrow(_) | Ty::Error => {}
                        _ => self.report(
                            Diagnostic::error(
                                codes::BAD_TYPE,
                                format!(
                                    "a service has methods only, and `{}` is none",
                                    method.name.text
                                ),
                                file,
                                method.ty.span,
                            )
                            .help(format!(
                                "a method that gives it: `{}() -> {ty}`",
                                method.name.text
                            )),
                        ),
                    }
                }
                if let Some(id) = id {
                    let literal = self.literal(file, id, space, space);
                    match literal {
                        Some(crate::hir::Literal::String(_)) => service_id = literal,
                        Some(_) => self.report(
                            Diagnostic::error(
                                codes::TYPE_MISMATCH,
                                "the id of a service is a string",
                                file,
                                id.span,
                            )
                            .help("put it between `\"`"),
                        ),
                        None => {}
                    }
                }
                (Ty::Service(Arc::new(record)), extent)
            }
            _ => return,
        };
        let place = self.world.ty(id).place;
        let def = &mut self.world.types[id.0 as usize];
        if extent.size > SIZE_MAX || extent.depth > DEPTH_MAX {
            let name = def.name.clone();
            self.report(
                Diagnostic::error(
                    codes::LIMIT,
                    format!(
                        "the type `{name}` consists of more than {SIZE_MAX} types, or is nested deeper than {DEPTH_MAX}"
                    ),
                    file,
                    place.span,
                )
                .help("pass parts of it on their own"),
            );
            return;
        }
        def.ty = ty;
        def.service_id = service_id;
        def.size = extent.size;
        def.depth = extent.depth;
    }

    fn record(
        &mut self,
        file: FileId,
        space: &Namespace,
        name: &str,
        members: &[Member],
        kind: &str,
    ) -> (Record, Extent) {
        let mut record = Record {
            name: name.to_owned(),
            members: Vec::with_capacity(members.len()),
        };
        let mut extent = Extent::ONE;
        let mut known = HashMap::new();
        for member in members {
            let (ty, part) = self.reader(file, space).ty(&member.ty);
            extent = extent.with(part);
            if let Some(first) = known.insert(member.name.text.clone(), member.name.span) {
                self.report(
                    Diagnostic::error(
                        codes::DUPLICATE,
                        format!("the {kind} `{}` is defined twice", member.name.text),
                        file,
                        member.name.span,
                    )
                    .label(Place { file, span: first }, "the first is here"),
                );
            }
            record.members.push((member.name.text.clone(), ty));
        }
        (record, extent)
    }
}

/// The types that a definition names.
fn uses(item: &Item) -> Vec<&Path> {
    let mut stack: Vec<&TypeExpr> = match &item.kind {
        ItemKind::Alias { ty, .. } => vec![ty],
        ItemKind::Data {
            fields: members, ..
        }
        | ItemKind::Ability { members, .. }
        | ItemKind::Service {
            methods: members, ..
        } => members.iter().map(|member| &member.ty).collect(),
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    while let Some(ty) = stack.pop() {
        match &ty.kind {
            TypeKind::Named(path) => found.push(path),
            TypeKind::Array(inner)
            | TypeKind::Option(inner)
            | TypeKind::Stream(inner)
            | TypeKind::Map(inner) => stack.push(inner),
            TypeKind::Arrow(signature) => {
                found.extend(&signature.abilities);
                stack.extend(signature.params.iter().map(|param| &param.ty));
                stack.extend(&signature.results);
            }
            TypeKind::Error | TypeKind::Top | TypeKind::Bottom => {}
        }
    }
    found
}
