//! Programs made of pieces of other programs: most are nearly right.

use std::path::Path;

/// The lines and words of programs.
pub struct Pieces {
    programs: Vec<Vec<String>>,
}

/// How many changes a program gets at most.
const CHANGES_MAX: usize = 4;

impl Pieces {
    /// Of all programs in folders of this crate.
    pub fn of(folders: [&str; 4]) -> Self {
        let mut programs = Vec::new();
        for folder in folders {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let entries = std::fs::read_dir(folder).expect("the corpus is there");
            let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
            paths.retain(|path| path.extension().is_some_and(|end| end == "aqua"));
            paths.sort();
            for path in paths {
                let text = std::fs::read_to_string(path).expect("a text");
                programs.push(text.lines().map(str::to_owned).collect());
            }
        }
        Self { programs }
    }

    /// One of the programs with a few changes. The same seed gives the same program.
    pub fn mixed(&self, seed: u64) -> String {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut lines = dice.pick(&self.programs).clone();
        for _ in 0..=dice.below(CHANGES_MAX) {
            self.change(&mut lines, &mut dice);
        }
        lines.join("\n") + "\n"
    }

    fn change(&self, lines: &mut Vec<String>, dice: &mut Dice) {
        if lines.is_empty() {
            return;
        }
        let at = dice.below(lines.len());
        let other = dice.below(lines.len());
        match dice.below(10) {
            0 => drop(lines.remove(at)),
            1 => lines.swap(at, other),
            2 => {
                let line = indented(indent(&lines[at]), &lines[other]);
                lines.insert(at, line);
            }
            3 => {
                let program = dice.pick(&self.programs);
                let line = indented(indent(&lines[at]), dice.pick::<String>(program));
                lines.insert(at, line);
            }
            4 => {
                let starts = [
                    "co ",
                    "par ",
                    "join ",
                    "if true:",
                    "try:",
                    "otherwise:",
                    "<- ",
                ];
                let line = indented(indent(&lines[at]), dice.pick::<&str>(&starts));
                lines[at] = line + lines[at].trim_start();
            }
            5 => lines[at].insert_str(0, "  "),
            _ => {
                let word = dice.word(&lines[other]).map(str::to_owned);
                let old = dice.word(&lines[at]).map(str::to_owned);
                if let (Some(word), Some(old)) = (word, old) {
                    lines[at] = lines[at].replacen(&old, &word, 1);
                }
            }
        }
    }
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

fn indented(indent: &str, line: &str) -> String {
    format!("{indent}{}", line.trim_start())
}

/// The next number of a sequence that looks random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    fn word<'t>(&mut self, line: &'t str) -> Option<&'t str> {
        let words = line.split(|sign: char| !sign.is_alphanumeric() && sign != '_');
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        (!words.is_empty()).then(|| *self.pick(&words))
    }
}
