//! AquaVM by journals: one particle as one peer knows and executes it.
//!
//! A particle is a script plus one append-only, signed journal per peer.
//! Evaluating the script is a dataflow over single-assignment facts, keyed by
//! where in the script each fact belongs; merging is set union. The crate does
//! no I/O, has no clock, no randomness and no threads: [`Avm`] takes messages
//! and results in, and [`Avm::drain`] says what to store, call and send.
//!
//! | Part | Is |
//! |---|---|
//! | [`Avm`] | one particle on one peer |
//! | [`Program`] | a parsed script with all names resolved, shared between particles |
//! | [`log`] | journals, signed heads, messages, records |
//! | `eval` | the machine that evaluates, without knowing of signatures |
//!
//! A particle whose only peer calls itself:
//!
//! ```
//! use std::sync::Arc;
//! use weir_avm::log::{RULES, Start, StartLimits};
//! use weir_avm::{Avm, CallOutcome, Program};
//! use weir_identity::{Cid, Keypair, Value};
//!
//! let key = Keypair::from_secret(&[1; 32]).expect("any such number is a secret");
//! let key = Arc::new(key);
//! let text = r#"(call %init_peer_id% ("greeter" "hello") ["Ada"] greeting)"#;
//! let script = weir_air::parse(text, &weir_air::Limits::default()).expect("it is AIR");
//! let start = Start {
//!     network: "example".into(),
//!     nonce: [0; 16], // random, where it matters
//!     script: Cid::of_raw(text.as_bytes()),
//!     timestamp_ms: 1_700_000_000_000,
//!     ttl_ms: 60_000,
//!     limits: StartLimits::default(),
//!     rules: RULES,
//!     initiator: key.peer_id(),
//!     reach: None,
//!     authorisation: None,
//! };
//! let program = Arc::new(Program::new(&Arc::new(script)));
//! let mut avm = Avm::new(Arc::new(start), program, key).expect("the start names the script");
//!
//! // Store the records, then make the calls and send the messages.
//! let effects = avm.drain();
//! let call = &effects.calls[0];
//! assert_eq!(&*call.function, "hello");
//! assert_eq!(call.args, [Value::from("Ada")]);
//!
//! let greeting = CallOutcome::Value(Value::from("Hello, Ada!"));
//! avm.complete(call.step, call.args_cid, greeting, None).expect("the call is open");
//! assert!(avm.drain().done);
//! ```

mod audit;
mod avm;
mod effects;
mod eval;
mod export;
pub mod log;
mod round;
mod tetraplet;
mod trace;

pub use audit::{Audited, Fault, audit, audit_log};
pub use avm::{Avm, Options};
pub use effects::{
    CallOutcome, CallRequest, CompleteError, Effects, Merged, Report, Send, Waiting,
};
pub use eval::Program;
pub use export::{Export, ExportError};
pub use tetraplet::Tetraplet;
pub use trace::{Deed, Trace, TracedAnswer, Visit, What, trace, trace_log};

/// Code of a call whose result is larger than the particle allows.
pub const RESULT_TOO_LARGE: i32 = 20_101;

/// Code of a report on an entry that was signed and does not hold.
pub const OFFENCE: i64 = 20_102;

/// Code of a report on an author who signed two entries for one place.
pub const EQUIVOCATION: i64 = 20_103;
