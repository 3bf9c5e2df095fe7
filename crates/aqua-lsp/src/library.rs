//! The standard declarations as files, so that editors can open them.

use std::path::{Path, PathBuf};
use weir_aqua::files::library;

/// A file with the text of a standard declaration; `None` if the path means none.
pub fn readable(path: &Path) -> Option<PathBuf> {
    let (name, text) = library::find(path.to_str()?)?;
    let file = cache()?.join(name);
    let same = std::fs::read_to_string(&file).is_ok_and(|present| present == text);
    if !same {
        std::fs::create_dir_all(file.parent()?).ok()?;
        std::fs::write(&file, text).ok()?;
    }
    Some(file)
}

/// Where programs of this user keep what they can make again.
fn cache() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let absolute = given.filter(|path| path.is_absolute());
    absolute.or_else(|| Some(std::env::home_dir()?.join(".cache")))
}
