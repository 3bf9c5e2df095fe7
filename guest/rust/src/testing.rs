//! A host for tests: what runs as a component otherwise runs here as a part of `cargo test`.
//!
//! Each thread has a host of its own, and each test of `cargo test` a thread. Nothing has to be set up for a service that
//! uses its state and its log. [`Host`] sets up the rest and looks behind the scenes; making one begins anew.
//!
//! ```
//! use weir_guest::http::{Request, Response};
//! use weir_guest::testing::Host;
//!
//! fn temperature() -> Result<String, String> {
//!     weir_guest::context::provenance(0).require("clock", "now")?;
//!     Ok(Request::get("https://api.example.org/now").send()?.text()?)
//! }
//!
//! let host = Host::new();
//! assert_eq!(temperature().unwrap_err(), "argument 1 must come from clock.now, and is a literal of initiator");
//!
//! host.provenance(0, "clock", "now");
//! host.answer("GET", "https://api.example.org/now", Response { status: 200, body: b"21 C".into(), ..Response::default() });
//! assert_eq!(temperature().unwrap(), "21 C");
//! ```

pub(crate) mod host;
mod script;

use crate::context::{Info, Tetraplet};
use crate::http::{Request, Response};
use crate::log::Level;
use crate::{Fault, programs};
use script::Script;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

thread_local! {
    static SCRIPT: RefCell<Script> = RefCell::new(Script::default());
}

/// Asks or changes the host of this thread. The closure must not call anything that asks it again.
fn with<T>(act: impl FnOnce(&mut Script) -> T) -> T {
    SCRIPT.with_borrow_mut(act)
}

/// Stops a function that is declared `pure` and asks for an effect.
fn effect(interface: &str) {
    // Not while the script is borrowed: the test goes on to use it.
    let is_pure = with(|script| script.mode == Mode::Pure);
    assert!(!is_pure, "a function declared `pure` asks for {interface}");
}

/// What a function may do, as the manifest declares it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It can use neither the state nor any effect.
    Pure,
    /// It reads.
    View,
    /// It reads and writes.
    #[default]
    Update,
}

/// The host of this thread. Another one of the same thread is the same host, made anew.
#[derive(Debug)]
pub struct Host {
    /// It belongs to this thread.
    thread: PhantomData<*const ()>,
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        with(|script| *script = Script::default());
    }
}

impl Host {
    /// A host that knows nothing yet: empty state, no answers, and a call by the peer `initiator`.
    pub fn new() -> Self {
        with(|script| *script = Script::default());
        Self {
            thread: PhantomData,
        }
    }

    /// The circumstances of calls from now on.
    pub fn context(&self, info: Info) {
        with(|script| script.info = info);
    }

    /// Who calls from now on.
    pub fn initiator(&self, peer: &str) {
        with(|script| peer.clone_into(&mut script.info.initiator));
    }

    /// When calls are started from now on, in milliseconds since the Unix epoch.
    pub fn at(&self, timestamp_ms: u64) {
        with(|script| script.info.timestamp_ms = timestamp_ms);
    }

    /// Lets an argument come from a function from now on, on the peer that executes the calls; [`Self::origins`] names
    /// others. Without this, arguments are literals of the initiator.
    pub fn provenance(&self, argument: u32, service: &str, function: &str) {
        let peer = with(|script| script.info.host.clone());
        let (service, function, lens) = (service.to_owned(), function.to_owned(), String::new());
        self.origins(
            argument,
            vec![Tetraplet {
                peer,
                service,
                function,
                lens,
            }],
        );
    }

    /// Lets an argument have these origins from now on.
    pub fn origins(&self, argument: u32, origins: Vec<Tetraplet>) {
        with(|script| script.origins.insert(argument, origins));
    }

    /// Calls a function as an `update`: its changes of the state are kept if it gives no error, and dropped if it does
    /// or panics, as a trap.
    pub fn update<T, E>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let before = with(|script| script.state.clone());
        let undo = || with(|script| script.state = before);
        match catch_unwind(AssertUnwindSafe(|| under(Mode::Update, call))) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                undo();
                Err(error)
            }
            Err(panic) => {
                undo();
                resume_unwind(panic)
            }
        }
    }

    /// Calls a function as a `view`: changes of the state are refused.
    pub fn view<T>(&self, call: impl FnOnce() -> T) -> T {
        under(Mode::View, call)
    }

    /// Calls a function as `pure`: any use of the state and any effect panics, as a trap.
    pub fn pure<T>(&self, call: impl FnOnce() -> T) -> T {
        under(Mode::Pure, call)
    }

    /// The whole state.
    pub fn state(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        with(|script| script.state.clone())
    }

    /// The most bytes of keys and values together that the state may have from now on.
    pub fn quota(&self, bytes: usize) {
        with(|script| script.quota = bytes);
    }

    /// What was noted, from the first on.
    pub fn log(&self) -> Vec<(Level, String)> {
        with(|script| script.log.clone())
    }

    /// What a request of this method to this URL is answered from now on. Others are not granted.
    pub fn answer(&self, method: &str, url: &str, answer: impl Into<Answer>) {
        let key = (method.to_owned(), url.to_owned());
        with(|script| script.answers.insert(key, answer.into().0));
    }

    /// The requests that were sent, from the first on.
    pub fn requests(&self) -> Vec<Request> {
        with(|script| script.requests.clone())
    }

    /// Keeps a blob and gives its CID.
    pub fn blob(&self, bytes: &[u8]) -> String {
        with(|script| script.keep(bytes))
    }

    /// Offers a program from now on.
    pub fn program(&self, name: &str, run: impl Fn(&[String]) -> programs::Output + 'static) {
        with(|script| {
            script
                .programs
                .insert(name.to_owned(), std::rc::Rc::new(run))
        });
    }
}

/// Calls under a mode, and sets the old one again, also after a panic.
fn under<T>(mode: Mode, call: impl FnOnce() -> T) -> T {
    struct Back(Mode);

    impl Drop for Back {
        fn drop(&mut self) {
            with(|script| script.mode = self.0);
        }
    }

    let _back = Back(with(|script| std::mem::replace(&mut script.mode, mode)));
    call()
}

/// What a request comes to: a response, or a fault.
#[derive(Debug)]
pub struct Answer(Result<Response, Fault>);

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self(Ok(response))
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        Self(Err(fault))
    }
}
