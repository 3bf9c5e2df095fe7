//! What a function finds around it: the state of its service, and the outside.

use std::fmt;
use std::sync::Arc;

use weir_receipt::state::{Limits, MemoryNodes, Nodes, Root};
use weir_receipt::{Transcript, TranscriptLimits};

use crate::effects::Effector;

/// What a function may do with the state of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Neither state nor effects: it traps if it tries.
    Pure,
    /// Reads the state as it was at one moment, beside any number of others.
    View,
    /// Reads and changes the state, one at a time.
    Update,
}

impl Mode {
    /// `pure`, `view` or `update`, as manifests say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pure => "pure",
            Self::View => "view",
            Self::Update => "update",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The nodes of a state, wherever they are kept.
pub type SharedNodes = Arc<dyn Nodes + Send + Sync>;

/// The state of a service at one moment.
#[derive(Clone)]
pub struct StateAt {
    /// Which state.
    pub root: Root,
    /// Where its nodes are.
    pub nodes: SharedNodes,
    /// How large it and the changes of one call may become.
    pub limits: Limits,
}

impl Default for StateAt {
    /// The empty state.
    fn default() -> Self {
        Self {
            root: Root::EMPTY,
            nodes: Arc::new(MemoryNodes::default()),
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for StateAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateAt")
            .field("root", &self.root)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Who answers when a function asks for something outside.
#[derive(Clone, Default)]
pub enum Outside {
    /// Nobody: every effect is denied.
    #[default]
    Closed,
    /// This effector, whose answers are recorded.
    Open(Arc<dyn Effector>),
    /// What was recorded when the call was made. It fails with
    /// [`Error::Replay`](crate::Error::Replay) as soon as it asks for anything else.
    Recorded(Arc<Transcript>),
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "Closed",
            Self::Open(_) => "Open",
            Self::Recorded(_) => "Recorded",
        })
    }
}

/// What a function finds around it. The default is an empty state and nobody outside.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The state of the service.
    pub state: StateAt,
    /// Who answers effects.
    pub outside: Outside,
    /// How many effects a call may have, and how large.
    pub transcript: TranscriptLimits,
    /// Whether to note what of the state was touched, for [`CallOutput::witness`](crate::CallOutput::witness).
    pub witness: bool,
}
