//! What helps when the local network does not start. What is kept is given up only if it cannot be used any more.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter::successors;
use weir_agent::AgentError;
use weir_chain::JournalError;
use weir_node::store::StoreError;
use weir_node::{DeployError, StartError};

/// What is kept cannot be used any more.
const FRESH: &str = "weir up --fresh forgets what is kept in .weir";
/// The disk is full.
const ROOM: &str = "make room on the disk, then weir up again; nothing is lost";
/// Files cannot be read or written by this user.
const RIGHTS: &str =
    "give this user the right to read and write .weir, then weir up again; nothing is lost";
/// Somebody else uses a file.
const HELD: &str = "another weir up works in this folder; stop it first";
/// A later version wrote a file.
const NEWER: &str = "use the newer Weir that wrote it; nothing is lost";
/// Nothing of what is kept is in the way.
const AGAIN: &str = "put right what the cause says, then weir up again; nothing is lost";

/// For a peer.
pub(crate) fn of_peer(error: &StartError) -> &'static str {
    use weir_marine::StatesError;
    of_system(error).unwrap_or(match error {
        StartError::Store(StoreError::Damaged { .. } | StoreError::Foreign { .. })
        | StartError::Restore(_)
        | StartError::States(StatesError::Damaged(_)) => FRESH,
        StartError::Store(StoreError::Locked { .. }) => HELD,
        StartError::Store(StoreError::Newer { .. }) => NEWER,
        _ => AGAIN,
    })
}

/// For the service of the folder.
pub(crate) fn of_deployment(error: &DeployError) -> &'static str {
    of_system(error).unwrap_or(AGAIN)
}

/// For the chain.
pub(crate) fn of_chain(error: &weir_devchain::StoreError) -> &'static str {
    use weir_devchain::StoreError;
    of_system(error).unwrap_or(match error {
        StoreError::Damaged { .. } | StoreError::OtherChain { .. } => FRESH,
        StoreError::Locked { .. } => HELD,
        StoreError::Newer { .. } => NEWER,
        StoreError::Open { .. } | StoreError::Io { .. } => AGAIN,
    })
}

/// For what follows the market.
pub(crate) fn of_agent(error: &AgentError) -> &'static str {
    of_system(error).unwrap_or(match error {
        AgentError::Restore(_) => FRESH,
        AgentError::Journal(JournalError::Busy(_)) => HELD,
        _ => AGAIN,
    })
}

/// What the system refuses, whatever it was asked for.
fn of_system(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if is(error, ErrorKind::StorageFull, "No space left on device") {
        Some(ROOM)
    } else if is(error, ErrorKind::PermissionDenied, "Permission denied") {
        Some(RIGHTS)
    } else {
        None
    }
}

/// Whether an error of the system of this kind is behind it. Some stores keep no more of it than its text.
fn is(error: &(dyn Error + 'static), kind: ErrorKind, text: &str) -> bool {
    let mut causes = successors(Some(error), |&error| error.source());
    causes.any(|error| {
        let system = error.downcast_ref::<io::Error>();
        system.is_some_and(|error| error.kind() == kind) || error.to_string().contains(text)
    })
}

#[cfg(test)]
mod tests {
    use super::{AGAIN, FRESH, HELD, NEWER, RIGHTS, ROOM, of_agent, of_chain, of_peer};
    use std::io::{Error, ErrorKind};
    use std::path::PathBuf;
    use weir_agent::AgentError;
    use weir_marine::StatesError;
    use weir_node::StartError;
    use weir_node::store::StoreError;

    fn path() -> PathBuf {
        PathBuf::from("store.redb")
    }

    fn open(source: Error) -> StoreError {
        let path = path();
        StoreError::Open { path, source }
    }

    #[test]
    fn what_a_peer_keeps_is_given_up_only_if_it_cannot_be_used_any_more() {
        let (path, what) = (path, || "invalid data".to_owned());
        for (error, fix) in [
            (
                StoreError::Damaged {
                    path: path(),
                    what: what(),
                },
                FRESH,
            ),
            (StoreError::Foreign { path: path() }, FRESH),
            (StoreError::Locked { path: path() }, HELD),
            (
                StoreError::Newer {
                    path: path(),
                    found: 99,
                },
                NEWER,
            ),
            (open(Error::from(ErrorKind::StorageFull)), ROOM),
            (open(Error::from(ErrorKind::PermissionDenied)), RIGHTS),
            (open(Error::from(ErrorKind::TimedOut)), AGAIN),
        ] {
            assert_eq!(of_peer(&error.into()), fix);
        }
        let states = StatesError::Damaged("a node");
        assert_eq!(of_peer(&states.into()), FRESH);
        let metrics = StartError::Metrics {
            address: ([127, 0, 0, 1], 9090).into(),
            reason: "Address already in use (os error 98)".to_owned(),
        };
        assert_eq!(of_peer(&metrics), AGAIN);
    }

    #[test]
    fn a_full_disk_is_known_by_its_text_too() {
        let what = "No space left on device (os error 28)".to_owned();
        let io = StoreError::Io { path: path(), what };
        assert_eq!(of_peer(&io.into()), ROOM);
    }

    #[test]
    fn a_chain_is_given_up_only_if_it_cannot_be_used_any_more() {
        use weir_devchain::StoreError;
        let io = |what: &str| StoreError::Io {
            path: path(),
            what: what.to_owned(),
        };
        let damaged = StoreError::Damaged {
            path: path(),
            what: "invalid data".to_owned(),
        };
        assert_eq!(of_chain(&damaged), FRESH);
        assert_eq!(of_chain(&StoreError::Locked { path: path() }), HELD);
        let full = io("No space left on device (os error 28)");
        assert_eq!(of_chain(&full), ROOM);
        assert_eq!(of_chain(&io("Input/output error (os error 5)")), AGAIN);
    }

    #[test]
    fn a_folder_on_a_full_disk_is_no_reason_to_forget_the_market() {
        let full = AgentError::Folder {
            path: path(),
            source: Error::from(ErrorKind::StorageFull),
        };
        assert_eq!(of_agent(&full), ROOM);
    }
}
