//! Component files, named by what is in them.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{Mutex, MutexGuard};
use weir_identity::Cid;
use weir_marine::ComponentSource;

use crate::content::{self, DRAFT};

/// Why a component file cannot be kept or read.
#[derive(Debug, Error)]
pub enum ComponentError {
    /// The system refuses.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The bytes are not those that the name stands for.
    #[error("{} does not contain {cid}; deploy the component again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its name.
        cid: Cid,
    },
}

/// How the names of files end that hold a component.
const KEPT: &str = "wasm";

/// A folder with one file for each component.
#[derive(Debug, Clone)]
pub struct Components {
    folder: PathBuf,
    changes: Arc<Mutex<()>>,
}

impl Components {
    /// Uses this folder, which is made if it is not there.
    pub fn open(folder: &Path) -> Result<Self, ComponentError> {
        fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
        Ok(Components {
            folder: folder.to_owned(),
            changes: Arc::default(),
        })
    }

    /// Nobody else deploys or removes until this is dropped: a component is
    /// kept before a service names it, and must not be taken for unused then.
    pub(crate) async fn change(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().await
    }

    /// Keeps a component. Whatever happens, its file is whole or not there.
    pub fn keep(&self, bytes: &[u8]) -> Result<Cid, ComponentError> {
        let cid = Cid::of_raw(bytes);
        let path = self.path(&cid);
        if self.read(&cid).is_ok() {
            return Ok(cid);
        }
        content::write(&path, bytes).map_err(|e| failed(&path, e))?;
        Ok(cid)
    }

    /// Deletes the components that are not used and what is left of drafts,
    /// at a time when nobody keeps a component. Other files stay.
    pub fn retain(&self, is_used: impl Fn(&Cid) -> bool) -> Result<(), ComponentError> {
        let here = |e| failed(&self.folder, e);
        for entry in fs::read_dir(&self.folder).map_err(here)? {
            let path = entry.map_err(here)?.path();
            let part = |part: Option<&OsStr>| part.and_then(OsStr::to_str).map(str::to_owned);
            let unused = match part(path.extension()).as_deref() {
                Some(DRAFT) => true,
                Some(KEPT) => part(path.file_stem())
                    .and_then(|stem| stem.parse::<Cid>().ok())
                    .is_some_and(|cid| !is_used(&cid)),
                _ => false,
            };
            if !unused {
                continue;
            }
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(&path, e)),
                _ => {
                    tracing::info!(path = %path.display(), "deleted a file that no service needs");
                }
            }
        }
        Ok(())
    }

    /// The bytes of a component.
    pub fn read(&self, cid: &Cid) -> Result<Vec<u8>, ComponentError> {
        let path = self.path(cid);
        let bytes = fs::read(&path).map_err(|e| failed(&path, e))?;
        if Cid::of_raw(&bytes) == *cid {
            Ok(bytes)
        } else {
            Err(ComponentError::Damaged { path, cid: *cid })
        }
    }

    fn path(&self, cid: &Cid) -> PathBuf {
        self.folder.join(format!("{cid}.{KEPT}"))
    }
}

impl ComponentSource for Components {
    fn read(&self, cid: &Cid) -> Result<Vec<u8>, String> {
        Components::read(self, cid).map_err(|error| error.to_string())
    }
}

fn failed(path: &Path, source: io::Error) -> ComponentError {
    ComponentError::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_not_taken_for_the_component() {
        let folder = tempfile::tempdir().unwrap();
        let components = Components::open(folder.path()).unwrap();
        let cid = components.keep(b"component").unwrap();
        assert_eq!(components.read(&cid).unwrap(), b"component");
        fs::write(components.path(&cid), b"other").unwrap();
        assert!(matches!(
            components.read(&cid),
            Err(ComponentError::Damaged { .. })
        ));
        components.keep(b"component").unwrap();
        assert_eq!(components.read(&cid).unwrap(), b"component");
    }

    #[test]
    fn what_nobody_uses_is_deleted_and_strange_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let components = Components::open(folder.path()).unwrap();
        let used = components.keep(b"used").unwrap();
        let unused = components.keep(b"unused").unwrap();
        let draft = components.path(&used).with_extension("1-0.new");
        let strange = folder.path().join("notes.wasm");
        fs::write(&draft, b"half").unwrap();
        fs::write(&strange, b"not ours").unwrap();
        components.retain(|cid| *cid == used).unwrap();
        assert_eq!(components.read(&used).unwrap(), b"used");
        assert!(!components.path(&unused).exists());
        assert!(!draft.exists());
        assert!(strange.exists());
    }
}
