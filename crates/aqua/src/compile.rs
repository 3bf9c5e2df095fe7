//! All stages in one: from files to scripts.

use crate::check::{self, Bodies};
use crate::diagnostic::{Diagnostic, Severity, codes};
use crate::files::{self, FileSet, Files, Imports};
use crate::hir::{FuncId, Literal};
use crate::ir::Program;
use crate::lower::{self, Options};
use crate::names::{self, Exported, World};
use crate::source::FileId;
use crate::{emit, liveness, place};
use std::path::PathBuf;

/// What is to be compiled, and how.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The files to begin with.
    pub entries: Vec<PathBuf>,
    /// Where imports are looked for.
    pub imports: Imports,
    /// Values for constants written with `?=`.
    pub constants: Vec<(String, Literal)>,
}

/// Files that have been read and checked.
#[derive(Debug)]
pub struct Compilation {
    /// The files.
    pub set: FileSet,
    /// Their definitions.
    pub world: World,
    /// The bodies of their functions.
    pub bodies: Bodies,
    /// What is wrong: every error, and the warnings of the files to begin with.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and checks files and all that they import.
///
/// # Errors
/// Returns the file to begin with that cannot be read, and why.
pub fn compile(request: &Request, files: &dyn Files) -> Result<Compilation, (PathBuf, String)> {
    let mut set = files::load(&request.entries, files, &request.imports)?;
    let mut world = names::resolve(&set, &request.constants);
    let mut bodies = check::check(&set, &world);
    let mut diagnostics = std::mem::take(&mut set.diagnostics);
    diagnostics.append(&mut world.diagnostics);
    diagnostics.append(&mut bodies.diagnostics);
    if !diagnostics.iter().any(is_error) {
        diagnostics.append(&mut liveness::check(&bodies));
    }
    diagnostics
        .retain(|diagnostic| is_error(diagnostic) || set.entries.contains(&diagnostic.place.file));
    diagnostics.sort_by_key(|diagnostic| diagnostic.place);
    Ok(Compilation {
        set,
        world,
        bodies,
        diagnostics,
    })
}

fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}

impl Compilation {
    /// Whether anything is refused.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(is_error)
    }

    /// The functions that clients can call, with their names for clients, by file and in the order of the exports.
    pub fn exports(&self, file: FileId) -> impl Iterator<Item = (&str, FuncId)> {
        self.world
            .module(file)
            .exports
            .iter()
            .filter_map(|export| match export.what {
                Exported::Func(id) => Some((export.name.as_str(), id)),
                Exported::Service(_) => None,
            })
    }

    /// The function of that name: an exported one, else any of the files to begin with.
    pub fn function(&self, name: &str) -> Option<FuncId> {
        let entries = &self.set.entries;
        let exported = entries
            .iter()
            .flat_map(|file| self.exports(*file))
            .find(|(export, _)| *export == name)
            .map(|(_, id)| id);
        exported.or_else(|| {
            entries
                .iter()
                .flat_map(|file| &self.world.module(*file).functions)
                .find(|id| self.world.func(**id).name == name)
                .copied()
        })
    }

    /// The steps of a function with the hops between them. There must be no errors
    /// that reach it ([`Compilation::sound_functions`]).
    ///
    /// # Errors
    /// Says why clients cannot call the function, or which limit the script exceeds.
    pub fn program(&self, func: FuncId, options: &Options) -> Result<Program, Box<Diagnostic>> {
        let def = self.world.func(func);
        if let Some(obstacle) = names::obstacles(&def.ty).first() {
            return Err(Box::new(Diagnostic::error(
                codes::BAD_EXPORT,
                format!("`{}` cannot be called by clients: {obstacle}", def.name),
                def.place.file,
                def.place.span,
            )));
        }
        Ok(place::place(&lower::lower(&self.bodies, func, options)?))
    }

    /// The script of a function. There must be no errors
    /// that reach it ([`Compilation::sound_functions`]).
    ///
    /// # Errors
    /// Says why clients cannot call the function, or which limit the script exceeds.
    pub fn script(&self, func: FuncId, options: &Options) -> Result<String, Box<Diagnostic>> {
        self.write(func, &self.program(func, options)?)
    }

    /// The script of a function of which the steps are known.
    ///
    /// # Errors
    /// Says that the script cannot be read, which is a defect of the compiler.
    pub fn write(&self, func: FuncId, program: &Program) -> Result<String, Box<Diagnostic>> {
        emit::air(program).map_err(|malformed| {
            let def = self.world.func(func);
            let problem = Diagnostic::error(
                codes::INTERNAL,
                format!(
                    "the script of `{}` cannot be read ({})",
                    def.name, malformed.reason
                ),
                def.place.file,
                def.place.span,
            );
            Box::new(
                problem
                    .note("this is a defect of weir, and not of the program")
                    .help("report it with the program"),
            )
        })
    }
}
