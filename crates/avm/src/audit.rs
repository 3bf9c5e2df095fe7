//! What a third party checks: that a log is what its script and its authors'
//! knowledge allow. Needs no network and no key.
//!
//! For every author the script is evaluated on exactly what that author had
//! learnt, entry by entry; each entry must lie on a step of its author that
//! was reached by then, with the arguments and origins that the script gives,
//! and each canon must hold what it had to. The cost is the sum of the pasts of
//! all authors.
//!
//! It cannot be proven that a service answered truthfully, what the time was,
//! or that nobody withholds the end of a journal on which nobody built.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use weir_identity::PeerId;

use crate::avm::{Facts, facts_of, particle_of};
use crate::eval::{CanonHistory, Claim, Fact, Machine, Program, Support, Verdict};
use crate::export::{Export, ExportError, place};
use crate::log::{AuthorIdx, Log, LogIndex, LogLimits};

/// The document is here as a whole, so what waits in memory is no more than that.
const UNLIMITED: LogLimits = LogLimits {
    parked_bytes_per_sender: usize::MAX,
    parked_bytes: usize::MAX,
    parked_suffixes: usize::MAX,
    branches_per_author: usize::MAX,
    named_branches_per_author: 0,
    message_bytes: usize::MAX,
};

/// What an audit found to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audited {
    /// Journals, each under its author's signature.
    pub authors: u32,
    /// Entries.
    pub entries: u32,
}

/// The first thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}", place(.author.as_ref(), *.index))]
pub struct Fault {
    /// In whose journal.
    pub author: Option<PeerId>,
    /// At which entry.
    pub index: Option<u32>,
    /// What is wrong.
    pub what: String,
}

impl From<ExportError> for Fault {
    fn from(error: ExportError) -> Fault {
        match error {
            ExportError::Wrong {
                author,
                index,
                what,
            } => Fault {
                author,
                index,
                what,
            },
            other => Fault {
                author: None,
                index: None,
                what: other.to_string(),
            },
        }
    }
}

/// Audits an export: hashes, signatures, causal order, and every step. Who contradicted itself is
/// named before anything else, because others may have built on what is not in its journal here.
pub fn audit(export: &Export) -> Result<Audited, Fault> {
    let (log, program, authors) = load(export)?;
    if let Some(proof) = log.equivocations().next() {
        return Err(Fault {
            author: Some(proof.author),
            index: Some(proof.index),
            what: "its author signed two different entries for this place of its journal".into(),
        });
    }
    audit_log(&log, &program)?;
    if Export::of(&log) != *export {
        return Err(general("the journals or values are not in canonical order"));
    }
    Ok(Audited {
        authors,
        entries: log.len(),
    })
}

fn general(what: &str) -> Fault {
    Fault {
        author: None,
        index: None,
        what: what.to_owned(),
    }
}

/// The log in an export, its script, and the number of its journals. Checks hashes, signatures and causal order.
pub(crate) fn load(export: &Export) -> Result<(Log, Arc<Program>, u32), Fault> {
    let (start, text) = export.start()?;
    let script = weir_air::parse(&text, &weir_air::Limits::default())
        .map_err(|_| general("the script does not parse"))?;
    let program = Arc::new(Program::new(&Arc::new(script)));
    let messages = export.messages(&start)?;
    let authors = messages[0].suffixes.len() as u32;
    let suffixes = messages.iter().flat_map(|message| &message.suffixes);
    let heads: Vec<_> = suffixes.map(|suffix| suffix.head.head).collect();
    let mut log = Log::observer(start.clone(), text)
        .map_err(|error| general(&error.to_string()))?
        .with_limits(UNLIMITED);
    // The journals first: they are what is evaluated.
    for message in messages {
        if message.suffixes.is_empty() && message.equivocations.is_empty() {
            continue;
        }
        let received = log
            .merge(message, start.initiator)
            .map_err(|error| general(&error.to_string()))?;
        if let Some(refused) = received.refused.first() {
            return Err(Fault {
                author: Some(refused.author),
                index: None,
                what: refused.why.to_string(),
            });
        }
    }
    for head in &heads {
        if !log.has_head(head) {
            let what = "it names what is not in the export".to_owned();
            return Err(Fault {
                author: Some(head.author),
                index: None,
                what,
            });
        }
    }
    Ok((log, program, authors))
}

/// Audits what a log holds; signatures and hashes were checked when it merged.
pub fn audit_log(log: &Log, program: &Arc<Program>) -> Result<(), Fault> {
    let mut first: Option<(u32, Fault)> = None;
    for author in (0..log.author_count()).map(AuthorIdx) {
        if let Err((at, fault)) = Auditor::new(log, program).check(author)
            && first.as_ref().is_none_or(|(known, _)| at < *known)
        {
            first = Some((at, fault));
        }
    }
    first.map_or(Ok(()), |(_, fault)| Err(fault))
}

/// What is found of an entry that cannot be said to hold.
enum Finding {
    Wrong(String),
    /// A limit was reached before: its author may have seen what the audit
    /// does not.
    BeyondLimit(String),
}

/// Follows the knowledge of one author.
struct Auditor<'a> {
    log: &'a Log,
    machine: Machine,
    /// How much of each journal has been learnt.
    known: FxHashMap<AuthorIdx, u32>,
    history: CanonHistory,
    texts: FxHashMap<AuthorIdx, Arc<str>>,
}

impl<'a> Auditor<'a> {
    fn new(log: &'a Log, program: &Arc<Program>) -> Self {
        let mut machine = Machine::new(program.clone(), &particle_of(log), None);
        machine.begin(NOTHING);
        let done = machine.run();
        debug_assert!(done, "the turn has no end");
        let known = FxHashMap::from_iter([(AuthorIdx(0), 1)]);
        Auditor {
            log,
            machine,
            known,
            history: CanonHistory::default(),
            texts: FxHashMap::default(),
        }
    }

    /// Checks the journal of one author; the error carries the place in the log.
    fn check(mut self, author: AuthorIdx) -> Result<(), (u32, Fault)> {
        for index in 0..self.log.journal_len(author) {
            let Some(at) = self.log.position(author, index) else {
                continue;
            };
            self.learn_past(at);
            match self.check_entry(author, index, at) {
                Ok(()) => {}
                Err(Finding::Wrong(what)) => {
                    let fault = Fault {
                        author: Some(self.log.author(author)),
                        index: Some(index),
                        what,
                    };
                    return Err((at.0, fault));
                }
                Err(Finding::BeyondLimit(what)) => {
                    let limit = self.machine.limit_reached().unwrap_or_default();
                    let peer = self.log.author(author);
                    let what = format!(
                        "{limit}, and where depends on the order of arrival: entry {index} of {peer} cannot be judged ({what})"
                    );
                    return Err((at.0, general(&what)));
                }
            }
        }
        let Some(index) = self.history.contradiction() else {
            return Ok(());
        };
        let at = self.log.position(author, index).unwrap_or_default();
        let what = "the canon contradicts an earlier one of its author in the order of elements";
        Err((
            at.0,
            Fault {
                author: Some(self.log.author(author)),
                index: Some(index),
                what: what.to_owned(),
            },
        ))
    }

    /// Learns what the entry's author had newly learnt, in causal order.
    fn learn_past(&mut self, at: LogIndex) {
        let mut fresh: Vec<LogIndex> = Vec::new();
        let mut open: Vec<(AuthorIdx, u32)> = self.log.learnt(at).collect();
        while let Some((author, length)) = open.pop() {
            let known = self.known.entry(author).or_insert(0);
            for index in *known..length {
                if let Some(at) = self.log.position(author, index) {
                    fresh.push(at);
                    open.extend(self.log.learnt(at));
                }
            }
            *known = length.max(*known);
        }
        fresh.sort_unstable();
        for at in fresh {
            // What others got wrong is found when their journal is checked.
            let Some(held) = self.log.entry(at) else {
                continue;
            };
            let (author, index) = (held.author, held.index);
            if let Ok(Facts::Steps(facts)) = self.facts(author, index, at) {
                let _found_there = self.machine.learn_entry(facts, NOTHING);
            }
        }
    }

    fn check_entry(&mut self, author: AuthorIdx, index: u32, at: LogIndex) -> Result<(), Finding> {
        let known = self.known.entry(author).or_insert(0);
        *known = (index + 1).max(*known);
        match self.facts(author, index, at).map_err(Finding::Wrong)? {
            Facts::None => Ok(()),
            Facts::Presence => {
                let peer = self.text(author);
                if self.machine.is_addressed(&peer) {
                    Ok(())
                } else {
                    Err(self.unless_limited("its author has no part in the particle".into()))
                }
            }
            Facts::Steps(facts) => {
                for (step, fact) in &facts {
                    if let Fact::Canon {
                        base, kept, keys, ..
                    } = fact
                    {
                        let claim = Claim {
                            entry: index,
                            base: *base,
                            kept: *kept,
                            keys,
                        };
                        self.machine
                            .check_canon(&mut self.history, step, claim)
                            .map_err(|what| self.unless_limited(what))?;
                    }
                }
                match self.machine.learn_entry(facts, NOTHING) {
                    Verdict::Holds => Ok(()),
                    Verdict::Unknown(what) => Err(Finding::BeyondLimit(what)),
                    Verdict::Wrong((_, what)) => Err(Finding::Wrong(what)),
                }
            }
        }
    }

    fn unless_limited(&self, what: String) -> Finding {
        if self.machine.limit_reached().is_some() {
            Finding::BeyondLimit(what)
        } else {
            Finding::Wrong(what)
        }
    }

    fn facts(&mut self, author: AuthorIdx, index: u32, at: LogIndex) -> Result<Facts, String> {
        let peer = self.text(author);
        let Some(held) = self.log.entry(at) else {
            return Ok(Facts::None);
        };
        facts_of(self.log, held.entry, index, &peer)
    }

    fn text(&mut self, author: AuthorIdx) -> Arc<str> {
        let log = self.log;
        self.texts
            .entry(author)
            .or_insert_with(|| log.author(author).to_string().into())
            .clone()
    }
}

/// An audit sends nothing, so it does not ask since when a fact holds.
const NOTHING: Support = Support { since: 0, old: 0 };
