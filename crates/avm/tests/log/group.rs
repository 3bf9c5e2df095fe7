//! A group of peers that write one particle's journals.

use std::collections::BTreeMap;

use weir_avm::log::{
    AuthorIdx, Body, CallEntry, Log, LogIndex, Message, MessageLimits, MessageOptions, Outcome,
    Outgoing, Received, StepId,
};
use weir_identity::{Hash, Keypair, PeerId, Value, keccak256};

pub(crate) use crate::targets::{SCRIPT, check, key, particle as start};

pub(crate) fn new_log(number: u8) -> Log {
    Log::new(start(), SCRIPT.into(), key(number).peer_id()).unwrap()
}

pub(crate) fn observer() -> Log {
    Log::observer(start(), SCRIPT.into()).unwrap()
}

/// A call with a result of its own.
pub(crate) fn call(log: &mut Log, name: &str) -> Body {
    let value = log.store(Value::from(name));
    Body::Call(call_entry(name, Outcome::Value(value)))
}

pub(crate) fn call_entry(name: &str, outcome: Outcome) -> CallEntry {
    let list = Value::from(vec![Value::from(name)]);
    CallEntry {
        step: StepId(*keccak256(&[name.as_bytes()]).as_bytes()),
        args: list.cid(),
        tetraplets: Value::from(Vec::new()).cid(),
        service: "srv".into(),
        function: "fn".into(),
        outcome,
        receipt: None,
    }
}

/// Peers 0 to n − 1, each with a log of its own.
pub(crate) struct Group {
    pub(crate) logs: Vec<Log>,
    keys: Vec<Keypair>,
    said: u32,
}

impl Group {
    pub(crate) fn new(peers: u8) -> Group {
        Group {
            logs: (0..peers).map(new_log).collect(),
            keys: (0..peers).map(key).collect(),
            said: 0,
        }
    }

    pub(crate) fn id(&self, peer: usize) -> PeerId {
        self.keys[peer].peer_id()
    }

    /// A peer makes an entry.
    pub(crate) fn say(&mut self, peer: usize) -> LogIndex {
        self.said += 1;
        let body = call(&mut self.logs[peer], &format!("said {}", self.said));
        self.logs[peer].append(body).unwrap()
    }

    pub(crate) fn sign(&mut self, peer: usize) -> bool {
        self.logs[peer].sign(&self.keys[peer]).unwrap()
    }

    /// What a peer would send to another.
    pub(crate) fn message(&mut self, from: usize, to: usize) -> Outgoing {
        self.sign(from);
        let to = self.id(to);
        self.logs[from].message_for(&to, MessageOptions::default())
    }

    /// Everything that a peer holds, as it would be told to a stranger.
    pub(crate) fn everything(&mut self, from: usize) -> Message {
        self.sign(from);
        tell_all(&mut self.logs[from])
    }

    /// A message arrives over the wire.
    pub(crate) fn deliver(&mut self, message: &Message, from: usize, to: usize) -> Received {
        let sender = self.id(from);
        self.logs[to].merge(sent(message), sender).unwrap()
    }

    /// A peer tells another what is new, over the wire, and is acknowledged.
    pub(crate) fn tell(&mut self, from: usize, to: usize) -> Received {
        let outgoing = self.message(from, to);
        let received = self.deliver(&outgoing.message, from, to);
        if !received.incomplete {
            let receiver = self.id(to);
            self.logs[from].acknowledged(&receiver, &outgoing.extent);
        }
        received
    }
}

/// A message as it arrives.
pub(crate) fn sent(message: &Message) -> Message {
    let bytes = message.encode();
    let arrived = Message::decode(&bytes, &MessageLimits::default()).unwrap();
    assert_eq!(&arrived, message);
    arrived
}

pub(crate) fn tell_all(log: &mut Log) -> Message {
    log.message_for(
        &key(99).peer_id(),
        MessageOptions {
            with_start_and_script: true,
        },
    )
    .message
}

/// The entries of a log as a set: author and leaf hashes.
pub(crate) fn entries(log: &Log) -> BTreeMap<PeerId, Vec<Hash>> {
    (0..log.author_count())
        .map(AuthorIdx)
        .filter(|author| log.journal_len(*author) > 0)
        .map(|author| {
            let leaves = (0..log.journal_len(author)).map(|i| log.leaf(author, i).unwrap());
            (log.author(author), leaves.collect())
        })
        .collect()
}
