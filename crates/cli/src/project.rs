//! The folder `.weir`: where it is, who holds it, and which network lives in it.

use crate::code::Code;
use crate::failure::Failure;
use crate::state_file;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use weir_identity::PeerId;
use weir_sim::case::Names;

const FOLDER: &str = ".weir";
const NETWORK_FILE: &str = "network.json";
const NETWORK_VERSION: u32 = 1;
const LOCK_FILE: &str = "lock";

/// A folder that has, or will have, a `.weir` in it.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    root: PathBuf,
}

/// The local network as other commands find it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    version: u32,
    pub(crate) peers: Vec<NetworkPeer>,
    pub(crate) services: Vec<NetworkService>,
    /// The context whose entry points the peers are; none for the local network.
    #[serde(skip)]
    pub(crate) context: Option<String>,
}

/// One peer and where to reach it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkPeer {
    pub(crate) name: String,
    pub(crate) id: String,
    /// Multiaddresses.
    pub(crate) addresses: Vec<String>,
    /// Where Prometheus finds its metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metrics: Option<String>,
}

/// One service and the peers that run it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkService {
    pub(crate) name: String,
    /// Typed signatures.
    pub(crate) functions: Vec<String>,
    /// Names of peers.
    pub(crate) peers: Vec<String>,
}

impl Network {
    pub(crate) fn new(peers: Vec<NetworkPeer>, services: Vec<NetworkService>) -> Self {
        Self {
            version: NETWORK_VERSION,
            peers,
            services,
            context: None,
        }
    }

    /// The network with these peers in it, whose addresses others know.
    pub(crate) fn with(&self, peers: impl IntoIterator<Item = PeerId>) -> Self {
        let mut network = self.clone();
        for peer in peers {
            let id = peer.to_string();
            if network.peers.iter().all(|known| known.id != id) {
                network.peers.push(NetworkPeer {
                    name: id.clone(),
                    id,
                    addresses: Vec::new(),
                    metrics: None,
                });
            }
        }
        network
    }

    /// The text with `@name` in the place of peer ids, as scripts may have it.
    pub(crate) fn with_names(&self, text: &str) -> String {
        self.peers.iter().fold(text.to_owned(), |text, peer| {
            text.replace(&peer.id, &format!("@{}", peer.name))
        })
    }

    /// The peers by name and id.
    pub(crate) fn names(&self) -> Result<Names, Failure> {
        self.peers
            .iter()
            .map(|peer| Ok((peer.peer_id()?, Arc::from(&*peer.name))))
            .collect()
    }

    /// The name of a peer id, or the id itself.
    pub(crate) fn name_of<'a>(&'a self, id: &'a str) -> &'a str {
        self.peers
            .iter()
            .find(|peer| peer.id == id)
            .map_or(id, |peer| &peer.name)
    }
}

impl NetworkPeer {
    /// Its id, as the file of the network has it.
    pub(crate) fn peer_id(&self) -> Result<PeerId, Failure> {
        self.id.parse().map_err(|error| {
            Failure::new(Code::StateMalformed, format!("{:?} is no peer id", self.id)).cause(error)
        })
    }
}

/// Held while a network runs in the folder. Dropping it, or the end of the process, lets go.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Project {
    /// A project in this folder, whether it exists or not.
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// The project that the current folder belongs to.
    pub(crate) fn here() -> Result<Self, Failure> {
        Self::find(&current_folder()?)
    }

    /// The nearest folder upward that has a `.weir`.
    pub(crate) fn find(start: &Path) -> Result<Self, Failure> {
        start
            .ancestors()
            .find(|folder| folder.join(FOLDER).is_dir())
            .map(|folder| Self::at(folder.to_owned()))
            .ok_or_else(|| {
                Failure::new(Code::NoNetwork, "no local network here")
                    .cause(format!(
                        "neither {} nor a folder above has .weir",
                        start.display()
                    ))
                    .fix("weir up")
            })
    }

    /// `.weir`.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.join(FOLDER)
    }

    /// Policies of the project.
    pub(crate) fn aqua(&self) -> PathBuf {
        self.root.join("aqua")
    }

    /// Key and logs of the command line.
    pub(crate) fn client(&self) -> PathBuf {
        self.state().join("client")
    }

    /// Makes `.weir` and holds it, or says who does.
    pub(crate) fn lock(&self) -> Result<Lock, Failure> {
        let path = self.state().join(LOCK_FILE);
        let unwritable = |error: std::io::Error| {
            Failure::new(
                Code::FileUnwritable,
                format!("cannot write {}", path.display()),
            )
            .cause(error)
        };
        std::fs::create_dir_all(self.state()).map_err(unwritable)?;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(running(&path, &mut file)),
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        file.set_len(0).map_err(unwritable)?;
        file.seek(SeekFrom::Start(0)).map_err(unwritable)?;
        writeln!(file, "{}", std::process::id()).map_err(unwritable)?;
        Ok(Lock { _file: file })
    }

    /// The network that runs, or ran, here.
    pub(crate) fn network(&self) -> Result<Network, Failure> {
        let path = self.state().join(NETWORK_FILE);
        let fix = "stop the network, delete .weir, and run weir up";
        let network = state_file::read::<Network>(&path, fix)?.ok_or_else(|| {
            Failure::new(Code::NoNetwork, "no network was started here yet")
                .cause(format!("{} does not exist", path.display()))
                .fix("weir up")
        })?;
        if network.version != NETWORK_VERSION {
            let cause = format!("unknown version {}", network.version);
            return Err(state_file::malformed(&path, cause, fix));
        }
        Ok(network)
    }

    /// Tells other commands about the network. Readers see the old file or the new one, never a part.
    pub(crate) fn announce(&self, network: &Network) -> Result<(), Failure> {
        state_file::write(&self.state().join(NETWORK_FILE), network)
    }

    /// Removes everything below `.weir` but the lock, which the caller holds.
    pub(crate) fn clear(&self, _lock: &Lock) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(
                Code::FileUnwritable,
                format!("cannot empty {}", self.state().display()),
            )
            .cause(error)
        };
        for entry in std::fs::read_dir(self.state()).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name() == LOCK_FILE {
                continue;
            }
            let path = entry.path();
            if entry.file_type().map_err(failed)?.is_dir() {
                std::fs::remove_dir_all(&path).map_err(failed)?;
            } else {
                std::fs::remove_file(&path).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Where the command was started, or `-C`.
pub(crate) fn current_folder() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|error| {
        Failure::new(Code::FileUnreadable, "cannot tell the current folder").cause(error)
    })
}

fn running(path: &Path, file: &mut File) -> Failure {
    let mut holder = String::new();
    // Without a readable number the message only names the file.
    let _ = file.read_to_string(&mut holder);
    let holder = match holder.trim() {
        "" => "another process".to_owned(),
        process => format!("process {process}"),
    };
    Failure::new(
        Code::NetworkRunning,
        "a local network is running here already",
    )
    .cause(format!("{holder} holds {}", path.display()))
    .fix("use it, stop it with Ctrl-C in its terminal, or start another one in another folder")
}

#[cfg(test)]
mod tests {
    use super::{Network, Project};
    use crate::code::Code;

    fn project() -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let project = Project::at(folder.path().to_owned());
        (folder, project)
    }

    #[test]
    fn a_project_is_found_from_below() {
        let (folder, project) = project();
        std::fs::create_dir_all(project.state()).expect("a writable folder");
        let below = folder.path().join("a/b");
        std::fs::create_dir_all(&below).expect("a writable folder");
        let found = Project::find(&below).expect("it is two folders up");
        assert_eq!(found.state(), project.state());
    }

    #[test]
    fn a_second_holder_is_told_about_the_first() {
        let (_folder, project) = project();
        let lock = project.lock().expect("nobody holds it");
        let failure = project.lock().expect_err("the first one holds it");
        assert_eq!(failure.code, Code::NetworkRunning);
        let cause = failure.cause.as_deref().expect("it names the holder");
        assert!(cause.contains(&std::process::id().to_string()), "{cause}");
        drop(lock);
        project.lock().expect("the first one let go");
    }

    #[test]
    fn a_network_of_a_newer_version_is_refused() {
        let (_folder, project) = project();
        let _lock = project.lock().expect("nobody holds it");
        let mut network = Network::new(Vec::new(), Vec::new());
        network.version = 2;
        project.announce(&network).expect("a writable folder");
        let failure = project.network().expect_err("it is newer");
        assert_eq!(failure.code, Code::StateMalformed);
    }

    #[test]
    fn clearing_keeps_only_the_lock() {
        let (_folder, project) = project();
        let lock = project.lock().expect("nobody holds it");
        std::fs::create_dir_all(project.client()).expect("a writable folder");
        project
            .announce(&Network::new(Vec::new(), Vec::new()))
            .expect("a writable folder");
        project.clear(&lock).expect("all is ours");
        let left: Vec<_> = std::fs::read_dir(project.state())
            .expect("it is there")
            .map(|entry| entry.expect("a readable folder").file_name())
            .collect();
        assert_eq!(left, ["lock"]);
    }
}
