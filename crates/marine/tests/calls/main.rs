//! What the runtime does with components, each subject in a file of its own. One program, because each would compile
//! and link the engine anew.

mod admission;
mod blobs;
mod bounds;
mod cache;
mod compose;
mod execution;
mod filer;
mod greeter;
mod host_work;
mod hostile;
mod limits;
mod linked;
mod profile;
mod profiling;
mod replay;
mod sandbox;
mod sqlite;
mod starting;
#[path = "../support/mod.rs"]
mod support;
mod values;
mod world;
