//! Types as they are written.

use super::{Namespace, TypeDef};
use crate::diagnostic::{Diagnostic, codes};
use crate::source::{FileId, Place};
use crate::syntax::{Signature, TypeExpr, TypeKind};
use crate::types::{Arrow, Scalar, Ty};
use std::sync::Arc;

/// What collections and structures hold.
pub(crate) const ELEMENTS: &str = "elements and fields are data: numbers, strings, truth values, structures, and arrays and options of them";

/// How large a type is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// How many types it consists of.
    pub(super) size: usize,
    /// How deep they are nested.
    pub(super) depth: usize,
}

impl Extent {
    pub(super) const ONE: Self = Self { size: 1, depth: 1 };

    pub(super) fn with(self, part: Self) -> Self {
        Self {
            size: self.size.saturating_add(part.size),
            depth: self.depth.max(part.depth.saturating_add(1)),
        }
    }
}

/// Reads types of one file.
pub(crate) struct TypeReader<'a> {
    /// The types that have names.
    pub(crate) types: &'a [TypeDef],
    /// The file.
    pub(crate) file: FileId,
    /// What names stand for there.
    pub(crate) space: &'a Namespace,
    /// What is wrong.
    pub(crate) diagnostics: &'a mut Vec<Diagnostic>,
    /// Where a type is used, and where it is defined.
    pub(crate) references: &'a mut Vec<(Place, Place)>,
}

impl TypeReader<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// The type that is written there.
    pub(crate) fn ty(&mut self, ty: &TypeExpr) -> (Ty, Extent) {
        match &ty.kind {
            TypeKind::Error => (Ty::Error, Extent::ONE),
            TypeKind::Top => (Ty::Top, Extent::ONE),
            TypeKind::Bottom => (Ty::Bottom, Extent::ONE),
            TypeKind::Array(element) => self.collection(element, Ty::Array),
            TypeKind::Option(element) => self.collection(element, Ty::Option),
            TypeKind::Stream(element) => self.collection(element, Ty::Stream),
            TypeKind::Map(element) => self.collection(element, Ty::Map),
            TypeKind::Arrow(signature) => {
                let (arrow, extent) = self.signature(signature);
                (Ty::Arrow(Arc::new(arrow)), extent)
            }
            TypeKind::Named(path) => {
                if let [name] = path.segments.as_slice()
                    && let Some(scalar) = Scalar::named(&name.text)
                {
                    return (Ty::Scalar(scalar), Extent::ONE);
                }
                let Some(id) = self.space.find_type(path) else {
                    if self.space.has_lost(&path.segments) {
                        return (Ty::Error, Extent::ONE);
                    }
                    let names: Vec<&str> = self
                        .space
                        .types
                        .keys()
                        .map(String::as_str)
                        .chain(Scalar::ALL.map(Scalar::name))
                        .collect();
                    let mut problem = Diagnostic::error(
                        codes::UNKNOWN_TYPE,
                        format!("there is no type `{}`", path.text()),
                        self.file,
                        path.span,
                    );
                    problem = match crate::diagnostic::nearest(&path.text(), names.into_iter()) {
                        Some(near) => problem
                            .help(format!("did you mean `{near}`?"))
                            .edit(path.span, near),
                        None => problem.help("define it, or import the file that declares it"),
                    };
                    self.report(problem);
                    return (Ty::Error, Extent::ONE);
                };
                let def = &self.types[id.0 as usize];
                let found = (
                    def.ty.clone(),
                    Extent {
                        size: def.size,
                        depth: def.depth,
                    },
                );
                let reference = (
                    Place {
                        file: self.file,
                        span: path.span,
                    },
                    def.place,
                );
                self.references.push(reference);
                found
            }
        }
    }

    fn collection(&mut self, element: &TypeExpr, make: impl Fn(Arc<Ty>) -> Ty) -> (Ty, Extent) {
        let (ty, extent) = self.ty(element);
        if !ty.is_data() {
            let problem = Diagnostic::error(
                codes::NOT_DATA,
                format!("{} cannot be an element of a collection", ty.kind()),
                self.file,
                element.span,
            )
            .note(ELEMENTS);
            self.report(match ty.element() {
                Some(inner) if *inner != Ty::Error => problem
                    .help("hold its elements in an array")
                    .edit(element.span, format!("[]{inner}")),
                _ => problem,
            });
            return (make(Arc::new(Ty::Error)), Extent::ONE);
        }
        (make(Arc::new(ty)), Extent::ONE.with(extent))
    }

    /// Arguments, abilities first, and results.
    pub(crate) fn signature(&mut self, signature: &Signature) -> (Arrow, Extent) {
        let mut extent = Extent::ONE;
        let mut params = Vec::new();
        for path in &signature.abilities {
            let (ty, part) = self.ty(&TypeExpr {
                kind: TypeKind::Named(path.clone()),
                span: path.span,
            });
            if ty.members().is_none() && ty != Ty::Error {
                self.report(Diagnostic::error(
                    codes::BAD_TYPE,
                    format!("`{}` is neither an ability nor a service", path.text()),
                    self.file,
                    path.span,
                ));
            }
            extent = extent.with(part);
            params.push((Some(path.text()), ty));
        }
        for param in &signature.params {
            let (ty, part) = self.ty(&param.ty);
            extent = extent.with(part);
            params.push((param.name.as_ref().map(|name| name.text.clone()), ty));
        }
        let mut results = Vec::new();
        for ty in &signature.results {
            let (ty, part) = self.ty(ty);
            extent = extent.with(part);
            results.push(ty);
        }
        (Arrow { params, results }, extent)
    }
}
