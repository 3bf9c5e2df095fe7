//! What a service is linked from: a manifest and the components of its parts.

use super::refused;
use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use weir_identity::Cid;
use weir_marine::{Class, Error, Manifest, Marine, PartSource};

/// The manifest, the bytes of its parts, and the files that were read.
pub(crate) struct Sources {
    pub(crate) manifest: Manifest,
    pub(crate) parts: BTreeMap<String, Vec<u8>>,
    pub(crate) files: Vec<PathBuf>,
}

/// What a manifest says.
pub(crate) fn by_manifest(file: &Path) -> Result<Sources, Failure> {
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
pub(super) fn by_order(files: &[PathBuf], marine: &Marine) -> Result<Sources, Failure> {
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

/// Why peers do not take the component that parts have become.
pub(crate) fn not_taken(what: impl Into<String>, error: &Error) -> Failure {
    match error {
        Error::BadManifest(_) => failed(error),
        error if !error.code().starts_with("deploy/") => Failure::internal(what, error),
        Error::ForbiddenImport { .. } => Failure::new(Code::ComponentRefused, what)
            .cause(error)
            .fix("build it without these, or name a part in weir.toml that serves them"),
        error => Failure::new(Code::ComponentRefused, what).cause(error),
    }
}

/// Why the parts do not become a component.
pub(crate) fn failed(error: &Error) -> Failure {
    match error {
        Error::BadManifest(fault) => {
            let failure = Failure::new(Code::ManifestInvalid, "the manifest is not good");
            let failure = failure.cause(fault);
            failure.fix("weir explain W0303 tells where all keys are described")
        }
        error => Failure::new(Code::CannotLink, "the components do not become one").cause(error),
    }
}
