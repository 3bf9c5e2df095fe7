//! Bindings of a WIT world for C, which C++ uses as well.

use crate::Error;
use std::path::Path;
use wit_bindgen_core::Files;
use wit_parser::Resolve;

/// Generates the bindings of a world: a header, its source, and an object file that carries the world into the module.
/// Without a name it is the only world of the package in the folder. Packages that it uses are below `deps`.
///
/// Returns names of files with their contents; the names begin with that of the world in snake case.
pub fn bindings(wit: &Path, world: Option<&str>) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let unreadable = |error: &dyn std::fmt::Display| Error::Wit {
        detail: format!("the WIT in {}: {error:#}", wit.display()),
    };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit).map_err(|error| unreadable(&error))?;
    let world = resolve
        .select_world(&[package], world)
        .map_err(|error| unreadable(&error))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default()
        .build()
        .generate(&mut resolve, world, &mut files)
        .map_err(|error| unreadable(&error))?;
    let files = files.iter();
    Ok(files
        .map(|(name, contents)| (name.to_owned(), contents.to_vec()))
        .collect())
}
