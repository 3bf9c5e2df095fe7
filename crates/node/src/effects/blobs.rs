//! Blobs of services: files named by their CID.
//!
//! ```text
//! blobs/CID.blob             the bytes
//! blobs/of/SERVICE/CID       says that the service put it; SERVICE is the hash of its id
//! ```
//! A blob is written before it is said whose it is, so that after a crash whatever belongs to nobody can go. What each
//! service holds is read from the disk once, when the first of them asks for something.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use weir_identity::{Cid, keccak256};
use weir_marine::{BlobRead, Fault};

use crate::content;

/// What a blob counts for at least, since a file takes room however small it is, in bytes.
const LEAST_BYTES: u64 = 4096;

/// How the names of files with blobs end.
const KEPT: &str = "blob";

/// Bounds of the blobs of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobLimits {
    /// Bytes of one blob.
    pub blob_bytes: usize,
    /// Bytes that one service may put, each blob counted as 4 KiB at least.
    pub service_bytes: u64,
    /// The same for all services together.
    pub total_bytes: u64,
}

impl Default for BlobLimits {
    /// 8 MiB, 64 MiB and 1 GiB.
    fn default() -> Self {
        BlobLimits {
            blob_bytes: 8 << 20,
            service_bytes: 64 << 20,
            total_bytes: 1 << 30,
        }
    }
}

/// The blobs of a node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Blobs(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    limits: BlobLimits,
    /// Whoever puts or deletes holds it as long as that takes. Reading does so only for a moment.
    index: Mutex<Option<Index>>,
}

impl std::fmt::Debug for Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blobs")
            .field("folder", &self.0.folder)
            .finish_non_exhaustive()
    }
}

/// What is on the disk.
#[derive(Default)]
struct Index {
    blobs: HashMap<Cid, Blob>,
    total: u64,
    owners: HashMap<String, Owner>,
}

struct Blob {
    bytes: u64,
    /// How many services put it.
    owners: usize,
    /// Whether the file was compared with its name since the start.
    verified: bool,
}

#[derive(Default)]
struct Owner {
    blobs: HashSet<Cid>,
    total: u64,
}

impl Blobs {
    /// Uses this folder, which is made when something is put.
    pub(crate) fn new(folder: PathBuf, limits: BlobLimits) -> Self {
        Self(Arc::new(Inner {
            folder,
            limits,
            index: Mutex::default(),
        }))
    }

    /// Keeps bytes for a service.
    pub(crate) async fn put(&self, service: &str, bytes: Vec<u8>) -> Result<String, Fault> {
        let limit = self.0.limits.blob_bytes;
        if bytes.len() > limit {
            return Err(Fault::TooLarge(format!(
                "a blob of {} bytes: at most {limit} are possible",
                bytes.len()
            )));
        }
        let owner = owner(service);
        self.on_disk(move |blobs| blobs.put(&owner, &bytes)).await
    }

    /// How many bytes a blob has.
    pub(crate) async fn size(&self, cid: &str) -> Result<u64, Fault> {
        let cid = parse(cid)?;
        self.on_disk(move |blobs| blobs.verified(&cid)).await
    }

    /// Some bytes of a blob.
    pub(crate) async fn read(&self, asked: BlobRead) -> Result<Vec<u8>, Fault> {
        let cid = parse(&asked.cid)?;
        self.on_disk(move |blobs| {
            let size = blobs.verified(&cid)?;
            let left = size.saturating_sub(asked.offset).min(asked.len.into());
            let mut bytes = Vec::with_capacity(left as usize);
            let read = File::open(blobs.path(&cid)).and_then(|mut file| {
                file.seek(SeekFrom::Start(asked.offset.min(size)))?;
                file.take(left).read_to_end(&mut bytes)
            });
            match read {
                Ok(read) if read as u64 == left => Ok(bytes),
                Ok(_) => Err(damaged(&cid)),
                Err(error) => Err(disk(&error)),
            }
        })
        .await
    }

    /// The service is gone, and with it the blobs that no other one put.
    pub(crate) async fn forget(&self, service: &str) -> Result<(), Fault> {
        let owner = owner(service);
        self.on_disk(move |blobs| blobs.forget(&owner)).await
    }

    /// Does what blocks on a thread for that.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let inner = self.0.clone();
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(done) => done,
            Err(_) => Err(Fault::Failed("the node does not work any more".to_owned())),
        }
    }
}

impl Inner {
    fn with_index<T>(&self, work: impl FnOnce(&mut Index) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *index {
            Some(index) => work(index),
            none => {
                let read = self.scan().map_err(|error| disk(&error))?;
                work(none.insert(read))
            }
        }
    }

    fn put(&self, owner: &str, bytes: &[u8]) -> Result<String, Fault> {
        let cid = Cid::of_raw(bytes);
        let more = (bytes.len() as u64).max(LEAST_BYTES);
        let limits = &self.limits;
        self.with_index(|index| {
            let known = index.blobs.get(&cid).is_some_and(|blob| blob.verified);
            let held = index.owners.get(owner);
            let is_held = held.is_some_and(|owner| owner.blobs.contains(&cid));
            if known && is_held {
                return Ok(cid.to_string());
            }
            let full = |whose: &str, limit: u64| {
                Fault::TooLarge(format!("the blobs of {whose} may have {limit} bytes"))
            };
            let total = held.map_or(0, |owner| owner.total);
            if !is_held && total.saturating_add(more) > limits.service_bytes {
                return Err(full("the service", limits.service_bytes));
            }
            if !index.blobs.contains_key(&cid)
                && index.total.saturating_add(more) > limits.total_bytes
            {
                return Err(full("all services together", limits.total_bytes));
            }
            let folder = self.folder.join("of").join(owner);
            fs::create_dir_all(&folder).map_err(|error| disk(&error))?;
            if !known {
                content::write(&self.path(&cid), bytes).map_err(|error| disk(&error))?;
            }
            File::create(folder.join(cid.to_string())).map_err(|error| disk(&error))?;
            index.add(owner, cid, bytes.len() as u64);
            if let Some(blob) = index.blobs.get_mut(&cid) {
                blob.verified = true;
            }
            Ok(cid.to_string())
        })
    }

    /// The size of a blob whose file was compared with its name.
    fn verified(&self, cid: &Cid) -> Result<u64, Fault> {
        let known = self.with_index(|index| match index.blobs.get(cid) {
            Some(blob) => Ok((blob.bytes, blob.verified)),
            None => Err(Fault::NotFound(format!("there is no blob {cid}"))),
        });
        let (size, verified) = known?;
        if verified {
            return Ok(size);
        }
        let bytes = fs::read(self.path(cid)).map_err(|error| disk(&error))?;
        if Cid::of_raw(&bytes) != *cid {
            return Err(damaged(cid));
        }
        self.with_index(|index| {
            if let Some(blob) = index.blobs.get_mut(cid) {
                blob.verified = true;
            }
            Ok(size)
        })
    }

    fn forget(&self, owner: &str) -> Result<(), Fault> {
        if !self.folder.exists() {
            return Ok(());
        }
        self.with_index(|index| {
            let Some(held) = index.owners.remove(owner) else {
                return Ok(());
            };
            let folder = self.folder.join("of").join(owner);
            fs::remove_dir_all(folder).map_err(|error| disk(&error))?;
            for cid in held.blobs {
                let Some(blob) = index.blobs.get_mut(&cid) else {
                    continue;
                };
                blob.owners = blob.owners.saturating_sub(1);
                if blob.owners == 0 {
                    index.total = index.total.saturating_sub(blob.bytes.max(LEAST_BYTES));
                    index.blobs.remove(&cid);
                    fs::remove_file(self.path(&cid)).map_err(|error| disk(&error))?;
                }
            }
            Ok(())
        })
    }

    /// Reads what the disk has, and deletes what a crash left behind. Other files stay.
    fn scan(&self) -> io::Result<Index> {
        let mut index = Index::default();
        let mut sizes = HashMap::new();
        for entry in entries(&self.folder)? {
            let path = entry.path();
            match path.extension().and_then(|end| end.to_str()) {
                Some(content::DRAFT) => fs::remove_file(&path)?,
                Some(KEPT) => {
                    if let Some(cid) = cid_of(&path) {
                        sizes.insert(cid, entry.metadata()?.len());
                    }
                }
                _ => {}
            }
        }
        for owner in entries(&self.folder.join("of"))? {
            let Ok(name) = owner.file_name().into_string() else {
                continue;
            };
            for mark in entries(&owner.path())? {
                match cid_of(&mark.path()).and_then(|cid| Some((cid, *sizes.get(&cid)?))) {
                    Some((cid, bytes)) => index.add(&name, cid, bytes),
                    None => fs::remove_file(mark.path())?,
                }
            }
        }
        for cid in sizes.keys().filter(|cid| !index.blobs.contains_key(*cid)) {
            fs::remove_file(self.path(cid))?;
        }
        Ok(index)
    }

    fn path(&self, cid: &Cid) -> PathBuf {
        self.folder.join(format!("{cid}.{KEPT}"))
    }
}

impl Index {
    fn add(&mut self, owner: &str, cid: Cid, bytes: u64) {
        let weight = bytes.max(LEAST_BYTES);
        let owner = self.owners.entry(owner.to_owned()).or_default();
        if !owner.blobs.insert(cid) {
            return;
        }
        owner.total += weight;
        let total = &mut self.total;
        let blob = self.blobs.entry(cid).or_insert_with(|| {
            *total += weight;
            Blob {
                bytes,
                owners: 0,
                verified: false,
            }
        });
        blob.owners += 1;
    }
}

/// What is in a folder; nothing if it is not there.
fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn cid_of(path: &Path) -> Option<Cid> {
    path.file_stem()?.to_str()?.parse().ok()
}

/// The folder of a service: ids may have any letters.
fn owner(service: &str) -> String {
    let hash = keccak256(&[b"weir/blobs", service.as_bytes()]);
    hash.to_string().trim_start_matches("0x").to_owned()
}

fn parse(cid: &str) -> Result<Cid, Fault> {
    cid.parse()
        .map_err(|error| Fault::Invalid(super::short(&format!("not a CID: {error}"))))
}

fn damaged(cid: &Cid) -> Fault {
    Fault::Failed(format!("the file of blob {cid} is damaged"))
}

/// What the system says, without the path, which is not the guest's business.
fn disk(error: &io::Error) -> Fault {
    Fault::Failed(format!("the disk of the node: {}", error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs(folder: &Path) -> Blobs {
        let limits = BlobLimits {
            blob_bytes: 20_000,
            service_bytes: 30_000,
            total_bytes: 50_000,
        };
        Blobs::new(folder.join("blobs"), limits)
    }

    fn at(cid: &str, offset: u64, len: u32) -> BlobRead {
        BlobRead {
            cid: cid.to_owned(),
            offset,
            len,
        }
    }

    #[tokio::test]
    async fn what_was_put_is_found_by_its_content_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..10_000_u32).map(|byte| byte as u8).collect();
        let cid = blobs(folder.path()).put("a", bytes.clone()).await.unwrap();
        assert_eq!(cid, Cid::of_raw(&bytes).to_string());
        let again = blobs(folder.path());
        assert_eq!(again.size(&cid).await, Ok(10_000));
        assert_eq!(again.read(at(&cid, 10, 5)).await.unwrap(), bytes[10..15]);
        assert_eq!(
            again.read(at(&cid, 9_998, 5)).await.unwrap(),
            bytes[9_998..]
        );
        for beyond in [10_000, u64::MAX] {
            assert_eq!(again.read(at(&cid, beyond, 5)).await, Ok(Vec::new()));
        }
        let missing = Cid::of_raw(b"missing").to_string();
        assert!(matches!(
            again.size(&missing).await,
            Err(Fault::NotFound(_))
        ));
        assert!(matches!(again.size("../a").await, Err(Fault::Invalid(_))));
    }

    #[tokio::test]
    async fn a_file_that_is_not_what_its_name_says_is_not_given_out() {
        let folder = tempfile::tempdir().unwrap();
        let cid = blobs(folder.path())
            .put("a", b"blob".to_vec())
            .await
            .unwrap();
        let file = folder.path().join("blobs").join(format!("{cid}.blob"));
        fs::write(&file, b"blot").unwrap();
        let found = blobs(folder.path());
        for _ in 0..2 {
            let read = found.read(at(&cid, 0, 4)).await;
            assert!(matches!(read, Err(Fault::Failed(_))), "{read:?}");
        }
        // Whoever has the bytes can mend it.
        found.put("a", b"blob".to_vec()).await.unwrap();
        assert_eq!(found.read(at(&cid, 0, 4)).await.unwrap(), b"blob");
    }

    #[tokio::test]
    async fn each_service_and_all_of_them_have_a_quota() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path());
        let full = |put: Result<String, Fault>| matches!(put, Err(Fault::TooLarge(_)));
        assert!(full(blobs.put("a", vec![0; 20_001]).await));
        blobs.put("a", vec![1; 20_000]).await.unwrap();
        // The same once more costs nothing.
        blobs.put("a", vec![1; 20_000]).await.unwrap();
        assert!(full(blobs.put("a", vec![2; 20_000]).await));
        blobs.put("b", vec![1; 20_000]).await.unwrap();
        blobs.put("c", vec![2; 20_000]).await.unwrap();
        assert!(full(blobs.put("d", vec![3; 20_000]).await));
        // Small ones count as well: two of them fit into what is left.
        blobs.put("d", vec![4]).await.unwrap();
        blobs.put("d", vec![5]).await.unwrap();
        assert!(full(blobs.put("d", vec![6]).await));
        // What two have stays as long as one of them does.
        let shared = Cid::of_raw(&vec![1; 20_000]).to_string();
        blobs.forget("a").await.unwrap();
        assert_eq!(blobs.size(&shared).await, Ok(20_000));
        blobs.forget("b").await.unwrap();
        assert!(matches!(blobs.size(&shared).await, Err(Fault::NotFound(_))));
        blobs.put("d", vec![3; 20_000]).await.unwrap();
    }

    #[tokio::test]
    async fn what_a_crash_left_behind_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let cid = blobs(folder.path())
            .put("a", b"kept".to_vec())
            .await
            .unwrap();
        let inside = folder.path().join("blobs");
        let orphan = inside.join(format!("{}.blob", Cid::of_raw(b"orphan")));
        let draft = inside.join("x.1-0.new");
        fs::write(&orphan, b"orphan").unwrap();
        fs::write(&draft, b"half").unwrap();
        assert_eq!(blobs(folder.path()).size(&cid).await, Ok(4));
        assert!(!orphan.exists());
        assert!(!draft.exists());
    }
}
