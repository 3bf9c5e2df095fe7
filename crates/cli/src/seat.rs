//! A place at which one command at a time takes part in the network: a key, and a folder for what its node keeps.

use crate::code::Code;
use crate::failure::Failure;
use crate::project::Project;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_identity::Keypair;
use weir_node::keyfile;

/// As many commands can take part at one time.
const SEATS: usize = 64;

/// Held by one command. A journal has one writer, so two commands never use the same key at one time: the first one
/// has `key`, and those beside it `key-2` and so on.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) keypair: Arc<Keypair>,
    /// The key was made just now.
    pub(crate) is_new: bool,
    /// Where its node keeps what it has to know in its next life.
    pub(crate) room: PathBuf,
    /// Where a node keeps what it needs in this life alone.
    pub(crate) aside: PathBuf,
    /// Notes of the particles that were started from this seat and are not over.
    pub(crate) begun: PathBuf,
    _lock: File,
}

impl Seat {
    /// The first seat that nobody holds.
    pub(crate) fn take(project: &Project) -> Result<Self, Failure> {
        let folder = project.client();
        let unwritable = |error: std::io::Error| {
            Failure::new(
                Code::FileUnwritable,
                format!("cannot use {}", folder.display()),
            )
            .cause(error)
        };
        std::fs::create_dir_all(&folder).map_err(unwritable)?;
        for number in 1..=SEATS {
            let suffix = match number {
                1 => String::new(),
                more => format!("-{more}"),
            };
            let lock = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(folder.join(format!("lock{suffix}")))
                .map_err(unwritable)?;
            match lock.try_lock() {
                Ok(()) => return Self::at(&folder, &suffix, lock),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(unwritable(error)),
            }
        }
        Err(
            Failure::new(Code::TooManyCommands, "too many commands at one time")
                .cause(format!("{SEATS} commands are using this network from here"))
                .fix("wait until one of them has ended"),
        )
    }

    fn at(folder: &Path, suffix: &str, lock: File) -> Result<Self, Failure> {
        let key = keyfile::passphrase()
            .and_then(|passphrase| {
                let passphrase = passphrase.as_ref().map(|text| text.as_str());
                keyfile::open_or_create(&folder.join(format!("key{suffix}")), passphrase)
            })
            .map_err(|error| unusable_key(&error))?;
        Ok(Self {
            keypair: Arc::new(key.keypair),
            is_new: key.is_new,
            room: folder.join(format!("node{suffix}")),
            aside: folder.join(format!("aside{suffix}")),
            begun: folder.join(format!("begun{suffix}")),
            _lock: lock,
        })
    }
}

/// A key file that cannot be used, with what to do about it.
pub(crate) fn unusable_key(error: &keyfile::KeyFileError) -> Failure {
    use weir_identity::keystore::KeystoreError;
    let fix = match error {
        keyfile::KeyFileError::Passphrase
        | keyfile::KeyFileError::Document {
            source: KeystoreError::PassphraseNeeded | KeystoreError::WrongPassphrase,
            ..
        } => format!("set the variable {} to its passphrase", keyfile::PASSPHRASE),
        keyfile::KeyFileError::Io { source, .. } if source.kind() == ErrorKind::StorageFull => {
            "make room on the disk, and try again".to_owned()
        }
        _ => "make it readable for you alone, or restore it from a copy".to_owned(),
    };
    Failure::new(Code::KeyUnusable, "a key file cannot be used")
        .cause(error)
        .fix(fix)
}

#[cfg(test)]
mod tests {
    use super::Seat;
    use crate::project::Project;

    #[test]
    fn commands_at_the_same_time_have_keys_of_their_own_and_later_ones_the_first() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let project = Project::at(folder.path().to_owned());
        let first = Seat::take(&project).expect("nobody is there");
        let second = Seat::take(&project).expect("there are more");
        let id = first.keypair.peer_id();
        assert_ne!(id, second.keypair.peer_id());
        assert!(first.is_new);
        drop(first);
        let again = Seat::take(&project).expect("the first one is free");
        assert_eq!(again.keypair.peer_id(), id);
        assert!(!again.is_new);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder for the test");
        let project = Project::at(folder.path().to_owned());
        let _seat = Seat::take(&project).expect("nobody is there");
        let about = std::fs::metadata(project.client().join("key")).expect("it was made");
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
    }
}
