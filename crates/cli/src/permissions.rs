//! The file that says what services may do outside.

use crate::code::Code;
use crate::failure::Failure;
use crate::input;
use std::path::Path;
use weir_node::EffectsConfig;

/// What the file grants; without one, what every operator grants.
pub(crate) fn read(file: Option<&Path>) -> Result<EffectsConfig, Failure> {
    let Some(file) = file else {
        return Ok(EffectsConfig::default());
    };
    EffectsConfig::read(file).map_err(|error| {
        let what = format!("cannot use {}", input::name(file));
        Failure::new(Code::EffectsUnusable, what).cause(error)
    })
}
