//! Another name for a definition, wherever it is used.

use crate::analysis::Analysis;
use crate::index::What;
use crate::references;
use weir_aqua::files::library;
use weir_aqua::{Diagnostic, FileId, Place, Severity};

/// Places and what stands there afterwards.
pub type Edits = Vec<(Place, String)>;

/// The name at an offset, if it can be changed.
///
/// # Errors
/// Says why it cannot be changed.
pub fn prepare(analysis: &Analysis, file: FileId, offset: u32) -> Result<Place, String> {
    let target = target(analysis, file, offset)?;
    Ok(target.place)
}

struct Target {
    /// The name at the offset.
    place: Place,
    /// Where it is defined.
    definition: Place,
    name: String,
}

fn target(analysis: &Analysis, file: FileId, offset: u32) -> Result<Target, String> {
    let index = analysis.index();
    let Some((place, targets)) = index.at(file, offset) else {
        return Err(String::from("there is no name here that can be changed"));
    };
    // `Name(field)` means a value and a field; what is meant is the value
    let is_member = |place: &&Place| matches!(index.definition(**place), Some(What::Member(..)));
    let definition = targets
        .iter()
        .find(|place| !is_member(place))
        .or(targets.first());
    let Some(definition) = definition.map(|place| index.root(*place)) else {
        return Err(String::from("there is no name here that can be changed"));
    };
    let name = analysis.text(definition).to_owned();
    if name.is_empty() {
        return Err(String::from("files are renamed in the explorer"));
    }
    if analysis.text(place) != name {
        return Err(format!(
            "this is another name for `{name}`, given where it is imported"
        ));
    }
    let path = &analysis.file(definition.file).path;
    if library::find(&path.to_string_lossy()).is_some() {
        return Err(format!("`{name}` belongs to the standard declarations"));
    }
    if path
        .components()
        .any(|part| part.as_os_str() == "node_modules")
    {
        return Err(format!("`{name}` belongs to a package"));
    }
    Ok(Target {
        place,
        definition,
        name,
    })
}

/// The changes of texts, in the order of their places.
///
/// # Errors
/// Says why the name cannot be changed, or not to this one.
pub fn rename(analysis: &Analysis, file: FileId, offset: u32, new: &str) -> Result<Edits, String> {
    let target = target(analysis, file, offset)?;
    let index = analysis.index();
    let mut letters = new.chars();
    let first = letters.next().unwrap_or(' ');
    if !first.is_ascii_alphabetic() || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!(
            "`{new}` is no name: it begins with a letter and has letters, digits and `_`"
        ));
    }
    let old_first = target.name.chars().next().unwrap_or(first);
    if old_first.is_ascii_uppercase() != first.is_ascii_uppercase() {
        return Err(format!(
            "`{new}` begins with {} letter, and `{}` with {}: types and constants begin with a capital letter, and nothing else does",
            if first.is_ascii_uppercase() {
                "a capital"
            } else {
                "a small"
            },
            target.name,
            if old_first.is_ascii_uppercase() {
                "a capital one"
            } else {
                "a small one"
            },
        ));
    }
    let member = matches!(index.definition(target.definition), Some(What::Member(..)));
    let edits = references::of(analysis, target.definition)
        .into_iter()
        // under another name it stays as it is
        .filter(|place| analysis.text(*place) == target.name)
        .map(|place| {
            let twice = index.at(place.file, place.span.start);
            let text = match twice {
                Some((_, targets)) if targets.len() > 1 && member => {
                    format!("{new} = {}", target.name)
                }
                Some((_, targets)) if targets.len() > 1 => format!("{} = {new}", target.name),
                _ => new.to_owned(),
            };
            (place, text)
        })
        .collect();
    Ok(edits)
}

/// A text with these changes, which are in the order of their places.
pub fn apply<'e>(
    text: &str,
    edits: impl DoubleEndedIterator<Item = &'e (Place, String)>,
) -> String {
    let mut text = text.to_owned();
    for (place, new) in edits.rev() {
        text.replace_range(place.span.range(), new);
    }
    text
}

/// What is wrong afterwards and was not before.
pub fn conflict<'a>(before: &[Diagnostic], after: &'a [Diagnostic]) -> Option<&'a Diagnostic> {
    let count = |all: &[Diagnostic], code| all.iter().filter(|one| one.code == code).count();
    after
        .iter()
        .filter(|one| count(after, one.code) > count(before, one.code))
        .min_by_key(|one| one.severity != Severity::Error)
}
