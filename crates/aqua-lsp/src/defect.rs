//! Panics of the compiler, which end an answer and not the server.
//!
//! An editor has one server for hours, and a file that breaks the compiler is edited on. Whoever asks is told that this
//! is a defect, everything that is known is forgotten, since it may be half done, and the next message finds a server
//! that works it out again.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_lsp_server::jsonrpc::{Error, Request, Response};
use tower_service::Service;

/// What a panic said.
#[derive(Debug)]
pub(crate) struct Defect(String);

impl Defect {
    fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self(text.unwrap_or("a panic without a text").to_owned())
    }

    /// For whoever is to report it.
    pub(crate) fn message(&self) -> String {
        format!(
            "the compiler broke off: {}; this is a defect of weir, please report it with the file",
            self.0
        )
    }
}

/// Does something that may break off.
pub(crate) fn guarded<T>(what: impl FnOnce() -> T) -> Result<T, Defect> {
    // what it worked on is forgotten by whoever gets the defect
    catch_unwind(AssertUnwindSafe(what)).map_err(|payload| Defect::new(&*payload))
}

/// A service whose answers may break off.
pub(crate) struct Guarded<S, F> {
    /// What answers.
    pub(crate) inner: S,
    /// What is done after a panic.
    pub(crate) forget: F,
}

impl<S, F> Service<Request> for Guarded<S, F>
where
    S: Service<Request, Response = Option<Response>>,
    S::Future: Send + 'static,
    F: Fn() + Clone + Send + 'static,
{
    type Response = Option<Response>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let id = request.id().cloned();
        let forget = self.forget.clone();
        let mut answer = Box::pin(self.inner.call(request));
        Box::pin(async move {
            let guard = poll_fn(|context| match guarded(|| answer.as_mut().poll(context)) {
                Ok(polled) => polled.map(Ok),
                Err(defect) => Poll::Ready(Err(defect)),
            });
            guard.await.unwrap_or_else(|defect| {
                forget();
                let mut error = Error::internal_error();
                error.message = defect.message().into();
                // what wants no answer gets none
                Ok(id.map(|id| Response::from_error(id, error)))
            })
        })
    }
}
