//! What the grammar makes of texts.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tree_sitter::{
    InputEdit, Language, Parser, Point, Query, QueryCursor, StreamingIterator, Tree,
};
use weir_aqua::{FileId, Severity};

/// The grammar as it is built from its sources, once for all tests.
static AQUA: LazyLock<Language> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("grammar");
    weir_grammar::generate(&source).expect("the grammar has no conflicts, and `node` is there");
    let scanner = weir_grammar::folder().join("src/scanner.c");
    std::fs::copy(scanner, source.join("scanner.c")).expect("the scanner is there");
    let library = source.join("aqua.so");
    weir_grammar::build(&source, &library).expect("the parser compiles")
});

fn parser() -> Parser {
    let mut parser = Parser::new();
    parser
        .set_language(&AQUA)
        .expect("both are of the same version");
    parser
}

fn parse(text: &str) -> Tree {
    let tree = parser().parse(text, None);
    tree.expect("a parser without a limit always ends")
}

/// A tree without the names of fields, its pieces parted by single spaces.
fn shape(tree: &str) -> String {
    let spaced = tree.replace('(', " (").replace(')', " ) ");
    let pieces = spaced
        .split_whitespace()
        .filter(|piece| !piece.ends_with(':'));
    pieces.collect::<Vec<_>>().join(" ")
}

/// Files below a folder whose names end so, without what was built or downloaded.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("a folder of the repository can be read");
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn repository() -> PathBuf {
    let editors = weir_grammar::folder().join("../..");
    editors.canonicalize().expect("the grammar lies in it")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Aqua of the repository: files, and examples in documents. With names to find them by.
fn programs() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    files(&repository(), ".aqua", &mut paths);
    let mut programs: Vec<_> = paths
        .iter()
        .map(|path| (path.display().to_string(), read(path)))
        .collect();
    let mut documents = Vec::new();
    files(&repository(), ".md", &mut documents);
    for document in documents {
        let text = read(&document);
        for (number, example) in text.split("```aqua\n").skip(1).enumerate() {
            let example = example.split("```").next().unwrap_or_default();
            let name = format!("{}, example {}", document.display(), number + 1);
            programs.push((name, example.to_owned()));
        }
    }
    programs
}

#[test]
fn what_the_compiler_reads_the_grammar_reads() {
    let mut read = 0;
    for (name, text) in programs() {
        let diagnostics = weir_aqua::syntax::parse(FileId(0), &text).diagnostics;
        if diagnostics
            .iter()
            .all(|one| one.severity != Severity::Error)
        {
            let tree = parse(&text);
            let root = tree.root_node();
            assert!(!root.has_error(), "{name}:\n{}", root.to_sexp());
            read += 1;
        }
    }
    assert!(read > 150, "only {read} programs were found");
}

#[test]
fn a_text_that_is_cut_off_is_read_to_its_end() {
    for (name, text) in programs() {
        let lines = text.match_indices('\n').map(|(end, _)| end);
        for end in lines.step_by(7) {
            let end = text.floor_char_boundary(end.saturating_sub(3));
            let tree = parse(&text[..end]);
            let root = tree.root_node();
            assert!(root.end_byte() <= end, "{name} up to {end}");
        }
    }
}

#[test]
fn forms_have_the_trees_of_the_corpus() {
    let mut cases = Vec::new();
    files(
        &weir_grammar::folder().join("test/corpus"),
        ".txt",
        &mut cases,
    );
    let mut count = 0;
    for path in cases {
        let text = read(&path);
        let is_rule = |line: &&str| line.len() >= 3 && line.bytes().all(|byte| byte == b'=');
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let rules: Vec<usize> = (0..lines.len())
            .filter(|line| is_rule(&lines[*line].trim_end()))
            .collect();
        for (case, rule) in rules.chunks(2).enumerate() {
            let title = lines[rule[0] + 1].trim();
            let end = rules.get(2 * case + 2).copied().unwrap_or(lines.len());
            let body = lines[rule[1] + 1..end].concat();
            let (source, expected) = body.split_once("\n---\n").expect("a case has a tree");
            let found = shape(&parse(source).root_node().to_sexp());
            assert_eq!(found, shape(expected), "{}: {title}", path.display());
            count += 1;
        }
    }
    assert!(count > 30, "only {count} cases were found");
}

#[test]
fn a_text_that_changes_has_the_tree_of_the_new_text() {
    let path = "crates/aqua/tests/corpus/syntax/everything.aqua";
    let text = read(&repository().join(path));
    let old = parse(&text);
    for inserted in ["\n", " ", "x", "(", "\n      "] {
        for (at, _) in text.char_indices().step_by(5) {
            let new = format!("{}{inserted}{}", &text[..at], &text[at..]);
            let mut edited = old.clone();
            edited.edit(&InputEdit {
                start_byte: at,
                old_end_byte: at,
                new_end_byte: at + inserted.len(),
                start_position: point(&text, at),
                old_end_position: point(&text, at),
                new_end_position: point(&new, at + inserted.len()),
            });
            let changed = parser().parse(&new, Some(&edited));
            let changed = changed.expect("a parser without a limit always ends");
            let fresh = parse(&new);
            // Where something is wrong, trees may differ in what was left out.
            if !fresh.root_node().has_error() {
                let (changed, fresh) = (changed.root_node(), fresh.root_node());
                assert_eq!(changed.to_sexp(), fresh.to_sexp(), "{inserted:?} at {at}");
            }
        }
    }
}

fn point(text: &str, at: usize) -> Point {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    Point::new(before.matches('\n').count(), at - start)
}

fn colours() -> Query {
    let path = weir_grammar::folder().join("queries/aqua/highlights.scm");
    Query::new(&AQUA, &read(&path)).expect("the query is about what the grammar has")
}

/// The names that the query has for what starts at each place.
fn captures(query: &Query, text: &str) -> Vec<(Point, Vec<String>)> {
    let tree = parse(text);
    assert!(!tree.root_node().has_error(), "{}", tree.root_node());
    let mut captures: Vec<(Point, Vec<String>)> = Vec::new();
    let mut cursor = QueryCursor::new();
    let mut found = cursor.captures(query, tree.root_node(), text.as_bytes());
    while let Some((matched, index)) = found.next() {
        let capture = matched.captures()[*index];
        let name = query.capture_names()[capture.index as usize].to_owned();
        let at = capture.node.start_position();
        match captures.last_mut() {
            Some((last, names)) if *last == at => names.push(name),
            _ => captures.push((at, vec![name])),
        }
    }
    captures
}

#[test]
fn colours_are_those_that_the_comments_below_tell() {
    let query = colours();
    let text = read(&weir_grammar::folder().join("test/colours/forms.aqua"));
    let captures = captures(&query, &text);
    let mut row = 0;
    let mut count = 0;
    for (number, line) in text.lines().enumerate() {
        let Some(rest) = line.strip_prefix("--") else {
            row = number;
            continue;
        };
        let (column, name) = match rest.trim_start().strip_prefix("<-") {
            Some(name) => (0, name),
            None => rest
                .split_once('^')
                .map(|(before, name)| (before.len() + 2, name))
                .expect("a comment points to something"),
        };
        let at = captures
            .iter()
            .find(|(point, _)| *point == Point::new(row, column));
        let found = at.and_then(|(_, names)| names.last());
        let found = found.map_or("", String::as_str);
        let is_right = match name.trim().strip_prefix('!') {
            Some(wrong) => found != wrong,
            None => found == name.trim(),
        };
        assert!(is_right, "line {}: `{found}`", number + 1);
        count += 1;
    }
    assert!(count > 50, "only {count} comments were found");
}

#[test]
fn no_two_patterns_colour_the_same_word() {
    let query = colours();
    for (name, text) in programs() {
        if parse(&text).root_node().has_error() {
            continue;
        }
        for (at, names) in captures(&query, &text) {
            assert_eq!(names.len(), 1, "{name}, line {}: {names:?}", at.row + 1);
        }
    }
}

#[test]
fn queries_are_about_what_the_grammar_has() {
    let editors = repository().join("editors");
    let mut queries = Vec::new();
    files(&editors, ".scm", &mut queries);
    for path in &queries {
        let read = Query::new(&AQUA, &read(path));
        read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    assert!(queries.len() > 2, "only {queries:?}");
}
