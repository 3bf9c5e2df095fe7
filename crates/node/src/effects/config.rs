//! What the operator of a node grants to services, and how far.

mod read;
mod unit;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;
use weir_marine::{Grants, Policy};

use super::blobs::BlobLimits;
use super::http::HttpLimits;
use super::parties::{ENTROPY, WITHOUT_EFFECTS};
use super::programs::{Program, ProgramLimits};

/// The most bytes of a file with it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What the operator grants to services. The default is entropy, and nothing else.
///
/// `docs/effects.md` describes the file from which [`EffectsConfig::read`] takes it.
#[derive(Debug, Clone, Default)]
pub struct EffectsConfig {
    /// Bounds of HTTP for all services together.
    pub http: HttpLimits,
    /// Bounds of blobs.
    pub blobs: BlobLimits,
    /// Bounds of programs.
    pub programs: ProgramLimits,
    /// Programs that are offered, by name.
    pub offered: BTreeMap<String, Program>,
    /// What is allowed to whom. What several of them allow to one component, it may do.
    pub allow: Vec<Permit>,
}

/// One permission.
#[derive(Debug, Clone, PartialEq)]
pub struct Permit {
    /// To which component.
    pub component: Whom,
    /// What.
    pub grants: Grants,
    /// Whether hosts of HTTP in it may have addresses that are not public.
    pub private: bool,
}

/// The component that a permission is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// Every component.
    Anyone,
    /// The one with this CID, as text.
    Component(String),
}

impl Whom {
    /// Whether this component is meant.
    pub fn is(&self, component: &str) -> bool {
        match self {
            Self::Anyone => true,
            Self::Component(cid) => cid == component,
        }
    }
}

/// Why a file with permissions cannot be used.
#[derive(Debug, Error)]
pub enum EffectsConfigError {
    /// The system does not give it.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is larger than any that makes sense.
    #[error("{} has more than {FILE_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not of the form, with the place in the text.
    #[error("{}", .0.trim_end())]
    Form(String),
    /// A value makes no sense.
    #[error("{place}: {problem}")]
    Value {
        /// Which table.
        place: String,
        /// Why, and what would.
        problem: String,
    },
}

impl EffectsConfig {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, EffectsConfigError> {
        use std::io::Read;
        let io = |source| EffectsConfigError::Io {
            path: path.to_owned(),
            source,
        };
        let file = std::fs::File::open(path).map_err(io)?;
        let mut text = String::new();
        file.take(FILE_BYTES_MAX + 1)
            .read_to_string(&mut text)
            .map_err(io)?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(EffectsConfigError::TooLarge {
                path: path.to_owned(),
            });
        }
        Self::parse(&text)
    }

    /// What is allowed to a component: each of these for itself, and what everybody may.
    pub fn granted_to(&self, component: &str) -> Vec<Grants> {
        let mut everybody = Grants::default();
        for interface in WITHOUT_EFFECTS.into_iter().chain([ENTROPY]) {
            if let Err(error) = everybody.insert(interface, Policy::Plain) {
                tracing::error!(%error, interface, "an interface that everybody may use cannot be granted");
            }
        }
        let permits = self.allow.iter();
        let permits = permits.filter(|permit| permit.component.is(component));
        let granted = permits.map(|permit| permit.grants.clone());
        std::iter::once(everybody).chain(granted).collect()
    }

    /// Reads the text of such a file.
    pub fn parse(text: &str) -> Result<Self, EffectsConfigError> {
        read::config(text)
    }
}

#[cfg(test)]
mod tests;
