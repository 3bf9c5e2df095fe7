//! Files that are laid out anew.

use crate::code::Code;
use crate::failure::Failure;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Readers see the old text or the new one, never a part. Behind a link it is the file itself that is written.
pub(crate) fn rewrite(file: &Path, text: &str) -> Result<(), Failure> {
    let unwritable = |error: std::io::Error| {
        Failure::new(
            Code::FileUnwritable,
            format!("cannot write {}", file.display()),
        )
        .cause(error)
    };
    let target = file.canonicalize().map_err(unwritable)?;
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let fresh = target.with_file_name(name);
    // A file that is there already is not ours.
    let mut made = File::create_new(&fresh).map_err(unwritable)?;
    std::fs::metadata(&target)
        .and_then(|about| made.set_permissions(about.permissions()))
        .and_then(|()| made.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&fresh, &target))
        .map_err(|error| {
            // What is left of the attempt is of no use.
            let _ = std::fs::remove_file(&fresh);
            unwritable(error)
        })
}
