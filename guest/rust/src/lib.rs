//! What a Weir service in Rust needs: its state, blobs, a log, who calls and where arguments came from, and effects
//! that were granted.
//!
//! A service is a component: a WIT world of yours, [`generate!`], and an implementation of what the world exports. This crate adds what the host offers, the package `weir:host`. A component imports only what its code
//! uses, so a service that touches nothing but its state asks for nothing else.
//!
//! ```
//! use weir_guest::state::{Error, Map};
//!
//! const VISITS: Map<String, u64> = Map::new("visits");
//!
//! fn visit(name: String) -> Result<u64, Error> {
//!     weir_guest::info!("{name} is here");
//!     VISITS.update(&name, |visits| visits.unwrap_or(0) + 1)
//! }
//!
//! // On any machine, without Wasm: the host is then `weir_guest::testing`.
//! assert_eq!(visit("Ada".into()), Ok(1));
//! assert_eq!(visit("Ada".into()), Ok(2));
//! ```
//!
//! - [`state`]: bytes by bytes, or typed and ordered with [`state::Map`] and [`state::Item`]
//! - [`context`]: who calls, when, and [where an argument came from](context::provenance)
//! - [`log`]: notes for whoever runs the service, with [`info!`] and its like
//! - [`blobs`], [`http`], [`signing`], [`programs`], [`entropy`]: effects, each of which must be granted
//! - `testing`: a host for `cargo test`, on every target but Wasm

pub mod blobs;
pub mod context;
pub mod entropy;
mod fault;
pub mod http;
pub mod log;
pub mod programs;
pub mod signing;
pub mod state;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use fault::Fault;
#[doc(hidden)]
pub use wit_bindgen;

/// Makes the bindings of a world: traits to implement, and `export!` to name the type that does.
///
/// It is `wit_bindgen::generate!` with all its options, so that a service needs no other crate.
///
/// ```ignore
/// weir_guest::generate!({ path: "wit", world: "greeter" });
///
/// struct Greeter;
///
/// impl Guest for Greeter {
///     fn hello(name: String) -> String {
///         format!("Hello, {name}!")
///     }
/// }
///
/// export!(Greeter);
/// ```
#[macro_export]
macro_rules! generate {
    ({ $($options:tt)* }) => {
        $crate::wit_bindgen::generate!({
            runtime_path: "weir_guest::wit_bindgen::rt",
            $($options)*
        });
    };
}

#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unsafe_code,
    reason = "generated; the functions are called by Wasm alone, and the WIT has the documentation"
)]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "imports", generate_all });
}

/// Who answers: the host of a component, or the one for tests.
mod host {
    #[cfg(target_family = "wasm")]
    pub(crate) use crate::bindings::weir::host::*;
    #[cfg(not(target_family = "wasm"))]
    pub(crate) use crate::testing::host::*;
}
