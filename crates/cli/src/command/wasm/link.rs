//! `weir wasm link FILE…|weir.toml`: several components become one.

use super::described::{self, functions_table, manifest_text, parts_table};
use super::sources::{by_manifest, by_order, failed};
use super::{compile, marine, refused};
use crate::code::Code;
use crate::failure::Failure;
use crate::output::{Cell, Column, Output, Report, Table};
use crate::patience::Patience;
use serde::Serialize;
use std::path::{Path, PathBuf};
use weir_identity::Value;
use weir_marine::{Class, Error, Manifest, compose};

#[derive(Serialize)]
struct Linked {
    /// Where the component was written.
    file: String,
    cid: String,
    bytes: usize,
    functions: Vec<described::Function>,
    /// What the whole asks of its host.
    imports: Vec<Import>,
    parts: Vec<described::Part>,
    manifest: Value,
}

#[derive(Serialize)]
struct Import {
    name: String,
    class: &'static str,
}

/// Composes, checks that peers take the result, and writes it.
pub(super) fn run(
    files: &[PathBuf],
    out: Option<&Path>,
    patience: Patience,
    output: &Output,
) -> Result<Report, Failure> {
    let marine = marine()?;
    let sources = match files {
        [file] if file.extension().is_some_and(|ending| ending == "toml") => by_manifest(file)?,
        files => by_order(files, &marine)?,
    };
    let out = match out {
        Some(out) => {
            keep_apart(out, &sources.files)?;
            out.to_path_buf()
        }
        None => usual(sources.manifest.name(), &sources.files)?,
    };
    let composed = compose(&sources.manifest, &sources.parts).map_err(|error| failed(&error))?;
    let module =
        compile(&marine, &composed.component, patience, output)?.map_err(|error| match &error {
            Error::BadManifest(_) => failed(&error),
            _ => refused(&out, &error),
        })?;
    let imports = marine
        .imports(&composed.component)
        .map_err(|error| refused(&out, &error))?;
    std::fs::write(&out, &composed.component).map_err(|error| {
        let what = format!("cannot write {}", out.display());
        Failure::new(Code::FileUnwritable, what).cause(error)
    })?;
    let linked = Linked {
        file: out.display().to_string(),
        cid: composed.cid.to_string(),
        bytes: composed.component.len(),
        functions: described::functions(&module),
        imports: imports
            .into_iter()
            .map(|import| Import {
                class: Class::of(&import.name).name(),
                name: import.name,
            })
            .collect(),
        parts: described::parts(&composed.manifest, &composed.parts),
        manifest: composed.manifest.effective(),
    };
    let text = text_of(&linked, &composed.manifest, output);
    Ok(Report::new(&linked, text))
}

/// Where the result goes if nothing is said: a file named after the service, or one beside it if that is a source.
fn usual(service: &str, files: &[PathBuf]) -> Result<PathBuf, Failure> {
    let out = PathBuf::from(format!("{service}.wasm"));
    if keep_apart(&out, files).is_ok() {
        return Ok(out);
    }
    let out = out.with_extension("linked.wasm");
    keep_apart(&out, files)?;
    Ok(out)
}

/// The result does not take the place of what it was made from.
fn keep_apart(out: &Path, files: &[PathBuf]) -> Result<(), Failure> {
    let place = |path: &Path| std::fs::canonicalize(path).ok();
    let out_place = place(out);
    if out_place.is_some() && files.iter().any(|file| place(file) == out_place) {
        let what = format!("{} would be overwritten, but it is a source", out.display());
        return Err(Failure::new(Code::FileUnwritable, what).fix("name another file with -o FILE"));
    }
    Ok(())
}

fn text_of(linked: &Linked, manifest: &Manifest, output: &Output) -> String {
    let mut text = format!(
        "{}  {}  {} bytes\n\n",
        linked.file, linked.cid, linked.bytes
    );
    text.push_str(&functions_table(&linked.functions, output));
    if !linked.imports.is_empty() {
        let mut imports = Table::new(&["OPEN IMPORT", "CLASS"].map(Column::Text));
        for import in &linked.imports {
            imports.row([Cell::new(&*import.name), import.class.into()]);
        }
        text.push_str(&format!("\n{}", output.render(&imports)));
    }
    if linked.parts.len() > 1
        || linked
            .parts
            .iter()
            .any(described::Part::is_denied_something)
    {
        text.push_str(&format!("\n{}", parts_table(&linked.parts, output)));
    }
    text.push_str(&format!("\n{}", manifest_text(manifest, output)));
    text
}
