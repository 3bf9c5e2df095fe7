//! Compilers that can make WebAssembly, wherever they come from.

pub(crate) mod c;
pub(crate) mod rust;

use std::path::Path;

/// The package manager of this system that installs these packages, if it is one that has them.
fn apt(packages: &str) -> Option<String> {
    Path::new("/usr/bin/apt-get")
        .exists()
        .then(|| format!("apt-get install {packages}"))
}
