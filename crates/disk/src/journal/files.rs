//! Journals as files beside that of the store.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::media::{Journals, Log};

/// The journals of the store at a path: files beside it, with its name, `.journal-` and their number in 16 hexadecimal
/// digits.
#[derive(Debug, Clone)]
pub struct JournalFiles {
    store: PathBuf,
}

impl JournalFiles {
    /// Those of the store at this path, or at the path that it stands for.
    pub fn of(store: &Path) -> Self {
        let real = fs::canonicalize(store);
        Self {
            store: real.unwrap_or_else(|_| store.to_owned()),
        }
    }

    fn folder(&self) -> &Path {
        match self.store.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }
}

impl Journals for JournalFiles {
    fn list(&self) -> io::Result<Vec<u64>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.folder())? {
            let name = entry?.file_name();
            let digits = name.as_encoded_bytes().last_chunk::<16>();
            let digits = digits.and_then(|digits| str::from_utf8(digits).ok());
            let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
            let is_ours = |number: &u64| self.path(*number).file_name() == Some(&name);
            found.extend(number.filter(is_ours));
        }
        found.sort_unstable();
        Ok(found)
    }

    fn path(&self, first: u64) -> PathBuf {
        let mut path = self.store.as_os_str().to_owned();
        path.push(format!(".journal-{first:016x}"));
        path.into()
    }

    fn read(&self, first: u64) -> io::Result<Vec<u8>> {
        fs::read(self.path(first))
    }

    fn create(&self, first: u64) -> io::Result<Box<dyn Log>> {
        Ok(Box::new(LogFile(File::create(self.path(first))?)))
    }

    fn sync_names(&self) -> io::Result<()> {
        // Only here can a folder be opened as a file.
        if cfg!(unix) {
            File::open(self.folder())?.sync_all()?;
        }
        Ok(())
    }

    fn remove(&self, first: u64) -> io::Result<()> {
        match fs::remove_file(self.path(first)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
struct LogFile(File);

impl Log for LogFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}
