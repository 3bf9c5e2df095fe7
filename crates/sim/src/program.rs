//! Random AIR scripts.

use std::fmt::Write;

use crate::rng::Rng;

/// Keys of the maps.
const KEYS: [&str; 3] = ["\"k\"", "\"l\"", "7"];

/// How many times a recursive stream grows.
const ROUNDS_MAX: u64 = 3;

/// What a part of a script may refer to.
#[derive(Debug, Clone, Default)]
struct Scope {
    /// Names of single values.
    scalars: Vec<String>,
    /// Names of arrays.
    arrays: Vec<String>,
    /// Names of frozen streams.
    canons: Vec<String>,
    /// Names of frozen maps, whose keys are among [`KEYS`].
    maps: Vec<String>,
    /// Names of streams that are open.
    streams: Vec<String>,
    /// Inside the right side of an `xor`.
    caught: bool,
}

/// Writes scripts for peers with given names. They call the functions `list.of`, whose result must be an array of
/// its arguments, `op.identity`, `math.add`, `cmp.lte`, `test.fail` and `srv0.f0` to `srv2.f2`; every one of them has at least two calls that are reached, unless something before fails or never ends.
///
/// Scripts have all instructions of the language: calls with and without output, folds over arrays, canons, maps and
/// streams, also such as grow while they are visited, in sequence and in parallel, errors that are raised, caught and
/// not caught, parts that never end beside others.
#[derive(Debug)]
pub struct Author<'a> {
    rng: &'a mut Rng,
    peers: &'a [String],
    settled: bool,
    names: usize,
}

impl<'a> Author<'a> {
    /// An author for peers with these names, without `@`.
    pub fn new(rng: &'a mut Rng, peers: &'a [String]) -> Self {
        Author {
            rng,
            peers,
            settled: false,
            names: 0,
        }
    }

    /// From now on scripts have no races: a stream is frozen only when nothing can be added any more, so that the calls
    /// do not depend on the order of delivery.
    pub fn settled(mut self) -> Self {
        self.settled = true;
        self
    }

    /// A script with this nesting of choices, at least 1.
    pub fn script(&mut self, depth: u32) -> String {
        let mut scope = Scope::default();
        let first = self.call(&mut scope);
        let rest = self.part(&mut scope, depth);
        let last = self.call(&mut scope);
        format!("(seq (seq {first} {rest}) {last})")
    }

    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn peer(&mut self) -> String {
        if self.rng.per_mille(200) {
            return "%init_peer_id%".to_owned();
        }
        format!("\"@{}\"", self.rng.pick(self.peers))
    }

    fn value(&mut self, scope: &Scope) -> String {
        let of = |rng: &mut Rng, names: &[String], chances: u16| {
            (!names.is_empty() && rng.per_mille(chances)).then(|| rng.pick(names).clone())
        };
        if let Some(name) = of(self.rng, &scope.scalars, 500) {
            return name;
        }
        if let Some(name) = of(self.rng, &scope.canons, 300) {
            let lens = *self.rng.pick(&["", "", ".length", ".length", ".$.[0]"]);
            return format!("{name}{lens}");
        }
        if let Some(name) = of(self.rng, &scope.maps, 300) {
            let lens = *self.rng.pick(&[".length", ".$.k", ".$.k.[0]", ".$.l"]);
            return format!("{name}{lens}");
        }
        if self.rng.per_mille(30) {
            return (*self
                .rng
                .pick(&["%last_error%.$.error_code", "%last_error%"]))
            .to_owned();
        }
        if scope.caught && self.rng.per_mille(100) {
            return (*self
                .rng
                .pick(&[":error:.$.error_code", ":error:.$.message", ":error:"]))
            .to_owned();
        }
        if let Some(name) = of(self.rng, &scope.arrays, 300) {
            let lens = *self
                .rng
                .pick(&["", "", ".$.[0]", ".$.[0]", ".$.[0]", ".$.[9]"]);
            return format!("{name}{lens}");
        }
        (*self.rng.pick(&[
            "1",
            "2",
            "\"x\"",
            "true",
            "[]",
            "%ttl%",
            "%init_peer_id%",
            "-0.5",
        ]))
        .to_owned()
    }

    fn values(&mut self, scope: &Scope, least: u64, most: u64) -> String {
        let count = self.rng.within(&(least..=most));
        let values: Vec<String> = (0..count).map(|_| self.value(scope)).collect();
        values.join(" ")
    }

    /// A call with whatever output.
    fn call(&mut self, scope: &mut Scope) -> String {
        let peer = self.peer();
        match self.rng.below(30) {
            0 => {
                let args = self.values(scope, 0, 1);
                format!("(call {peer} (\"test\" \"fail\") [{args}])")
            }
            1..=7 => self.array(scope),
            8..=12 => {
                let (arg, out) = (self.value(scope), self.output(scope));
                format!("(call {peer} (\"op\" \"identity\") [{arg}]{out})")
            }
            _ => {
                let (service, function) = (self.rng.below(3), self.rng.below(3));
                let (args, out) = (self.values(scope, 0, 3), self.output(scope));
                format!("(call {peer} (\"srv{service}\" \"f{function}\") [{args}]{out})")
            }
        }
    }

    fn output(&mut self, scope: &mut Scope) -> String {
        if !scope.streams.is_empty() && self.rng.per_mille(350) {
            return format!(" {}", self.rng.pick(&scope.streams));
        }
        if self.rng.per_mille(300) {
            return String::new();
        }
        let name = self.name("v");
        scope.scalars.push(name.clone());
        format!(" {name}")
    }

    /// A call that makes an array.
    fn array(&mut self, scope: &mut Scope) -> String {
        let (peer, args, name) = (self.peer(), self.values(scope, 1, 4), self.name("arr"));
        scope.arrays.push(name.clone());
        format!("(call {peer} (\"list\" \"of\") [{args}] {name})")
    }

    /// The scope of something that runs beside something else.
    fn aside(&self, scope: &Scope) -> Scope {
        let mut aside = scope.clone();
        if self.settled {
            aside.streams.clear();
        }
        aside
    }

    fn leaf(&mut self, scope: &mut Scope) -> String {
        match self.rng.below(40) {
            0 => "(null)".to_owned(),
            1 => format!("(fail {} \"boom\")", 1 + self.rng.below(5)),
            2 | 13..=15 if scope.caught => {
                "(call %init_peer_id% (\"err\" \"code\") [:error:.$.error_code])".to_owned()
            }
            3..=7 => {
                let (value, name) = (self.value(scope), self.name("w"));
                scope.scalars.push(name.clone());
                format!("(ap {value} {name})")
            }
            8..=12 if !scope.streams.is_empty() => {
                let (value, stream) = (self.value(scope), self.rng.pick(&scope.streams).clone());
                format!("(ap {value} {stream})")
            }
            _ => self.call(scope),
        }
    }

    fn part(&mut self, scope: &mut Scope, depth: u32) -> String {
        if depth == 0 {
            return self.leaf(scope);
        }
        match self.rng.below(26) {
            0..=5 => {
                let left = self.part(scope, depth - 1);
                let right = self.part(scope, depth - 1);
                format!("(seq {left} {right})")
            }
            6..=8 => {
                let mut aside = self.aside(scope);
                let left = self.part(&mut aside.clone(), depth - 1);
                let right = self.part(&mut aside, depth - 1);
                format!("(par {left} {right})")
            }
            9 | 10 => {
                let left = self.part(&mut scope.clone(), depth - 1);
                let right = self.part(
                    &mut Scope {
                        caught: true,
                        ..scope.clone()
                    },
                    depth - 1,
                );
                format!("(xor {left} {right})")
            }
            11 | 12 => self.array_fold(scope, depth),
            13..=15 => self.gather(scope, depth),
            16 | 17 => self.stream_fold(scope, depth),
            18 => {
                let verb = *self.rng.pick(&["match", "mismatch"]);
                let (left, right) = (self.value(scope), self.value(scope));
                let body = self.part(&mut scope.clone(), depth - 1);
                format!("({verb} {left} {right} {body})")
            }
            19 | 20 => self.map(scope, depth),
            21 => self.recursion(scope, depth),
            22 => {
                let body = self.part(&mut self.aside(scope), depth - 1);
                format!("(par {body} (never))")
            }
            23 if !scope.scalars.is_empty() => self.shadow(scope, depth),
            24 if scope.caught => {
                let what = *self.rng.pick(&[":error:", "%last_error%"]);
                format!("(xor (fail {what}) {})", self.part(scope, depth - 1))
            }
            _ => self.leaf(scope),
        }
    }

    /// A map is filled, frozen and used; a key may stand in it twice.
    fn map(&mut self, scope: &mut Scope, depth: u32) -> String {
        let (map, peer) = (self.name("%m"), self.peer());
        let mut filled = self.entry(scope, &map);
        for _ in 1..self.rng.within(&(1..=4)) {
            filled = format!("(seq {filled} {})", self.entry(scope, &map));
        }
        let mut inside = scope.clone();
        let (frozen, used) = match self.rng.below(3) {
            0 => {
                let name = self.name("o");
                inside.scalars.push(name.clone());
                (name, self.part(&mut inside, depth - 1))
            }
            1 => {
                let (name, reader) = (self.name("#%c"), self.peer());
                inside.maps.push(name.clone());
                let body = self.part(&mut inside, depth - 1);
                let used = format!("(seq (call {reader} (\"op\" \"identity\") [{name}]) {body})");
                (name, used)
            }
            _ => {
                let (name, item) = (self.name("#%c"), self.name("e"));
                inside.maps.push(name.clone());
                inside
                    .scalars
                    .extend([format!("{item}.$.key"), format!("{item}.$.value")]);
                let body = self.part(&mut inside, depth - 1);
                let fold = format!("(fold {name} {item} (seq {body} (next {item})))");
                (name, fold)
            }
        };
        format!("(new {map} (seq (seq {filled} (canon {peer} {map} {frozen})) {used}))")
    }

    fn entry(&mut self, scope: &Scope, map: &str) -> String {
        let (key, value) = (*self.rng.pick(&KEYS), self.value(scope));
        let ap = format!("(ap ({key} {value}) {map})");
        if self.rng.per_mille(300) {
            return format!("(seq {} {ap})", self.call(&mut scope.clone()));
        }
        ap
    }

    /// A stream grows while it is visited, until its numbers reach a bound.
    fn recursion(&mut self, scope: &mut Scope, depth: u32) -> String {
        let (stream, item, sum, less) = (
            self.name("$r"),
            self.name("k"),
            self.name("n"),
            self.name("b"),
        );
        let (adder, judge) = (self.peer(), self.peer());
        let bound = self.rng.within(&(1..=ROUNDS_MAX));
        let mut inside = self.aside(scope);
        inside.scalars.push(item.clone());
        let body = self.part(&mut inside, depth - 1);
        format!(
            "(new {stream} (seq (ap 0 {stream}) (fold {stream} {item} (par (seq (seq (call {adder} (\"math\" \"add\") [{item} 1] {sum}) (call {judge} (\"cmp\" \"lte\") [{sum} {bound}] {less})) (xor (match {less} true (ap {sum} {stream})) {body})) (next {item})) (null))))"
        )
    }

    /// A scalar has another value for a while.
    fn shadow(&mut self, scope: &mut Scope, depth: u32) -> String {
        let (name, value) = (self.name("u"), self.value(scope));
        let before = format!("(ap {value} {name})");
        let mut inside = scope.clone();
        inside.scalars.push(name.clone());
        let peer = self.peer();
        let arg = self.value(scope);
        let body = self.part(&mut inside, depth - 1);
        scope.scalars.push(name.clone());
        format!(
            "(seq {before} (new {name} (seq (call {peer} (\"op\" \"identity\") [{arg}] {name}) {body})))"
        )
    }

    fn array_fold(&mut self, scope: &mut Scope, depth: u32) -> String {
        let made = self.array(scope);
        let array = scope.arrays.last().cloned().unwrap_or_default();
        let item = self.name("i");
        let kind = self.rng.below(3);
        let mut inside = if kind == 2 {
            self.aside(scope)
        } else {
            scope.clone()
        };
        inside.scalars.push(item.clone());
        let body = self.part(&mut inside, depth - 1);
        let fold = match kind {
            0 => format!("(fold {array} {item} (seq {body} (next {item})))"),
            1 => format!("(fold {array} {item} (seq (next {item}) {body}))"),
            _ => format!("(fold {array} {item} (par {body} (next {item})) (null))"),
        };
        format!("(seq {made} {fold})")
    }

    /// Several arms write to a stream that is frozen and used afterwards.
    fn gather(&mut self, scope: &mut Scope, depth: u32) -> String {
        let (stream, canon, peer) = (self.name("$s"), self.name("#c"), self.peer());
        let join = if self.settled {
            "seq"
        } else {
            *self.rng.pick(&["seq", "par"])
        };
        let arms = self.rng.within(&(1..=3));
        let mut open = scope.clone();
        open.streams = vec![stream.clone()];
        let mut filled = self.fill(scope, &stream);
        for _ in 1..arms {
            let arm = if self.rng.per_mille(500) {
                self.fill(scope, &stream)
            } else {
                self.part(&mut open.clone(), depth - 1)
            };
            filled = format!("({join} {filled} {arm})");
        }
        let mut inside = scope.clone();
        inside.canons.push(canon.clone());
        let used = self.part(&mut inside, depth - 1);
        format!("(new {stream} (seq (seq {filled} (canon {peer} {stream} {canon})) {used}))")
    }

    fn fill(&mut self, scope: &Scope, stream: &str) -> String {
        let (peer, value) = (self.peer(), self.value(scope));
        if self.rng.per_mille(400) {
            return format!("(ap {value} {stream})");
        }
        format!("(call {peer} (\"op\" \"identity\") [{value}] {stream})")
    }

    fn stream_fold(&mut self, scope: &mut Scope, depth: u32) -> String {
        let (stream, item) = (self.name("$t"), self.name("k"));
        let mut text = String::new();
        let fills = self.rng.within(&(1..=3));
        for _ in 0..fills {
            let fill = self.fill(scope, &stream);
            write!(text, "(par {fill} ").expect("a text grows");
        }
        text.push_str("(null)");
        text.push_str(&")".repeat(fills as usize));
        let mut inside = self.aside(scope);
        inside.scalars.push(item.clone());
        let body = self.part(&mut inside, depth - 1);
        format!(
            "(new {stream} (seq {text} (fold {stream} {item} (par {body} (next {item})) (null))))"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Author;
    use crate::rng::Rng;

    #[test]
    fn every_script_parses() {
        let peers: Vec<String> = ["a", "b", "c"].map(String::from).into();
        for seed in 0..500 {
            let script = Author::new(&mut Rng::new(seed), &peers).script(1 + seed as u32 % 5);
            let parsed = weir_air::parse(&script, &weir_air::Limits::default());
            assert!(parsed.is_ok(), "seed {seed}: {script}\n{parsed:?}");
        }
    }
}
