//! Why components cannot be composed.

use thiserror::Error;
use weir_identity::Cid;

use crate::error::Error;
use crate::spelling::brief_list;

/// Why components cannot be composed, and what to do about it.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// There are bytes for a part that the manifest does not have.
    #[error("the manifest has no part `{part}`; it has: {}", brief_list(known))]
    UnknownPart {
        /// The name that came with the bytes.
        part: String,
        /// The parts of the manifest.
        known: Vec<String>,
    },
    /// The bytes of a part are missing.
    #[error("the component of part `{part}` is missing; it should be {component}")]
    NoBytes {
        /// The name of the part.
        part: String,
        /// Its path or CID.
        component: String,
    },
    /// The manifest names other bytes.
    #[error(
        "the component of part `{part}` is {got}, but the manifest says {expected}; \
         take that component, or change the manifest"
    )]
    OtherBytes {
        /// The name of the part.
        part: String,
        /// The CID in the manifest.
        expected: Cid,
        /// The CID of the bytes.
        got: Cid,
    },
    /// A part is not a component as peers take them.
    #[error("part `{part}` cannot be used: {cause}")]
    BadPart {
        /// The name of the part.
        part: String,
        /// Why.
        cause: Error,
    },
    /// The wiring names an import that the part does not have.
    #[error(
        "part `{part}` does not import `{import}`, which [wiring] gives to `{provider}`; it imports: {}",
        brief_list(imports)
    )]
    NoImport {
        /// The part that should have the import.
        part: String,
        /// The import.
        import: String,
        /// The part that should serve it.
        provider: String,
        /// What it imports.
        imports: Vec<String>,
    },
    /// The wiring names an import twice.
    #[error("[wiring] says twice who serves `{import}` of part `{part}`; keep one")]
    WiredTwice {
        /// The part with the import.
        part: String,
        /// The import.
        import: String,
    },
    /// The wiring names a part that does not export what is needed.
    #[error(
        "part `{provider}` exports nothing that serves `{import}` of part `{part}`; it exports: {}",
        brief_list(exports)
    )]
    NoExport {
        /// The part with the import.
        part: String,
        /// The import.
        import: String,
        /// The part that should serve it.
        provider: String,
        /// What it exports.
        exports: Vec<String>,
    },
    /// Several parts could serve an import.
    #[error(
        "`{import}` of part `{part}` could be served by {}; say by which, under [wiring]: \"{part}/{import}\" = \"{}\"",
        brief_list(providers), providers.first().map_or("…", |first| first)
    )]
    Ambiguous {
        /// The part with the import.
        part: String,
        /// The import.
        import: String,
        /// The parts that could serve it.
        providers: Vec<String>,
    },
    /// Parts need each other.
    #[error(
        "parts need each other in a circle: {}; take one of them apart, or leave one import to the host",
        parts.join(" -> ")
    )]
    Cycle {
        /// The parts of the circle; the last is the first.
        parts: Vec<String>,
    },
    /// A part has no purpose.
    #[error(
        "part `{part}` serves nobody: neither the facade nor what it uses imports what it exports ({}); remove it, \
         or correct the versions of the interfaces",
        brief_list(exports)
    )]
    Unused {
        /// The name of the part.
        part: String,
        /// What it exports.
        exports: Vec<String>,
    },
    /// The types of an export and an import do not agree.
    #[error(
        "`{import}` of part `{part}` and what part `{provider}` exports have different types: {detail}; \
         build both against the same WIT"
    )]
    Types {
        /// The part with the import.
        part: String,
        /// The import.
        import: String,
        /// The part that serves it.
        provider: String,
        /// Where they differ.
        detail: String,
    },
    /// Two parts use the same interface of the host with different types.
    #[error(
        "the parts import `{import}` with different types: {detail}; build them against the same WIT"
    )]
    HostTypes {
        /// The import.
        import: String,
        /// Where they differ.
        detail: String,
    },
    /// Two parts are granted the same interface differently.
    #[error(
        "the parts `{}` and `{}` are granted `{interface}` with different policies, but the composed component has \
         one such import; give both the same policy, or let one part do the work for the other",
        parts[0], parts[1]
    )]
    Policies {
        /// The interface.
        interface: String,
        /// The parts.
        parts: [String; 2],
    },
    /// An interface that is denied to a part cannot be replaced.
    #[error(
        "part `{part}` has no grant of {}, and no component can be made that refuses it: {detail}; \
         grant it or build the part without it",
        brief_list(imports)
    )]
    Undeniable {
        /// The name of the part.
        part: String,
        /// What it imports.
        imports: Vec<String>,
        /// What is in the way.
        detail: String,
    },
    /// Too many parts are linked through the host.
    #[error(
        "{count} parts are linked through the host, at most {limit} are allowed; compose some of them"
    )]
    TooManyLinked {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A part that is linked through the host needs one that is not.
    #[error(
        "`{import}` of part `{part}`, which is linked through the host, is served by part `{provider}`, which is not; \
         write link = \"host\" to `{provider}` as well"
    )]
    LinkedUsesInner {
        /// The linked part.
        part: String,
        /// What it imports.
        import: String,
        /// The part inside the composed component.
        provider: String,
    },
    /// Parts of one component are to have an import from different places.
    #[error(
        "the parts `{}` and `{}` import `{import}` from different places, but the composed component has one such \
         import; wire both to the same part, or link one of them through the host",
        parts[0], parts[1]
    )]
    Torn {
        /// The import.
        import: String,
        /// The parts.
        parts: [String; 2],
    },
    /// A part has parts of its own that are linked through the host.
    #[error(
        "part `{part}` has itself parts that are linked through the host; name them as parts of this manifest instead"
    )]
    Nested {
        /// The part.
        part: String,
    },
    /// The composer gave up.
    #[error("the components cannot be put together: {detail}")]
    Composer {
        /// What it says.
        detail: String,
    },
}

impl From<ComposeError> for Error {
    fn from(error: ComposeError) -> Self {
        Self::CannotCompose(Box::new(error))
    }
}
