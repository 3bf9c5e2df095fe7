//! A network of AVMs in one thread: peers with names, services that answer as
//! told, and messages that are delivered in any order that a seed gives.

#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use weir_avm::log::{Message, MessageLimits, Record, Start, StartLimits};
use weir_avm::{Avm, CallOutcome, CallRequest, Options, Program};
use weir_identity::{Cid, Keypair, PeerId, Value, keccak256};

#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    #[serde(default)]
    pub id: String,
    pub air: String,
    #[serde(default = "init")]
    pub init: String,
    #[serde(default)]
    pub peers: Vec<String>,
    #[serde(default)]
    pub services: BTreeMap<String, Mock>,
    #[serde(default)]
    pub echo: bool,
    /// What the reference did, if known.
    #[serde(default)]
    pub calls: Vec<SeenCall>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Mock {
    pub ok: Option<serde_json::Value>,
    pub err: Option<serde_json::Value>,
    pub code: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct SeenCall {
    pub peer: String,
    pub call: String,
    #[serde(deserialize_with = "as_text")]
    pub args: String,
    pub tetraplets: Vec<Vec<String>>,
}

fn init() -> String {
    "init".into()
}

fn as_text<'de, D: serde::Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    Ok(serde_json::Value::deserialize(input)?.to_string())
}

pub struct Rng(pub u64);

impl Rng {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

pub enum Event {
    Message {
        to: PeerId,
        from: PeerId,
        message: Message,
        token: u64,
    },
    Call {
        at: PeerId,
        request: CallRequest,
    },
}

pub struct Peer {
    pub name: String,
    pub key: Arc<Keypair>,
    pub avm: Option<Avm>,
    pub records: Vec<Record>,
}

pub struct Net {
    pub case: Case,
    pub start: Arc<Start>,
    pub program: Arc<Program>,
    pub peers: BTreeMap<PeerId, Peer>,
    pub names: Vec<(String, String)>,
    pub queue: Vec<Event>,
    pub rng: Option<Rng>,
    /// Tasks of one turn of each peer.
    pub tasks_per_turn: u64,
    /// If set, peers stop between two turns, one time in so many, and come back.
    pub crashes: Option<(Rng, usize)>,
    /// How many turns did not finish their round.
    pub broken_off: usize,
    pub calls: Vec<SeenCall>,
    pub errors: Vec<(String, i64, String)>,
    pub stuck: Vec<(String, String)>,
    pub offences: Vec<(String, String)>,
    pub messages: usize,
    pub bytes: usize,
    pub steps: usize,
}

pub fn key_of(name: &str) -> Keypair {
    Keypair::from_secret(keccak256(&[b"peer:", name.as_bytes()]).as_bytes())
        .expect("a hash is a valid secret")
}

impl Net {
    /// `seed` 0 delivers in order of sending.
    pub fn new(case: Case, seed: u64) -> Net {
        let all: Vec<String> = std::iter::once(case.init.clone())
            .chain(case.peers.clone())
            .collect();
        let mut names = Vec::new();
        let mut peers = BTreeMap::new();
        for name in all {
            let key = Arc::new(key_of(&name));
            names.push((format!("@{name}"), key.peer_id().to_string()));
            peers.insert(
                key.peer_id(),
                Peer {
                    name,
                    key,
                    avm: None,
                    records: Vec::new(),
                },
            );
        }
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let air = names
            .iter()
            .fold(case.air.clone(), |text, (name, id)| text.replace(name, id));
        let script =
            weir_air::parse(&air, &weir_air::Limits::default()).expect("the script parses");
        let start = Start {
            network: "test".into(),
            nonce: [7; 16],
            script: Cid::of_raw(air.as_bytes()),
            timestamp_ms: 1_700_000_000_000,
            ttl_ms: 60_000,
            limits: StartLimits::default(),
            rules: weir_avm::log::RULES,
            initiator: key_of(&case.init).peer_id(),
            reach: None,
            authorisation: None,
        };
        let rng = (seed != 0).then(|| Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1));
        Net {
            case,
            start: Arc::new(start),
            program: Arc::new(Program::new(&Arc::new(script))),
            peers,
            names,
            queue: Vec::new(),
            rng,
            tasks_per_turn: u64::MAX,
            crashes: None,
            broken_off: 0,
            calls: Vec::new(),
            errors: Vec::new(),
            stuck: Vec::new(),
            offences: Vec::new(),
            messages: 0,
            bytes: 0,
            steps: 0,
        }
    }

    pub fn begin(&mut self) {
        let id = self.start.initiator;
        self.wake(id);
        self.drain(id);
    }

    pub fn wake(&mut self, id: PeerId) {
        let peer = self.peers.get_mut(&id).expect("the peer exists");
        if peer.avm.is_none() {
            let options = Options {
                tasks_per_turn: self.tasks_per_turn,
                ..Options::default()
            };
            let (start, program) = (self.start.clone(), self.program.clone());
            let avm = Avm::new_with(start, program, peer.key.clone(), options);
            peer.avm = Some(avm.expect("the script is the one that start names"));
        }
    }

    /// The peer stops and comes back with what was durable.
    pub fn restart(&mut self, id: PeerId) {
        let peer = self.peers.get_mut(&id).expect("the peer exists");
        if peer.avm.is_some() {
            self.come_back(id);
            self.drain(id);
        }
    }

    fn come_back(&mut self, id: PeerId) {
        let peer = self.peers.get_mut(&id).expect("the peer exists");
        let options = Options {
            tasks_per_turn: self.tasks_per_turn,
            ..Options::default()
        };
        let avm = Avm::restore_with(
            self.start.clone(),
            self.program.clone(),
            peer.key.clone(),
            peer.records.clone(),
            options,
        );
        peer.avm = Some(avm.expect("own records restore"));
        self.queue
            .retain(|event| !matches!(event, Event::Call { at, .. } if *at == id));
        // Its tokens are given anew: what is under way is no longer known under them.
        for event in &mut self.queue {
            if let Event::Message { from, token, .. } = event
                && *from == id
            {
                *token = u64::MAX;
            }
        }
    }

    pub fn drain(&mut self, id: PeerId) {
        while self.avm(id).has_more() {
            self.broken_off += 1;
            let effects = self.avm(id).drain();
            assert!(effects.sends.is_empty() && effects.calls.is_empty());
            let peer = self.peers.get_mut(&id).expect("the peer exists");
            peer.records.extend(effects.records);
            let crashes = self.crashes.as_mut();
            if crashes.is_some_and(|(rng, of)| rng.below(*of) == 0) {
                self.come_back(id);
            }
            self.avm(id).resume();
        }
        let peer = self.peers.get_mut(&id).expect("the peer exists");
        let effects = peer.avm.as_mut().expect("the peer is awake").drain();
        peer.records.extend(effects.records);
        let name = format!("@{}", peer.name);
        for report in effects.errors {
            self.errors
                .push((name.clone(), report.code, report.message));
        }
        for report in effects.stuck {
            self.stuck.push((name.clone(), report.message));
        }
        for report in effects.offences {
            self.offences.push((name.clone(), report.message));
        }
        for request in effects.calls {
            self.queue.push(Event::Call { at: id, request });
        }
        for send in effects.sends {
            self.messages += 1;
            let bytes = send.message.encode();
            self.bytes += bytes.len();
            let message =
                Message::decode(&bytes, &MessageLimits::default()).expect("own messages decode");
            self.queue.push(Event::Message {
                to: send.to,
                from: id,
                message,
                token: send.token,
            });
        }
    }

    pub fn step(&mut self) -> bool {
        if self.queue.is_empty() {
            return false;
        }
        self.steps += 1;
        let at = self
            .rng
            .as_mut()
            .map_or(0, |rng| rng.below(self.queue.len()));
        match self.queue.remove(at) {
            Event::Message {
                to,
                from,
                message,
                token,
            } => {
                if !self.peers.contains_key(&to) {
                    self.avm(from).undeliverable(token);
                    self.drain(from);
                    return true;
                }
                self.wake(to);
                let merged = self.avm(to).merge(message, from);
                match merged {
                    Ok(merged) => assert!(
                        merged.wants.is_empty(),
                        "nothing is missing: {:?}",
                        merged.wants
                    ),
                    Err(error) => panic!("an honest message was refused: {error}"),
                }
                self.drain(to);
                self.avm(from).delivered(token);
                self.drain(from);
            }
            Event::Call { at, request } => {
                let outcome = self.answer(at, &request);
                self.avm(at)
                    .complete(request.step, request.args_cid, outcome, None)
                    .expect("a requested result is taken");
                self.drain(at);
            }
        }
        true
    }

    pub fn run(&mut self) {
        while self.step() {
            assert!(self.steps < 1_000_000, "the network comes to rest");
        }
    }

    pub fn avm(&mut self, id: PeerId) -> &mut Avm {
        self.peers
            .get_mut(&id)
            .and_then(|peer| peer.avm.as_mut())
            .expect("the peer is awake")
    }

    /// Peer ids back to names.
    pub fn say(&self, text: &str) -> String {
        self.names
            .iter()
            .fold(text.to_owned(), |text, (name, id)| text.replace(id, name))
    }

    fn unsay(&self, value: &serde_json::Value) -> Value {
        let text = self
            .names
            .iter()
            .fold(value.to_string(), |text, (name, id)| text.replace(name, id));
        Value::from_json(&text).expect("a mock is JSON")
    }

    fn answer(&mut self, at: PeerId, request: &CallRequest) -> CallOutcome {
        let name = self.peers[&at].name.clone();
        let call = format!("{}.{}", request.service, request.function);
        let args = Value::from(request.args.clone()).to_json();
        let tetraplets = request.tetraplets.iter().map(|argument| {
            argument
                .iter()
                .map(|t| {
                    self.say(&format!(
                        "{}|{}|{}|{}",
                        t.peer, t.service, t.function, t.lens
                    ))
                })
                .collect()
        });
        self.calls.push(SeenCall {
            peer: format!("@{name}"),
            call: call.clone(),
            args: self.say(&args),
            tetraplets: tetraplets.collect(),
        });
        let own = format!("{name}/{call}");
        if let Some(mock) = self
            .case
            .services
            .get(&own)
            .or_else(|| self.case.services.get(&call))
        {
            return match (&mock.ok, &mock.err) {
                (_, Some(err)) => CallOutcome::Failed {
                    code: mock.code.unwrap_or(1),
                    message: self.unsay(err),
                },
                (ok, None) => {
                    CallOutcome::Value(self.unsay(ok.as_ref().unwrap_or(&serde_json::Value::Null)))
                }
            };
        }
        match call.as_str() {
            "op.array" => CallOutcome::Value(Value::from(request.args.clone())),
            "op.identity" | "op.noop" => {
                CallOutcome::Value(request.args.first().cloned().unwrap_or(Value::Null))
            }
            "math.add" => {
                let sum = request.args.iter().filter_map(Value::as_i64).sum::<i64>();
                CallOutcome::Value(Value::from(sum))
            }
            _ => {
                let json = serde_json::json!({ "at": format!("{name}"), "do": call });
                let mut text = json.to_string();
                text.pop();
                text.push_str(",\"args\":");
                text.push_str(&args);
                text.push('}');
                CallOutcome::Value(Value::from_json(&text).expect("an echo is JSON"))
            }
        }
    }
}
