//! Who calls, in what circumstances, and where arguments came from.
//!
//! ```
//! use weir_guest::context;
//!
//! /// The peer whose prices count.
//! const ORACLE: &str = "16Uiu2HA…";
//!
//! /// Takes prices from that peer's oracle alone.
//! fn set_price(price: u64) -> Result<(), String> {
//!     context::provenance(0)
//!         .require_from(ORACLE)?
//!         .require("oracle", "price")?;
//!     # let _ = price;
//!     Ok(())
//! }
//! # assert!(set_price(7).is_err());
//! ```
//!
//! Each of the two checks says a half. [`Origins::require`] compares the names of a service and a function, on
//! whichever peer: anybody may run a service of that name, so by itself it keeps nobody out. [`Origins::require_from`]
//! takes what comes from the peer in whatever way: from any of its services, and as a literal of a script that it
//! started. Who started the script, and so calls, is [`Info::initiator`].

use crate::host;
use std::fmt;
use std::ops::Deref;

pub use crate::bindings::weir::host::context::{Info, Tetraplet};

/// The circumstances of the call.
pub fn get() -> Info {
    host::context::get()
}

/// Where an argument came from, by its position from 0.
pub fn provenance(argument: u32) -> Origins {
    Origins {
        argument,
        origins: host::context::provenance(argument),
    }
}

impl Tetraplet {
    /// Whether a function of a service gave the value, on whichever peer.
    pub fn is(&self, service: &str, function: &str) -> bool {
        self.service == service && self.function == function
    }

    /// Whether the value stood in the script, or was made by it, and came from no service.
    pub fn is_literal(&self) -> bool {
        self.service.is_empty() && self.function.is_empty()
    }

    /// Whether this part of the result was taken, such as `.$.price`; the empty lens is the whole of it. The marks `.$.`
    /// at the beginning may be left out on either side.
    pub fn has_lens(&self, lens: &str) -> bool {
        fn bare(lens: &str) -> &str {
            lens.trim_start_matches('.')
                .trim_start_matches('$')
                .trim_start_matches('.')
        }
        bare(&self.lens) == bare(lens)
    }
}

/// Where an argument came from: one origin for a value, one for each element of a list that a script collected, none
/// where nothing is known.
#[derive(Clone, Debug)]
pub struct Origins {
    argument: u32,
    origins: Vec<Tetraplet>,
}

impl Origins {
    /// Whether all of it, and at least something, was given by this function, on whichever peer.
    pub fn is(&self, service: &str, function: &str) -> bool {
        self.all(|origin| origin.is(service, function))
    }

    /// Whether all of it, and at least something, came from this peer: from any service there, or as a literal of a
    /// script that the peer started.
    pub fn is_from(&self, peer: &str) -> bool {
        self.all(|origin| origin.peer == peer)
    }

    /// Whether all of it, and at least something, is this part of a result.
    pub fn has_lens(&self, lens: &str) -> bool {
        self.all(|origin| origin.has_lens(lens))
    }

    /// Fails unless [`Self::is`]. That says what the value is and not who vouches for it, since anybody may run a
    /// service of this name; [`Self::require_from`] says that.
    pub fn require(&self, service: &str, function: &str) -> Result<&Self, Untrusted> {
        self.demand(self.is(service, function), || {
            format!("{service}.{function}")
        })
    }

    /// Fails unless [`Self::is_from`]. With [`Self::require`] it is a check that only this function of this peer meets.
    pub fn require_from(&self, peer: &str) -> Result<&Self, Untrusted> {
        self.demand(self.is_from(peer), || format!("peer {peer}"))
    }

    fn demand(&self, met: bool, wanted: impl FnOnce() -> String) -> Result<&Self, Untrusted> {
        if met {
            return Ok(self);
        }
        Err(Untrusted {
            argument: self.argument,
            wanted: wanted(),
            origins: self.origins.clone(),
        })
    }

    fn all(&self, holds: impl Fn(&Tetraplet) -> bool) -> bool {
        !self.origins.is_empty() && self.origins.iter().all(holds)
    }
}

impl Deref for Origins {
    type Target = [Tetraplet];

    fn deref(&self) -> &[Tetraplet] {
        &self.origins
    }
}

/// An argument did not come from where it has to.
#[derive(Clone, Debug)]
pub struct Untrusted {
    argument: u32,
    wanted: String,
    origins: Vec<Tetraplet>,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            argument,
            wanted,
            origins,
        } = self;
        write!(
            formatter,
            "argument {} must come from {wanted}, and ",
            argument + 1
        )?;
        match origins.first() {
            None => formatter.write_str("nothing is known of its origin"),
            Some(origin) if origin.is_literal() => {
                write!(formatter, "is a literal of {}", origin.peer)
            }
            Some(Tetraplet {
                peer,
                service,
                function,
                ..
            }) => {
                write!(formatter, "comes from {service}.{function} on {peer}")
            }
        }
    }
}

impl std::error::Error for Untrusted {}

impl From<Untrusted> for String {
    fn from(untrusted: Untrusted) -> Self {
        untrusted.to_string()
    }
}
