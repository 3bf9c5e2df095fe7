//! Names of modules: where they are given, and the paths that begin with them.

use weir_aqua::syntax::{HeaderItem, Path, Token, TokenKind};
use weir_aqua::{Compilation, FileId, Place, Span};

/// A name under which a file knows another one.
struct Known {
    words: Vec<String>,
    /// Where the name is given: `as Name` here, or `aqua Name` there.
    given: Place,
    module: FileId,
}

/// The name that a file gives itself.
pub fn own_name(compilation: &Compilation, file: FileId) -> Option<&Path> {
    let header = &compilation.set.get(file).parsed.tree.header;
    match header.first()? {
        HeaderItem::Module { name, .. } => Some(name),
        _ => None,
    }
}

/// Where names are given to modules, and which: what files call themselves, and `use … as Name`.
pub fn definitions(compilation: &Compilation) -> Vec<(Place, FileId)> {
    let mut found = Vec::new();
    for file in files(compilation) {
        if let Some(name) = own_name(compilation, file) {
            let span = name.span;
            found.push((Place { file, span }, file));
        }
        let known = known(compilation, file).into_iter();
        found.extend(
            known
                .filter(|known| known.given.file == file)
                .map(|known| (known.given, known.module)),
        );
    }
    found.retain(|(place, _)| place.span.end > place.span.start);
    found
}

/// The names of modules in front of the names that are used, and where they are given. `uses` are the places of names
/// that mean a definition of some file, and these.
pub fn uses(compilation: &Compilation, uses: &[(Place, Place)]) -> Vec<(Place, Place)> {
    let known: Vec<Vec<Known>> = files(compilation)
        .map(|file| known(compilation, file))
        .collect();
    let mut found = Vec::new();
    for (from, to) in uses {
        let known = &known[from.file.0 as usize];
        if known.is_empty() {
            continue;
        }
        let source = compilation.set.get(from.file);
        let Some(path) = before(&source.parsed.tokens, from.span.start) else {
            continue;
        };
        let words: Vec<&str> = path.iter().map(|span| &source.text[span.range()]).collect();
        let fits = |known: &&Known| known.words == words;
        // several files may have the same name
        let exact = known
            .iter()
            .filter(fits)
            .find(|known| known.module == to.file);
        if let Some(module) = exact.or_else(|| known.iter().find(fits))
            && let (Some(first), Some(last)) = (path.first(), path.last())
        {
            let place = Place {
                file: from.file,
                span: first.to(*last),
            };
            found.push((place, module.given));
        }
    }
    found
}

fn files(compilation: &Compilation) -> impl Iterator<Item = FileId> {
    (0..compilation.set.files.len()).map(|number| FileId(number as u32))
}

/// What a file uses under names.
fn known(compilation: &Compilation, file: FileId) -> Vec<Known> {
    let source = compilation.set.get(file);
    let mut imports = source.imports.iter();
    let mut found = Vec::new();
    for item in &source.parsed.tree.header {
        let alias = match item {
            HeaderItem::Module { .. } | HeaderItem::Export { .. } => continue,
            HeaderItem::Import { .. } => {
                imports.next();
                continue;
            }
            HeaderItem::Use { alias, .. } => alias,
        };
        let Some((_, Some(module))) = imports.next() else {
            continue;
        };
        let given = match alias {
            Some(alias) => Some((file, alias)),
            None => own_name(compilation, *module).map(|name| (*module, name)),
        };
        if let Some((file, path)) = given {
            found.push(Known {
                words: path.segments.iter().map(|name| name.text.clone()).collect(),
                given: Place {
                    file,
                    span: path.span,
                },
                module: *module,
            });
        }
    }
    found
}

/// The words in front of a name that a dot stands before: `A` and `B` of `A.B.name`.
fn before(tokens: &[Token], start: u32) -> Option<Vec<Span>> {
    let upto = tokens.partition_point(|token| token.span.end <= start);
    let mut words = Vec::new();
    let mut wants_dot = true;
    for token in tokens[..upto].iter().rev() {
        match token.kind {
            TokenKind::Dot if wants_dot => {}
            TokenKind::Word if !wants_dot => words.push(token.span),
            _ => break,
        }
        wants_dot = !wants_dot;
    }
    words.reverse();
    (!words.is_empty()).then_some(words)
}
