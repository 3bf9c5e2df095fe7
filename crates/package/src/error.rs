use weir_identity::Cid;

/// Why bytes, text or parts are no package. `field` is where, as `services[2].aliases[0]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FormatError {
    /// Which part of it.
    pub field: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl FormatError {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// Why a source does not give a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It does not have the block.
    #[error("it does not have the block")]
    NotFound,
    /// The content has more bytes than a block may have.
    #[error("it sent more than {0} bytes")]
    TooLarge(usize),
    /// There was no answer in time.
    #[error("no answer within {0} ms")]
    TimedOut(u64),
    /// Anything else, in words.
    #[error("{0}")]
    Failed(String),
}

/// What became of asking one source for a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The name of the source.
    pub source: String,
    /// Why it did not help.
    pub why: String,
}

/// Why a package cannot be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No source gave the right bytes.
    #[error("no source has block {cid} of package {package}: {}", listed(.attempts))]
    Unavailable {
        /// The package.
        package: Cid,
        /// The block.
        cid: Cid,
        /// Each source with its reason, in their order.
        attempts: Vec<Attempt>,
    },
    /// It would exceed a limit of whoever fetches.
    #[error("package {package} has {found} {what}, this node takes at most {allowed}")]
    TooLarge {
        /// The package.
        package: Cid,
        /// Of what.
        what: &'static str,
        /// How many it has.
        found: u64,
        /// The limit.
        allowed: u64,
    },
    /// The bytes are those of the CID, but no package. No source can help.
    #[error("{cid} is not a package that can be used: {problem}; publish it again")]
    NotAPackage {
        /// The block, or the file.
        cid: Cid,
        /// What is wrong.
        problem: FormatError,
    },
    /// What was fetched cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a store cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The system refuses.
    #[error("cannot use {place}: {problem}")]
    Io {
        /// The file or folder.
        place: String,
        /// What the system says.
        problem: String,
    },
    /// The bytes are not those that the name stands for.
    #[error("block {cid} is damaged on disk; delete it and fetch the package again")]
    Damaged {
        /// Its name.
        cid: Cid,
    },
}

fn listed(attempts: &[Attempt]) -> String {
    if attempts.is_empty() {
        return "there is no source; configure a folder, a peer or a gateway".to_owned();
    }
    let one = |attempt: &Attempt| format!("{}: {}", attempt.source, attempt.why);
    attempts.iter().map(one).collect::<Vec<_>>().join("; ")
}
