//! What comes out of a compiled function: its script, its definition for
//! clients, and its plan for people.

mod air;
pub mod definition;
mod json;
mod plan;

pub use air::air;
pub use json::Json;
pub use plan::{PlanStep, plan, plan_text};
