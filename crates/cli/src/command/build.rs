//! `weir build [DIR]`: from the sources of a project to a component that peers take.

use super::wasm::{Component, compile, marine, refused};
use crate::args;
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Output, Report};
use crate::patience::Patience;
use serde::Serialize;
use weir_build::{Error, Missing, Project};

#[derive(Serialize)]
struct Build {
    /// Where the component is.
    file: String,
    #[serde(flatten)]
    component: Component,
}

/// Builds the project and writes the component, if peers take it.
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
    marine
        .check(&built.component)
        .map_err(|error| refused(&built.file, &error))?;
    let module = compile(&marine, &built.component, patience, output)?
        .map_err(|error| refused(&built.file, &error))?;
    built.write().map_err(failure)?;
    let data = Build {
        file: built.file.display().to_string(),
        component: Component::of(&marine, &built.component, &module)
            .map_err(|error| refused(&built.file, &error))?,
    };
    let text = format!(
        "{} {}\n{}",
        output.palette().check(),
        data.file,
        data.component.text(output)
    );
    Ok(Report::new(&data, text).then("weir up serves it"))
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
