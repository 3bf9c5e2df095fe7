//! Evaluation: a script as a monotone dataflow over single-assignment facts.
//!
//! [`Machine`] holds every activation of one particle. Facts go in with
//! [`Machine::learn`], [`Machine::run`] does what follows from them, and
//! [`Machine::take_own`] gives, in script order, what this peer is to add
//! itself. The machine knows nothing of signatures, journals or messages.

mod canon_check;
mod facts;
mod failure;
mod flow;
mod folds;
mod instructions;
mod lens;
mod machine;
mod measure;
mod order;
mod own;
mod program;
mod queue;
mod reading;
mod resolve;
mod state;

pub(crate) use canon_check::{CanonHistory, Claim};
pub(crate) use facts::{Answer, Fact, Verdict, Wrong};
pub(crate) use machine::{Machine, Notice, Particle};
pub(crate) use own::Own;
pub use program::Program;
pub(crate) use state::Support;
