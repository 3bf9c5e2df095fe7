//! Another name for a definition, wherever it is used.

use crate::analysis::Analysis;
use crate::index::What;
use crate::{modules, references};
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
    if name.contains('.') {
        return Err(format!(
            "`{name}` is a name with dots: its parts are changed in the text"
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

/// Another name for a module. What is written `Module.name` reads as before only where the new name is free.
fn rename_module(analysis: &Analysis, target: &Target, new: &str) -> Result<Edits, String> {
    let places = references::of(analysis, target.definition);
    for place in &places {
        // no path begins with the name that a file gives itself
        let own = modules::own_name(&analysis.compilation, place.file);
        if own.is_some_and(|own| own.span == place.span) {
            continue;
        }
        let space = &analysis.compilation.world.module(place.file).space;
        let taken = space.types.contains_key(new)
            || space.values.contains_key(new)
            || space.modules.contains_key(new);
        if taken && new != target.name {
            let path = analysis.file(place.file).path.display();
            return Err(format!("`{new}` means something else in {path}"));
        }
    }
    let edits = places.into_iter().map(|place| (place, new.to_owned()));
    Ok(edits.collect())
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
    let is_module = matches!(index.definition(target.definition), Some(What::Module(_)));
    if is_module {
        return rename_module(analysis, &target, new);
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
