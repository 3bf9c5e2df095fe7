//! A network for tests that read like stories.
//!
//! ```
//! use weir_sim::net::Net;
//!
//! let mut net = Net::new(7, 3);
//! let (a, b, c) = (0, 1, 2);
//! net.cut(a, b);
//! let particle = net.start(a, r#"(seq (call "@b" ("s" "one") [] x) (call "@c" ("s" "two") [x]))"#);
//! net.run_for(2_000);
//! assert_eq!(net.calls(), "");
//! net.heal(a, b);
//! net.run_until_quiet();
//! assert_eq!(net.calls(), "b s.one\nc s.two\n");
//! net.check(particle);
//! ```

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::rc::Rc;
use std::sync::Arc;

use weir_identity::Value;
use weir_peer::{
    Call, CallOutcome, ClientFunctions, Limits, ParticleEvent, ParticleId, Submit, SubmitError,
    Timestamp,
};

use crate::case::{Names, TIMESTAMP_MS};
use crate::review::{Met, Review, Subject, Together};
use crate::rng::Rng;
use crate::weather::Weather;
use crate::world::{NodeId, Reply, Spec, World};

/// How long [`Net::run_until_quiet`] waits at most.
const PATIENCE_MS: u64 = 600_000;

/// Answers of services by `srv.fn` or `peer/srv.fn`.
type Answers = Rc<RefCell<BTreeMap<String, Reply>>>;

/// A world of peers named `a`, `b`, `c` and so on, who know each other's
/// addresses, keep what they acknowledge on record, and whose services answer
/// with what they were asked.
#[derive(Debug)]
pub struct Net {
    /// The world below, for what this type has no word for.
    pub world: World,
    answers: Answers,
    nonces: Rng,
    subjects: BTreeMap<ParticleId, Subject>,
    /// Nodes that lie: they need not agree with others.
    liars: BTreeSet<NodeId>,
    /// When nodes lost their disk. What they said in particles that are older is lost, and only that.
    wiped: BTreeMap<NodeId, Timestamp>,
}

impl Net {
    /// A network of so many peers in calm weather.
    pub fn new(seed: u64, peers: usize) -> Self {
        Self::with_limits(seed, peers, Limits::default())
    }

    /// A network of so many peers with these limits.
    pub fn with_limits(seed: u64, peers: usize, limits: Limits) -> Self {
        let mut net = Self::empty(seed, limits);
        for number in 0..peers {
            net.world.add(Spec::new(&name(number)));
        }
        net.world.introduce_all();
        net
    }

    /// A network without peers. They are added to its world.
    pub fn empty(seed: u64, limits: Limits) -> Self {
        let mut world = World::with_limits(seed, Timestamp(TIMESTAMP_MS), limits);
        world.keep_acknowledged();
        let answers = Answers::default();
        let given = answers.clone();
        let mut names: BTreeMap<NodeId, String> = BTreeMap::new();
        world.set_services(move |node, call| {
            let own = format!(
                "{}/{}.{}",
                names.entry(node).or_insert_with(|| name(node)),
                call.service,
                call.function
            );
            let shared = own.split_once('/').map_or("", |(_, call)| call);
            let given = given.borrow();
            let found = given.get(&own).or_else(|| given.get(shared)).cloned();
            found.unwrap_or_else(|| Reply {
                outcome: echo(call),
                after_ms: 0,
            })
        });
        let nonces = Rng::new(seed ^ 0x006E_6F6E_6365);
        Net {
            world,
            answers,
            nonces,
            subjects: BTreeMap::new(),
            liars: BTreeSet::new(),
            wiped: BTreeMap::new(),
        }
    }

    /// Lets a function answer with this outcome after a time. The name is
    /// `srv.fn`, or `peer/srv.fn` for one peer only.
    pub fn answer(&mut self, function: &str, outcome: CallOutcome, after_ms: u64) {
        self.answers
            .borrow_mut()
            .insert(function.to_owned(), Reply { outcome, after_ms });
    }

    /// Changes the weather.
    pub fn weather(&mut self, weather: Weather) {
        self.world.set_weather(weather);
    }

    /// A script with `@name` in place of peer ids, as peers read it.
    pub fn script(&self, script: &str) -> Arc<str> {
        let nodes = 0..self.world.len();
        let names: Names = nodes
            .map(|node| (self.world.id(node), self.world.name(node).clone()))
            .collect();
        names.to_ids(script).into()
    }

    /// Starts a particle with a time to live of five minutes.
    ///
    /// # Panics
    /// If the peer refuses it or is down.
    pub fn start(&mut self, at: NodeId, script: &str) -> ParticleId {
        self.try_start(at, script, 300_000)
            .unwrap_or_else(|error| panic!("the particle was not started: {error}"))
    }

    /// Starts a particle.
    ///
    /// # Panics
    /// If the peer is down.
    pub fn try_start(
        &mut self,
        at: NodeId,
        script: &str,
        ttl_ms: u64,
    ) -> Result<ParticleId, SubmitError> {
        let submit = Submit {
            script: self.script(script),
            nonce: self.nonces.bytes(),
            ttl_ms,
            timestamp: None,
            client: Some(ClientFunctions::default()),
            keep: false,
        };
        let particle = self
            .world
            .submit(at, submit)
            .expect("the submitting peer is up")?;
        if let Some(subject) = Subject::of(&self.world, at, &particle) {
            self.subjects.insert(particle, subject);
        }
        Ok(particle)
    }

    /// See [`World::cut`].
    pub fn cut(&mut self, a: NodeId, b: NodeId) {
        self.world.cut(a, b);
    }

    /// See [`World::heal`].
    pub fn heal(&mut self, a: NodeId, b: NodeId) {
        self.world.heal(a, b);
    }

    /// See [`World::crash`].
    pub fn crash(&mut self, node: NodeId) {
        self.world.crash(node);
    }

    /// Starts a crashed peer from its disk and tells it everybody's addresses,
    /// as its operator's configuration would.
    pub fn restart(&mut self, node: NodeId) {
        self.world.restart(node);
        self.introduce(node);
    }

    /// Starts a crashed peer with an empty disk.
    pub fn restart_without_disk(&mut self, node: NodeId) {
        if !self.world.is_up(node) {
            self.wiped.insert(node, self.world.now());
        }
        self.world.restart_without_disk(node);
        self.introduce(node);
    }

    fn introduce(&mut self, node: NodeId) {
        for other in (0..self.world.len()).filter(|other| *other != node) {
            self.world.introduce(node, other);
        }
    }

    /// The checks leave this node out: it lies.
    pub fn excuse(&mut self, node: NodeId) {
        self.liars.insert(node);
    }

    /// See [`World::run_for`].
    pub fn run_for(&mut self, ms: u64) {
        self.world.run_for(ms);
    }

    /// Runs until nothing is under way any more.
    ///
    /// # Panics
    /// If that takes more than ten minutes.
    pub fn run_until_quiet(&mut self) {
        let quiet = self.world.run_until_quiet_within(PATIENCE_MS);
        assert!(quiet, "not quiet after {PATIENCE_MS} ms: {:?}", self.world);
    }

    /// Executed calls in the order in which they began, one on a line:
    /// `peer srv.fn`.
    pub fn calls(&self) -> String {
        self.world
            .executions()
            .iter()
            .fold(String::new(), |mut text, made| {
                let name = self.world.name(made.at);
                writeln!(text, "{name} {}.{}", made.call.service, made.call.function)
                    .expect("a text grows");
                text
            })
    }

    /// How often a function was executed, on all peers.
    pub fn count(&self, service: &str, function: &str) -> usize {
        let same = |call: &Call| &*call.service == service && &*call.function == function;
        self.world
            .executions()
            .iter()
            .filter(|made| same(&made.call))
            .count()
    }

    /// What a peer reported of a particle.
    pub fn events(&self, node: NodeId, particle: ParticleId) -> Vec<&ParticleEvent> {
        let reports = self.world.reports().iter();
        reports
            .filter(|r| r.at == node && r.particle == particle)
            .map(|r| &r.event)
            .collect()
    }

    /// Forgets what was reported and executed, and the particles that were started: they cannot be checked any more.
    pub fn forget(&mut self) {
        self.world.forget_history();
        self.subjects.clear();
    }

    /// Everything that must hold among honest peers whatever happened: all
    /// logs pass their audit, merged in any order they say the same, nothing
    /// acknowledged is lost, nobody executed a call twice, and nobody but liars
    /// is accused. Returns what they know together.
    ///
    /// # Panics
    /// If something does not hold.
    pub fn check(&mut self, particle: ParticleId) -> Together {
        self.assert_each_call_once();
        self.assert_only_liars_are_accused();
        let review = self.review(particle);
        let checked = review.check(&mut self.nonces.fork());
        let together = checked.unwrap_or_else(|contradiction| panic!("{contradiction}"));
        if let Err(lost) = review.check_acknowledged(&self.world) {
            panic!("{lost}");
        }
        together
    }

    /// What honest peers know when each has told all the others all that it
    /// has, and all of them have gone on from there: the same.
    ///
    /// # Panics
    /// If it is not the same.
    pub fn meet(&self, particle: ParticleId) -> Met {
        let met = self.review(particle).meet(&self.world);
        met.unwrap_or_else(|contradiction| panic!("{contradiction}"))
    }

    /// The logs of all nodes that are not excused: liars are, and who lost its
    /// disk is in particles that started before.
    ///
    /// # Panics
    /// If one of them cannot be read.
    pub fn review(&self, particle: ParticleId) -> Review {
        let subject = self
            .subjects
            .get(&particle)
            .expect("the particle was started by this network");
        let honest = (0..self.world.len()).filter(|node| !self.is_excused(*node, subject));
        Review::of(&self.world, honest, subject)
            .unwrap_or_else(|contradiction| panic!("{contradiction}"))
    }

    fn is_excused(&self, node: NodeId, subject: &Subject) -> bool {
        let started = Timestamp(subject.start.timestamp_ms);
        let forgot = self.wiped.get(&node).is_some_and(|lost| *lost >= started);
        forgot || self.liars.contains(&node)
    }

    /// # Panics
    /// If an honest peer accuses anybody but a liar.
    pub fn assert_only_liars_are_accused(&self) {
        for report in self.world.reports() {
            let ParticleEvent::Offence { what } = &report.event else {
                continue;
            };
            // Who is named first is accused; what follows is the evidence.
            let accused = (0..self.world.len())
                .filter_map(|node| Some((what.find(&self.world.id(node).to_string())?, node)))
                .min();
            assert!(
                self.liars.contains(&report.at)
                    || accused.is_some_and(|(_, node)| self.liars.contains(&node)),
                "{} accuses an honest peer: {what}",
                self.world.name(report.at)
            );
        }
    }

    /// # Panics
    /// If a peer executed a step twice, in all its lives.
    pub fn assert_each_call_once(&self) {
        let mut seen = BTreeSet::new();
        for made in self.world.executions() {
            let context = &made.call.context;
            let first = seen.insert((made.at, context.particle, context.step));
            assert!(
                first,
                "{} executed twice: {:?}",
                self.world.name(made.at),
                made.call
            );
        }
    }
}

/// `a` to `z`, then `a1` to `z1` and so on.
fn name(number: usize) -> String {
    let letter = char::from(b'a' + (number % 26) as u8);
    match number / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

fn echo(call: &Call) -> CallOutcome {
    CallOutcome::Value(Value::from(call.args.clone()))
}
