//! What can go wrong on the way to a component.

use std::fmt;
use std::io;
use std::path::PathBuf;
use thiserror::Error as ThisError;

/// Why there is no component.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The folder has nothing that says how it is built.
    #[error("{} has no Cargo.toml, no Makefile and no weir.toml with a [build] command", folder.display())]
    NothingToBuild {
        /// The folder.
        folder: PathBuf,
    },
    /// `weir.toml` cannot be understood.
    #[error("{}: {detail}", file.display())]
    Manifest {
        /// The file.
        file: PathBuf,
        /// What is wrong with it, and where.
        detail: String,
    },
    /// A program or a part of one is not installed.
    #[error("{0}")]
    Missing(Missing),
    /// A tool ran and failed; it has said why on standard error.
    #[error("{tool} failed: {status}")]
    Failed {
        /// The command.
        tool: String,
        /// How it ended.
        status: String,
    },
    /// The build came to its end without a module.
    #[error("{detail}")]
    NoModule {
        /// Where it was expected, and what would put it there.
        detail: String,
    },
    /// The WIT of the project cannot be understood.
    #[error("{detail}")]
    Wit {
        /// What is wrong with it, and where.
        detail: String,
    },
    /// A core module cannot be made into a component.
    #[error("{detail}")]
    NotAComponent {
        /// Why not.
        detail: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {error}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// What has to be installed before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is missing.
    pub what: String,
    /// How that was found out.
    pub found: Vec<String>,
    /// Ways to install it, each a command or an address; one of them is enough.
    pub install: Vec<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is missing", self.what)?;
        for found in &self.found {
            write!(formatter, "; {found}")?;
        }
        Ok(())
    }
}
