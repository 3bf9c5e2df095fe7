//! The header of a file: what it imports, declares and exports.

use super::{Export, Exported, Lost, Module, Namespace, Resolver, TopValue};
use crate::diagnostic::{Diagnostic, codes, nearest};
use crate::source::{FileId, Place, Span};
use crate::syntax::{Declares, HeaderItem, Path, Renamed};
use crate::types::{Arrow, Ty};
use hashbrown::HashMap;
use std::sync::Arc;

impl Resolver<'_> {
    /// What a file brings in from others.
    pub(super) fn imported(&mut self, file: FileId) -> Namespace {
        let parsed = self.set.get(file).parsed.clone();
        let mut space = Namespace::default();
        let mut imports = self.set.get(file).imports.clone().into_iter();
        for item in &parsed.tree.header {
            let (names, path, alias, uses) = match item {
                HeaderItem::Import { names, path, .. } => (names, path, &None, false),
                HeaderItem::Use {
                    names, path, alias, ..
                } => (names, path, alias, true),
                HeaderItem::Module { .. } | HeaderItem::Export { .. } => continue,
            };
            let Some((_, Some(source))) = imports.next() else {
                // the file that is not there could hold anything
                match (names, alias) {
                    (None, None) => space.lost = Lost::Anything,
                    (None, Some(alias)) => space.lost.add(&alias.segments[0].text),
                    (Some(names), None) if !uses => {
                        for renamed in names {
                            let new = renamed.alias.as_ref().unwrap_or(&renamed.name);
                            space.lost.add(&new.segments[0].text);
                        }
                    }
                    (Some(_), None) => space.lost = Lost::Anything,
                    (Some(_), Some(alias)) => space.lost.add(&alias.segments[0].text),
                }
                continue;
            };
            let module = self.world.module(source);
            let declared = module.declared.clone();
            let module_name = module.name.clone();
            let mut brought = Namespace::default();
            match names {
                None => brought.extend(&declared),
                Some(names) => self.choose(file, source, &declared, names, &mut brought),
            }
            if !uses {
                self.warn_of_ambiguity(file, path.span, &space, &brought);
                space.extend(&brought);
                continue;
            }
            let under: Vec<String> = match (alias, module_name) {
                (Some(alias), _) => alias
                    .segments
                    .iter()
                    .map(|segment| segment.text.clone())
                    .collect(),
                (None, Some(name)) => name.split('.').map(str::to_owned).collect(),
                (None, None) => {
                    self.report(
                        Diagnostic::error(
                            codes::HEADER,
                            "a file without a name can only be used under a name given here",
                            file,
                            path.span,
                        )
                        .help("write `as Name` after the path"),
                    );
                    space.lost = Lost::Anything;
                    continue;
                }
            };
            let mut module = Arc::new(brought);
            for name in under.iter().skip(1).rev() {
                let mut outer = Namespace::default();
                outer.modules.insert(name.clone(), module);
                module = Arc::new(outer);
            }
            space.insert_module(&under[0], &module);
        }
        space
    }

    /// Takes the named definitions of a file, under their new names.
    fn choose(
        &mut self,
        file: FileId,
        source: FileId,
        declared: &Arc<Namespace>,
        names: &[Renamed],
        brought: &mut Namespace,
    ) {
        for renamed in names {
            let new = renamed.alias.as_ref().unwrap_or(&renamed.name);
            if brought.take(declared, &renamed.name, &new.segments) {
                self.refer(file, declared, &renamed.name);
                continue;
            }
            brought.lost.add(&new.segments[0].text);
            if declared.has_lost(&renamed.name.segments) {
                continue;
            }
            let target = self.set.get(source).path.display().to_string();
            let mut problem = Diagnostic::error(
                codes::NOT_DECLARED,
                format!("{target} does not declare `{}`", renamed.name.text()),
                file,
                renamed.name.span,
            );
            let hidden = Namespace::default().take(
                &self.world.module(source).space,
                &renamed.name,
                &renamed.name.segments,
            );
            problem = if hidden {
                problem.help(format!(
                    "it is there: add `{}` to the `declares` list of that file",
                    renamed.name.text()
                ))
            } else if let Some(near) = nearest(&renamed.name.text(), declared.names()) {
                problem
                    .help(format!("did you mean `{near}`?"))
                    .edit(renamed.name.span, near)
            } else {
                let mut known: Vec<&str> = declared.names().collect();
                known.sort_unstable();
                known.truncate(12);
                problem.note(format!("it declares {}", known.join(", ")))
            };
            self.report(problem);
        }
    }

    /// Notes where a name in the header is defined.
    fn refer(&mut self, file: FileId, space: &Namespace, path: &Path) {
        let Some((last, before)) = path.segments.split_last() else {
            return;
        };
        let Some(space) = space.enter(before) else {
            return;
        };
        let target = space
            .types
            .get(&last.text)
            .map(|id| self.world.ty(*id).place)
            .or_else(|| {
                space
                    .values
                    .get(&last.text)
                    .map(|value| self.place_of(*value))
            });
        if let Some(target) = target {
            self.world.references.push((
                Place {
                    file,
                    span: last.span,
                },
                target,
            ));
        }
    }

    /// Warns of names that two imports bring in for different things.
    fn warn_of_ambiguity(&mut self, file: FileId, span: Span, here: &Namespace, new: &Namespace) {
        let mut clashes: Vec<(&String, Place, Place)> = Vec::new();
        for (name, id) in &new.types {
            if let Some(first) = here.types.get(name)
                && first != id
                && self.world.ty(*first).ty != self.world.ty(*id).ty
            {
                clashes.push((name, self.world.ty(*first).place, self.world.ty(*id).place));
            }
        }
        for (name, value) in &new.values {
            if let Some(first) = here.values.get(name)
                && first != value
            {
                clashes.push((name, self.place_of(*first), self.place_of(*value)));
            }
        }
        clashes.sort_unstable();
        for (name, first, second) in clashes {
            self.world.diagnostics.push(
                Diagnostic::warning(
                    codes::AMBIGUOUS,
                    format!("this import replaces another `{name}`"),
                    file,
                    span,
                )
                .label(first, "the one imported before")
                .label(second, "the one that is used")
                .help(format!(
                    "import one of them under another name: `{name} as …`"
                )),
            );
        }
    }

    /// Decides what others can import and what clients can call.
    pub(super) fn conclude(&mut self, file: FileId, module: &mut Module, own: &Namespace) {
        let parsed = self.set.get(file).parsed.clone();
        let mut named = false;
        let mut names: HashMap<String, Span> = HashMap::new();
        for (index, item) in parsed.tree.header.iter().enumerate() {
            match item {
                HeaderItem::Module {
                    old,
                    name,
                    declares,
                    span,
                } => {
                    if *old {
                        self.report(
                            Diagnostic::warning(
                                codes::HEADER,
                                "`module` is the old spelling of `aqua`",
                                file,
                                *span,
                            )
                            .help("write `aqua`")
                            .edit(Span::new(span.start, span.start + 6), "aqua"),
                        );
                    }
                    if named || index > 0 {
                        self.report(
                            Diagnostic::error(
                                codes::HEADER,
                                "the name of the module comes first, and once",
                                file,
                                *span,
                            )
                            .help("leave one of them, in the first line"),
                        );
                        continue;
                    }
                    named = true;
                    module.name = Some(name.text());
                    match declares {
                        Some(Declares::All(_)) => module.declared = Arc::new(module.space.clone()),
                        Some(Declares::Names(names)) => self.declare(file, module, names),
                        // files of the old form let everything be seen
                        None if *old => module.declared = Arc::new(module.space.clone()),
                        None => {}
                    }
                }
                HeaderItem::Export {
                    names: exported, ..
                } => {
                    for renamed in exported {
                        self.export(file, module, renamed, &mut names);
                    }
                }
                HeaderItem::Import { .. } | HeaderItem::Use { .. } => {}
            }
        }
        if !named {
            module.declared = Arc::new(module.space.clone());
            let has_definitions = !(own.types.is_empty() && own.values.is_empty());
            if has_definitions {
                self.report(
                    Diagnostic::warning(
                        codes::HEADER,
                        "the file does not begin with its name",
                        file,
                        Span::new(0, 0),
                    )
                    .help("write `aqua Name declares *` into its first line")
                    .edit(Span::new(0, 0), "aqua Main declares *\n\n"),
                );
            }
        }
    }

    fn declare(&mut self, file: FileId, module: &mut Module, names: &[Path]) {
        let mut declared = Namespace::default();
        for path in names {
            if declared.take(&module.space, path, &path.segments) {
                self.refer(file, &module.space.clone(), path);
                continue;
            }
            declared.lost.add(&path.segments[0].text);
            if module.space.has_lost(&path.segments) {
                continue;
            }
            let mut problem = Diagnostic::error(
                codes::UNKNOWN_DECLARED,
                format!("`{}` is declared but not defined", path.text()),
                file,
                path.span,
            );
            if let Some(near) = nearest(&path.text(), module.space.names()) {
                problem = problem
                    .help(format!("did you mean `{near}`?"))
                    .edit(path.span, near);
            }
            self.report(problem);
        }
        module.declared = Arc::new(declared);
    }

    fn export(
        &mut self,
        file: FileId,
        module: &mut Module,
        renamed: &Renamed,
        names: &mut HashMap<String, Span>,
    ) {
        let new = renamed.alias.as_ref().unwrap_or(&renamed.name);
        let ([name], Some((last, before))) =
            (new.segments.as_slice(), renamed.name.segments.split_last())
        else {
            self.report(
                Diagnostic::error(
                    codes::BAD_EXPORT,
                    "what is exported needs a name without dots",
                    file,
                    new.span,
                )
                .help("write `as name` after it"),
            );
            return;
        };
        if let Some(first) = names.insert(name.text.clone(), name.span) {
            self.report(
                Diagnostic::error(
                    codes::DUPLICATE,
                    format!("`{}` is exported twice", name.text),
                    file,
                    name.span,
                )
                .label(Place { file, span: first }, "the first export is here"),
            );
            return;
        }
        let space = module.space.enter(before);
        let value = space
            .and_then(|space| space.values.get(&last.text))
            .copied();
        let ty = space.and_then(|space| space.types.get(&last.text)).copied();
        let what = match (value, ty) {
            (Some(TopValue::Func(id)), _) => {
                self.check_export(file, renamed.name.span, id);
                Exported::Func(id)
            }
            (None, Some(id)) if matches!(self.world.ty(id).ty, Ty::Service(_)) => {
                Exported::Service(id)
            }
            (None, Some(id)) if matches!(self.world.ty(id).ty, Ty::Ability(_)) => {
                self.report(
                    Diagnostic::error(
                        codes::BAD_EXPORT,
                        format!("`{}` is an ability, which clients cannot call", last.text),
                        file,
                        renamed.name.span,
                    )
                    .help("export functions and services"),
                );
                return;
            }
            // constants and data types generate nothing
            (Some(TopValue::Const(_)), _) | (None, Some(_)) => {
                self.refer(file, &module.space.clone(), &renamed.name);
                return;
            }
            (None, None) if module.space.has_lost(&renamed.name.segments) => return,
            (None, None) => {
                let mut problem = Diagnostic::error(
                    codes::UNKNOWN_DECLARED,
                    format!("`{}` is exported but not defined", renamed.name.text()),
                    file,
                    renamed.name.span,
                );
                if let Some(near) = nearest(&renamed.name.text(), module.space.names()) {
                    problem = problem
                        .help(format!("did you mean `{near}`?"))
                        .edit(renamed.name.span, near);
                }
                self.report(problem);
                return;
            }
        };
        self.refer(file, &module.space.clone(), &renamed.name);
        if let Some(first) = module.exports.iter().find(|export| export.what == what) {
            let place = Place {
                file,
                span: first.span,
            };
            self.report(
                Diagnostic::error(
                    codes::DUPLICATE,
                    format!("`{}` is exported under two names", last.text),
                    file,
                    renamed.name.span,
                )
                .label(place, "the first export is here")
                .help("leave one of them out"),
            );
            return;
        }
        module.exports.push(Export {
            name: name.text.clone(),
            span: renamed.name.span,
            what,
        });
    }

    /// Reports what keeps a function from being called by clients.
    fn check_export(&mut self, file: FileId, span: Span, id: crate::hir::FuncId) {
        let def = self.world.func(id).clone();
        for obstacle in obstacles(&def.ty) {
            self.report(
                Diagnostic::error(
                    codes::BAD_EXPORT,
                    format!("`{}` cannot be exported: {obstacle}", def.name),
                    file,
                    span,
                )
                .label(def.place, "the function is here"),
            );
        }
    }
}

/// What keeps a function of this type from being called by clients.
pub(crate) fn obstacles(ty: &Arrow) -> Vec<String> {
    let mut obstacles = Vec::new();
    for (name, ty) in &ty.params {
        let name = name.as_deref().unwrap_or("_");
        match ty {
            Ty::Ability(_) | Ty::Service(_) | Ty::Map(_) => obstacles.push(format!(
                "its argument `{name}` is {}, and clients give data and callbacks",
                ty.kind()
            )),
            Ty::Arrow(arrow) if arrow.results.len() > 1 => obstacles.push(format!(
                "its argument `{name}` is called back for more than one result"
            )),
            Ty::Arrow(_) if name == "response" => obstacles.push(String::from(
                "its argument is called `response`, which is the name of the function's own answer",
            )),
            _ => {}
        }
    }
    for ty in &ty.results {
        if matches!(
            ty,
            Ty::Arrow(_) | Ty::Ability(_) | Ty::Service(_) | Ty::Map(_)
        ) {
            obstacles.push(format!(
                "its result `{ty}` is {}, and clients get data",
                ty.kind()
            ));
        }
    }
    obstacles
}
