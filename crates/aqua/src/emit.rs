//! What comes out of a compiled file: for each function its script, its
//! definition for clients, and its plan for people; for the whole a module that
//! clients import, and pages for people.

mod air;
pub mod definition;
mod documentation;
mod hops;
mod json;
mod plan;
mod typescript;

pub use air::{Malformed, air};
pub use documentation::{Page, PageFormat, documentation};
pub use hops::{Hops, hops};
pub use json::Json;
pub use plan::{PlanStep, plan, plan_text};
pub use typescript::typescript;
