//! The file that a key rests in.

use std::env::{self, VarError};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;
use weir_identity::{Keypair, keystore};
use zeroize::Zeroizing;

/// The environment variable with the passphrase that opens sealed keys and
/// seals new ones.
pub const PASSPHRASE: &str = "WEIR_PASSPHRASE";

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
    /// The passphrase in the environment is no text.
    #[error("the environment variable {PASSPHRASE} is not UTF-8")]
    Passphrase,
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

/// The passphrase that the environment gives, if it gives one.
pub fn passphrase() -> Result<Option<Zeroizing<String>>, KeyFileError> {
    match env::var(PASSPHRASE) {
        Ok(passphrase) => Ok(Some(Zeroizing::new(passphrase))),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(KeyFileError::Passphrase),
    }
}

/// The key in the file, or a new one in a new file that only its owner can
/// read. A passphrase seals the new one.
pub fn open_or_create(path: &Path, passphrase: Option<&str>) -> Result<Found, KeyFileError> {
    let missing = |error: &KeyFileError| matches!(error, KeyFileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound);
    match open(path, passphrase) {
        Err(error) if missing(&error) => {}
        found => {
            return found.map(|keypair| Found {
                keypair,
                is_new: false,
            });
        }
    }
    if let Some(keypair) = create(path, passphrase)? {
        return Ok(Found {
            keypair,
            is_new: true,
        });
    }
    open(path, passphrase).map(|keypair| Found {
        keypair,
        is_new: false,
    })
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

/// A new key in a new file. Nothing if the file has come to exist in the meantime.
fn create(path: &Path, passphrase: Option<&str>) -> Result<Option<Keypair>, KeyFileError> {
    let keypair = generate().map_err(KeyFileError::Randomness)?;
    Ok(keep(path, &keypair, passphrase)?.then_some(keypair))
}

/// Keeps a key in a new file that only its owner can read, sealed if there is a passphrase. False, and nothing is
/// changed, if there is a file already.
pub fn keep(
    path: &Path,
    keypair: &Keypair,
    passphrase: Option<&str>,
) -> Result<bool, KeyFileError> {
    let failed = |source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    };
    let document = |source| KeyFileError::Document {
        path: path.to_owned(),
        source,
    };
    let mut entropy = keystore::Entropy {
        salt: [0; 16],
        nonce: [0; 12],
    };
    random(&mut entropy.salt).map_err(KeyFileError::Randomness)?;
    random(&mut entropy.nonce).map_err(KeyFileError::Randomness)?;
    let text = keystore::seal(keypair, passphrase, &entropy).map_err(document)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    // A process before this one may have had the same number and left its file.
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    remove(&fresh).map_err(failed)?;
    let written = write_private(&fresh, text.as_bytes());
    // Unlike a rename, a link never replaces a key.
    let linked = written.map(|()| fs::hard_link(&fresh, path));
    let removed = remove(&fresh);
    match linked.map_err(failed)? {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        linked => {
            linked.and(removed).map_err(failed)?;
            Ok(true)
        }
    }
}

/// Removes a file if it is there; of a symbolic link, the link.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
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

/// Writes a file that only its owner can read. There must be none yet: what is
/// there could be a link, or have been opened by others.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
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

    #[test]
    fn a_passphrase_seals_a_new_key_and_opens_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let made = open_or_create(&path, Some("correct horse")).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(keystore::summary(&text).unwrap().encrypted);
        let found = open_or_create(&path, Some("correct horse")).unwrap();
        assert!(!found.is_new);
        assert_eq!(found.keypair.peer_id(), made.keypair.peer_id());
        for (passphrase, wanted) in [
            (None, keystore::KeystoreError::PassphraseNeeded),
            (Some("wrong"), keystore::KeystoreError::WrongPassphrase),
        ] {
            match open_or_create(&path, passphrase).unwrap_err() {
                KeyFileError::Document { source, .. } => assert_eq!(source, wanted),
                other => panic!("{other}"),
            }
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_new_key_does_not_replace_one_that_came_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let first = open_or_create(&path, None).unwrap();
        assert!(create(&path, None).unwrap().is_none());
        let found = open(&path, None).unwrap();
        assert_eq!(found.peer_id(), first.keypair.peer_id());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_is_not_written_through_what_lies_in_its_way() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "").unwrap();
        fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o666)).unwrap();
        let fresh = path.with_extension(format!("{}.new", std::process::id()));
        std::os::unix::fs::symlink(&elsewhere, &fresh).unwrap();
        open_or_create(&path, None).unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "");
        assert!(!fresh.exists());
        open(&path, None).unwrap();
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
