//! Logs of the particles that were started from here, in `.weir/client/particles/ID`.

use crate::code::Code;
use crate::failure::Failure;
use crate::project::Project;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use weir_identity::Hash;

const LOG_FILE: &str = "log.json";
const ABOUT_FILE: &str = "about.json";
/// The oldest ones beyond this number are forgotten.
const KEPT_MAX: usize = 1_000;
/// As many candidates as are worth listing for an ambiguous id.
const CANDIDATES_SHOWN: usize = 5;

/// What is known here of a particle beside its log. None of it is signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    /// Milliseconds since the Unix epoch.
    pub(crate) timestamp_ms: u64,
    /// What it was started for, as text.
    pub(crate) purpose: String,
    /// When entries of others became known here.
    pub(crate) seen: Vec<Seen>,
}

/// From some moment on a journal was known up to a length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    /// Peer id of the author.
    pub(crate) author: String,
    /// Entries that were known then.
    pub(crate) length: u32,
    /// Microseconds since the particle was started.
    pub(crate) after_us: u64,
}

/// A particle that is kept here.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) id: Hash,
    pub(crate) about: About,
    folder: PathBuf,
}

impl Kept {
    /// The export of its log.
    pub(crate) fn log(&self) -> Result<String, Failure> {
        let path = self.folder.join(LOG_FILE);
        std::fs::read_to_string(&path).map_err(|error| {
            Failure::new(
                Code::FileUnreadable,
                format!("cannot read {}", path.display()),
            )
            .cause(error)
        })
    }
}

/// An id as people write it: without `0x`, eight characters.
pub(crate) fn short(id: &Hash) -> String {
    hex(id)[..8].to_owned()
}

fn hex(id: &Hash) -> String {
    id.to_string().trim_start_matches("0x").to_owned()
}

fn folder(project: &Project) -> PathBuf {
    project.client().join("particles")
}

/// Keeps the log of a particle; a later log of the same one replaces it.
pub(crate) fn keep(project: &Project, id: &Hash, about: &About, log: &str) -> Result<(), Failure> {
    let home = folder(project).join(hex(id));
    let unwritable = |error: std::io::Error| {
        Failure::new(
            Code::FileUnwritable,
            format!("cannot write {}", home.display()),
        )
        .cause(error)
    };
    let about = serde_json::to_string(about)
        .map_err(|error| Failure::internal("cannot describe the particle", error))?;
    std::fs::create_dir_all(&home).map_err(unwritable)?;
    // `about` comes last: a particle without it was not kept whole and is not listed.
    for (name, text) in [(LOG_FILE, log), (ABOUT_FILE, &about)] {
        let fresh = home.join(format!("{name}.new"));
        std::fs::write(&fresh, text)
            .and_then(|()| std::fs::rename(&fresh, home.join(name)))
            .map_err(unwritable)?;
    }
    for old in all(project)?.into_iter().skip(KEPT_MAX) {
        // Another command may have removed it at the same moment.
        let _ = std::fs::remove_dir_all(old.folder);
    }
    Ok(())
}

/// Notes in `folder` that a particle was started, so that it is found if this command does not live to keep it.
pub(crate) fn note(folder: &Path, id: &Hash, about: &About) -> Result<(), Failure> {
    let path = folder.join(hex(id));
    let text = serde_json::to_string(about)
        .map_err(|error| Failure::internal("cannot describe the particle", error))?;
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|error| {
            Failure::new(
                Code::FileUnwritable,
                format!("cannot write {}", path.display()),
            )
            .cause(error)
        })
}

/// Takes the note of a particle away.
pub(crate) fn unnote(folder: &Path, id: &Hash) {
    // A note that stays costs one look at a particle that is not there any more.
    let _ = std::fs::remove_file(folder.join(hex(id)));
}

/// The particles of which there are notes in `folder`. What is known of one whose note was not written whole, is that
/// it was started.
pub(crate) fn noted(folder: &Path) -> Vec<(Hash, About)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let id = Hash::from_str(&format!("0x{}", entry.file_name().to_str()?)).ok()?;
            let about = std::fs::read_to_string(entry.path()).ok()?;
            let about = serde_json::from_str(&about).unwrap_or(About {
                timestamp_ms: 0,
                purpose: "a command that was ended".to_owned(),
                seen: Vec::new(),
            });
            Some((id, about))
        })
        .collect()
}

/// All particles that are kept here, the latest first.
pub(crate) fn all(project: &Project) -> Result<Vec<Kept>, Failure> {
    let folder = folder(project);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Failure::new(
                Code::FileUnreadable,
                format!("cannot read {}", folder.display()),
            )
            .cause(error));
        }
    };
    let mut kept: Vec<Kept> = entries
        .flatten()
        .filter_map(|entry| read(&entry.path()))
        .collect();
    kept.sort_by_key(|kept| (std::cmp::Reverse(kept.about.timestamp_ms), kept.id));
    Ok(kept)
}

fn read(folder: &Path) -> Option<Kept> {
    let name = folder.file_name()?.to_str()?;
    let about = std::fs::read_to_string(folder.join(ABOUT_FILE)).ok()?;
    Some(Kept {
        id: Hash::from_str(&format!("0x{name}")).ok()?,
        about: serde_json::from_str(&about).ok()?,
        folder: folder.to_owned(),
    })
}

/// The particle whose id begins so; the latest one where no id is given.
pub(crate) fn find(project: &Project, id: Option<&str>) -> Result<Kept, Failure> {
    let mut kept = all(project)?;
    let Some(id) = id else {
        return kept.into_iter().next().ok_or_else(|| {
            Failure::new(Code::NoSuchTrace, "no particle was started from here yet")
                .fix("weir call greeter.hello Ada")
        });
    };
    let prefix = id.trim_start_matches("0x").to_ascii_lowercase();
    kept.retain(|kept| hex(&kept.id).starts_with(&prefix));
    match kept.len() {
        0 => Err(
            Failure::new(Code::NoSuchTrace, format!("no particle begins with {id}"))
                .fix("weir trace --list"),
        ),
        1 => Ok(kept.swap_remove(0)),
        count => {
            let candidates: Vec<String> = kept
                .iter()
                .take(CANDIDATES_SHOWN)
                .map(|kept| hex(&kept.id)[..16].to_owned())
                .collect();
            Err(Failure::new(
                Code::AmbiguousTrace,
                format!("{count} particles begin with {id}"),
            )
            .cause(format!("among them {}", candidates.join(", ")))
            .fix("use more of the id"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{About, KEPT_MAX, all, find, keep, short};
    use crate::code::Code;
    use crate::project::Project;
    use weir_identity::{Hash, keccak256};

    fn about(timestamp_ms: u64) -> About {
        About {
            timestamp_ms,
            purpose: "a test".to_owned(),
            seen: Vec::new(),
        }
    }

    fn project() -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let project = Project::at(folder.path().to_owned());
        (folder, project)
    }

    #[test]
    fn a_particle_is_found_by_any_unique_beginning_of_its_id() {
        let (_folder, project) = project();
        let ids: Vec<Hash> = (0..20_u8).map(|byte| keccak256(&[&[byte]])).collect();
        for (at, id) in (1..).zip(&ids) {
            keep(&project, id, &about(at), "log").expect("a writable folder");
        }
        assert_eq!(find(&project, None).expect("the latest").id, ids[19]);
        let found = find(&project, Some(&short(&ids[7]))).expect("it is kept");
        assert_eq!(
            (found.id, found.log().expect("it is kept").as_str()),
            (ids[7], "log")
        );
        assert_eq!(
            find(&project, Some(&ids[3].to_string()))
                .expect("it is kept")
                .id,
            ids[3]
        );
        let failure = find(&project, Some("")).expect_err("all begin so");
        assert_eq!(failure.code, Code::AmbiguousTrace);
        let failure = find(&project, Some("xyz")).expect_err("none begins so");
        assert_eq!(failure.code, Code::NoSuchTrace);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let (_folder, project) = project();
        for at in 0..KEPT_MAX as u64 + 2 {
            let id = keccak256(&[&at.to_be_bytes()]);
            let home = super::folder(&project).join(super::hex(&id));
            std::fs::create_dir_all(&home).expect("a writable folder");
            let text = serde_json::to_string(&about(at)).expect("it has a JSON form");
            std::fs::write(home.join("about.json"), text).expect("a writable folder");
        }
        keep(&project, &keccak256(&[b"new"]), &about(u64::MAX), "log").expect("a writable folder");
        let kept = all(&project).expect("a readable folder");
        assert_eq!(kept.len(), KEPT_MAX);
        assert_eq!(kept.last().map(|kept| kept.about.timestamp_ms), Some(3));
    }
}
