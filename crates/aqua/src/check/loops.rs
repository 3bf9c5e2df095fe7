//! Iterations.

use super::Body;
use crate::diagnostic::codes;
use crate::hir::{Expr, Item, Stmt, StmtKind};
use crate::syntax::{self, Block, ForItem, ForMode};
use crate::types::{Record, Ty};
use std::sync::Arc;

impl Body<'_> {
    pub(super) fn for_loop(
        &mut self,
        item: &ForItem,
        iterable: &syntax::Expr,
        mode: ForMode,
        body: &Block,
    ) -> StmtKind {
        let iterable = self.value(iterable);
        self.scoped(|this| {
            let item = this.item(item, &iterable);
            let body: Vec<Stmt> = this.block(body);
            StmtKind::For {
                item,
                iterable,
                mode,
                body,
            }
        })
    }

    pub(super) fn parseq(
        &mut self,
        item: &ForItem,
        iterable: &syntax::Expr,
        peer: &syntax::Expr,
        via: &[syntax::Expr],
        body: &Block,
    ) -> StmtKind {
        let iterable = self.value(iterable);
        self.scoped(|this| {
            let item = this.item(item, &iterable);
            let at = this.at(peer, via);
            let body = this.block(body);
            StmtKind::Parseq {
                item,
                iterable,
                at,
                body,
            }
        })
    }

    /// The element of an iteration, and its key if it has two names.
    fn item(&mut self, item: &ForItem, iterable: &Expr) -> Item {
        let element = match &iterable.ty {
            Ty::Error => Ty::Error,
            Ty::Map(element) if item.second.is_some() => (**element).clone(),
            Ty::Map(element) => Ty::Struct(Arc::new(Record {
                name: String::from("Pair"),
                members: vec![
                    (String::from("key"), Ty::STRING),
                    (String::from("value"), (**element).clone()),
                ],
            })),
            ty => {
                if let Some(element) = ty.element() {
                    element.clone()
                } else {
                    self.report(
                        self.error(
                            codes::NOT_A_COLLECTION,
                            format!("{} has no elements to iterate over", ty.said()),
                            iterable.span,
                        )
                        .help("iterate over an array, an option, a stream or a map"),
                    );
                    Ty::Error
                }
            }
        };
        let Some(second) = &item.second else {
            return Item {
                name: item.first.text.clone(),
                value: self.define(&item.first, element),
                key: None,
            };
        };
        if !matches!(iterable.ty, Ty::Map(_) | Ty::Error) {
            self.report(self.error(
                codes::NOT_A_COLLECTION,
                "only the elements of a map have a key and a value",
                second.span,
            ));
        }
        let key = self.define(&item.first, Ty::STRING);
        Item {
            name: second.text.clone(),
            value: self.define(second, element),
            key: Some(key),
        }
    }
}
