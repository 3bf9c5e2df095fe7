//! How packages, services and files are called.

use crate::error::FormatError;
use crate::limits::{NAME_BYTES_MAX, PATH_BYTES_MAX, VERSION_BYTES_MAX};

/// Small letters, digits and hyphens, beginning with a letter: the rule of manifests.
pub(crate) fn check_name(name: &str, at: &str) -> Result<(), FormatError> {
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    let may = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if begins && name.len() <= NAME_BYTES_MAX && name.bytes().all(may) {
        return Ok(());
    }
    let problem = format!(
        "a name has small letters, digits and hyphens, begins with a letter and is at most {NAME_BYTES_MAX} bytes long"
    );
    Err(FormatError::new(at, problem))
}

/// What a service may be called by in scripts.
pub(crate) fn check_alias(alias: &str, at: &str) -> Result<(), FormatError> {
    let may = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !alias.is_empty() && alias.len() <= NAME_BYTES_MAX && alias.bytes().all(may) {
        return Ok(());
    }
    let problem = format!(
        "an alias has 1 to {NAME_BYTES_MAX} letters, digits, hyphens, underscores and dots"
    );
    Err(FormatError::new(at, problem))
}

/// A path that stays in its folder on every system.
pub(crate) fn check_path(path: &str, at: &str) -> Result<(), FormatError> {
    let strange = |c: char| c.is_control() || matches!(c, '\\' | ':');
    let part = |part: &str| !matches!(part, "" | "." | "..");
    if path.len() > PATH_BYTES_MAX || path.contains(strange) || !path.split('/').all(part) {
        let problem = format!(
            "a path is relative, has `/` between its parts, no `.` or `..`, `\\`, `:` or control character, and at most {PATH_BYTES_MAX} bytes"
        );
        return Err(FormatError::new(at, problem));
    }
    if std::path::Path::new(path)
        .extension()
        .is_none_or(|end| end != "aqua")
    {
        return Err(FormatError::new(
            at,
            "the name of a file of Aqua ends in `.aqua`",
        ));
    }
    Ok(())
}

/// Semantic versioning.
pub(crate) fn check_version(version: &str, at: &str) -> Result<(), FormatError> {
    if version.len() > VERSION_BYTES_MAX {
        let problem = format!("a version has at most {VERSION_BYTES_MAX} bytes");
        return Err(FormatError::new(at, problem));
    }
    match semver::Version::parse(version) {
        Ok(_) => Ok(()),
        Err(error) => Err(FormatError::new(
            at,
            format!("not a semantic version: {error}"),
        )),
    }
}
