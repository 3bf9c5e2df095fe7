//! The deals of this peer: what the market wants of it, what it holds, and how the one becomes the other.
//!
//! A [`Reconciler`] is told what the market says of this peer at one block ([`MarketView`]), compares it with what it
//! has recorded of each worker ([`Record`]) and says what is to be done ([`Effect`]): fetch a package, install it,
//! swap it, run or stop a worker, remove it, send a transaction. What came of it, comes back as an [`Event`].
//!
//! It is level-triggered: it follows states and no events of a chain, so that a reorganisation, a missed subscription
//! and a restart are the same case. A view says what is; nothing depends on which views were seen before, but for what
//! the records say.
//!
//! ```
//! use std::sync::Arc;
//! use weir_identity::Keypair;
//! use weir_peer::Timestamp;
//! use weir_peer::deals::{Effect, Event, MarketView, Policy, Reconciler, Timing};
//!
//! let key = Arc::new(Keypair::from_secret(&[7; 32]).unwrap());
//! let mut deals = Reconciler::new(key, Policy::default(), Timing::default());
//! let now = Timestamp(1_700_000_000_000);
//! assert!(deals.handle(Event::Started, now).is_empty());
//! // Nobody has matched this peer, so there is nothing to do.
//! let view = Arc::new(MarketView { block: 1, ..MarketView::default() });
//! assert!(deals.handle(Event::View(view), now).is_empty());
//! ```
//!
//! # What a driver does
//! 1. Makes the reconciler with [`Reconciler::restore`] from the records under [`prefix`], and gives [`Event::Started`].
//! 2. Gives a view for each block that it sees, and may leave out any.
//! 3. Performs effects in their order. An [`Effect::Persist`] is durable before anything after it is done.
//! 4. Answers each [`Job`] with [`Event::Done`] or [`Event::Failed`], and each transaction with
//!    [`Event::Transaction`]. What comes again after a crash is done again, or found done. A transaction may come again
//!    at any time and is still the same one.
//!
//! # Two decisions for each worker
//! A record says how a worker [`Stand`]s with the market (wanted, declined, missing, over) and which [`Phase`] it has
//! on this machine (absent, fetching, installing, installed, removing). The two change separately: whatever the market
//! says in the middle of an installation, the machine has one way to what follows from it.
//!
//! # Rooms
//! | Module | Is |
//! |---|---|
//! | `view` | what the market says, as plain data |
//! | `policy`, [`judge`] | which deals this peer takes, as a pure function with reasons |
//! | `record`, `store` | what is durable |
//! | `stand` | the market's side of a step: is the worker still wanted |
//! | `work` | the machine's side of a step: package, services, removal, running |
//! | `transactions` | what is sent to the chain, once for each key |
//! | `results` | what is made of answers |
//! | `claims` | looking for work in open deals |
//! | `status` | why things are as they are, for people |
//! | `table` | what Aqua's `subnet` and `worker` show |

mod claims;
mod effect;
mod identity;
mod judge;
mod policy;
mod reconcile;
mod record;
mod results;
mod stand;
mod status;
mod store;
mod table;
mod transactions;
mod view;
mod work;

pub use effect::{
    Effect, Event, Intent, Job, Outcome, PackageLimits, Subject, TransactionKey, Work,
};
pub use identity::WorkerIdentity;
pub use judge::{Refusal, Room, judge};
pub use policy::{Policy, Rule, Timing, Unfunded};
pub use reconcile::Reconciler;
pub use record::{Claim, Coming, Pending, Phase, Record, Stand};
pub use status::{DealStatusLine, Report};
pub use store::prefix;
pub use table::{DealTable, Local, Member, Subnet};
pub use view::{
    Code, Commitment, DealStatus, DealView, MarketView, WorkerId, WorkerStatus, WorkerView,
};
