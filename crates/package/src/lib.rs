//! Packages: what a deal runs, as blocks that anybody may serve and nobody has to be trusted with.
//!
//! A package is named by the CID of one block, its [`Root`]: services with their components and what they are granted,
//! files of Aqua, schedules. [`Builder`] makes blocks of files; [`Fetch`] gets them back, block by block, from an
//! ordered list of [sources](Source) of which each may lie; [`check`] says what stands against deploying it; [`Pins`]
//! and [`collect`] keep what somebody needs.
//!
//! ```
//! use weir_package::{BlockStore, Builder, Grants, Limits, Memory, Sources, Fetch};
//!
//! let mut package = Builder::new("weather", "1.0.0");
//! package.service("weather", "the bytes of a component", Grants::default(), [])?;
//! package.aqua("main.aqua", "aqua Main")?;
//! let package = package.build()?;
//!
//! // Elsewhere, somebody has some of the blocks and asks for the rest.
//! let mut fetch = Fetch::new(package.cid(), Limits::default(), Sources::new(["a gateway"]))?;
//! while !fetch.is_complete() {
//!     for request in fetch.want()? {
//!         let block = package.blocks().iter().find(|block| block.cid() == request.cid);
//!         fetch.provide(&request, block.expect("it is one of the package").bytes().clone())?;
//!     }
//! }
//! let fetched = fetch.finish()?;
//! assert_eq!(fetched.root(), package.root());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Invariants
//! - Bytes are trusted by CID alone, and each block before anything in it is used.
//! - One package has one form: the same parts have the same CID, and what decodes encodes to the same bytes.
//! - Whatever bytes, files or answers come, nothing panics, and what is read or held is bounded before it is.
//! - [`Fetch`] and [`collectable`] do no input or output; [`Folder`] and the gateways of the feature `http` do.

mod block;
mod builder;
mod cbor;
mod check;
mod error;
mod fetch;
mod file;
mod garbage;
mod grants;
#[cfg(feature = "http")]
pub mod http;
pub mod limits;
mod location;
mod module_set;
mod name;
mod package;
pub mod project;
mod root;
pub mod schedule;
mod source;
mod sources;
mod store;

pub use block::Block;
pub use builder::{Builder, Built};
pub use check::{Refusal, check, schedules_refusal};
pub use error::{Attempt, FetchError, FormatError, SourceError, StoreError};
pub use fetch::{Fetch, Progress, Request, Verdict, fetch};
pub use file::{ChunkList, FileRef};
pub use garbage::{Pins, collect, collectable, is_whole};
pub use grants::Grants;
pub use limits::Limits;
pub use location::Location;
pub use module_set::module_set_hash;
pub use package::Package;
pub use root::{Root, Service};
pub use schedule::Schedule;
pub use source::{Answer, Source};
pub use sources::Sources;
pub use store::{BlockStore, Folder, Memory};
