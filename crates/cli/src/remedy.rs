//! What helps when the local network does not start.

use weir_agent::AgentError;
use weir_node::StartError;
use weir_node::store::StoreError;

/// What is kept cannot be used any more.
const FRESH: &str = "weir up --fresh forgets what is kept in .weir";
const ROOM: &str = "make room on the disk, then weir up again; nothing is lost";
/// Nothing of what is kept is in the way.
pub(crate) const AGAIN: &str = "put right what the cause says, then weir up again; nothing is lost";

/// For a peer.
pub(crate) fn of_peer(error: &StartError) -> &'static str {
    let lost = match error {
        StartError::Store(StoreError::Damaged { .. } | StoreError::Foreign { .. })
        | StartError::Restore(_) => true,
        StartError::States(error) => matches!(error, weir_marine::StatesError::Damaged(_)),
        _ => false,
    };
    remedy(lost, error)
}

/// For the chain.
pub(crate) fn of_chain(error: &weir_devchain::StoreError) -> &'static str {
    let lost = matches!(
        error,
        weir_devchain::StoreError::Damaged { .. } | weir_devchain::StoreError::OtherChain { .. }
    );
    remedy(lost, error)
}

/// For what follows the market.
pub(crate) fn of_agent(error: &AgentError) -> &'static str {
    remedy(matches!(error, AgentError::Restore(_)), error)
}

fn remedy(lost: bool, error: &dyn std::error::Error) -> &'static str {
    // The kind of the system's error does not come through every store.
    let text = error.to_string();
    match (lost, text.contains("No space left on device")) {
        (_, true) => ROOM,
        (true, false) => FRESH,
        (false, false) => AGAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn what_is_kept_is_given_up_only_if_it_is_damaged() {
        let path = PathBuf::from("store.redb");
        let what = "invalid data".to_owned();
        let damaged = StoreError::Damaged { path, what };
        assert_eq!(of_peer(&damaged.into()), FRESH);
        let locked = StoreError::Locked {
            path: PathBuf::from("store.redb"),
        };
        assert_eq!(of_peer(&locked.into()), AGAIN);
        let full = StoreError::Open {
            path: PathBuf::from("store.redb"),
            source: std::io::Error::from_raw_os_error(28),
        };
        assert_eq!(of_peer(&full.into()), ROOM);
        let what = "No space left on device (os error 28)".to_owned();
        let path = PathBuf::from("chain.redb");
        assert_eq!(
            of_chain(&weir_devchain::StoreError::Io { path, what }),
            ROOM
        );
    }
}
