//! Component files, named by what is in them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;
use weir_identity::Cid;

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

/// A folder with one file for each component.
#[derive(Debug, Clone)]
pub struct Components {
    folder: PathBuf,
}

impl Components {
    /// Uses this folder, which is made if it is not there.
    pub fn open(folder: &Path) -> Result<Self, ComponentError> {
        fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
        Ok(Components {
            folder: folder.to_owned(),
        })
    }

    /// Keeps a component. Whatever happens, its file is whole or not there.
    pub fn keep(&self, bytes: &[u8]) -> Result<Cid, ComponentError> {
        let cid = Cid::of_raw(bytes);
        let path = self.path(&cid);
        if self.read(&cid).is_ok() {
            return Ok(cid);
        }
        let fresh = path.with_extension(format!("{}.new", std::process::id()));
        File::create(&fresh)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&fresh, &path))
            .map_err(|e| failed(&path, e))?;
        Ok(cid)
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
        self.folder.join(format!("{cid}.wasm"))
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
}
