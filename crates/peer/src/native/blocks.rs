//! `blocks`: blocks of packages, between those who keep them and those who fetch them.
//!
//! What is kept and fetched lies outside of the peer, so the driver answers. Anybody may ask and give: the bytes of a
//! block are held against its CID, and none is taken that is not being fetched.

use super::signature::one;
use super::{Access, Answer, Failure, Function, Input, Kind, Native, Param, View};

pub(super) struct Blocks;

impl Native for Blocks {
    fn name(&self) -> &'static str {
        "blocks"
    }

    fn functions(&self) -> &'static [Function] {
        FUNCTIONS
    }
}

const fn function(name: &'static str, params: &'static [Param], result: Kind) -> Function {
    Function {
        name,
        params,
        exact: true,
        result,
        access: Access::Any,
        run: of_driver,
    }
}

static FUNCTIONS: &[Function] = &[
    // The bytes of a block that is kept here, in base64 for URLs without padding.
    function("get", &[one("cid", Kind::String)], Kind::String),
    // Whether all blocks of a package are here.
    function("has", &[one("package", Kind::String)], Kind::Bool),
    // What is being fetched here and has not come yet.
    function("wants", &[], Kind::Strings),
    // Gives bytes, in the same form, of a block that is being fetched here.
    function(
        "put",
        &[one("cid", Kind::String), one("bytes", Kind::String)],
        Kind::String,
    ),
];

#[allow(
    clippy::unnecessary_wraps,
    reason = "functions of host services have this type"
)]
fn of_driver(_: &Input<'_>, _: &View<'_>) -> Result<Answer, Failure> {
    Ok(Answer::Driver)
}
