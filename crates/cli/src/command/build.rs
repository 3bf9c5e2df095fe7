//! `weir build [DIR]`: from the sources of a project to a component that peers take.

use super::wasm::sources::{by_manifest, failed, not_taken};
use super::wasm::{Component, compile, marine, refused};
use crate::args;
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::patience::Patience;
use serde::Serialize;
use std::path::Path;
use weir_build::{Error, Missing, Project};
use weir_marine::{Class, Import, Marine};

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
        let error = weir_marine::Error::ForbiddenImport { imports: forbidden };
        return Err(refused(&built.file, &error));
    }
    let module = if left.is_empty() {
        let loaded = compile(&marine, &built.component, patience, output)?;
        Some(loaded.map_err(|error| refused(&built.file, &error))?)
    } else {
        None
    };
    built.write().map_err(failure)?;
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
    if !left.is_empty() {
        output.note(&format!(
            "left for other parts: {}; `weir wasm link` connects it",
            left.join(", ")
        ));
    }
    if project.describes_service()
        && let Err(failure) = fits_manifest(&args.project, &left, &marine, patience, output)
    {
        return Ok(report.failing(failure.fact("built", format!("{}, which stays", data.file))));
    }
    Ok(if left.is_empty() {
        report.then("weir up serves it")
    } else {
        report
    })
}

/// Whether the manifest fits what was built, as `weir up` holds it against the components that it names. With parts that
/// are not there yet that cannot be told.
fn fits_manifest(
    folder: &Path,
    left: &[String],
    marine: &Marine,
    patience: Patience,
    output: &Output,
) -> Result<(), Failure> {
    let file = folder.join(weir_build::MANIFEST);
    let unchecked = |why: &str| {
        output.note(&format!(
            "{} is not checked against its parts: {why}",
            file.display()
        ));
        Ok(())
    };
    let sources = match by_manifest(&file) {
        Err(failure) if failure.code == Code::FileUnreadable => return unchecked(&failure.what),
        sources => sources?,
    };
    if sources.parts.len() < sources.manifest.parts().len() {
        return unchecked("it names some by CID");
    }
    if sources.parts.len() == 1 && !left.is_empty() {
        // It is one part of a service whose manifest is elsewhere, as the note about what is left says.
        return Ok(());
    }
    let in_manifest = |failure: Failure| failure.fact("manifest", file.display().to_string());
    let composed = weir_marine::compose(&sources.manifest, &sources.parts)
        .map_err(|error| in_manifest(failed(&error)))?;
    let loaded = compile(marine, &composed.component, patience, output)?;
    let what = || format!("what {} names cannot be loaded", file.display());
    loaded
        .map(drop)
        .map_err(|error| in_manifest(not_taken(what(), &error)))
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
fn failure(error: Error) -> Failure {
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
