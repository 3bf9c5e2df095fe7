//! A parsed script.

use std::sync::Arc;

use crate::ast::{Instruction, NameId, Node, NodeId, Span, Variable};
use crate::diagnostic::Diagnostic;

/// A script that has passed all checks: its text, its instructions in text
/// order and its names.
#[derive(Debug, Clone)]
pub struct Script {
    pub(crate) text: Arc<str>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) parents: Vec<NodeId>,
    /// Where each name appears first.
    pub(crate) names: Vec<Span>,
    pub(crate) warnings: Vec<Diagnostic>,
}

impl Script {
    /// The text that was parsed.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// All instructions in text order; there is at least one.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// One instruction of this script.
    ///
    /// # Panics
    /// If `id` belongs to another script and is not in this one.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The instruction around this one; none for the root.
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        (id != NodeId::ROOT).then(|| self.parents[id.index()])
    }

    /// The children of an instruction in text order: none, one or two.
    pub fn children(&self, id: NodeId) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        self.node(id).instruction.children()
    }

    /// The instructions around this one, from the inside out.
    pub fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(self.parent(id), |id| self.parent(*id))
    }

    /// The innermost fold around `id` that iterates with `iterator`. For a
    /// `next` and its iterator there is always one.
    pub fn fold_of(&self, id: NodeId, iterator: Variable) -> Option<NodeId> {
        self.ancestors(id).find(|id| {
            matches!(self.node(*id).instruction, Instruction::Fold { iterator: own, .. } if own == iterator)
        })
    }

    /// The spelling of a variable, sigil included.
    pub fn name(&self, variable: Variable) -> &str {
        self.spelling(variable.name)
    }

    /// The spelling behind a name's number.
    pub fn spelling(&self, name: NameId) -> &str {
        &self.text[self.names[name.index()].range()]
    }

    /// How many different names there are: all [`NameId`]s are below.
    pub fn names_count(&self) -> usize {
        self.names.len()
    }

    /// What is accepted but most likely wrong.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Whether both are the same program: the same instructions with the same
    /// operands and names, whatever the layout of the text.
    pub fn same_program(&self, other: &Self) -> bool {
        self.nodes.len() == other.nodes.len()
            && self.names.len() == other.names.len()
            && self
                .nodes
                .iter()
                .zip(&other.nodes)
                .all(|(own, their)| own.end == their.end && own.instruction == their.instruction)
            && (0..self.names.len() as u32)
                .all(|name| self.spelling(NameId(name)) == other.spelling(NameId(name)))
    }
}
