//! A folder with the sources of a service.

use crate::settings::Settings;
use crate::toolchain::c::Compilers;
use crate::toolchain::rust::{Rust, TARGET};
use crate::work::{find, read, run, write};
use crate::{Error, Missing, World, bindings, componentize};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Sources that can be built.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    sources: Sources,
    settings: Settings,
}

/// How the sources are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// By cargo.
    Cargo,
    /// By make, with compilers for C and C++.
    Make,
    /// By the command of the manifest.
    Command,
}

/// What was built.
#[derive(Debug)]
pub struct Built {
    /// The component.
    pub component: Vec<u8>,
    /// Where it belongs: the file of the part in the manifest, or the name of the module beside it.
    pub file: PathBuf,
}

impl Built {
    /// Writes the component where it belongs. Readers see the old one or the new one, never a part.
    pub fn write(&self) -> Result<(), Error> {
        write(&self.file, &self.component)
    }
}

impl Project {
    /// Looks into the folder. Nothing is built yet.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let settings = Settings::read(folder)?;
        let has = |name: &str| folder.join(name).is_file();
        let sources = if settings.command.is_some() {
            Sources::Command
        } else if has("Cargo.toml") {
            Sources::Cargo
        } else if has("Makefile") {
            Sources::Make
        } else {
            let folder = folder.to_owned();
            return Err(Error::NothingToBuild { folder });
        };
        Ok(Self {
            folder: folder.to_owned(),
            sources,
            settings,
        })
    }

    /// How it is built.
    pub fn sources(&self) -> Sources {
        self.sources
    }

    /// Whether its manifest says of which parts the service consists, and not only how the sources are built.
    pub fn describes_service(&self) -> bool {
        self.settings.describes_service
    }

    /// Builds the component and writes nothing but what the tools write. `progress` is told what takes long.
    pub fn build(&self, progress: &dyn Fn(&str)) -> Result<Built, Error> {
        let module = match self.sources {
            Sources::Cargo => self.cargo(progress)?,
            Sources::Make => self.make(progress)?,
            Sources::Command => self.command(progress)?,
        };
        let component = componentize(&read(&module)?)?;
        let beside = || module.file_name().map(PathBuf::from);
        let file = self.settings.component.clone().or_else(beside);
        Ok(Built {
            component,
            file: self.folder.join(file.unwrap_or_default()),
        })
    }

    fn cargo(&self, progress: &dyn Fn(&str)) -> Result<PathBuf, Error> {
        let target = self.settings.target.as_deref().unwrap_or(TARGET);
        let rust = Rust::find(target, progress)?;
        progress("cargo build");
        let messages = run(
            rust.cargo()
                .args(["build", "--release", "--target", target])
                .arg("--message-format=json-render-diagnostics")
                .current_dir(&self.folder),
            true,
        )?;
        let manifest = self.folder.join("Cargo.toml");
        module_of(&messages, &manifest).ok_or_else(|| Error::NoModule {
            detail: format!(
                "{} makes no WebAssembly module; it needs [lib] crate-type = [\"cdylib\"]",
                manifest.display()
            ),
        })
    }

    fn make(&self, progress: &dyn Fn(&str)) -> Result<PathBuf, Error> {
        if find(&["make"]).is_none() {
            return Err(Error::Missing(Missing {
                what: "the program make".to_owned(),
                found: Vec::new(),
                install: vec!["apt-get install make, or the like".to_owned()],
            }));
        }
        self.bind()?;
        let compilers = Compilers::find(has_cxx(&self.folder))?;
        progress("make");
        let module = Path::new("build/module.wasm");
        run(
            Command::new("make")
                .arg(format!("MODULE={}", module.display()))
                .arg(format!("CC={}", compilers.c.join(" ")))
                .arg(format!("CXX={}", compilers.cxx.join(" ")))
                .current_dir(&self.folder),
            false,
        )?;
        let module = self.folder.join(module);
        if module.is_file() {
            return Ok(module);
        }
        let detail = format!(
            "make did not make {}, which the variable MODULE names",
            module.display()
        );
        Err(Error::NoModule { detail })
    }

    /// Writes the bindings of the project's world, and those of the host.
    fn bind(&self) -> Result<(), Error> {
        let wit = self.folder.join("wit");
        if !wit.is_dir() {
            return Ok(());
        }
        let host = wit.join("deps/weir-host");
        let beside_host = host.is_dir();
        let own = World {
            name: self.settings.world.as_deref(),
            beside_host,
            ..World::default()
        };
        let mut files = bindings(&wit, own)?;
        if beside_host {
            let imports = World {
                name: Some("imports"),
                known_as: Some("weir_host"),
                ..World::default()
            };
            files.extend(bindings(&host, imports)?);
        }
        for (name, contents) in files {
            write_changed(&self.folder.join("bindings").join(name), &contents)?;
        }
        Ok(())
    }

    fn command(&self, progress: &dyn Fn(&str)) -> Result<PathBuf, Error> {
        let command = self.settings.command.as_deref().unwrap_or_default();
        progress(command);
        run(
            Command::new("sh")
                .args(["-c", command])
                .current_dir(&self.folder),
            false,
        )?;
        let module = self
            .folder
            .join(self.settings.module.as_deref().unwrap_or(Path::new("")));
        if module.is_file() {
            return Ok(module);
        }
        let detail = format!("`{command}` did not make {}", module.display());
        Err(Error::NoModule { detail })
    }
}

/// The module among what cargo says it has made: that of the package whose manifest it is.
fn module_of(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    let same = |path: &str| {
        let canonical = |path: &Path| path.canonicalize().ok();
        canonical(Path::new(path)).is_some_and(|path| Some(path) == canonical(manifest))
    };
    let messages = messages.split(|&byte| byte == b'\n');
    let mut modules = messages.filter_map(|line| {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        let is_ours =
            message["reason"] == "compiler-artifact" && same(message["manifest_path"].as_str()?);
        let files = message["filenames"].as_array().filter(|_| is_ours)?.iter();
        files
            .filter_map(|file| file.as_str())
            .map(PathBuf::from)
            .find(|file| {
                file.extension()
                    .is_some_and(|extension| extension == "wasm")
            })
    });
    modules.next_back()
}

/// Whether a folder has sources in C++, itself or in its folder `src`.
fn has_cxx(folder: &Path) -> bool {
    let is_cxx = |entry: std::fs::DirEntry| {
        let path = entry.path();
        path.extension()
            .is_some_and(|extension| ["cpp", "cc", "cxx"].iter().any(|name| extension == *name))
    };
    [folder.to_owned(), folder.join("src")]
        .iter()
        .any(|folder| std::fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(is_cxx)))
}

/// Writes a file whose time tells make that it has changed.
fn write_changed(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    match std::fs::read(file) {
        Ok(present) if present == bytes => Ok(()),
        _ => write(file, bytes),
    }
}
