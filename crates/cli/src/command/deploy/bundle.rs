//! What is deployed from a folder, as a package.

use std::path::Path;

use weir_package::project::{PROJECT_BYTES_MAX, Project};
use weir_package::{Builder, Built, FormatError, Grants, schedules_refusal};

use crate::code::Code;
use crate::command::up::GREETER;
use crate::command::wasm::sources::{by_manifest, failed as not_composed};
use crate::failure::Failure;

const FILE: &str = "package.toml";

/// The package of a folder: by its `package.toml`, else of the service of its project, else the example.
pub(super) fn bundle(folder: &Path) -> Result<Built, Failure> {
    let built = if folder.join(FILE).exists() {
        by_file(folder)?
    } else if folder.join(weir_build::MANIFEST).exists() {
        by_project(folder)?
    } else {
        let component = GREETER.to_vec();
        one("greeter", "1.0.0", component, Grants::default()).map_err(|error| malformed(&error))?
    };
    match schedules_refusal(built.root()) {
        None => Ok(built),
        Some(refusal) => Err(
            Failure::new(Code::PackageUnusable, "the package cannot be deployed").cause(refusal),
        ),
    }
}

fn by_file(folder: &Path) -> Result<Built, Failure> {
    use std::io::Read;
    let path = folder.join(FILE);
    let unreadable = |error: std::io::Error| {
        let what = format!("cannot read {}", path.display());
        Failure::new(Code::FileUnreadable, what).cause(error)
    };
    let mut text = String::new();
    std::fs::File::open(&path)
        .map_err(unreadable)?
        .take(PROJECT_BYTES_MAX as u64 + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    let project = Project::parse(&text).map_err(|error| malformed(&error))?;
    let read = |name: &str| {
        let read = std::fs::read(folder.join(name));
        read.map(Into::into).map_err(|error| error.to_string())
    };
    project.build(read).map_err(|error| malformed(&error))
}

fn by_project(folder: &Path) -> Result<Built, Failure> {
    let sources = by_manifest(&folder.join(weir_build::MANIFEST))?;
    let composed = weir_marine::compose(&sources.manifest, &sources.parts);
    let component = composed.map_err(|error| not_composed(&error))?.component;
    let grants = Grants::from_value(&sources.manifest.grants().to_value());
    let version = sources.manifest.version().to_string();
    grants
        .and_then(|grants| one(sources.manifest.name(), &version, component, grants))
        .map_err(|error| malformed(&error))
}

/// A package of one service.
fn one(
    name: &str,
    version: &str,
    component: Vec<u8>,
    grants: Grants,
) -> Result<Built, FormatError> {
    let mut package = Builder::new(name, version);
    package.service(name, component, grants, [])?;
    package.build()
}

fn malformed(error: &FormatError) -> Failure {
    Failure::new(Code::PackageUnusable, "the package cannot be made").cause(error)
}
