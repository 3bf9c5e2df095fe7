//! `weir provider`: a provider's part in the market.

mod apply;
mod claim;
mod differences;
mod exit;
mod file;
mod status;

pub(super) use apply::ensure_enough;
pub(super) use claim::{take, withdraw};

use crate::args::{Global, Provider, Who};
use crate::code::Code;
use crate::command::chain::asking;
use crate::failure::Failure;
use crate::market::{Account, Context, Standing};
use crate::output::{Output, Report};
use crate::schema;

/// Runs the command and names the schema of its result.
pub(crate) fn run(
    args: &Provider,
    global: &Global,
    output: &Output,
) -> (&'static str, Result<Report, Failure>) {
    match args {
        Provider::Status(who) => (schema::PROVIDER_STATUS, asking(status::status(who, output))),
        Provider::Offers(who) => (schema::PROVIDER_OFFERS, asking(status::offers(who, output))),
        Provider::Commitments(who) => (
            schema::PROVIDER_COMMITMENTS,
            asking(status::commitments(who, output)),
        ),
        Provider::Claim(who) => (schema::PROVIDER_CLAIM, asking(claim::claim(who))),
        Provider::Init(args) => (schema::PROVIDER_INIT, apply::init(args)),
        Provider::Plan(args) => (schema::PROVIDER_PLAN, asking(apply::plan(args, output))),
        Provider::Apply { plan, yes } => (
            schema::PROVIDER_PLAN,
            asking(apply::apply(plan, *yes, global, output)),
        ),
        Provider::Consent(args) => (schema::PROVIDER_CONSENT, asking(apply::consent(args))),
        Provider::Exit(args) => (
            schema::PROVIDER_EXIT,
            asking(exit::exit(args, global, output)),
        ),
    }
}

/// Who acts for a provider on the local network if nobody is named.
pub(super) fn usual() -> Account {
    Account::Provider("a".to_owned())
}

/// Where the provider stands that was asked for.
async fn standing(context: &Context, who: &Who) -> Result<Standing, Failure> {
    let account = context.account(who.account.as_deref(), &usual())?;
    let standing = Standing::read(context, account).await;
    let standing = standing.map_err(|error| context.failed("the market cannot be read", &error))?;
    if standing.is_known() {
        return Ok(standing);
    }
    let what = format!("{account} is no provider of this market");
    let failure = Failure::new(Code::NotAProvider, what)
        .cause("it has neither a description nor an offer nor peers");
    Err(if context.is_local() {
        failure.fix("name one with --as; weir market providers lists them")
    } else {
        failure.fix("weir market providers lists those that are")
    })
}
