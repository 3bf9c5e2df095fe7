//! A journal of files, one for each transaction.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use alloy::primitives::keccak256;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Journal, Sent};

/// Whoever uses the folder holds this file.
const LOCK: &str = "lock";

/// How the names of files end that hold a transaction.
const KEPT: &str = "json";

/// How the names of files end that are being written.
const DRAFT: &str = "new";

/// Keeps transactions in a folder: each in a file that is named by the hash of its key, written whole or not at all,
/// and on the disk before [`Journal::store`] returns.
///
/// One program at a time uses a folder, as one at a time sends from an account: it is locked while this lives.
#[derive(Debug)]
pub struct FolderJournal {
    folder: PathBuf,
    _lock: File,
    /// Those without an outcome.
    open: Mutex<BTreeMap<String, Sent>>,
}

/// Why a folder cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JournalError {
    /// Another program uses it.
    #[error("another program sends transactions of this account: it holds {}; wait until it has ended", .0.display())]
    Busy(PathBuf),
    /// The system refuses, or a file is not what this wrote; the text says which.
    #[error("{0}")]
    Unusable(String),
}

impl From<String> for JournalError {
    fn from(what: String) -> Self {
        Self::Unusable(what)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    key: String,
    sent: Sent,
}

impl FolderJournal {
    /// Uses this folder, which is made if it is not there.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let here = |error| failed(folder, &error);
        fs::create_dir_all(folder).map_err(here)?;
        let held = folder.join(LOCK);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&held);
        let lock = lock.map_err(|error| failed(&held, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy(held)),
            Err(TryLockError::Error(error)) => return Err(failed(&held, &error).into()),
        }
        let mut open = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(here)? {
            let path = entry.map_err(here)?.path();
            if path.extension().is_some_and(|end| end == DRAFT) {
                fs::remove_file(&path).map_err(|error| failed(&path, &error))?;
            } else if path.extension().is_some_and(|end| end == KEPT)
                && let Some(Kept { key, sent }) = read(&path)?
                && sent.outcome.is_none()
            {
                open.insert(key, sent);
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            _lock: lock,
            open: Mutex::new(open),
        })
    }

    /// Forgets a transaction whose key will not be used again, or that can enter no block any more.
    pub fn forget(&self, key: &str) -> Result<(), String> {
        let path = self.file(key);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&path, &error)),
            _ => Ok(()),
        }
    }

    fn file(&self, key: &str) -> PathBuf {
        let name = keccak256(key.as_bytes());
        self.folder.join(format!("{name:x}.{KEPT}"))
    }
}

impl Journal for FolderJournal {
    fn load(&self, key: &str) -> Result<Option<Sent>, String> {
        let kept = read(&self.file(key))?;
        Ok(kept.filter(|kept| kept.key == key).map(|kept| kept.sent))
    }

    fn store(&self, key: &str, sent: &Sent) -> Result<(), String> {
        let path = self.file(key);
        let kept = Kept {
            key: key.to_owned(),
            sent: sent.clone(),
        };
        let text = serde_json::to_vec_pretty(&kept).map_err(|error| error.to_string())?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        write(&self.folder, &path, &text).map_err(|error| failed(&path, &error))?;
        if sent.outcome.is_none() {
            open.insert(kept.key, kept.sent);
        } else {
            open.remove(key);
        }
        Ok(())
    }

    fn open(&self) -> Result<Vec<(String, Sent)>, String> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.iter();
        Ok(open
            .map(|(key, sent)| (key.clone(), sent.clone()))
            .collect())
    }
}

fn write(folder: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let draft = path.with_extension(DRAFT);
    let mut file = File::create(&draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    // The name is on the disk as well, or a crash would forget what is about to leave.
    File::open(folder)?.sync_all()
}

fn read(path: &Path) -> Result<Option<Kept>, String> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    };
    let kept = serde_json::from_slice(&text);
    kept.map(Some).map_err(|error| {
        format!(
            "{} is damaged ({error}): look on the chain what became of its transaction, then remove it",
            path.display()
        )
    })
}

fn failed(path: &Path, error: &io::Error) -> String {
    format!("cannot use {}: {error}", path.display())
}
