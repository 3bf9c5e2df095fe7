//! What the process says to its caller besides text.

/// Exit codes of every command. The numbers are part of the contract with scripts and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something that should not happen happened in this program or its machine.
    Internal = 1,
    /// Wrong arguments, or an answer was needed and nobody could be asked.
    Usage = 2,
    /// A file of settings, state or input is not valid.
    Configuration = 3,
    /// A script or component does not compile.
    Build = 4,
    /// The named thing does not exist.
    NotFound = 5,
    /// A key, token or grant is missing.
    NotAllowed = 6,
    /// The network is unreachable, or a remote peer did not answer in time.
    Network = 7,
    /// The called function returned an error.
    FunctionFailed = 8,
    /// A quorum, receipt, trace or proof does not hold.
    NotVerified = 9,
    /// The present state forbids it: something else is running or has changed.
    Conflict = 11,
    /// `--timeout` was reached; remote work may go on.
    Timeout = 124,
    /// Ctrl-C, where work was left undone.
    Interrupted = 130,
}

impl Exit {
    /// The number handed to the operating system.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }
}
