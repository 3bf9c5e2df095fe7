//! Calls of functions from outside.

mod program;
mod properties;
mod reading;
