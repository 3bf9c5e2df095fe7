//! The file that a key rests in.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;
use weir_identity::{Keypair, keystore};
use zeroize::Zeroizing;

/// Why a key file cannot be used.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// The system refuses.
    #[error("cannot use the key file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file does not hold a key that can be opened.
    #[error("cannot use the key file {}: {source}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: keystore::KeystoreError,
    },
    /// Others can read the file.
    #[error("the key file {} can be read by others (mode {mode:o}); make a new key, or run: chmod 600 {}", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Randomness(String),
}

/// A key, and whether it was made just now.
#[derive(Debug)]
pub struct Found {
    /// The key.
    pub keypair: Keypair,
    /// There was no file.
    pub is_new: bool,
}

/// The key in the file, or a new one in a new file that only its owner can
/// read.
pub fn open_or_create(path: &Path, passphrase: Option<&str>) -> Result<Found, KeyFileError> {
    match open(path, passphrase) {
        Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create(path, passphrase).map(|keypair| Found {
                keypair,
                is_new: true,
            })
        }
        found => found.map(|keypair| Found {
            keypair,
            is_new: false,
        }),
    }
}

/// The key in a file that must exist.
pub fn open(path: &Path, passphrase: Option<&str>) -> Result<Keypair, KeyFileError> {
    let failed = |source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    check_mode(path, &file)?;
    let mut text = Zeroizing::new(String::new());
    let limit = keystore::DOCUMENT_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_string(&mut text).map_err(failed)?;
    let document = |source| KeyFileError::Document {
        path: path.to_owned(),
        source,
    };
    keystore::open(&text, passphrase).map_err(document)
}

fn create(path: &Path, passphrase: Option<&str>) -> Result<Keypair, KeyFileError> {
    let failed = |source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    };
    let document = |source| KeyFileError::Document {
        path: path.to_owned(),
        source,
    };
    let keypair = generate().map_err(KeyFileError::Randomness)?;
    let mut entropy = keystore::Entropy {
        salt: [0; 16],
        nonce: [0; 12],
    };
    random(&mut entropy.salt).map_err(KeyFileError::Randomness)?;
    random(&mut entropy.nonce).map_err(KeyFileError::Randomness)?;
    let text = keystore::seal(&keypair, passphrase, &entropy).map_err(document)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    private(&fresh)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&fresh, path))
        .map_err(failed)?;
    Ok(keypair)
}

/// A key from random bytes of the system.
pub fn generate() -> Result<Keypair, String> {
    let mut secret = Zeroizing::new([0; 32]);
    loop {
        random(&mut secret[..])?;
        // All but one of 2^128 attempts succeed.
        if let Ok(keypair) = Keypair::from_secret(&secret) {
            return Ok(keypair);
        }
    }
}

pub(crate) fn random(bytes: &mut [u8]) -> Result<(), String> {
    getrandom::fill(bytes).map_err(|error| error.to_string())
}

/// A new file that only its owner can read.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(unix)]
fn check_mode(path: &Path, file: &File) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(KeyFileError::Exposed {
            path: path.to_owned(),
            mode,
        })
    }
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &File) -> Result<(), KeyFileError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/key.json");
        let made = open_or_create(&path, None).unwrap();
        assert!(made.is_new);
        let found = open_or_create(&path, None).unwrap();
        assert!(!found.is_new);
        assert_eq!(found.keypair.peer_id(), made.keypair.peer_id());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        open_or_create(&path, None).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = open_or_create(&path, None).unwrap_err();
        assert!(
            matches!(error, KeyFileError::Exposed { mode: 0o644, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_damaged_key_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        fs::write(&path, "{}").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        assert!(matches!(
            open_or_create(&path, None),
            Err(KeyFileError::Document { .. })
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
    }
}
