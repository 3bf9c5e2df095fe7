//! Watches the files of a running service: what was built anew takes the place of the old.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// How often the files are looked at. They count as written when they were the same twice.
const EVERY: Duration = Duration::from_millis(200);

/// Files that may be written again.
#[derive(Debug)]
pub(super) struct Watch {
    files: Vec<PathBuf>,
    known: Stamps,
}

/// What tells two states of files apart without reading them; none for a file that is not there.
type Stamps = Vec<Option<(SystemTime, u64)>>;

impl Watch {
    /// Watches from now on; the files as they are now are known.
    pub(super) fn of(files: Vec<PathBuf>) -> Self {
        let known = stamps(&files);
        Self { files, known }
    }

    /// Watches these as well. They are known as they are now.
    pub(super) fn also(&mut self, files: Vec<PathBuf>) {
        for file in files {
            if !self.files.contains(&file) {
                self.known.extend(stamps(std::slice::from_ref(&file)));
                self.files.push(file);
            }
        }
    }

    /// Waits until something has changed and come to rest. Without files it waits for ever.
    pub(super) async fn changed(&mut self) {
        let mut before = self.known.clone();
        loop {
            tokio::time::sleep(EVERY).await;
            let now = stamps(&self.files);
            if now != self.known && now == before {
                self.known = now;
                return;
            }
            before = now;
        }
    }
}

fn stamps(files: &[PathBuf]) -> Stamps {
    let stamp = |file: &PathBuf| {
        let about = std::fs::metadata(file).ok()?;
        Some((about.modified().ok()?, about.len()))
    };
    files.iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_change_is_told_once_when_it_has_come_to_rest() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(file(name), text).expect("writable");
        write("one", "first");
        let mut watch = Watch::of(vec![file("one"), file("two")]);
        let mut changes = async |within: u32| {
            tokio::time::timeout(EVERY * within, watch.changed())
                .await
                .is_ok()
        };
        assert!(!changes(10).await);
        write("one", "the second");
        assert!(changes(3).await);
        assert!(!changes(10).await);
        write("two", "is there now");
        assert!(changes(3).await);
        std::fs::remove_file(file("one")).expect("it is there");
        assert!(changes(3).await);
        watch.also(vec![file("three"), file("one")]);
        write("three", "and three");
        assert!(
            tokio::time::timeout(EVERY * 3, watch.changed())
                .await
                .is_ok()
        );
    }
}
