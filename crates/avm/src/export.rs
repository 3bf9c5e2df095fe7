//! The log of a particle as a document that a third party can read and check.
//!
//! The document holds nothing that signatures and content ids do not cover,
//! and has exactly one form: what does not print again as it was read is no
//! export.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use weir_identity::value::DEPTH_MAX;
use weir_identity::{Cid, Hash, PeerId, Signature, Value};

use crate::log::{
    AuthorIdx, Blob, Body, CallEntry, CanonEntry, Entry, Equivocation, Head, Learnt, Log, Message,
    Outcome, SignedHead, Start, StartLimits, StepId, Suffix,
};

const FORMAT: &str = "weir.trace/1";

/// How deep arrays and objects of a document are nested at most: those of a value, and those around
/// it or of an entry.
const NESTING_MAX: usize = DEPTH_MAX + 8;

/// An exported log.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    document: Document,
}

/// Why a text is no export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// It is no JSON, or not of this shape.
    #[error("not an export: {0}")]
    Shape(String),
    /// It reads, but is not written as exports are.
    #[error("the text is not in canonical form: it differs from its own export at byte {0}")]
    NotCanonical(usize),
    /// A part contradicts another.
    #[error("{what}{}", place(.author.as_ref(), *.index))]
    Wrong {
        /// In whose journal.
        author: Option<PeerId>,
        /// At which entry.
        index: Option<u32>,
        /// What is wrong.
        what: String,
    },
}

pub(crate) fn place(author: Option<&PeerId>, index: Option<u32>) -> String {
    match (author, index) {
        (Some(author), Some(index)) => format!(" (entry {index} of {author})"),
        (Some(author), None) => format!(" (journal of {author})"),
        _ => String::new(),
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    particle: Hash,
    start: StartText,
    script: Arc<str>,
    journals: Vec<JournalText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    branches: Vec<BranchText>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    equivocations: Vec<String>,
    values: BTreeMap<Cid, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StartText {
    network: Arc<str>,
    nonce: String,
    script: Cid,
    timestamp_ms: u64,
    ttl_ms: u64,
    limits: LimitsText,
    rules: u16,
    initiator: PeerId,
    reach: Option<String>,
    authorisation: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsText {
    elements: u32,
    activations: u32,
    depth: u32,
    value_bytes: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalText {
    author: PeerId,
    length: u32,
    root: Hash,
    signature: Signature,
    entries: Vec<EntryText>,
}

/// What an author signed besides its journal, from the first entry on that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BranchText {
    author: PeerId,
    fork: u32,
    length: u32,
    root: Hash,
    signature: Signature,
    entries: Vec<EntryText>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryText {
    leaf: Hash,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    learnt: Vec<LearntText>,
    says: BodyText,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LearntText {
    author: PeerId,
    length: u32,
    entry: Hash,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum BodyText {
    Start,
    Call {
        step: Hash,
        args: Cid,
        tetraplets: Cid,
        service: Arc<str>,
        function: Arc<str>,
        #[serde(flatten)]
        outcome: OutcomeText,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        receipt: Option<String>,
    },
    Canon {
        step: Hash,
        base: Option<u32>,
        kept: u32,
        keys: Vec<Hash>,
    },
    Hops(Vec<Hash>),
    Seen,
    Other {
        kind: u16,
        bytes: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeText {
    Value(Cid),
    Unused(Cid),
    Failed { code: i32, message: Cid },
}

impl Export {
    /// The signed part of a log. Sign the own head first.
    pub fn of(log: &Log) -> Export {
        let start = log.start();
        let mut values = BTreeMap::new();
        let mut journals = Vec::new();
        for author in (0..log.author_count()).map(AuthorIdx) {
            let Some(head) = log.head(author) else {
                continue;
            };
            let mut entries = Vec::new();
            for index in 0..head.head.length {
                let at = log.position(author, index);
                let (Some(held), Some(leaf)) =
                    (at.and_then(|at| log.entry(at)), log.leaf(author, index))
                else {
                    continue;
                };
                entries.push(entry_text(log, leaf, held.entry, &mut values));
            }
            journals.push(JournalText {
                author: head.head.author,
                length: head.head.length,
                root: head.head.root,
                signature: head.signature,
                entries,
            });
        }
        journals.sort_by_key(|journal| (journal.author != start.initiator, journal.author));
        let branches = log.branches().map(|branch| BranchText {
            author: branch.head.head.author,
            fork: branch.fork,
            length: branch.head.head.length,
            root: branch.head.head.root,
            signature: branch.head.signature,
            entries: branch
                .entries
                .map(|(leaf, entry)| entry_text(log, leaf, entry, &mut values))
                .collect(),
        });
        let mut branches: Vec<BranchText> = branches.collect();
        branches.sort_by_key(|branch| (branch.author, branch.fork, branch.length, branch.root));
        let proofs = log.equivocations().map(|proof| hex(&proof.to_bytes()));
        let mut equivocations: Vec<String> = proofs.collect();
        equivocations.sort_unstable();
        let document = Document {
            format: FORMAT.into(),
            particle: log.particle().0,
            start: start_text(start),
            script: log.script().clone(),
            journals,
            branches,
            equivocations,
            values,
        };
        Export { document }
    }

    /// The document: JSON, indented, one trailing newline.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.document)
            .expect("a document of strings, numbers and finite floats is JSON");
        text.push('\n');
        text
    }

    /// Reads a document. Checks its form, not what it says: that is an audit.
    pub fn parse(text: &str) -> Result<Export, ExportError> {
        check_nesting(text)?;
        let mut input = serde_json::Deserializer::from_str(text);
        // Its own limit counts the levels of the document besides those of a value.
        input.disable_recursion_limit();
        let document = Document::deserialize(&mut input)
            .and_then(|document| input.end().map(|()| document))
            .map_err(|error| ExportError::Shape(error.to_string()))?;
        if document.format != FORMAT {
            return Err(ExportError::Shape(format!(
                "its format is {:?}, known is {FORMAT:?}",
                document.format
            )));
        }
        let export = Export { document };
        let again = export.to_json();
        if again != text {
            let at = again
                .bytes()
                .zip(text.bytes())
                .take_while(|(a, b)| a == b)
                .count();
            return Err(ExportError::NotCanonical(at));
        }
        Ok(export)
    }

    /// The particle that it says to be of.
    pub fn particle(&self) -> Hash {
        self.document.particle
    }

    /// *Start* and the script's text.
    pub fn start(&self) -> Result<(Arc<Start>, Arc<str>), ExportError> {
        let wrong = |what: &str| ExportError::Wrong {
            author: None,
            index: None,
            what: what.into(),
        };
        let text = &self.document.start;
        let nonce = unhex(&text.nonce).and_then(|n| <[u8; 16]>::try_from(n.as_ref()).ok());
        let optional = |field: &Option<String>| match field {
            None => Some(None),
            Some(hex) => unhex(hex).map(Some),
        };
        let start = Start {
            network: text.network.clone(),
            nonce: nonce
                .ok_or_else(|| wrong("start has a nonce that is not 16 bytes in hexadecimal"))?,
            script: text.script,
            timestamp_ms: text.timestamp_ms,
            ttl_ms: text.ttl_ms,
            limits: StartLimits {
                elements: text.limits.elements,
                activations: text.limits.activations,
                depth: text.limits.depth,
                value_bytes: text.limits.value_bytes,
            },
            rules: text.rules,
            initiator: text.initiator,
            reach: optional(&text.reach)
                .ok_or_else(|| wrong("start has a reach record that is no hexadecimal"))?,
            authorisation: optional(&text.authorisation)
                .ok_or_else(|| wrong("start has an authorisation that is no hexadecimal"))?,
        };
        if start.id().0 != self.document.particle {
            return Err(wrong("start does not hash to the particle's identity"));
        }
        if Cid::of_raw(self.document.script.as_bytes()) != start.script {
            return Err(wrong("the script is not the one that start names"));
        }
        Ok((Arc::new(start), self.document.script.clone()))
    }

    /// The log as a message that says everything but what authors signed besides their journals,
    /// and one that says that. Names the first entry whose bytes or value are not what it claims.
    pub fn messages(&self, start: &Arc<Start>) -> Result<[Message; 2], ExportError> {
        let mut message = Message::empty(start.id());
        message.start = Some(start.clone());
        message.script = Some(self.document.script.clone());
        let mut named = BTreeSet::new();
        for journal in &self.document.journals {
            let blobs = (&mut named, &mut message.blobs);
            let mut entries = self.entries(journal.author, 0, &journal.entries, start, blobs)?;
            let head = signed_head(
                start,
                (journal.author, journal.length, journal.root),
                journal.signature,
                entries.len(),
            )?;
            if entries
                .first()
                .is_some_and(|entry| matches!(entry.body, Body::Start(_)))
            {
                entries.remove(0);
            }
            message.suffixes.push(Suffix { head, entries });
        }
        let mut more = Message::empty(start.id());
        for branch in &self.document.branches {
            let blobs = (&mut named, &mut message.blobs);
            let entries =
                self.entries(branch.author, branch.fork, &branch.entries, start, blobs)?;
            let head = signed_head(
                start,
                (branch.author, branch.length, branch.root),
                branch.signature,
                (branch.fork as usize).saturating_add(entries.len()),
            )?;
            more.suffixes.push(Suffix { head, entries });
        }
        for text in &self.document.equivocations {
            let proof = unhex(text).and_then(|bytes| Equivocation::from_bytes(&bytes).ok());
            more.equivocations.push(proof.ok_or(ExportError::Wrong {
                author: None,
                index: None,
                what: "a proof of equivocation does not read".into(),
            })?);
        }
        more.blobs.clone_from(&message.blobs);
        if let Some(cid) = self.document.values.keys().find(|cid| !named.contains(cid)) {
            let what = format!("no entry names the value {cid}");
            return Err(ExportError::Wrong {
                author: None,
                index: None,
                what,
            });
        }
        Ok([message, more])
    }

    /// The entries of one author from an index on. Adds the values that they name.
    fn entries(
        &self,
        author: PeerId,
        first: u32,
        texts: &[EntryText],
        start: &Arc<Start>,
        (named, blobs): (&mut BTreeSet<Cid>, &mut Vec<Blob>),
    ) -> Result<Vec<Arc<Entry>>, ExportError> {
        let mut entries = Vec::new();
        // In this order, because there is no index after the last.
        for (text, index) in texts.iter().zip(first..) {
            let wrong = |what: &str| ExportError::Wrong {
                author: Some(author),
                index: Some(index),
                what: what.into(),
            };
            let entry =
                entry_of(text, start).ok_or_else(|| wrong("bytes that are no hexadecimal"))?;
            entry
                .check_shape()
                .map_err(|error| wrong(&error.to_string()))?;
            if entry.leaf() != text.leaf {
                return Err(wrong("the entry does not have the hash that it claims"));
            }
            if let Some(cid) = entry.blob() {
                let value = self.document.values.get(cid);
                let value =
                    value.ok_or_else(|| wrong("the value that the entry names is missing"))?;
                if value.cid() != *cid {
                    return Err(wrong("the value is not the one that the entry names"));
                }
                if named.insert(*cid) {
                    blobs.push(Blob::of(value.clone()));
                }
            }
            let at_start = author == start.initiator && index == 0;
            if matches!(entry.body, Body::Start(_)) && !at_start {
                return Err(wrong("start stands where it cannot"));
            }
            entries.push(Arc::new(entry));
        }
        Ok(entries)
    }
}

/// A head over as many entries as there are.
fn signed_head(
    start: &Start,
    (author, length, root): (PeerId, u32, Hash),
    signature: Signature,
    entries: usize,
) -> Result<SignedHead, ExportError> {
    if length as usize != entries {
        return Err(ExportError::Wrong {
            author: Some(author),
            index: None,
            what: "the signed head is over another number of entries".into(),
        });
    }
    let head = Head {
        particle: start.id(),
        author,
        length,
        root,
    };
    Ok(SignedHead { head, signature })
}

/// An entry; its value is put among the values.
fn entry_text(
    log: &Log,
    leaf: Hash,
    entry: &Entry,
    values: &mut BTreeMap<Cid, Value>,
) -> EntryText {
    if let Some(cid) = entry.blob()
        && let Some(value) = log.blob(cid)
    {
        values.insert(*cid, value.clone());
    }
    EntryText {
        leaf,
        learnt: entry.learnt.iter().map(learnt_text).collect(),
        says: body_text(&entry.body),
    }
}

/// Reading recurses, so what is nested deeper than exports are is not read.
fn check_nesting(text: &str) -> Result<(), ExportError> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTING_MAX {
            return Err(ExportError::Shape(format!(
                "more than {NESTING_MAX} nested arrays and objects"
            )));
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

fn unhex(text: &str) -> Option<Bytes> {
    HEXLOWER.decode(text.as_bytes()).ok().map(Bytes::from)
}

fn step(id: &StepId) -> Hash {
    Hash::from(id.0)
}

fn id(step: &Hash) -> StepId {
    StepId(*step.as_bytes())
}

fn start_text(start: &Start) -> StartText {
    StartText {
        network: start.network.clone(),
        nonce: hex(&start.nonce),
        script: start.script,
        timestamp_ms: start.timestamp_ms,
        ttl_ms: start.ttl_ms,
        limits: LimitsText {
            elements: start.limits.elements,
            activations: start.limits.activations,
            depth: start.limits.depth,
            value_bytes: start.limits.value_bytes,
        },
        rules: start.rules,
        initiator: start.initiator,
        reach: start.reach.as_deref().map(hex),
        authorisation: start.authorisation.as_deref().map(hex),
    }
}

fn learnt_text(learnt: &Learnt) -> LearntText {
    LearntText {
        author: learnt.author,
        length: learnt.length,
        entry: learnt.entry,
    }
}

fn body_text(body: &Body) -> BodyText {
    match body {
        Body::Start(_) => BodyText::Start,
        Body::Call(call) => BodyText::Call {
            step: step(&call.step),
            args: call.args,
            tetraplets: call.tetraplets,
            service: call.service.clone(),
            function: call.function.clone(),
            outcome: match &call.outcome {
                Outcome::Value(cid) => OutcomeText::Value(*cid),
                Outcome::Unused(cid) => OutcomeText::Unused(*cid),
                Outcome::Failed { code, message } => OutcomeText::Failed {
                    code: *code,
                    message: *message,
                },
            },
            receipt: call.receipt.as_deref().map(hex),
        },
        Body::Canon(canon) => BodyText::Canon {
            step: step(&canon.step),
            base: canon.base,
            kept: canon.kept,
            keys: canon.keys.iter().map(step).collect(),
        },
        Body::Hops(steps) => BodyText::Hops(steps.iter().map(step).collect()),
        Body::Seen => BodyText::Seen,
        Body::Other { kind, bytes } => BodyText::Other {
            kind: *kind,
            bytes: hex(bytes),
        },
    }
}

fn entry_of(text: &EntryText, start: &Arc<Start>) -> Option<Entry> {
    let body = match &text.says {
        BodyText::Start => Body::Start(start.clone()),
        BodyText::Call {
            step,
            args,
            tetraplets,
            service,
            function,
            outcome,
            receipt,
        } => Body::Call(CallEntry {
            step: id(step),
            args: *args,
            tetraplets: *tetraplets,
            service: service.clone(),
            function: function.clone(),
            outcome: match outcome {
                OutcomeText::Value(cid) => Outcome::Value(*cid),
                OutcomeText::Unused(cid) => Outcome::Unused(*cid),
                OutcomeText::Failed { code, message } => Outcome::Failed {
                    code: *code,
                    message: *message,
                },
            },
            receipt: match receipt {
                None => None,
                Some(hex) => Some(unhex(hex)?),
            },
        }),
        BodyText::Canon {
            step,
            base,
            kept,
            keys,
        } => Body::Canon(CanonEntry {
            step: id(step),
            base: *base,
            kept: *kept,
            keys: keys.iter().map(id).collect(),
        }),
        BodyText::Hops(steps) => Body::Hops(steps.iter().map(id).collect()),
        BodyText::Seen => Body::Seen,
        BodyText::Other { kind, bytes } => Body::Other {
            kind: *kind,
            bytes: unhex(bytes)?,
        },
    };
    let learnt = text.learnt.iter();
    let learnt = learnt
        .map(|item| Learnt {
            author: item.author,
            length: item.length,
            entry: item.entry,
        })
        .collect();
    Some(Entry { body, learnt })
}
