//! What can go wrong, as one enum with stable codes.

use thiserror::Error;
use weir_identity::{Cid, Value};

use crate::compose::ComposeError;
use crate::convert::Mismatch;
use crate::spelling::{TEXT_CHARS_MAX, brief, brief_list, shorten};

/// Why a component was not accepted, or why a call has no result.
///
/// Every variant has a stable [code](Error::code), `GROUP/NAME`, for programs;
/// the message is for people. The group says whose business the failure is:
///
/// | Group | At fault | Same outcome on every machine |
/// | --- | --- | --- |
/// | `deploy` | the author of the component | yes |
/// | `contract` | the caller | yes |
/// | `access` | the caller | yes |
/// | `guest` | the component, while it ran | yes |
/// | `limit` | the component or the limits of the caller | yes |
/// | `infra` | this machine | no: try again or elsewhere |
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not WebAssembly at all.
    #[error("this is not a WebAssembly component: {detail}")]
    NotWasm {
        /// What the bytes look like.
        detail: String,
    },
    /// The bytes are a core module.
    #[error(
        "this is a core WebAssembly module, not a component; `weir build` makes one of a project with a WIT world, which \
         `weir new` begins, and so do `wit-bindgen` and `wasm-tools component new`"
    )]
    CoreModule,
    /// The bytes are a module with an `interface-types` section.
    #[error(
        "this is a legacy Marine module (it has an `interface-types` section), not a component; \
         rebuild its source against a WIT world: `weir new` begins a project with one, and `weir build` makes the component"
    )]
    LegacyModule,
    /// The bytes are a component that does not validate.
    #[error("the component is not valid: {detail}")]
    InvalidComponent {
        /// What the validator says.
        detail: String,
    },
    /// The component is bigger than allowed.
    #[error("the component has too much: {what} is {got}, at most {limit} allowed")]
    TooLarge {
        /// Which quantity.
        what: &'static str,
        /// The most that is allowed.
        limit: u64,
        /// What the component has.
        got: u64,
    },
    /// The engine has no place for the component's parts, on any machine.
    #[error("the component has too much: {detail}")]
    NoPlace {
        /// What the engine says.
        detail: String,
    },
    /// The component takes too long to compile. How long that is depends on
    /// the machine; the bounds of [`ComponentLimits`](crate::ComponentLimits)
    /// are such that no ordinary component comes near it.
    #[error("compiling the component takes longer than {limit_ms} ms")]
    TooCostly {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// The process that compiles components ended without an answer.
    #[error(
        "compiling the component takes more than {memory_bytes} bytes of memory, or breaks the compiler ({detail})"
    )]
    CompilerStopped {
        /// The limit in bytes.
        memory_bytes: u64,
        /// How the process ended.
        detail: String,
    },
    /// The component imports what is not granted.
    #[error("the component imports what is not granted: {}", brief_list(imports))]
    ForbiddenImport {
        /// The names of the imports.
        imports: Vec<String>,
    },
    /// The component exports a function that cannot be called with data.
    #[error("function `{function}` cannot be called from outside: {reason}")]
    UnsupportedFunction {
        /// The function's name.
        function: String,
        /// Which of its types is no data type.
        reason: String,
    },
    /// The component exports no function.
    #[error("the component exports no function")]
    NoFunctions,
    /// The manifest is malformed, or does not fit the component.
    #[error("the manifest is not good: {0}")]
    BadManifest(ManifestError),
    /// Components cannot be composed.
    #[error(transparent)]
    CannotCompose(Box<ComposeError>),
    /// The component fails already while it is instantiated.
    #[error("the component cannot be instantiated: {cause}")]
    StartFailed {
        /// How it failed.
        cause: Box<Error>,
    },

    /// The component has no such function.
    #[error(
        "there is no function `{}`; there are: {}",
        brief(name),
        brief_list(available)
    )]
    UnknownFunction {
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        available: Vec<String>,
    },
    /// Several functions have this name.
    #[error(
        "the name `{}` is ambiguous; say one of: {}",
        brief(name),
        brief_list(candidates)
    )]
    AmbiguousFunction {
        /// The name that was asked for.
        name: String,
        /// The full names that it may mean.
        candidates: Vec<String>,
    },
    /// The number of arguments is wrong.
    #[error("`{signature}` takes {expected} argument{}, got {got}", plural(*expected))]
    BadArity {
        /// The function with its types.
        signature: String,
        /// How many it takes.
        expected: usize,
        /// How many there were.
        got: usize,
    },
    /// An argument does not have the type that it should have.
    #[error("argument {index} `{path}`: expected {expected}, got {got}")]
    BadArgument {
        /// Which argument, from 1.
        index: usize,
        /// The place inside: the parameter's name, then fields and indices.
        path: String,
        /// The type that belongs there.
        expected: String,
        /// A short form of what was there.
        got: String,
    },

    /// The manifest lets only the owner of the service call the function.
    #[error("`{function}` is for the owner of the service only")]
    Denied {
        /// The function's name.
        function: String,
    },

    /// The function returned an error of its own.
    #[error("the function failed: {payload}", payload = payload.to_json())]
    Guest {
        /// What it returned.
        payload: Value,
    },
    /// The guest did something that stops it.
    #[error("the guest trapped: {reason}{}", in_frames(frames))]
    Trap {
        /// What it did.
        reason: String,
        /// The functions it was in, innermost first, where the component carries names.
        frames: Vec<String>,
    },
    /// The guest ended itself.
    #[error("the guest exited with code {code}")]
    Exit {
        /// The exit code.
        code: i32,
    },

    /// The call used up its fuel.
    #[error("the call used up its fuel, {limit} units")]
    Fuel {
        /// The limit.
        limit: u64,
    },
    /// The guest asked for more memory than it may have, and stopped for want of it.
    #[error("the guest asked for more than its {limit} bytes of memory")]
    Memory {
        /// The limit in bytes.
        limit: u64,
    },
    /// The result is larger than allowed.
    #[error("the result is larger than {limit} bytes")]
    ResultSize {
        /// The limit in bytes.
        limit: u64,
    },
    /// The arguments are larger than allowed.
    #[error("the arguments have more than {limit} {unit}")]
    ArgumentSize {
        /// What is counted: `values`, nested ones included, or `bytes`.
        unit: &'static str,
        /// The most of them.
        limit: u64,
    },
    /// The guest opened more resources than it may have.
    #[error("the guest has more than {limit} resources open at once")]
    Handles {
        /// The limit.
        limit: usize,
    },
    /// The guest asked for more effects than a call may have.
    #[error("the guest asked for too much outside: {detail}")]
    Effects {
        /// What there was too much of.
        detail: String,
    },

    /// The state of the service could not be read or written.
    #[error("the state cannot be used: {detail}")]
    Storage {
        /// What the store says.
        detail: String,
    },
    /// The witness from which the call was repeated does not hold what it looked at.
    #[error("the witness is not enough to repeat the call: {detail}")]
    Witness {
        /// What is missing.
        detail: String,
    },
    /// The call was repeated and asked for something else than was recorded.
    #[error("the call does not do what was recorded: {detail}")]
    Replay {
        /// Where they part.
        detail: String,
    },
    /// The code was put down, because nobody used it for long, and cannot be brought back.
    #[error("component {cid} cannot be loaded again: {detail}")]
    Away {
        /// The component.
        cid: Cid,
        /// Why.
        detail: String,
    },
    /// The call took too long on this machine.
    #[error("the call took longer than {limit_ms} ms on this machine")]
    WallClock {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// Instantiation took more fuel than allowed. How much it takes depends on the platform, so this is no outcome.
    #[error("instantiation used up its fuel, {limit} units")]
    StartFuel {
        /// The limit.
        limit: u64,
    },
    /// The guest nested its calls deeper than this machine's stack allows.
    #[error("the guest used up its call stack")]
    StackOverflow,
    /// This machine could not give what the guest needs and may have.
    #[error("this machine is short of {what}: {detail}")]
    Exhausted {
        /// Of what.
        what: &'static str,
        /// What the engine says.
        detail: String,
    },
    /// The engine failed in a way that is nobody's fault but its own.
    #[error("the engine failed: {detail}")]
    Engine {
        /// What it says.
        detail: String,
    },
}

/// What is wrong with a manifest, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{}{problem}", in_line(*line), in_place(place))]
pub struct ManifestError {
    /// The line, from 1, if it was read as text and the fault has a place there.
    pub line: Option<usize>,
    /// The table with the fault, such as `part facade.grants`; empty for the whole.
    pub place: String,
    /// What is wrong, and what to do about it.
    pub problem: String,
}

impl Error {
    /// The stable code, `GROUP/NAME`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotWasm { .. } => "deploy/not-wasm",
            Self::CoreModule => "deploy/core-module",
            Self::LegacyModule => "deploy/legacy-module",
            Self::InvalidComponent { .. } => "deploy/invalid-component",
            Self::TooLarge { .. } | Self::NoPlace { .. } => "deploy/too-large",
            Self::TooCostly { .. } | Self::CompilerStopped { .. } => "deploy/too-costly",
            Self::ForbiddenImport { .. } => "deploy/forbidden-import",
            Self::UnsupportedFunction { .. } => "deploy/unsupported-function",
            Self::NoFunctions => "deploy/no-functions",
            Self::BadManifest(_) => "deploy/bad-manifest",
            Self::CannotCompose(_) => "deploy/cannot-compose",
            Self::StartFailed { .. } => "deploy/start-failed",
            Self::UnknownFunction { .. } => "contract/unknown-function",
            Self::AmbiguousFunction { .. } => "contract/ambiguous-function",
            Self::BadArity { .. } => "contract/bad-arity",
            Self::BadArgument { .. } => "contract/bad-argument",
            Self::Denied { .. } => "access/denied",
            Self::Guest { .. } => "guest/err",
            Self::Trap { .. } => "guest/trap",
            Self::Exit { .. } => "guest/exit",
            Self::Fuel { .. } => "limit/fuel",
            Self::Memory { .. } => "limit/memory",
            Self::ResultSize { .. } => "limit/result-size",
            Self::ArgumentSize { .. } => "limit/argument-size",
            Self::Handles { .. } => "limit/handles",
            Self::Effects { .. } => "limit/effects",
            Self::Storage { .. } => "infra/storage",
            Self::Witness { .. } => "infra/witness",
            Self::Replay { .. } => "infra/replay",
            Self::Away { .. } => "infra/away",
            Self::WallClock { .. } => "infra/wall-clock",
            Self::StartFuel { .. } => "infra/start-fuel",
            Self::StackOverflow => "infra/stack-overflow",
            Self::Exhausted { .. } => "infra/exhausted",
            Self::Engine { .. } => "infra/engine",
        }
    }

    /// Whether the failure says something about this machine only. Such a
    /// failure is no outcome of the call: nothing may be concluded from it,
    /// charged for it or written into a receipt.
    pub fn is_infrastructure(&self) -> bool {
        match self {
            // Whoever tries it sees a component that does not start; only about a call of one that did, nothing follows.
            Self::StartFailed { cause } => {
                cause.is_infrastructure() && !matches!(**cause, Self::StartFuel { .. })
            }
            other => other.code().starts_with("infra/"),
        }
    }

    /// Whether nothing was executed, because the call fits no function of the component.
    pub(crate) fn is_of_the_caller(&self) -> bool {
        self.code().starts_with("contract/")
    }

    pub(crate) fn bad_argument(index: usize, parameter: &str, mismatch: Mismatch) -> Self {
        Self::BadArgument {
            index: index + 1,
            path: shorten(&mismatch.path(parameter), TEXT_CHARS_MAX),
            expected: mismatch.expected,
            got: mismatch.got,
        }
    }
}

fn in_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!("line {line}: "))
}

fn in_place(place: &str) -> String {
    if place.is_empty() {
        String::new()
    } else {
        format!("[{place}] ")
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn in_frames(frames: &[String]) -> String {
    if frames.is_empty() {
        String::new()
    } else {
        format!(" in {}", frames.join(" < "))
    }
}
