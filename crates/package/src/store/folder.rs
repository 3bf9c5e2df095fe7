use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use weir_identity::Cid;

use super::BlockStore;
use crate::block::Block;
use crate::error::{SourceError, StoreError};
use crate::limits::BLOCK_BYTES_MAX;
use crate::source::{Answer, Source};

/// How the names of files end that hold a block.
const KEPT: &str = "block";

/// How the names of files end that are being written.
const DRAFT: &str = "new";

/// A folder with one file for each block: a store, and a source of what others have put there.
///
/// Reading takes the thread for the time of one small file.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    name: String,
}

impl Folder {
    /// Uses this folder, which is made if it is not there. Drafts that a crash has left are deleted.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let here = |error| failed(path, &error);
        fs::create_dir_all(path).map_err(here)?;
        for entry in fs::read_dir(path).map_err(here)? {
            let file = entry.map_err(here)?.path();
            if file.extension().is_some_and(|end| end == DRAFT) {
                fs::remove_file(&file).map_err(|error| failed(&file, &error))?;
            }
        }
        Ok(Self {
            path: path.to_owned(),
            name: format!("folder {}", path.display()),
        })
    }

    fn file(&self, cid: &Cid) -> PathBuf {
        self.path.join(format!("{cid}.{KEPT}"))
    }

    /// The file's bytes, and one more at most than are allowed.
    fn read(&self, cid: &Cid, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.file(cid)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn write(&self, block: &Block) -> io::Result<()> {
        let file = self.file(&block.cid());
        let draft = file.with_extension(DRAFT);
        let written = File::create(&draft)
            .and_then(|mut to| to.write_all(block.bytes()).and_then(|()| to.sync_all()))
            .and_then(|()| fs::rename(&draft, &file));
        if written.is_err() {
            // A draft is of no use; that it may not be there does not matter.
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

impl BlockStore for Folder {
    fn get(&self, cid: &Cid) -> Result<Option<Bytes>, StoreError> {
        let read = self.read(cid, BLOCK_BYTES_MAX);
        match read.map_err(|error| failed(&self.file(cid), &error))? {
            None => Ok(None),
            Some(bytes) if cid.names(&bytes) => Ok(Some(bytes.into())),
            Some(_) => Err(StoreError::Damaged { cid: *cid }),
        }
    }

    fn contains(&self, cid: &Cid) -> bool {
        self.file(cid).exists()
    }

    fn put(&mut self, block: &Block) -> Result<(), StoreError> {
        if matches!(self.get(&block.cid()), Ok(Some(_))) {
            return Ok(());
        }
        let written = self.write(block);
        written.map_err(|error| failed(&self.file(&block.cid()), &error))
    }

    fn remove(&mut self, cid: &Cid) -> Result<(), StoreError> {
        let file = self.file(cid);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&file, &error)),
            _ => Ok(()),
        }
    }

    fn list(&self) -> Result<Vec<Cid>, StoreError> {
        let here = |error| failed(&self.path, &error);
        let mut cids = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(here)? {
            let name = entry.map_err(here)?.file_name();
            let name = name
                .to_str()
                .and_then(|name| name.strip_suffix(KEPT)?.strip_suffix('.'));
            cids.extend(name.and_then(|name| name.parse::<Cid>().ok()));
        }
        cids.sort_unstable();
        Ok(cids)
    }
}

impl Source for Folder {
    fn name(&self) -> &str {
        &self.name
    }

    fn ask<'a>(&'a self, cid: &'a Cid, bytes_max: usize) -> Answer<'a> {
        let answer = match self.read(cid, bytes_max) {
            Ok(Some(bytes)) if bytes.len() > bytes_max => Err(SourceError::TooLarge(bytes_max)),
            Ok(Some(bytes)) => Ok(bytes.into()),
            Ok(None) => Err(SourceError::NotFound),
            Err(error) => Err(SourceError::Failed(error.to_string())),
        };
        Box::pin(std::future::ready(answer))
    }
}

fn failed(place: &Path, error: &io::Error) -> StoreError {
    StoreError::Io {
        place: place.display().to_string(),
        problem: error.to_string(),
    }
}
