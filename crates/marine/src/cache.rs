//! Compiled code on disk.
//!
//! An entry is native code that will be executed, so it must be what this
//! machine wrote: every entry carries a MAC (BLAKE3 with a key that only this
//! node knows) over its key and its bytes. An entry that is damaged, forged or
//! of another engine is treated as absent and replaced.
//!
//! The folder has mode 0700; entries appear by renaming, so that a crash
//! leaves either the old state or the new.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use tracing::{debug, warn};

/// Where and how compiled code is kept.
#[derive(Clone)]
pub struct CacheConfig {
    /// The folder; it is created when it does not exist.
    pub folder: PathBuf,
    /// A secret of this node. Who knows it can make this machine execute
    /// native code by writing into the folder.
    pub secret: [u8; 32],
    /// The most bytes that all entries may have; the ones unused for longest go first.
    pub bytes_max: u64,
}

impl std::fmt::Debug for CacheConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CacheConfig")
            .field("folder", &self.folder)
            .field("bytes_max", &self.bytes_max)
            .finish_non_exhaustive()
    }
}

/// Names an entry: code, profile and engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CacheKey(pub(crate) [u8; 32]);

pub(crate) struct Cache {
    config: CacheConfig,
    mac_key: [u8; 32],
}

const MAGIC: &[u8; 8] = b"weir-cw1";
const MAC_BYTES: usize = 32;
const HEADER_BYTES: usize = MAGIC.len() + MAC_BYTES;
const EXTENSION: &str = "cwasm";
const DRAFT: &str = "draft";

/// Tells the drafts of this process apart.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// Nothing if the file is not there.
fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

impl Cache {
    pub(crate) fn open(config: CacheConfig) -> io::Result<Self> {
        fs::create_dir_all(&config.folder)?;
        restrict(&config.folder)?;
        let mac_key = blake3::derive_key("weir marine compiled code v1", &config.secret);
        Ok(Self { config, mac_key })
    }

    /// The code under that key, if there is an entry that this node wrote.
    pub(crate) fn read(&self, key: CacheKey) -> Option<Vec<u8>> {
        let path = self.path(key);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                warn!(%error, path = %path.display(), "cannot read compiled code");
                return None;
            }
        };
        let Some(code) = self.authentic(key, &bytes) else {
            warn!(path = %path.display(), "ignored compiled code that is damaged or not ours");
            return None;
        };
        let code = code.to_vec();
        if let Err(error) = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()))
        {
            debug!(%error, "cannot note the use of compiled code");
        }
        Some(code)
    }

    fn authentic<'a>(&self, key: CacheKey, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (header, code) = bytes.split_at_checked(HEADER_BYTES)?;
        let mac = header.strip_prefix(MAGIC)?;
        // The comparison of hashes takes the same time wherever they differ.
        let claimed = blake3::Hash::from_slice(mac).ok()?;
        (claimed == self.mac(key, code)).then_some(code)
    }

    fn mac(&self, key: CacheKey, code: &[u8]) -> blake3::Hash {
        blake3::Hasher::new_keyed(&self.mac_key)
            .update(&key.0)
            .update(code)
            .finalize()
    }

    /// Keeps the code. Failure is logged: the cache is a convenience.
    pub(crate) fn write(&self, key: CacheKey, code: &[u8]) {
        let size = (HEADER_BYTES + code.len()) as u64;
        if size > self.config.bytes_max {
            return;
        }
        let written = self
            .make_room(size)
            .and_then(|()| self.write_entry(key, code));
        if let Err(error) = written {
            warn!(%error, folder = %self.config.folder.display(), "cannot keep compiled code");
        }
    }

    fn write_entry(&self, key: CacheKey, code: &[u8]) -> io::Result<()> {
        let target = self.path(key);
        let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
        let draft = target.with_extension(format!("{}-{number}.{DRAFT}", std::process::id()));
        let result = (|| {
            let mut file = create_private(&draft)?;
            file.write_all(MAGIC)?;
            file.write_all(self.mac(key, code).as_bytes())?;
            file.write_all(code)?;
            fs::rename(&draft, &target)
        })();
        if result.is_err() {
            // What is left of a failed draft is of no use; that it may be gone already does not matter.
            let _ = fs::remove_file(&draft);
        }
        result
    }

    fn make_room(&self, bytes: u64) -> io::Result<()> {
        let mut entries = Vec::new();
        let mut total = bytes;
        for entry in fs::read_dir(&self.config.folder)? {
            let path = entry?.path();
            let ours = [EXTENSION, DRAFT].map(OsStr::new);
            if !path.extension().is_some_and(|end| ours.contains(&end)) {
                continue;
            }
            // Another process with the same folder may make room, too.
            let Some(data) = if_there(fs::metadata(&path))? else {
                continue;
            };
            total = total.saturating_add(data.len());
            entries.push((data.modified()?, data.len(), path));
        }
        entries.sort();
        for (_, size, path) in entries {
            if total <= self.config.bytes_max {
                break;
            }
            if_there(fs::remove_file(path))?;
            total -= size;
        }
        Ok(())
    }

    pub(crate) fn path(&self, key: CacheKey) -> PathBuf {
        let name = blake3::Hash::from_bytes(key.0).to_hex();
        self.config.folder.join(format!("{name}.{EXTENSION}"))
    }
}

#[cfg(unix)]
fn restrict(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn restrict(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<File> {
    File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: CacheKey = CacheKey([7; 32]);

    fn cache(folder: &Path, secret: u8, bytes_max: u64) -> Cache {
        Cache::open(CacheConfig {
            folder: folder.to_owned(),
            secret: [secret; 32],
            bytes_max,
        })
        .expect("a folder for temporary files can be written")
    }

    #[test]
    fn an_entry_comes_back_and_any_changed_byte_hides_it() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let cache = cache(folder.path(), 1, 1 << 20);
        assert_eq!(cache.read(KEY), None);
        cache.write(KEY, b"native code");
        assert_eq!(cache.read(KEY).as_deref(), Some(&b"native code"[..]));

        let path = cache.path(KEY);
        let honest = fs::read(&path).expect("the entry exists");
        for index in 0..honest.len() {
            let mut forged = honest.clone();
            forged[index] ^= 1;
            fs::write(&path, &forged).expect("the entry can be overwritten");
            assert_eq!(cache.read(KEY), None, "byte {index}");
        }
        for len in 0..honest.len() {
            fs::write(&path, &honest[..len]).expect("the entry can be overwritten");
            assert_eq!(cache.read(KEY), None, "cut to {len} bytes");
        }
    }

    #[test]
    fn an_entry_of_another_node_or_under_another_key_is_not_ours() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (ours, theirs) = (
            cache(folder.path(), 1, 1 << 20),
            cache(folder.path(), 2, 1 << 20),
        );
        theirs.write(KEY, b"native code");
        assert_eq!(ours.read(KEY), None);

        let other = CacheKey([8; 32]);
        ours.write(KEY, b"native code");
        fs::rename(ours.path(KEY), ours.path(other)).expect("the entry can be renamed");
        assert_eq!(ours.read(other), None);
    }

    #[test]
    fn the_entry_unused_for_longest_makes_room() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let cache = cache(folder.path(), 1, 250);
        let keys = [CacheKey([1; 32]), CacheKey([2; 32]), CacheKey([3; 32])];
        cache.write(keys[0], &[0; 60]);
        cache.write(keys[1], &[0; 60]);
        let long_ago = SystemTime::UNIX_EPOCH;
        File::open(cache.path(keys[1]))
            .and_then(|file| file.set_modified(long_ago))
            .expect("the time can be set");
        cache.write(keys[2], &[0; 60]);
        assert!(cache.read(keys[0]).is_some());
        assert!(cache.read(keys[1]).is_none());
        assert!(cache.read(keys[2]).is_some());
    }

    #[test]
    fn files_of_others_are_neither_counted_nor_deleted() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let cache = cache(folder.path(), 1, 250);
        let (notes, draft) = (
            folder.path().join("notes"),
            folder.path().join("x.1-0.draft"),
        );
        fs::write(&notes, [0; 1_000]).expect("the folder can be written");
        fs::create_dir(folder.path().join("inner")).expect("the folder can be written");
        fs::write(&draft, [0; 240]).expect("the folder can be written");
        cache.write(KEY, &[0; 60]);
        assert!(cache.read(KEY).is_some());
        assert!(notes.exists());
        assert!(!draft.exists(), "left over from a crash");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_enter_the_folder() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("temporary folder");
        let inner = folder.path().join("code");
        let cache = cache(&inner, 1, 1 << 20);
        cache.write(KEY, b"native code");
        let mode = |path: &Path| fs::metadata(path).expect("exists").permissions().mode() & 0o777;
        assert_eq!(mode(&inner), 0o700);
        assert_eq!(mode(&cache.path(KEY)), 0o600);
    }
}
