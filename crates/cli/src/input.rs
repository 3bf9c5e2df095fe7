//! Text files named on the command line.

use crate::code::Code;
use crate::failure::Failure;
use std::io::Read;
use std::path::Path;

/// More text than any command has a use for; larger inputs are refused before they fill the memory.
const BYTES_MAX: u64 = 1 << 30;

/// What a path on the command line is called in messages.
pub(crate) fn name(path: &Path) -> String {
    if is_standard_input(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// Whether `-` was given.
pub(crate) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The whole text of a file, or of standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes(path)?).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Failure::new(Code::InputMalformed, format!("{} is not text", name(path)))
            .cause(format!("byte {place} is not UTF-8"))
    })
}

/// All bytes of a file, or of standard input for `-`.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let failure = || Failure::new(Code::FileUnreadable, format!("cannot read {}", name(path)));
    let mut bytes = Vec::new();
    let read = if is_standard_input(path) {
        std::io::stdin().take(BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    match read {
        Ok(bytes) if bytes as u64 > BYTES_MAX => {
            return Err(failure().cause(format!("it is larger than {BYTES_MAX} bytes")));
        }
        Ok(_) => {}
        Err(error) => {
            return Err(failure()
                .cause(error)
                .fix("check the path; - reads standard input"));
        }
    }
    Ok(bytes)
}

/// The whole text of a script.
pub(crate) fn script(path: &Path) -> Result<String, Failure> {
    read(path).map_err(|failure| failure.instead_of(Code::InputMalformed, Code::AirInvalid))
}
