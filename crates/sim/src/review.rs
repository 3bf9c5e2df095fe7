//! What all peers together know of a particle, and whether it fits together.
//!
//! The log of each peer is rebuilt from its disk, so what is reviewed is what
//! would survive a crash at this moment.

mod meeting;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;
use weir_avm::log::{AuthorIdx, LogIndex, Message, MessageLimits, Record, Start};
use weir_avm::{Avm, Export, Program, audit};
use weir_identity::{Hash, Keypair, PeerId};
use weir_peer::{ParticleId, store};

pub use self::meeting::Met;
use crate::rng::Rng;
use crate::world::{NodeId, World};

/// A particle as everybody knows it.
#[derive(Debug, Clone)]
pub struct Subject {
    /// How it began.
    pub start: Arc<Start>,
    /// What it runs.
    pub program: Arc<Program>,
}

impl Subject {
    /// A particle that this node has in memory.
    pub fn of(world: &World, node: NodeId, particle: &ParticleId) -> Option<Subject> {
        let log = world.peer(node)?.log(particle)?;
        let limits = weir_air::Limits {
            bytes: usize::MAX,
            nodes: usize::MAX,
            ..weir_air::Limits::default()
        };
        let script = weir_air::parse(log.script(), &limits).ok()?;
        Some(Subject {
            start: log.start().clone(),
            program: Arc::new(Program::new(&Arc::new(script))),
        })
    }
}

/// A particle and what all peers have of it in their stores.
#[derive(Debug)]
pub struct Review {
    subject: Subject,
    /// Whose stores were read.
    read: BTreeSet<NodeId>,
    logs: Vec<Part>,
    /// Author and index of all entries in the stores. What the peers would
    /// sign at the next opportunity is in the logs, but not here.
    stored: BTreeSet<(PeerId, u32)>,
}

/// The log of one peer.
#[derive(Debug)]
struct Part {
    node: NodeId,
    export: Export,
    messages: [Message; 2],
}

/// What somebody knows who has merged all logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Together {
    /// The hash of every entry, by author and index.
    pub entries: BTreeMap<(PeerId, u32), Hash>,
    /// Steps that are reached and not answered: whose turn it is, and the
    /// instruction. Sorted.
    pub waiting: Vec<(Arc<str>, String)>,
    /// The script has completed or failed as a whole.
    pub done: bool,
    /// Errors that no `xor` caught, and what is stuck: code and text. Sorted.
    pub errors: Vec<(i64, String)>,
}

/// Something that must not happen among honest peers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Contradiction {
    /// A peer cannot rebuild a log from its own records.
    #[error("node {node} cannot read its own records: {why}")]
    Restore {
        /// Whose.
        node: NodeId,
        /// Why not.
        why: String,
    },
    /// A log does not pass its audit.
    #[error("the log of node {node} does not pass: {fault}")]
    Audit {
        /// Whose.
        node: NodeId,
        /// What the audit says.
        fault: String,
    },
    /// A log cannot be merged with the others.
    #[error("the log of node {node} does not go together with the others: {why}")]
    Merge {
        /// Whose.
        node: NodeId,
        /// What the merge says.
        why: String,
    },
    /// The same logs in another order have another meaning.
    #[error("merged in order {order:?} the logs say {theirs}, in order of the nodes {ours}")]
    Order {
        /// The order.
        order: Vec<NodeId>,
        /// What they say in this order.
        theirs: String,
        /// What they say in the order of the nodes.
        ours: String,
    },
    /// Two peers that have told each other everything do not know the same.
    #[error("node {node} and node {other} have met, and yet {what}")]
    Apart {
        /// One of them.
        node: NodeId,
        /// The other.
        other: NodeId,
        /// What only one of them knows.
        what: String,
    },
    /// An entry that a peer acknowledged is not in its log.
    #[error("node {node} acknowledged entry {index} of {author} and does not have it")]
    Lost {
        /// Whose log.
        node: NodeId,
        /// Whose entry.
        author: PeerId,
        /// Which.
        index: u32,
    },
}

impl Review {
    /// Reads what these nodes have of a particle, also those that are down.
    pub fn of(
        world: &World,
        nodes: impl IntoIterator<Item = NodeId>,
        subject: &Subject,
    ) -> Result<Review, Contradiction> {
        let read: BTreeSet<NodeId> = nodes.into_iter().collect();
        let mut logs = Vec::new();
        let mut stored = BTreeSet::new();
        for node in read.iter().copied() {
            let restored = restore(world, node, subject)?;
            let Some(mut avm) = restored else { continue };
            stored.extend(entries(&avm).into_keys());
            let export = Export::of(avm.signed_log());
            let messages =
                export
                    .messages(&subject.start)
                    .map_err(|error| Contradiction::Audit {
                        node,
                        fault: error.to_string(),
                    })?;
            logs.push(Part {
                node,
                export,
                messages,
            });
        }
        Ok(Review {
            subject: subject.clone(),
            read,
            logs,
            stored,
        })
    }

    /// How many different entries the stores hold, *start* included.
    pub fn entry_count(&self) -> u64 {
        self.stored.len() as u64
    }

    /// Nodes that have something of the particle.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.logs.iter().map(|part| part.node)
    }

    /// Merges all logs in the order of the nodes.
    pub fn together(&self) -> Result<Together, Contradiction> {
        let order: Vec<usize> = (0..self.logs.len()).collect();
        self.merged(&order)
    }

    /// Audits each log by itself.
    pub fn audit(&self) -> Result<(), Contradiction> {
        for part in &self.logs {
            audit(&part.export).map_err(|fault| Contradiction::Audit {
                node: part.node,
                fault: fault.to_string(),
            })?;
        }
        Ok(())
    }

    /// Audits each log and merges them in several orders, which must say the
    /// same. Returns what they say.
    pub fn check(&self, rng: &mut Rng) -> Result<Together, Contradiction> {
        self.audit()?;
        let ours = self.together()?;
        let mut order: Vec<usize> = (0..self.logs.len()).collect();
        for _ in 0..3 {
            for last in (1..order.len()).rev() {
                order.swap(last, rng.below(last as u64 + 1) as usize);
            }
            let theirs = self.merged(&order)?;
            if theirs != ours {
                return Err(Contradiction::Order {
                    order: order.iter().map(|index| self.logs[*index].node).collect(),
                    theirs: format!("{theirs:?}"),
                    ours: format!("{ours:?}"),
                });
            }
        }
        Ok(ours)
    }

    /// Checks that every entry of this particle that a node acknowledged is in
    /// its log, as long as the particle is to be remembered.
    pub fn check_acknowledged(&self, world: &World) -> Result<(), Contradiction> {
        if world.now() >= world.forgets_at(&self.subject.start) {
            return Ok(());
        }
        let limits = MessageLimits::default();
        let particle = self.subject.start.id();
        for (node, packet) in world.acknowledged() {
            if packet.particle != particle || !self.read.contains(node) {
                continue;
            }
            let part = self.logs.iter().find(|part| part.node == *node);
            let Ok(message) = Message::decode(&packet.message, &limits) else {
                continue;
            };
            if part.is_none() && message.start.is_some() {
                return Err(Contradiction::Lost {
                    node: *node,
                    author: self.subject.start.initiator,
                    index: 0,
                });
            }
            for suffix in &message.suffixes {
                let author = suffix.head.head.author;
                let held = part.and_then(|part| {
                    let mut suffixes = part.messages.iter().flat_map(|m| &m.suffixes);
                    suffixes.find(|held| held.head.head.author == author)
                });
                for (index, entry) in (suffix.from()..).zip(&suffix.entries) {
                    let found =
                        held.and_then(|held| held.entries.get((index - held.from()) as usize));
                    if found.is_none_or(|found| found.leaf() != entry.leaf()) {
                        return Err(Contradiction::Lost {
                            node: *node,
                            author,
                            index,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    fn merged(&self, order: &[usize]) -> Result<Together, Contradiction> {
        let observer = Arc::new(observer());
        let wrong = |node: NodeId, why: &dyn ToString| Contradiction::Merge {
            node,
            why: why.to_string(),
        };
        let mut avm = Avm::new(
            self.subject.start.clone(),
            self.subject.program.clone(),
            observer,
        )
        .map_err(|error| wrong(0, &error))?;
        avm.mute();
        let (mut errors, mut done) = (Vec::new(), false);
        for index in order {
            let part = &self.logs[*index];
            for message in part.messages.iter().filter(|message| !message.is_empty()) {
                let merged = avm
                    .merge(message.clone(), self.subject.start.initiator)
                    .map_err(|error| wrong(part.node, &error))?;
                if let Some(refused) = merged.refused.first() {
                    return Err(wrong(part.node, &format!("{refused:?}")));
                }
                if !merged.wants.is_empty() {
                    return Err(wrong(part.node, &format!("it lacks {:?}", merged.wants)));
                }
            }
            let effects = avm.drain();
            if let Some(offence) = effects.offences.first() {
                return Err(wrong(part.node, &offence.message));
            }
            errors.extend(
                effects
                    .errors
                    .into_iter()
                    .chain(effects.stuck)
                    .map(|r| (r.code, r.message)),
            );
            done |= effects.done;
        }
        if let Some(proof) = avm.log().equivocations().next() {
            return Err(wrong(0, &format!("equivocation: {proof:?}")));
        }
        errors.sort();
        let mut waiting: Vec<_> = avm
            .waiting()
            .into_iter()
            .map(|step| (step.peer, step.what))
            .collect();
        waiting.sort();
        Ok(Together {
            entries: entries(&avm),
            waiting,
            done,
            errors,
        })
    }
}

/// A key that no peer of a world has.
fn observer() -> Keypair {
    World::key_of("(observer)")
}

fn entries(avm: &Avm) -> BTreeMap<(PeerId, u32), Hash> {
    let log = avm.log();
    let leaf = |author: AuthorIdx, index| log.leaf(author, index);
    log.entries_from(LogIndex(0))
        .filter_map(|(_, held)| {
            Some((
                (log.author(held.author), held.index),
                leaf(held.author, held.index)?,
            ))
        })
        .collect()
}

fn restore(world: &World, node: NodeId, subject: &Subject) -> Result<Option<Avm>, Contradiction> {
    let Subject { start, program } = subject;
    let id = world.id(node);
    let prefix = store::records_prefix(start.id(), id);
    let mut records = world.disk(node).below(&prefix).peekable();
    if records.peek().is_none() && start.initiator != id {
        return Ok(None);
    }
    let records = records.map(|(_, value)| Record::from_bytes(Bytes::copy_from_slice(value)));
    Avm::restore(
        start.clone(),
        program.clone(),
        world.keypair(node).clone(),
        records,
    )
    .map(Some)
    .map_err(|error| Contradiction::Restore {
        node,
        why: error.to_string(),
    })
}
