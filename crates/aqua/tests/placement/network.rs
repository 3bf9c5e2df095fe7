//! A network in which peers reach only whom the frames of a program say they
//! reach, and a small evaluator of programs on its peers.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use weir_aqua::ir::{Accessor, Base, FrameId, Op, Program, Value, VarId, Via};

/// The most rounds of a loop.
pub const ROUNDS_MAX: usize = 3;

/// What happened in a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The steps that were made, by function and rounds.
    pub steps: BTreeSet<String>,
    /// Sendings to peers that cannot be reached.
    pub lost: usize,
    /// How many hops were made.
    pub hops: usize,
}

/// Runs a program where every peer sees everything at once: hops do not matter.
pub fn run_everywhere(program: &Program) -> Outcome {
    let mut known = BTreeMap::new();
    loop {
        let before = known.len();
        Evaluation::new(program, None, &mut known).run();
        if known.len() == before {
            return outcome(&known, 0);
        }
    }
}

fn outcome(known: &BTreeMap<String, bool>, lost: usize) -> Outcome {
    let (hops, steps) = known
        .keys()
        .cloned()
        .partition::<BTreeSet<_>, _>(|id| id.starts_with("hop"));
    Outcome {
        steps,
        lost,
        hops: hops.len(),
    }
}

/// Runs a placed program; peers reach each other as `frames_of` says.
pub fn run(program: &Program, frames_of: &Program) -> Outcome {
    let links = Links::of(frames_of);
    let mut peers: HashMap<String, BTreeMap<String, bool>> = HashMap::new();
    let mut sent: HashMap<(String, String), usize> = HashMap::new();
    let mut lost = HashSet::new();
    let mut queue = VecDeque::from(["I".to_owned()]);
    while let Some(peer) = queue.pop_front() {
        let known = peers.entry(peer.clone()).or_default();
        let next = loop {
            let before = known.len();
            let next = Evaluation::new(program, Some(&peer), known).run();
            if known.len() == before {
                break next;
            }
        };
        let known = known.clone();
        for to in next {
            if !links.has(&peer, &to) {
                lost.insert((peer.clone(), to));
                continue;
            }
            let last = sent.entry((peer.clone(), to.clone())).or_insert(usize::MAX);
            if std::mem::replace(last, known.len()) != known.len() {
                peers.entry(to.clone()).or_default().extend(known.clone());
                queue.push_back(to);
            }
        }
    }
    let mut all = BTreeMap::new();
    for known in peers.into_values() {
        all.extend(known);
    }
    outcome(&all, lost.len())
}

/// Which peers reach each other.
struct Links {
    pairs: HashSet<(String, String)>,
    /// Peers of which each reaches each other.
    spaces: Vec<BTreeSet<String>>,
    /// The space in each frame, for given items of loops.
    known: HashMap<(FrameId, Vec<String>), usize>,
}

impl Links {
    fn of(program: &Program) -> Self {
        let mut links = Self {
            pairs: HashSet::new(),
            spaces: Vec::new(),
            known: HashMap::new(),
        };
        let mut items = Vec::new();
        find_items(&program.body, &mut items);
        items.sort_unstable();
        items.dedup();
        for frame in (0..program.frames.len() as u32).map(FrameId) {
            let mut used = Vec::new();
            let mut outer = Some(frame);
            while let Some(id) = outer {
                let frame = program.frames.get(id);
                for value in frame.via.iter().map(|via| &via.value).chain([&frame.peer]) {
                    if let Base::Variable(id) = value.base
                        && items.contains(&id)
                    {
                        used.push(id);
                    }
                }
                outer = frame.parent;
            }
            used.sort_unstable();
            used.dedup();
            for number in 0..ROUNDS_MAX.pow(used.len() as u32) {
                let mut rounds = HashMap::new();
                let mut number = number;
                for item in &used {
                    let name = &program.variables[item.0 as usize].name;
                    rounds.insert(*item, format!("{name}#{}", number % ROUNDS_MAX));
                    number /= ROUNDS_MAX;
                }
                links.space(program, frame, &rounds);
            }
        }
        links
    }

    fn space(&mut self, program: &Program, id: FrameId, rounds: &HashMap<VarId, String>) -> usize {
        let name = |value: &Value| peer(program, value, rounds);
        let frame = program.frames.get(id);
        let key: Vec<String> = (frame.via.iter())
            .map(|via| name(&via.value))
            .chain([name(&frame.peer)])
            .collect();
        let outer = frame
            .parent
            .map(|parent| self.space(program, parent, rounds));
        let key = (id, [key, vec![format!("{outer:?}")]].concat());
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let relays: Vec<String> = frame
            .via
            .iter()
            .flat_map(|via| relays(via, name(&via.value)))
            .collect();
        let own = name(&frame.peer);
        if let (Some(outer), Some(first)) = (outer, relays.first().or(Some(&own))) {
            self.spaces[outer].insert(first.clone());
        }
        for pair in relays.windows(2) {
            self.link(&pair[0], &pair[1]);
        }
        let inside = match (relays.last(), outer) {
            (Some(last), _) => {
                self.link(last, &own);
                self.spaces.push(BTreeSet::from([last.clone()]));
                self.spaces.len() - 1
            }
            (None, Some(outer)) => outer,
            (None, None) => {
                self.spaces.push(BTreeSet::from([own]));
                self.spaces.len() - 1
            }
        };
        self.known.insert(key, inside);
        inside
    }

    fn link(&mut self, a: &str, b: &str) {
        self.pairs.insert((a.to_owned(), b.to_owned()));
        self.pairs.insert((b.to_owned(), a.to_owned()));
    }

    fn has(&self, a: &str, b: &str) -> bool {
        a == b
            || self.pairs.contains(&(a.to_owned(), b.to_owned()))
            || self
                .spaces
                .iter()
                .any(|space| space.contains(a) && space.contains(b))
    }
}

fn relays(via: &Via, name: String) -> Vec<String> {
    if via.many {
        elements(&name)
    } else {
        vec![name]
    }
}

/// A collection of relays has two elements.
fn elements(collection: &str) -> Vec<String> {
    vec![format!("{collection}/0"), format!("{collection}/1")]
}

fn find_items(op: &Op, items: &mut Vec<VarId>) {
    match op {
        Op::Seq(ops) | Op::Par(ops) => ops.iter().for_each(|op| find_items(op, items)),
        Op::Xor(left, right) => {
            find_items(left, items);
            find_items(right, items);
        }
        Op::Fold { item, body, .. } => {
            items.push(*item);
            find_items(body, items);
        }
        Op::Detach(body) | Op::Match { body, .. } | Op::New(_, body) | Op::On { body, .. } => {
            find_items(body, items);
        }
        _ => {}
    }
}

/// What a value is as a peer, with the items of the present rounds.
fn peer(program: &Program, value: &Value, rounds: &HashMap<VarId, String>) -> String {
    let mut name = match &value.base {
        Base::InitPeerId => "I".to_owned(),
        Base::String(text) => text.to_string(),
        Base::Int(number) => number.to_string(),
        Base::Variable(id) => rounds
            .get(id)
            .cloned()
            .unwrap_or_else(|| program.variables[id.0 as usize].name.clone()),
        other => panic!("{other:?} is no peer"),
    };
    for accessor in &value.lens {
        match accessor {
            Accessor::Field(field) => name = format!("{name}.{field}"),
            other => panic!("{other:?} selects no peer"),
        }
    }
    name
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Done,
    Waits,
    Failed,
}

struct Rounds<'p> {
    number: usize,
    count: usize,
    body: &'p Op,
    never: bool,
    defined: HashSet<VarId>,
}

/// One look of a peer at the program.
struct Evaluation<'p, 'k> {
    program: &'p Program,
    /// Where; without it, everywhere.
    here: Option<&'p str>,
    known: &'k mut BTreeMap<String, bool>,
    next: BTreeSet<String>,
    defined: HashSet<VarId>,
    items: HashMap<VarId, String>,
    rounds: HashMap<VarId, Rounds<'p>>,
}

impl<'p, 'k> Evaluation<'p, 'k> {
    fn new(
        program: &'p Program,
        here: Option<&'p str>,
        known: &'k mut BTreeMap<String, bool>,
    ) -> Self {
        Self {
            program,
            here,
            known,
            next: BTreeSet::new(),
            defined: HashSet::new(),
            items: HashMap::new(),
            rounds: HashMap::new(),
        }
    }

    fn run(mut self) -> BTreeSet<String> {
        self.eval(&self.program.body);
        self.next
    }

    fn is_defined(&self, value: &Value) -> bool {
        match value.base {
            Base::Variable(id) => self.defined.contains(&id),
            _ => true,
        }
    }

    fn eval(&mut self, op: &'p Op) -> State {
        match op {
            Op::Null => State::Done,
            Op::Never => State::Waits,
            Op::Fail(_) => State::Failed,
            Op::Seq(ops) => {
                for op in ops {
                    match self.eval(op) {
                        State::Done => {}
                        other => return other,
                    }
                }
                State::Done
            }
            Op::Par(arms) => {
                let states: Vec<State> = arms.iter().map(|arm| self.eval(arm)).collect();
                if states.contains(&State::Done) {
                    State::Done
                } else if states.iter().all(|state| *state == State::Failed) {
                    State::Failed
                } else {
                    State::Waits
                }
            }
            Op::Detach(body) => {
                self.eval(body);
                State::Done
            }
            Op::Xor(left, right) => match self.eval(left) {
                State::Failed => self.eval(right),
                other => other,
            },
            Op::Match {
                equal,
                left,
                right,
                body,
            } => {
                if !self.is_defined(left) || !self.is_defined(right) {
                    return State::Waits;
                }
                let text = |value| peer(self.program, value, &self.items);
                if (text(left) == text(right)) == *equal {
                    self.eval(body)
                } else {
                    State::Failed
                }
            }
            Op::Fold {
                item,
                iterable,
                body,
                never,
            } => {
                if !self.is_defined(iterable) {
                    return State::Waits;
                }
                // The name of a list ends with its length.
                let name = peer(self.program, iterable, &self.items);
                let count = name.trim_start_matches(|c: char| !c.is_ascii_digit());
                let rounds = Rounds {
                    number: 0,
                    count: count.parse().expect("it ends with its length"),
                    body,
                    never: *never,
                    defined: self.defined.clone(),
                };
                self.rounds.insert(*item, rounds);
                let state = self.round(*item);
                self.defined = self.rounds.remove(item).expect("it is there").defined;
                state
            }
            Op::Next(item) => {
                let number = self.rounds[item].number;
                self.rounds.get_mut(item).expect("it is there").number += 1;
                let defined = self.defined.clone();
                let name = self.items[item].clone();
                let state = self.round(*item);
                self.rounds.get_mut(item).expect("it is there").number = number;
                self.items.insert(*item, name);
                self.defined = defined;
                state
            }
            Op::New(_, body) | Op::On { body, .. } => self.eval(body),
            Op::Ap { value, target } => {
                if !self.is_defined(value) {
                    return State::Waits;
                }
                if !value.lens.is_empty() {
                    return State::Failed;
                }
                self.defined.insert(*target);
                State::Done
            }
            Op::ApMap { .. } => State::Done,
            Op::Call {
                frame,
                function,
                args,
                output,
                ..
            } => {
                let name = peer(self.program, function, &self.items);
                let ready = args.iter().all(|arg| self.is_defined(arg));
                let id = self.id(&name);
                let at = &self.program.frames.get(*frame).peer;
                let state = self.step(at, id, ready, !name.starts_with("bad"));
                if let (State::Done, Some(output)) = (state, output) {
                    self.defined.insert(*output);
                }
                state
            }
            Op::Canon { frame, target, .. } => {
                let id = self.id(&format!("canon{}", target.0));
                let at = &self.program.frames.get(*frame).peer;
                let state = self.step(at, id, true, true);
                self.defined.insert(*target);
                state
            }
            Op::Hop(at) => {
                let id = self.id(&format!("hop{op:p}"));
                self.step(at, id, true, true)
            }
            Op::HopEach { peers, reversed } => {
                if !self.is_defined(peers) {
                    return State::Waits;
                }
                let mut all = elements(&peer(self.program, peers, &self.items));
                if *reversed {
                    all.reverse();
                }
                for at in all {
                    let id = self.id(&format!("hop{op:p}{at}"));
                    let at = Value::from(Base::String(at.as_str().into()));
                    if self.step(&at, id, true, true) != State::Done {
                        return State::Waits;
                    }
                }
                State::Done
            }
        }
    }

    fn round(&mut self, item: VarId) -> State {
        let rounds = &self.rounds[&item];
        if rounds.number == rounds.count {
            return if rounds.never {
                State::Waits
            } else {
                State::Done
            };
        }
        self.defined = rounds.defined.clone();
        self.defined.insert(item);
        let name = &self.program.variables[item.0 as usize].name;
        self.items.insert(item, format!("{name}#{}", rounds.number));
        let body = rounds.body;
        self.eval(body)
    }

    fn id(&self, name: &str) -> String {
        let mut items: Vec<(&VarId, usize)> = self
            .rounds
            .iter()
            .map(|(item, rounds)| (item, rounds.number))
            .collect();
        items.sort_unstable();
        let rounds: Vec<String> = items
            .into_iter()
            .map(|(_, number)| number.to_string())
            .collect();
        format!("{name} {}", rounds.join("/"))
    }

    fn step(&mut self, at: &Value, id: String, ready: bool, works: bool) -> State {
        if let Some(works) = self.known.get(&id) {
            return if *works { State::Done } else { State::Failed };
        }
        if !self.is_defined(at) {
            return State::Waits;
        }
        let at = peer(self.program, at, &self.items);
        if self.here.is_some_and(|here| here != at) {
            self.next.insert(at);
            return State::Waits;
        }
        if !ready {
            return State::Waits;
        }
        self.known.insert(id, works);
        if works { State::Done } else { State::Failed }
    }
}
