//! `weir wasm link FILE…|weir.toml`: several components become one.

use super::described::{self, functions_table, manifest_text, parts_table};
use super::{compile, marine, refused};
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use crate::output::{Cell, Column, Output, Report, Table};
use crate::patience::Patience;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use weir_identity::{Cid, Value};
use weir_marine::{Class, Composed, Error, Manifest, Marine, PartSource, compose};

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

/// The manifest, the bytes of its parts, and the files that were read.
struct Sources {
    manifest: Manifest,
    parts: BTreeMap<String, Vec<u8>>,
    files: Vec<PathBuf>,
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
    let out = out.map_or_else(
        || PathBuf::from(format!("{}.wasm", sources.manifest.name())),
        Path::to_path_buf,
    );
    keep_apart(&out, &sources.files)?;
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

/// The component of a manifest and its parts, for whoever deploys it.
pub(crate) fn composed(manifest: &Path) -> Result<Composed, Failure> {
    let sources = by_manifest(manifest)?;
    compose(&sources.manifest, &sources.parts).map_err(|error| failed(&error))
}

/// What a manifest says.
fn by_manifest(file: &Path) -> Result<Sources, Failure> {
    let manifest = Manifest::from_toml(&input::read(file)?)
        .map_err(|error| failed(&error).fact("manifest", input::name(file)))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut parts = BTreeMap::new();
    let mut files = vec![file.to_path_buf()];
    for (name, part) in manifest.parts() {
        if let PartSource::Path(path) = &part.component {
            let path = folder.join(path);
            parts.insert(name.clone(), input::bytes(&path)?);
            files.push(path);
        }
    }
    Ok(Sources {
        manifest,
        parts,
        files,
    })
}

/// The first is the facade, which may use what it imports; the others serve it and may use nothing.
fn by_order(files: &[PathBuf], marine: &Marine) -> Result<Sources, Failure> {
    let mut parts: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut source = String::new();
    for file in files {
        let bytes = input::bytes(file)?;
        let stem = word(file);
        let taken = |name: &String| parts.contains_key(name);
        let mut names = std::iter::once(stem.clone()).chain((2..).map(|n| format!("{stem}-{n}")));
        let name = names.find(|name| !taken(name)).unwrap_or(stem);
        let facade = parts.is_empty();
        if facade {
            source.push_str(&format!(
                "[service]\nname = \"{name}\"\nversion = \"0.1.0\"\n"
            ));
        }
        source.push_str(&format!(
            "[[part]]\nname = \"{name}\"\ncomponent = \"{}\"\nfacade = {facade}\n",
            Cid::of_raw(&bytes)
        ));
        if facade {
            let imports = marine
                .imports(&bytes)
                .map_err(|error| refused(file, &error))?;
            source.push_str(&grants(imports.iter().map(|import| import.name.as_str())));
        }
        parts.insert(name, bytes);
    }
    let manifest = Manifest::from_toml(&source).map_err(|error| failed(&error))?;
    Ok(Sources {
        manifest,
        parts,
        files: files.to_vec(),
    })
}

/// Grants of everything that these imports ask for, but for programs, which have to be named in a manifest.
fn grants<'a>(imports: impl Iterator<Item = &'a str>) -> String {
    let mut table = BTreeMap::new();
    for import in imports {
        if !matches!(Class::of(import), Class::State | Class::Recorded) {
            continue;
        }
        // Both interfaces of files are one grant.
        let (path, version) = import.split_once('@').unwrap_or((import, ""));
        let path = match path.split_once('/') {
            Some(("wasi:filesystem", _)) => "wasi:filesystem",
            _ => path,
        };
        let policy = match path {
            "weir:host/http" => "{ hosts = [\"*\"] }",
            "weir:host/programs" => "{ names = [] }",
            _ => "{}",
        };
        table.insert(path, format!("\"{path}@{version}\" = {policy}\n"));
    }
    let lines: String = table.into_values().collect();
    format!("[part.grants]\n{lines}")
}

/// A name for the part in a file.
fn word(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let letters = stem.chars().map(|letter| match letter {
        'a'..='z' | '0'..='9' => letter,
        'A'..='Z' => letter.to_ascii_lowercase(),
        _ => '-',
    });
    let word: String = letters
        .skip_while(|l| !l.is_ascii_lowercase())
        .take(56)
        .collect();
    if word.is_empty() {
        "part".to_owned()
    } else {
        word
    }
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

/// Why the parts do not become a component.
fn failed(error: &Error) -> Failure {
    match error {
        Error::BadManifest(fault) => {
            let failure = Failure::new(Code::ManifestInvalid, "the manifest is not good");
            let failure = failure.cause(fault);
            failure.fix("weir explain W0303 tells where all keys are described")
        }
        error => Failure::new(Code::CannotLink, "the components do not become one").cause(error),
    }
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
