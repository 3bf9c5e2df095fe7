//! What the compiler says about programs, as a person would want to read it.

mod accepted;
mod cascades;
mod errors;
mod explained;
mod liveness;
mod program;
#[path = "../syntax/report.rs"]
mod report;
