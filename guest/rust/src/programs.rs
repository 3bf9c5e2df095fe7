//! Programs of the machine that its operator offers by name.

use crate::{Fault, host};

pub use crate::bindings::weir::host::programs::Output;

/// Runs a program to its end. An exit code other than 0 is no fault.
pub fn run(name: &str, arguments: &[&str]) -> Result<Output, Fault> {
    let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
    Ok(host::programs::run(name, &arguments)?)
}
