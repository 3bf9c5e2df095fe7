//! Makes files of all definitions, statements, values and layouts. All of them are right.

/// Nothing but repeatable: the same seed gives the same file everywhere.
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

const NAMES: [&str; 6] = ["a", "b", "stream", "aLongerName_2", "x", "value"];
const CLASSES: [&str; 4] = ["A", "Data", "Mod.Other", "SCREAMING"];
const KEYWORDS: [&str; 8] = ["if", "on", "for", "par", "service", "else", "via", "data"];
const OPERATORS: [&str; 14] = [
    "+", "-", "*", "/", "%", "**", "<", "<=", ">", ">=", "==", "!=", "&&", "||",
];

/// A file whose blocks, values and types are nested at most `depth` deep.
pub fn file(seed: u64, depth: u32) -> String {
    let mut writer = Writer {
        random: Random(seed),
        out: String::new(),
        line_end: "\n",
        indents: vec![String::new()],
    };
    writer.line_end = writer.random.one_of(&["\n", "\n", "\r\n", "\n\r"]);
    writer.header();
    for _ in 0..writer.random.below(5) {
        writer.item(depth);
    }
    writer.empty_lines();
    writer.out
}

struct Writer {
    random: Random,
    out: String,
    line_end: &'static str,
    indents: Vec<String>,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn chance(&mut self, of: u64) -> bool {
        self.random.below(of) == 0
    }

    /// Space that may be missing.
    fn gap(&mut self) {
        let gap = self.random.one_of(&["", "", " ", "  ", "\t"]);
        self.put(gap);
    }

    /// Space that must be there.
    fn space(&mut self) {
        let space = self.random.one_of(&[" ", " ", "  ", "\t", " \t "]);
        self.put(space);
    }

    fn comment(&mut self) {
        let comment = self
            .random
            .one_of(&["--", "-- why", "--- doc: \"x\" (", "----", "-- é  "]);
        self.put(comment);
    }

    /// Space inside brackets, where lines do not matter.
    fn free(&mut self) {
        self.gap();
        while self.chance(8) {
            if self.chance(2) {
                self.comment();
            }
            self.put(self.line_end);
            self.gap();
        }
    }

    /// The end of a line, and lines without code.
    fn end_line(&mut self) {
        self.gap();
        if self.chance(6) {
            self.put(" ");
            self.comment();
        }
        self.put(self.line_end);
        self.empty_lines();
    }

    fn empty_lines(&mut self) {
        while self.chance(4) {
            self.gap();
            if self.chance(2) {
                self.comment();
            }
            self.put(self.line_end);
        }
    }

    fn start_line(&mut self) {
        let indent = self.indents.last().cloned().unwrap_or_default();
        self.put(&indent);
    }

    fn enter(&mut self) {
        let deeper = self.random.one_of(&["  ", " ", "\t", "      "]);
        let indent = self.indents.last().cloned().unwrap_or_default() + deeper;
        self.indents.push(indent);
    }

    fn name(&mut self) {
        let name = self.random.one_of(&NAMES);
        self.put(name);
    }

    fn class(&mut self) {
        let class = self.random.one_of(&CLASSES);
        self.put(class);
    }

    /// Things with commas between them.
    fn list(&mut self, least: u64, mut thing: impl FnMut(&mut Self)) {
        let count = least + self.random.below(3);
        for index in 0..count {
            if index > 0 {
                self.gap();
                self.put(",");
                self.gap();
            }
            thing(self);
        }
    }

    /// Things in brackets.
    fn bracketed(&mut self, [open, close]: [&str; 2], least: u64, thing: impl Fn(&mut Self)) {
        self.put(open);
        self.free();
        let count = match self.random.below(20) {
            0 => 12,
            count => least + count % 3,
        };
        for index in 0..count {
            thing(self);
            self.free();
            if index + 1 < count || self.chance(6) {
                self.put(",");
                self.free();
            }
        }
        self.put(close);
    }

    fn header(&mut self) {
        self.empty_lines();
        if self.chance(3) {
            self.put("aqua Some.Name");
            match self.random.below(3) {
                0 => self.put(" declares *"),
                1 => {
                    self.put(" declares ");
                    self.list(1, Self::name);
                }
                _ => {}
            }
            self.end_line();
        }
        for _ in 0..self.random.below(4) {
            let line = self.random.one_of(&[
                "import \"a\"",
                "import a as b,\tC  from \"b\"",
                "use\t\"c\"",
                "use a from \"d\" as  D.e",
                "export f ,g as h",
                "export f, -- f\n  g",
            ]);
            self.put(line);
            self.end_line();
        }
    }

    fn item(&mut self, depth: u32) {
        match self.random.below(8) {
            0 => {
                self.put("const NAME");
                self.gap();
                let sign = self.random.one_of(&["=", "?="]);
                self.put(sign);
                self.gap();
                self.expr(0);
                self.end_line();
            }
            1 => {
                self.put("alias Name");
                self.gap();
                self.put(":");
                self.gap();
                self.ty(depth);
                self.end_line();
            }
            2 => self.members("data Name", |writer| {
                writer.put(":");
                writer.gap();
                writer.basic_type(depth);
            }),
            3 => {
                let head = self.random.one_of(&[
                    "ability Name",
                    "service Name",
                    "service Name(\"id\")",
                    "service Name ( ID )",
                ]);
                self.members(head, |writer| {
                    if writer.chance(2) {
                        writer.signature(depth);
                    } else {
                        writer.put(":");
                        writer.gap();
                        writer.arrow(depth);
                    }
                });
            }
            _ => {
                self.put("func name");
                self.gap();
                self.signature(depth);
                self.body(depth);
            }
        }
    }

    fn members(&mut self, head: &str, member: impl Fn(&mut Self)) {
        self.put(head);
        self.gap();
        self.put(":");
        self.end_line();
        self.enter();
        for _ in 0..=self.random.below(3) {
            self.start_line();
            self.name();
            self.gap();
            member(self);
            self.end_line();
        }
        self.indents.pop();
    }

    fn signature(&mut self, depth: u32) {
        if self.chance(4) {
            self.bracketed(["{", "}"], 1, Self::class);
            self.gap();
        }
        self.bracketed(["(", ")"], 0, |writer| {
            writer.name();
            writer.gap();
            writer.put(":");
            writer.gap();
            writer.ty(depth);
        });
        if self.chance(2) {
            self.gap();
            self.put("->");
            self.gap();
            self.results(depth);
        }
    }

    fn results(&mut self, depth: u32) {
        if self.chance(4) {
            return self.put("()");
        }
        self.list(1, |writer| {
            if depth > 0 && writer.chance(4) {
                writer.put("(");
                writer.ty(depth - 1);
                writer.put(")");
            } else {
                writer.basic_type(depth);
            }
        });
    }

    fn arrow(&mut self, depth: u32) {
        if depth > 0 && self.chance(5) {
            self.put("(a: u32)");
        } else {
            if self.chance(5) {
                self.put("{A, B}");
            }
            if self.chance(2) {
                self.gap();
                self.list(1, |writer| writer.basic_type(depth));
            }
        }
        self.gap();
        self.put("->");
        self.gap();
        self.results(depth);
    }

    fn ty(&mut self, depth: u32) {
        match self.random.below(4) {
            0 if depth > 0 => self.arrow(depth - 1),
            1 if depth > 0 => {
                self.put("(");
                self.ty(depth - 1);
                self.put(")");
            }
            _ => self.basic_type(depth),
        }
    }

    fn basic_type(&mut self, depth: u32) {
        for _ in 0..self.random.below(u64::from(depth) + 1) {
            let prefix = self.random.one_of(&["[]", "?", "*", "%"]);
            self.put(prefix);
        }
        let ty = self
            .random
            .one_of(&["u32", "string", "⊤", "⊥", "Data", "Mod.Data"]);
        self.put(ty);
    }

    /// `:` and statements.
    fn body(&mut self, depth: u32) {
        self.gap();
        self.put(":");
        self.end_line();
        self.enter();
        for _ in 0..=self.random.below(3) {
            self.start_line();
            self.stmt(depth);
        }
        self.indents.pop();
    }

    fn stmt(&mut self, depth: u32) {
        if depth > 0 && self.chance(2) {
            return self.block(depth - 1);
        }
        match self.random.below(9) {
            0 => {
                self.put("<-");
                self.space();
                self.list(1, |writer| writer.expr(depth));
            }
            1 => {
                self.class();
                self.space();
                let id = self.random.one_of(&["\"id\"", "id", "(id)", "f(1)"]);
                self.put(id);
            }
            2 => {
                self.name();
                self.gap();
                self.put("<<-");
                self.gap();
                self.expr(depth);
                if self.chance(3) {
                    self.put(" , ");
                    self.expr(depth);
                }
            }
            3 => {
                self.put("join");
                self.space();
                self.list(1, |writer| writer.operand(depth));
            }
            4 => {
                self.name();
                self.gap();
                let sign = self.random.one_of(&[":*", ": %", " : *"]);
                self.put(sign);
                self.basic_type(depth);
            }
            5 => {
                let keyword = self.random.one_of(&KEYWORDS);
                self.put(keyword);
                self.gap();
                self.put("=");
                self.gap();
                self.expr(depth);
            }
            6 => {
                let prefix = self.random.one_of(&["", "par ", "co\t"]);
                self.put(prefix);
                self.call(depth);
            }
            _ => {
                self.list(1, Self::name);
                self.gap();
                self.put("<-");
                self.gap();
                self.call(depth);
            }
        }
        self.end_line();
    }

    fn block(&mut self, depth: u32) {
        match self.random.below(8) {
            0 => {
                let prefix = self.random.one_of(&["for ", "par for ", "co for\t"]);
                self.put(prefix);
                let item = self.random.one_of(&["x<-", "x <- ", "k, v <- ", "for <- "]);
                self.put(item);
                self.operand(depth);
                let mode = self.random.one_of(&["", " par", " try ", " rec"]);
                self.put(mode);
            }
            1 => {
                self.put("parseq x <-");
                self.operand(depth);
                self.put(" on ");
                self.operand(depth);
                self.put(" via ");
                self.operand(depth);
            }
            2 => {
                let prefix = self.random.one_of(&["on ", "par  on\t", "co on "]);
                self.put(prefix);
                self.operand(depth);
                if self.chance(2) {
                    self.put(" via ");
                    self.operand(depth);
                }
            }
            3 => return self.branches(depth),
            4 => self.put("try"),
            5 => {
                let word = self.random.one_of(&["catch e", "otherwise"]);
                self.put(word);
            }
            _ => {
                self.name();
                let sign = self.random.one_of(&[" = ", " =", " = func ", " = func"]);
                self.put(sign);
                // Without arguments and results it is a value in parentheses.
                self.put("(a: u32)");
                if self.chance(2) {
                    self.put("->");
                    self.results(depth);
                }
            }
        }
        self.body(depth);
    }

    fn branches(&mut self, depth: u32) {
        self.put("if ");
        self.expr(depth);
        self.body(depth);
        while self.chance(2) {
            self.start_line();
            self.put("else  if ");
            self.expr(depth);
            self.body(depth);
        }
        if self.chance(2) {
            self.start_line();
            self.put("else");
            self.body(depth);
        }
    }

    fn expr(&mut self, depth: u32) {
        self.operand(depth);
        let mut compared = false;
        while depth > 0 && self.chance(3) {
            let operator = self.random.one_of(&OPERATORS);
            let compares = operator.starts_with(['<', '>']);
            if compares && std::mem::replace(&mut compared, true) {
                continue;
            }
            self.put(" ");
            self.put(operator);
            self.space();
            if self.chance(10) {
                self.put("-- next line");
                self.put(self.line_end);
                self.gap();
            }
            self.operand(depth - 1);
        }
    }

    fn call(&mut self, depth: u32) {
        let callee = self.random.one_of(&["f", "S.m", "Mod.f", "a.b.c"]);
        self.put(callee);
        if self.chance(5) {
            self.put("{");
            self.list(1, |writer| writer.operand(0));
            self.put("}");
        }
        self.gap();
        self.bracketed(["(", ")"], 0, |writer| writer.expr(depth.saturating_sub(1)));
    }

    fn operand(&mut self, depth: u32) {
        if depth == 0 {
            return self.leaf();
        }
        match self.random.below(10) {
            0 => self.call(depth),
            1 => {
                self.class();
                self.bracketed(["(", ")"], 1, |writer| writer.named(depth - 1));
            }
            2 => {
                let open = self.random.one_of(&["[", "?[", "*["]);
                self.bracketed([open, "]"], 0, |writer| writer.expr(depth - 1));
            }
            3 => {
                self.put("(");
                self.free();
                self.expr(depth - 1);
                self.free();
                self.put(")");
            }
            4 => {
                self.put("!");
                self.operand(depth - 1);
            }
            5 => {
                self.name();
                self.put(".copy");
                self.bracketed(["(", ")"], 1, |writer| writer.named(depth - 1));
            }
            6 | 7 => {
                self.name();
                for _ in 0..=self.random.below(3) {
                    let property = self.random.one_of(&[".f", ".F", "!", "!2", "!i", "[0]"]);
                    self.put(property);
                }
            }
            8 => {
                self.name();
                self.put("[");
                self.free();
                // An index is not a negative number.
                self.put("i + ");
                self.expr(depth - 1);
                self.free();
                self.put("]");
            }
            _ => self.leaf(),
        }
    }

    fn named(&mut self, depth: u32) {
        self.name();
        if self.chance(2) {
            self.gap();
            self.put("=");
            self.free();
            self.expr(depth);
        }
    }

    fn leaf(&mut self) {
        let leaf = self.random.one_of(&[
            "a",
            "B",
            "true",
            "false",
            "0",
            "42",
            "-7",
            "1.05",
            "-0.5",
            "\"\"",
            "\"text -- no\"",
            "\"two\nlines\"",
            "%init_peer_id%",
            "[]",
            "?[]",
            "nil",
        ]);
        self.put(leaf);
    }
}
