//! The Wasm runtime: loads WebAssembly components and calls their typed
//! functions with values of the JSON model, bounded and metered.
//!
//! ```no_run
//! use weir_identity::Value;
//! use weir_marine::{Call, CallContext, Limits, Marine, MarineConfig, World};
//!
//! # async fn example(component: Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
//! let marine = Marine::new(MarineConfig::default())?;
//! let greeter = marine.load(&component)?;
//! for function in greeter.functions() {
//!     println!("{}", function.signature()); // hello(name: string) -> string
//! }
//! let output = greeter
//!     .call(Call {
//!         function: "hello",
//!         arguments: &[Value::from("Ada")],
//!         context: &CallContext::default(),
//!         limits: &Limits::default(),
//!         world: &World::default(),
//!     })
//!     .await;
//! println!("{:?} for {} fuel", output.result?, output.fuel);
//! # Ok(())
//! # }
//! ```
//!
//! - [`Marine`] is the engine of a node, with its pool of instances and its cache of compiled code.
//! - [`Module`] is a loaded component: its [`Function`]s, and [`Module::call`].
//! - [`Limits`], [`ComponentLimits`] and [`Profile`] are everything that bounds a guest.
//! - [`Error`] is every way to fail, with stable codes.
//!
//! # Invariants
//! - A guest reaches nothing that is not linked in `sandbox`: no environment, no real clock, no real randomness, and
//!   of state and outside what its [`World`] offers.
//! - Every call has a fresh instance. What a call computes depends on component, function, arguments, [`CallContext`],
//!   the state that it reads and the effects in its transcript, and on nothing else, unless the error is of the group
//!   `infra`.
//! - What a call changes is a value, [`CallOutput::commit`]: nothing has happened until somebody keeps it.
//! - No bytes of a component and no arguments make this crate panic.
//! - `unsafe` occurs once, where compiled code is taken from bytes that this node wrote.
//! - This crate knows no AIR, no particles and no network.
//!
//! # How values map to WIT types
//!
//! | WIT | accepted | produced |
//! | --- | --- | --- |
//! | `bool` | `true`, `false` | same |
//! | `u8`…`u32`, `s8`…`s32` | integer in range | integer |
//! | `u64`, `s64` | integer in range, or decimal text | integer up to 2^53 − 1, beyond it decimal text |
//! | `f32`, `f64` | number, `"NaN"`, `"Infinity"`, `"-Infinity"` | same |
//! | `char` | text of one character | same |
//! | `string` | text | same |
//! | `list<u8>` | `"b64:"` and base64url, an array of integers, or `{"cid": "…"}`: a blob of the node | `"b64:…"` without padding |
//! | `list<T>`, `tuple<…>` | array | array |
//! | `map<K, V>` | array of pairs; object if the keys are text | object if the keys are text, else array of pairs |
//! | `record` | object, where an absent option is none; or array in the order of the fields | object with `snake_case` keys |
//! | `option<T>` | `null` or the value; inside another option `{"some": …}` | same |
//! | `result<T, E>` | `{"ok": …}` or `{"err": …}` | same; as result of a function: the value, or [`Error::Guest`] |
//! | `variant` | `"case"` or `{"case": …}` | same |
//! | `enum` | `"case"` | same |
//! | `flags` | array of names | array in the order of declaration |
//!
//! Names are accepted in `kebab-case`, `snake_case` and `camelCase`. Resources, futures and streams cannot be passed
//! as values; a component that exports functions with them is not accepted.

/// The support of the tests names this crate as its users do.
#[cfg(test)]
extern crate self as weir_marine;

mod admission;
mod bridge;
mod cache;
mod census;
mod code;
mod compiler;
mod compose;
mod context;
mod contract;
mod convert;
mod effects;
mod error;
mod execution;
mod failure;
mod files;
mod flight;
mod fuel;
mod grants;
mod instance;
mod interface;
mod judgement;
mod limits;
mod linked;
mod manifest;
mod module;
mod nesting;
mod profile;
mod profiling;
mod residence;
mod runtime;
mod sandbox;
mod sections;
mod spelling;
pub mod states;
mod store;
mod world;

pub use admission::Import;
pub use cache::CacheConfig;
pub use compiler::{CompilerProcess, compile_worker};
pub use compose::{ComposeError, Composed, PartImport, Served, compose};
pub use context::{CallContext, Origin};
pub use contract::{Function, Param};
pub use convert::{Case, Field, Name, Named, Type};
pub use effects::{
    Answer, BlobRead, Effector, Fault, Header, HttpRequest, HttpResponse, ProgramOutput,
    ProgramRun, denied, guest_message,
};
pub use error::{Error, ManifestError};
pub use execution::Execution;
pub use grants::{GrantError, Grants, Hosts, HttpPolicy, Policy};
pub use interface::Class;
pub use judgement::{Judgement, Verdict};
pub use limits::{ARGUMENT_VALUES_MAX, ComponentLimits, Limits};
pub use manifest::{
    Access, FunctionRules, Link, MANIFEST_BYTES_MAX, MANIFEST_SECTION, Manifest, Part, PartLimits,
    PartSource, ServiceLimits, embed as embed_manifest, extract as extract_manifest,
};
pub use module::{Call, CallOutput, Module, Took};
pub use profile::Profile;
pub use profiling::{FunctionCost, Place, Profiled, Profiler};
pub use residence::{ComponentSource, Residence};
pub use runtime::{Marine, MarineConfig, SetupError};
pub use sandbox::{Level, Logs};
pub use states::{States, StatesConfig, StatesError};
pub use world::{Mode, Outside, SharedNodes, StateAt, World};
