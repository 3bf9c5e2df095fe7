//! How the code of components is executed.

use std::fmt;

use wasmtime::Config;

/// How the code of components is executed. Both ways give the same results
/// and count the same fuel: they share the front of the compiler, and neither
/// code for a processor nor the way it is run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Execution {
    /// Translated to code for this processor.
    #[default]
    Compiled,
    /// Translated to the bytecode of wasmtime's interpreter, Pulley: many
    /// times slower, and a second opinion on what a call computes.
    Interpreted,
}

impl Execution {
    /// The bytecode is of the width and byte order of the machine.
    const BYTECODE: &str = match (
        cfg!(target_pointer_width = "64"),
        cfg!(target_endian = "big"),
    ) {
        (true, false) => "pulley64",
        (true, true) => "pulley64be",
        (false, false) => "pulley32",
        (false, true) => "pulley32be",
    };

    pub(crate) fn apply(self, config: &mut Config) -> wasmtime::Result<()> {
        if self == Self::Interpreted {
            config.target(Self::BYTECODE)?;
        }
        Ok(())
    }

    /// How a compiler in another process is told.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Compiled => 0,
            Self::Interpreted => 1,
        }
    }

    pub(crate) fn of_code(code: u8) -> Option<Self> {
        [Self::Compiled, Self::Interpreted]
            .into_iter()
            .find(|way| way.code() == code)
    }
}

impl fmt::Display for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compiled => "compiled",
            Self::Interpreted => "interpreted",
        })
    }
}
