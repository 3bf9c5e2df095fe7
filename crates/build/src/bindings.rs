//! Bindings of a WIT world for C, which C++ uses as well.

use crate::Error;
use std::path::Path;
use wit_bindgen_core::Files;
use wit_parser::{Resolve, WorldId};

/// Which world of a folder with WIT.
#[derive(Clone, Copy, Debug, Default)]
pub struct World<'a> {
    /// Its name; without one it is the only world of the package.
    pub name: Option<&'a str>,
    /// What it is called in the bindings, if not by its name.
    pub known_as: Option<&'a str>,
    /// Whether the bindings of `weir:host` stand beside its own. What it names of that package is then called by its
    /// own name first, as in `greeter_weir_host_state_get`: C has one space of names, and both belong into one module.
    pub beside_host: bool,
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
    // Rendered, the error names file and line, and shows what stands there.
    let pushed = resolve.push_path(wit);
    let (package, _) = pushed.map_err(|error| unreadable(&resolve.render_error(&error)))?;
    let id = resolve
        .select_world(&[package], world.name)
        .map_err(|error| unreadable(&error))?;
    generate(&mut resolve, id, world).map_err(|error| unreadable(&error))
}

fn generate(
    resolve: &mut Resolve,
    id: WorldId,
    world: World<'_>,
) -> Result<Vec<(String, Vec<u8>)>, String> {
    let rename = if world.beside_host {
        apart_from_host(resolve, id)
    } else {
        Vec::new()
    };
    let options = wit_bindgen_c::Opts {
        rename,
        rename_world: world.known_as.map(str::to_owned),
        type_section_suffix: world.known_as.map(str::to_owned),
        ..wit_bindgen_c::Opts::default()
    };
    let mut files = Files::default();
    options
        .build()
        .generate(resolve, id, &mut files)
        .map_err(|error| format!("{error:#}"))?;
    let files = files.iter();
    Ok(files
        .map(|(name, contents)| (name.to_owned(), contents.to_vec()))
        .collect())
}

/// The interfaces of `weir:host` that a world names, with what they are called beside those of the host.
fn apart_from_host(resolve: &Resolve, world: WorldId) -> Vec<(String, String)> {
    let world = &resolve.worlds[world];
    let snake = |name: &str| name.replace('-', "_").to_lowercase();
    let names = world.imports.keys().map(|key| resolve.name_world_key(key));
    names
        .filter_map(|name| {
            let interface = name.strip_prefix("weir:host/")?.split('@').next()?;
            let known_as = format!("{}_weir_host_{}", snake(&world.name), snake(interface));
            Some((name, known_as))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{World, generate};
    use std::path::Path;
    use wit_parser::Resolve;

    const SHOP: &str = "package local:shop;
        interface api {
          use weir:host/faults@0.1.0.{fault};
          look: func() -> result<u64, fault>;
        }
        world my-shop {
          import weir:host/state@0.1.0;
          export api;
        }";

    /// The header of a world that names the host, beside the bindings of which it stands or not.
    fn header(beside_host: bool) -> String {
        let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/wit/host.wit");
        let mut resolve = Resolve::default();
        resolve.push_file(host).expect("it is well-formed");
        let package = resolve.push_str("shop.wit", SHOP).expect("so is this");
        let id = resolve
            .select_world(&[package], None)
            .expect("there is one");
        let world = World {
            beside_host,
            ..World::default()
        };
        let files = generate(&mut resolve, id, world).expect("it can be bound");
        let header = files.into_iter().find(|(name, _)| name == "my_shop.h");
        let (_, text) = header.expect("it has a header");
        String::from_utf8(text).expect("it is text")
    }

    #[test]
    fn what_a_world_names_of_the_host_is_called_apart_from_what_the_host_has() {
        let apart = header(true);
        assert!(
            apart.contains("bool my_shop_weir_host_state_get("),
            "{apart}"
        );
        assert!(
            apart.contains("} my_shop_weir_host_faults_fault_t;"),
            "{apart}"
        );
        let of_the_host = |word: &&str| word.to_lowercase().starts_with("weir_host");
        let words = apart.split(|c: char| !c.is_alphanumeric() && c != '_');
        assert_eq!(words.filter(of_the_host).collect::<Vec<_>>(), [""; 0]);

        let alone = header(false);
        assert!(alone.contains("bool weir_host_state_get("), "{alone}");
    }
}
