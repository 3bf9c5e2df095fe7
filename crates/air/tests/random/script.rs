//! Makes scripts of all instructions, operands and layouts. Most of them are right.

/// Nothing but repeatable: the same seed gives the same script everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// Instructions that define every name which the others use.
const DEFINITIONS: [&str; 9] = [
    "(ap 1 x)",
    "(call \"p\" (\"s\" \"f\") [] größe)",
    "(ap 1 $s)",
    "(ap (\"k\" 1) %m)",
    "(canon \"p\" $s #c)",
    "(canon %init_peer_id% $s #$c)",
    "(canon \"p\" %m #%c)",
    "(canon \"p\" %m -o-)",
    "(call \"p\" (\"s\" \"f\") [] $t)",
];

/// A script whose random part is nested `depth` deep.
pub fn script(seed: u64, depth: u32) -> String {
    let mut writer = Writer {
        random: Random(seed),
        out: String::new(),
        folds: Vec::new(),
    };
    for definition in DEFINITIONS {
        writer.open("seq");
        writer.out.push_str(definition);
    }
    writer.instruction(depth, true);
    writer.out.push_str(&")".repeat(DEFINITIONS.len()));
    writer.out
}

/// The iterator of a fold at this level.
fn iterator(level: usize) -> String {
    format!("i{level}")
}

struct Writer {
    random: Random,
    out: String,
    /// For each fold around: it still needs its `next`.
    folds: Vec<bool>,
}

impl Writer {
    fn open(&mut self, keyword: &str) {
        self.out.push('(');
        self.out.push_str(keyword);
        self.gap();
    }

    fn gap(&mut self) {
        let gap = self.random.one_of(&[
            " ", " ", " ", " ", "  ", "\n  ", " ; why\n", "\n;x\n", "\u{a0}", "\t",
        ]);
        self.out.push_str(gap);
    }

    /// `last`: nothing of the innermost fold follows.
    fn instruction(&mut self, depth: u32, last: bool) {
        if depth == 0 || self.random.below(4) == 0 {
            return self.leaf(last);
        }
        match self.random.below(10) {
            0..=2 => self.pair("seq", depth, (false, last)),
            3..=4 => self.pair("par", depth, (false, last)),
            5 => self.pair("xor", depth, (last, last)),
            6 => {
                let keyword = self.random.one_of(&["match", "mismatch"]);
                self.open(keyword);
                self.value();
                self.value();
                self.instruction(depth - 1, last);
            }
            7 => {
                self.open("new");
                let names = ["x", "y", "$s", "$u", "%m", "#c", "#$c", "#%c"];
                let name = self.random.one_of(&names);
                self.out.push_str(name);
                self.gap();
                self.instruction(depth - 1, last);
            }
            _ => self.fold(depth),
        }
        self.out.push(')');
    }

    fn pair(&mut self, keyword: &str, depth: u32, (left_last, right_last): (bool, bool)) {
        self.open(keyword);
        self.instruction(depth - 1, left_last);
        self.instruction(depth - 1, right_last);
    }

    fn fold(&mut self, depth: u32) {
        self.open("fold");
        let iterables = [
            "[]", "x", "x.$.a", "$s", "$t", "%m", "#c", "#$c", "#%c", "#%c.$.k",
        ];
        let iterable = self.random.one_of(&iterables);
        self.out.push_str(iterable);
        self.gap();
        self.out.push_str(&iterator(self.folds.len()));
        self.gap();
        self.folds.push(true);
        self.instruction(depth - 1, true);
        self.folds.pop();
        if self.random.below(4) == 0 {
            self.gap();
            self.instruction(depth - 1, false);
        }
    }

    fn leaf(&mut self, last: bool) {
        if last && self.folds.last() == Some(&true) && self.random.below(3) > 0 {
            let innermost = self.folds.len() - 1;
            self.folds[innermost] = false;
            self.out.push_str("(next ");
            self.out.push_str(&iterator(innermost));
            self.out.push(')');
            return;
        }
        match self.random.below(9) {
            0..=2 => self.call(),
            3 => {
                self.open("ap");
                let value = self
                    .random
                    .one_of(&["1", "x", "\"a;(\"", "#c", "#%c.$.k", "[]", ":error:"]);
                self.out.push_str(value);
                self.gap();
                let target = self.random.one_of(&["y", "$s", "$t", "1abc"]);
                self.out.push_str(target);
            }
            4 => {
                self.open("ap");
                let pair = self.random.one_of(&[
                    "(\"k\" x)",
                    "(-1 \"v\")",
                    "(x.$.a #c.length)",
                    "(#c.$[0] [])",
                ]);
                self.out.push_str(pair);
                self.gap();
                self.out.push_str("%m");
            }
            5 => {
                self.open("canon");
                let peer = self
                    .random
                    .one_of(&["\"p\"", "%init_peer_id%", "x", "#c.$.[0].b"]);
                self.out.push_str(peer);
                self.gap();
                let rest = self.random.one_of(&["$s #c", "$t #$c", "%m #%c", "%m -o-"]);
                self.out.push_str(rest);
            }
            6 => {
                self.open("fail");
                let what = self.random.one_of(&[
                    "1 \"m\"",
                    "-7 \"\"",
                    "x",
                    "x.$.e",
                    "#c.$.[1]",
                    "%last_error%",
                    ":error:",
                ]);
                self.out.push_str(what);
            }
            7 => self.open("null"),
            _ => self.open("never"),
        }
        self.out.push(')');
    }

    fn call(&mut self) {
        self.open("call");
        let peer =
            self.random
                .one_of(&["\"p\"", "%init_peer_id%", "x", "-o-.$.peer", "#%c.$.k.[0]"]);
        self.out.push_str(peer);
        self.gap();
        let name = self
            .random
            .one_of(&["(\"s\" \"f\")", "(x x.$.f)", "( #c.$.[0] \"größe\" )"]);
        self.out.push_str(name);
        self.gap();
        self.out.push('[');
        for _ in 0..self.random.below(4) {
            self.value();
        }
        self.out.push(']');
        let output = self.random.one_of(&["", "", " y", " $s", "$t", " -relay-"]);
        self.out.push_str(output);
    }

    fn value(&mut self) {
        const VALUES: [&str; 30] = [
            "\"text\"",
            "\"\"",
            "\"; ( [\\\"",
            "0",
            "-1",
            "+42",
            "9223372036854775807",
            "1.5",
            "-0.25",
            "1.",
            "1234567890.",
            "true",
            "false",
            "[]",
            "[ ]",
            "%init_peer_id%",
            "%timestamp%",
            "%ttl%",
            "%last_error%",
            ":error:",
            "%last_error%.$.message",
            ":error:.$.error_code!",
            "x",
            "x.length",
            "x.$.a.[0].b",
            "x.$[x]!",
            "größe.$.ü",
            "#c",
            "#c.$.[0]",
            "#%c.$.k.[1]",
        ];
        let value = match self.folds.len() as u64 {
            depth if depth > 0 && self.random.below(5) == 0 => {
                iterator(self.random.below(depth) as usize)
            }
            _ => self.random.one_of(&VALUES).to_owned(),
        };
        self.out.push_str(&value);
        self.gap();
    }
}
