//! Where a value came from.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The origin of a value: the peer, service and function that returned it, and
/// the path inside that result. Literals name the initiator and nothing else.
///
/// Services compare the four texts literally to decide whom to believe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tetraplet {
    /// Peer id as text.
    pub peer: Arc<str>,
    /// Service id, empty for values that no service returned.
    pub service: Arc<str>,
    /// Function name.
    pub function: Arc<str>,
    /// Lens text, as `.$.field.[0]`.
    pub lens: Arc<str>,
}

impl Tetraplet {
    /// The origin of something that `peer` said itself.
    pub fn literal(peer: Arc<str>) -> Self {
        let none: Arc<str> = Arc::from("");
        Tetraplet {
            peer,
            service: none.clone(),
            function: none.clone(),
            lens: none,
        }
    }

    /// The same origin, one path further in.
    #[must_use]
    pub fn through(&self, path: &str) -> Self {
        let mut lens = String::with_capacity(self.lens.len() + path.len());
        lens.push_str(&self.lens);
        lens.push_str(path);
        Tetraplet {
            lens: lens.into(),
            ..self.clone()
        }
    }
}
