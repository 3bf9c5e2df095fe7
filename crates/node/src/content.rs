//! Files named by what is in them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// How the names of files end that are being written.
pub(crate) const DRAFT: &str = "new";

/// Tells the drafts of this process apart.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// Writes a file so that it is whole or not there, whatever happens.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
    let draft = path.with_extension(format!("{}-{number}.{DRAFT}", std::process::id()));
    let written = File::create(&draft)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // A draft is of no use; that it may not be there does not matter.
        let _ = fs::remove_file(&draft);
    }
    written
}
