//! Bindings of a WIT world for C, which C++ uses as well.

use crate::Error;
use std::path::Path;
use wit_bindgen_core::Files;
use wit_parser::Resolve;

/// Which world of a folder with WIT.
#[derive(Clone, Copy, Debug, Default)]
pub struct World<'a> {
    /// Its name; without one it is the only world of the package.
    pub name: Option<&'a str>,
    /// What it is called in the bindings, if not by its name.
    pub known_as: Option<&'a str>,
}

/// Generates the bindings of a world: a header, its source, and an object file that carries the world into the module.
/// Packages that it uses are below `deps`.
///
/// Returns names of files with their contents; the names begin with that of the world in snake case.
pub fn bindings(wit: &Path, world: World<'_>) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let unreadable = |error: &dyn std::fmt::Display| Error::Wit {
        detail: format!("the WIT in {}: {error:#}", wit.display()),
    };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit).map_err(|error| unreadable(&error))?;
    let id = resolve
        .select_world(&[package], world.name)
        .map_err(|error| unreadable(&error))?;
    let options = wit_bindgen_c::Opts {
        rename_world: world.known_as.map(str::to_owned),
        type_section_suffix: world.known_as.map(str::to_owned),
        ..wit_bindgen_c::Opts::default()
    };
    let mut files = Files::default();
    options
        .build()
        .generate(&mut resolve, id, &mut files)
        .map_err(|error| unreadable(&error))?;
    let files = files.iter();
    Ok(files
        .map(|(name, contents)| (name.to_owned(), contents.to_vec()))
        .collect())
}
