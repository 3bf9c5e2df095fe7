//! Transactions on disk: what was signed is there before it leaves, so that no crash sends it twice.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use weir_chain::{Journal, Sent};
use weir_identity::keccak256;

use crate::code::Code;
use crate::failure::Failure;

const LOCK: &str = "lock";
const ENDING: &str = "json";

/// A file for each transaction of one account, in a folder that one command at a time holds.
#[derive(Debug)]
pub(crate) struct FileJournal {
    folder: PathBuf,
    _lock: File,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    key: String,
    sent: Sent,
}

impl FileJournal {
    /// The journal in a folder, which is made if it is not there.
    pub(crate) fn open(folder: PathBuf) -> Result<Self, Failure> {
        let unwritable = |error: std::io::Error| {
            let what = format!("cannot keep transactions in {}", folder.display());
            Failure::new(Code::FileUnwritable, what).cause(error)
        };
        fs::create_dir_all(&folder).map_err(unwritable)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(LOCK))
            .map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Failure::new(
                Code::AccountBusy,
                "another command sends transactions of this account",
            )
            .cause(format!("it holds {}", folder.join(LOCK).display()))
            .fix("wait until it has ended")),
            Err(TryLockError::Error(error)) => Err(unwritable(error)),
        }
    }

    /// Forgets a transaction that can enter no block any more, because another took its place.
    pub(crate) fn forget(&self, key: &str) -> Result<(), String> {
        match fs::remove_file(self.path(key)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.to_string()),
            _ => Ok(()),
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        let name: String = key
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(80)
            .collect();
        let hash = keccak256(&[key.as_bytes()]);
        let hash = data_encoding::HEXLOWER.encode(&hash.as_bytes()[..8]);
        self.folder.join(format!("{name}-{hash}.{ENDING}"))
    }

    fn write(&self, path: &Path, text: &str) -> std::io::Result<()> {
        let beside = path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        // The name is kept by the folder.
        File::open(&self.folder)?.sync_all()
    }
}

fn read(path: &Path) -> Result<Option<Kept>, String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    let kept = serde_json::from_str(&text);
    kept.map(Some)
        .map_err(|error| format!("{} is damaged: {error}", path.display()))
}

impl Journal for FileJournal {
    fn load(&self, key: &str) -> Result<Option<Sent>, String> {
        let kept = read(&self.path(key))?;
        Ok(kept.filter(|kept| kept.key == key).map(|kept| kept.sent))
    }

    fn store(&self, key: &str, sent: &Sent) -> Result<(), String> {
        let kept = Kept {
            key: key.to_owned(),
            sent: sent.clone(),
        };
        let text = serde_json::to_string_pretty(&kept).map_err(|error| error.to_string())?;
        let path = self.path(key);
        self.write(&path, &text)
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    fn open(&self) -> Result<Vec<(String, Sent)>, String> {
        let about = |error: std::io::Error| format!("{}: {error}", self.folder.display());
        let mut open = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(about)? {
            let path = entry.map_err(about)?.path();
            if path.extension().is_none_or(|ending| ending != ENDING) {
                continue;
            }
            if let Some(kept) = read(&path)?
                && kept.sent.outcome.is_none()
            {
                open.push((kept.key, kept.sent));
            }
        }
        Ok(open)
    }
}

#[cfg(test)]
mod tests {
    use super::FileJournal;
    use crate::code::Code;
    use alloy_primitives::B256;
    use weir_chain::{Journal, Outcome, Sent};

    fn sent(nonce: u64, is_over: bool) -> Sent {
        Sent {
            call: B256::repeat_byte(1),
            what: "a test".to_owned(),
            nonce,
            gas: 21_000,
            attempts: Vec::new(),
            outcome: is_over.then_some(Outcome {
                hash: B256::ZERO,
                block: 1,
                succeeded: true,
            }),
        }
    }

    #[test]
    fn what_was_sent_is_there_for_the_next_command() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let open = || FileJournal::open(folder.path().join("journal"));
        let journal = open().expect("nobody holds it");
        journal.store("a/b", &sent(1, true)).expect("it is kept");
        journal.store("a-b", &sent(2, false)).expect("it is kept");
        let busy = open().expect_err("one command at a time");
        assert_eq!(busy.code, Code::AccountBusy);
        drop(journal);
        let journal = open().expect("the other is gone");
        assert_eq!(journal.load("a/b"), Ok(Some(sent(1, true))));
        assert_eq!(journal.load("a-b"), Ok(Some(sent(2, false))));
        let open = journal.open().expect("they are readable");
        assert_eq!(open, [("a-b".to_owned(), sent(2, false))]);
        journal.forget("a-b").expect("it is there");
        journal.forget("a-b").expect("it is gone already");
        assert_eq!(journal.load("a-b"), Ok(None));
    }

    #[test]
    fn a_damaged_file_is_not_taken_for_none() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let journal = FileJournal::open(folder.path().to_owned()).expect("nobody holds it");
        journal.store("key", &sent(1, false)).expect("it is kept");
        std::fs::write(journal.path("key"), "{").expect("a writable folder");
        assert!(journal.load("key").is_err());
        assert!(journal.open().is_err());
    }
}
