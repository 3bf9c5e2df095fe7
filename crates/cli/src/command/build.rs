//! `weir build [DIR]`: from the sources of a project to a component that peers take.

use super::wasm::sources::{by_manifest, failed};
use super::wasm::{Component, compile, marine, refused};
use crate::args;
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, Report};
use crate::patience::Patience;
use serde::Serialize;
use std::path::Path;
use weir_build::{Missing, Project};
use weir_marine::{Class, Error, Import, Marine};

#[derive(Serialize)]
struct Build {
    /// Where the component is.
    file: String,
    #[serde(flatten)]
    component: Component,
}

/// Builds the project and writes the component, if peers take it, by itself or with the parts that it needs.
pub(crate) fn run(
    args: &args::Build,
    patience: Patience,
    output: &Output,
) -> Result<Report, Failure> {
    let project = Project::open(&args.project).map_err(failure)?;
    let built = project
        .build(&|what| output.note(&format!("{} {what}", output.error_palette().dim("···"))))
        .map_err(failure)?;
    let marine = marine()?;
    let imports = marine
        .imports(&built.component)
        .map_err(|error| refused(&built.file, &error))?;
    let (left, forbidden) = not_granted(&imports);
    if !forbidden.is_empty() {
        let error = Error::ForbiddenImport { imports: forbidden };
        return Err(refused(&built.file, &error));
    }
    let module = if left.is_empty() {
        let loaded = compile(&marine, &built.component, patience, output)?;
        Some(loaded.map_err(|error| refused(&built.file, &error))?)
    } else {
        None
    };
    built.write().map_err(failure)?;
    check_manifest(&args.project, !left.is_empty(), &marine, patience, output)?;
    let data = Build {
        file: built.file.display().to_string(),
        component: Component::of(&marine, &built.component, imports, module.as_ref()),
    };
    let text = format!(
        "{} {}\n{}",
        output.palette().check(),
        data.file,
        data.component.text(output)
    );
    let report = Report::new(&data, text);
    if left.is_empty() {
        return Ok(report.then("weir up serves it"));
    }
    output.note(&format!(
        "left for other parts: {}; `weir wasm link` connects it",
        left.join(", ")
    ));
    Ok(report)
}

/// Fails if the manifest, should there be one, does not fit what was built: that is said here and not only by the peers.
/// Parts that are not there yet can still be built.
fn check_manifest(
    folder: &Path,
    is_part: bool,
    marine: &Marine,
    patience: Patience,
    output: &Output,
) -> Result<(), Failure> {
    let file = folder.join(weir_build::MANIFEST);
    if !file.exists() {
        return Ok(());
    }
    let sources = match by_manifest(&file) {
        Err(failure) if failure.code == Code::FileUnreadable => return Ok(()),
        sources => sources?,
    };
    if is_part && sources.parts.len() == 1 {
        // The manifest of the whole is elsewhere.
        return Ok(());
    }
    let bad = |error: Error| match &error {
        Error::BadManifest(_) => failed(&error).fact("manifest", input::name(&file)),
        error => refused(&file, error),
    };
    let composed = weir_marine::compose(&sources.manifest, &sources.parts).map_err(bad)?;
    let loaded = compile(marine, &composed.component, patience, output)?;
    loaded.map(drop).map_err(bad)
}

/// What the host does not offer: the imports that are left for other parts, and those that are refused.
fn not_granted(imports: &[Import]) -> (Vec<String>, Vec<String>) {
    imports
        .iter()
        .filter(|import| !import.granted)
        .map(|import| import.name.clone())
        .partition(|name| is_for_a_part(name))
}

/// Whether the import is left for another part. One of `wasi` or `weir:host` is meant for the host, and a mistake if the
/// host does not offer it; and no part exports anything under a URL or a hash (`url=<…>`).
fn is_for_a_part(import: &str) -> bool {
    let of_host = import
        .split_once('/')
        .is_some_and(|(package, _)| package == "weir:host" || package.starts_with("wasi:"));
    Class::of(import) == Class::Unknown && !of_host && !import.contains('=')
}

/// A failure to build as people meet it.
fn failure(error: weir_build::Error) -> Failure {
    use weir_build::Error;
    match error {
        Error::NothingToBuild { folder } => {
            let what = format!("there is nothing to build in {}", folder.display());
            Failure::new(Code::NothingToBuild, what)
                .cause("it has no Cargo.toml, no Makefile and no weir.toml with a [build] command")
                .fix("go to the folder of a project, or make one: weir new hello")
        }
        Error::Manifest { file, detail } => {
            let what = format!("cannot understand {}", file.display());
            Failure::new(Code::ManifestMalformed, what).cause(detail)
        }
        Error::Missing(missing) => tool_missing(missing),
        Error::Failed { tool, status } => {
            Failure::new(Code::BuildFailed, format!("`{tool}` failed"))
                .cause(status)
                .fix("correct what it says above, and run weir build again")
        }
        Error::NoModule { detail } => {
            Failure::new(Code::BuildFailed, "the build made no WebAssembly module").cause(detail)
        }
        Error::Wit { detail } => {
            Failure::new(Code::WitInvalid, "the WIT of the project cannot be read").cause(detail)
        }
        Error::NotAComponent { detail } => Failure::new(
            Code::NotAComponent,
            "the module does not become a component",
        )
        .cause(detail),
        Error::File { file, error } => {
            let what = format!("cannot use {}", file.display());
            Failure::new(Code::FileUnwritable, what).cause(error)
        }
    }
}

fn tool_missing(missing: Missing) -> Failure {
    let failure = Failure::new(Code::ToolMissing, format!("{} is missing", missing.what));
    let failure = if missing.found.is_empty() {
        failure
    } else {
        failure.cause(missing.found.join("; "))
    };
    failure.fix(missing.install.join("\n            or "))
}

#[cfg(test)]
mod tests {
    use super::is_for_a_part;

    #[test]
    fn what_is_not_meant_for_the_host_is_for_parts() {
        for import in ["weir:rates/feed@0.1.0", "acme:parse/json", "size"] {
            assert!(is_for_a_part(import), "{import}");
        }
        for import in [
            "wasi:sockets/tcp@0.2.0",
            "wasi:clocks/wall-clock@0.3.0",
            "weir:host/state@0.2.0",
            "weir:host/nothing@0.1.0",
            "url=<https://example.org/a.wasm>",
        ] {
            assert!(!is_for_a_part(import), "{import}");
        }
    }
}
