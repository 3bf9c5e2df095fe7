//! Definitions and uses, iterators and `next`.
//!
//! One walk in text order. A use is *settled* when a definition that starts
//! earlier has ended; it is *open* when only a fold or `new` around it defines
//! the name; else it is *undefined*. Of the uses of a name that are not settled,
//! in the order in which their instructions end, only the first must be defined:
//! scripts rely on that. The others get warnings.

use crate::ast::{Instruction, NameId, NodeId, Variable, VariableKind};
use crate::diagnostic::{Diagnostic, codes, quoted};
use crate::names::nearest;
use crate::script::Script;

use super::uses::{Rule, result, uses};
use super::{Findings, locate};

/// What is known of a name at a point of the walk.
#[derive(Debug, Clone, Default)]
struct Name {
    /// The instruction that defines it first.
    defined_by: Option<NodeId>,
    /// A definition has ended.
    settled: bool,
    /// How many folds and `new`s around this point define it.
    open: u32,
    /// The first use that was not settled, and whether it is undefined.
    verified: Option<(NodeId, bool)>,
    /// The fold around this point which iterates with it.
    fold: Option<NodeId>,
    /// The `next` of that fold.
    next: Option<NodeId>,
}

/// A use of a name that is not settled.
#[derive(Debug, Clone, Copy)]
struct Use {
    node: NodeId,
    variable: Variable,
    undefined: bool,
}

/// An instruction with a body, around this point.
#[derive(Debug, Clone, Copy)]
struct Open {
    node: NodeId,
    end: NodeId,
    /// The length of `Walk::pending` before its own uses.
    pending: usize,
    binds: Option<Variable>,
    /// It is the fold that its iterator belongs to.
    iterates: bool,
}

struct Walk<'s, 'f> {
    script: &'s Script,
    findings: &'f mut Findings,
    names: Vec<Name>,
    open: Vec<Open>,
    /// Uses of the instructions in `open` that are verified when these end.
    pending: Vec<Use>,
    /// Undefined uses that the language does not verify.
    unverified: Vec<Use>,
    /// Streams and maps that a `canon` reads before anything defines them.
    sources: Vec<Use>,
}

pub(super) fn check(script: &Script, findings: &mut Findings) {
    let mut walk = Walk {
        script,
        findings,
        names: vec![Name::default(); script.names_count()],
        open: Vec::new(),
        pending: Vec::new(),
        unverified: Vec::new(),
        sources: Vec::new(),
    };
    for id in (0..script.nodes().len() as u32).map(NodeId) {
        walk.end_before(id);
        walk.enter(id);
    }
    walk.end_before(NodeId(script.nodes().len() as u32));
    walk.report();
}

impl<'s> Walk<'s, '_> {
    fn enter(&mut self, id: NodeId) {
        let node = self.script.node(id);
        let before = self.pending.len();
        uses(&node.instruction, |variable, rule| {
            self.read(id, variable, rule);
        });
        let (binds, iterates) = match node.instruction {
            Instruction::Fold { iterator, .. } => (Some(iterator), self.enter_fold(id, iterator)),
            Instruction::New { variable, .. } => {
                self.enter_new(id, variable);
                (Some(variable), false)
            }
            Instruction::Next { iterator } => {
                self.next(id, iterator);
                (None, false)
            }
            Instruction::Match { .. } | Instruction::Mismatch { .. } => (None, false),
            _ => {
                self.verify(before);
                if let Some(variable) = result(&node.instruction) {
                    self.write(id, variable);
                }
                return;
            }
        };
        if let Some(variable) = binds {
            self.define(id, variable).open += 1;
        }
        self.open.push(Open {
            node: id,
            end: node.end,
            pending: before,
            binds,
            iterates,
        });
    }

    fn end_before(&mut self, id: NodeId) {
        while let Some(open) = self.open.pop_if(|open| open.end <= id) {
            self.verify(open.pending);
            let Some(variable) = open.binds else {
                continue;
            };
            let name = self.define(open.node, variable);
            name.open -= 1;
            name.settled = true;
            if open.iterates {
                name.fold = None;
                name.next = None;
            }
        }
    }

    fn name(&mut self, name: NameId) -> &mut Name {
        &mut self.names[name.index()]
    }

    fn define(&mut self, id: NodeId, variable: Variable) -> &mut Name {
        let name = &mut self.names[variable.name.index()];
        name.defined_by.get_or_insert(id);
        name
    }

    fn read(&mut self, node: NodeId, variable: Variable, rule: Rule) {
        let name = self.name(variable.name);
        if name.settled {
            return;
        }
        let undefined = name.open == 0;
        let found = Use {
            node,
            variable,
            undefined,
        };
        match rule {
            Rule::Checked => self.pending.push(found),
            Rule::Unchecked if undefined => self.unverified.push(found),
            Rule::Source if undefined => self.sources.push(found),
            Rule::Unchecked | Rule::Source => {}
        }
    }

    /// Verifies the pending uses from the position `from` on: their instruction ends.
    fn verify(&mut self, from: usize) {
        if self.pending.len() == from {
            return;
        }
        for found in self.pending.drain(from..) {
            let name = &mut self.names[found.variable.name.index()];
            if name.verified.is_none() {
                name.verified = Some((found.node, found.undefined));
            } else if found.undefined {
                self.unverified.push(found);
            }
        }
    }

    fn write(&mut self, id: NodeId, variable: Variable) {
        let name = self.define(id, variable);
        name.settled = true;
        let Some(fold) = name.fold else {
            return;
        };
        let script = self.script;
        self.findings.warning(|| {
            let spelling = quoted(script.name(variable));
            Diagnostic::warning(
                codes::RESULT_NAMED_AS_ITERATOR,
                format!("this result has the name of the iterator {spelling}"),
                locate::last_word(script, id),
            )
            .label(locate::head(script, fold), "this fold iterates with it")
            .help("choose another name: which value a later use sees is hard to tell")
        });
    }

    /// Whether the fold gets its iterator.
    fn enter_fold(&mut self, id: NodeId, iterator: Variable) -> bool {
        let script = self.script;
        let name = self.name(iterator.name);
        let Some(outer) = name.fold else {
            name.fold = Some(id);
            return true;
        };
        self.findings.error(|| {
            Diagnostic::error(
                codes::ITERATOR_REUSED,
                format!(
                    "{} iterates already in a fold around this one",
                    quoted(script.name(iterator))
                ),
                locate::last_word(script, id),
            )
            .label(locate::head(script, outer), "the fold around it")
            .help("give this fold another iterator")
        });
        false
    }

    fn enter_new(&mut self, id: NodeId, variable: Variable) {
        let script = self.script;
        let Some(fold) = self.name(variable.name).fold else {
            return;
        };
        self.findings.error(|| {
            Diagnostic::error(
                codes::NEW_ITERATOR,
                format!(
                    "`new` cannot hide the iterator {}",
                    quoted(script.name(variable))
                ),
                locate::last_word(script, id),
            )
            .label(locate::head(script, fold), "this fold iterates with it")
            .help("choose another name for the new variable")
        });
    }

    fn next(&mut self, id: NodeId, iterator: Variable) {
        let script = self.script;
        let name = self.name(iterator.name);
        let Some(fold) = name.fold else {
            return self.findings.error(|| stray_next(script, id, iterator));
        };
        if let Some(first) = name.next {
            return self.findings.error(|| {
                let spelling = quoted(script.name(iterator));
                Diagnostic::error(
                    codes::SECOND_NEXT,
                    format!("the fold over {spelling} has a `next` already"),
                    script.node(id).span,
                )
                .label(script.node(first).span, "the first one")
                .label(locate::head(script, fold), "the fold")
                .help("a fold has at most one `next`, counting all branches: put it after the branching")
            });
        }
        name.next = Some(id);
    }

    fn report(mut self) {
        let script = self.script;
        let defined: Vec<&'s str> = (0..self.names.len() as u32)
            .map(NameId)
            .filter(|name| self.names[name.index()].defined_by.is_some())
            .map(|name| script.spelling(name))
            .collect();
        let mut failed = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            if let Some((node, true)) = name.verified {
                failed.push((NameId(index as u32), node, name.defined_by));
            }
        }
        for (name, node, later) in failed {
            self.findings
                .error(|| undefined(script, name, node, later, &defined));
        }
        for found in std::mem::take(&mut self.unverified) {
            let name = &self.names[found.variable.name.index()];
            if matches!(name.verified, Some((_, true))) {
                continue;
            }
            self.findings.warning(|| {
                let spelling = script.name(found.variable);
                let place = locate::first_mention(script, found.node, found.variable);
                let message = format!("nothing before this defines {}", quoted(spelling));
                let warning = Diagnostic::warning(codes::MAYBE_UNDEFINED, message, place);
                warning.help("the language accepts this, but running it may wait for ever or fail")
            });
        }
        for found in std::mem::take(&mut self.sources) {
            if self.names[found.variable.name.index()].defined_by.is_some() {
                continue;
            }
            self.findings.warning(|| {
                let spelling = quoted(script.name(found.variable));
                let place = locate::first_mention(script, found.node, found.variable);
                let message = format!("nothing ever fills {spelling}");
                let warning = Diagnostic::warning(codes::NEVER_FILLED, message, place);
                warning.help("the result will be empty")
            });
        }
    }
}

fn stray_next(script: &Script, id: NodeId, iterator: Variable) -> Diagnostic {
    let error = Diagnostic::error(
        codes::STRAY_NEXT,
        format!(
            "`next` stands outside of a fold with the iterator {}",
            quoted(script.name(iterator))
        ),
        locate::last_word(script, id),
    );
    let around = script
        .ancestors(id)
        .find_map(|node| match script.node(node).instruction {
            Instruction::Fold { iterator, .. } => Some(iterator),
            _ => None,
        });
    match around {
        None => error.help("`next` belongs inside a fold: `(fold list item (seq … (next item)))`"),
        Some(own) => error.help(format!(
            "the fold around it iterates with {}",
            quoted(script.name(own))
        )),
    }
}

fn undefined(
    script: &Script,
    name: NameId,
    node: NodeId,
    later: Option<NodeId>,
    defined: &[&str],
) -> Diagnostic {
    let spelling = script.spelling(name);
    let variable = Variable {
        kind: kind_of(spelling),
        name,
    };
    let place = locate::first_mention(script, node, variable);
    let error = Diagnostic::error(
        codes::UNDEFINED,
        format!("{} is not defined", quoted(spelling)),
        place,
    );
    if let Some(later) = later {
        let message = if later == node {
            "this defines it only afterwards"
        } else {
            "it is defined here, which is too late"
        };
        return error
            .label(locate::head(script, later), message)
            .help("a name can be used by instructions that start after the one that defines it");
    }
    let wanted = bare(spelling);
    let similar = defined
        .iter()
        .copied()
        .find(|candidate| bare(candidate) == wanted)
        .or_else(|| nearest(spelling, defined.iter().copied()));
    match similar {
        Some(similar) => error.help(format!("did you mean {}?", quoted(similar))),
        None => error.help("a call, `ap`, `canon`, `new` or a fold must define it before"),
    }
}

/// A name without its sigil.
fn bare(spelling: &str) -> &str {
    spelling.trim_start_matches(['$', '%', '#'])
}

fn kind_of(spelling: &str) -> VariableKind {
    match spelling.as_bytes() {
        [b'$', ..] => VariableKind::Stream,
        [b'%', ..] => VariableKind::StreamMap,
        [b'#', b'%', ..] => VariableKind::CanonMap,
        [b'#', ..] => VariableKind::Canon,
        _ => VariableKind::Scalar,
    }
}
