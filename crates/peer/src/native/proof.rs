//! `proof`: what the receipts of this peer have hashes of.
//!
//! The answers are large and lie outside of the peer, so the driver gives them. Whoever knows a request may ask: he
//! took part in it, or was shown its receipt.

use super::signature::one;
use super::{Access, Answer, Failure, Function, Input, Kind, Native, View};

pub(super) struct Proof;

impl Native for Proof {
    fn name(&self) -> &'static str {
        "proof"
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }
}

static FUNCTIONS: &[Function] = &[
    // The bytes of the material from `offset` on, as text without prefix, and the number of all bytes.
    Function {
        name: "material",
        params: &[one("request", Kind::String), one("offset", Kind::Unsigned)],
        exact: true,
        result: Kind::Array,
        access: Access::Any,
        run: of_driver,
    },
    // The same of a component.
    Function {
        name: "component",
        params: &[one("cid", Kind::String), one("offset", Kind::Unsigned)],
        exact: true,
        result: Kind::Array,
        access: Access::Any,
        run: of_driver,
    },
];

#[allow(
    clippy::unnecessary_wraps,
    reason = "functions of host services have this type"
)]
fn of_driver(_: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    Ok(Answer::Driver)
}
