//! Names the method in the error when there is no such method.

use std::collections::BTreeSet;
use std::sync::Arc;

use jsonrpsee::Methods;
use jsonrpsee::server::MethodResponse;
use jsonrpsee::server::middleware::rpc::{
    Batch, BatchEntry, BatchEntryErr, Notification, Request, RpcServiceT,
};
use jsonrpsee::types::{ErrorCode, ErrorObjectOwned};

/// The methods that there are.
#[derive(Debug, Clone)]
pub struct Known(Arc<BTreeSet<&'static str>>);

impl Known {
    /// Those of a server.
    pub fn of(methods: &Methods) -> Self {
        Known(Arc::new(methods.method_names().collect()))
    }

    /// A service that only hears of methods that there are.
    pub fn before<S>(self, inner: S) -> Service<S> {
        Service { known: self, inner }
    }

    fn check(&self, method: &str) -> Result<(), ErrorObjectOwned> {
        if self.0.contains(method) {
            return Ok(());
        }
        // As much of it as belongs into an error.
        let name: String = method.chars().take(80).collect();
        Err(ErrorObjectOwned::owned(
            ErrorCode::MethodNotFound.code(),
            format!("the method {name} does not exist/is not available"),
            None::<()>,
        ))
    }
}

/// See [`Known::before`].
#[derive(Debug, Clone)]
pub struct Service<S> {
    known: Known,
    inner: S,
}

impl<S> RpcServiceT for Service<S>
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Clone + Send + Sync + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = S::NotificationResponse;
    type BatchResponse = S::BatchResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let checked = self.known.check(&request.method);
        let inner = self.inner.clone();
        async move {
            match checked {
                Ok(()) => inner.call(request).await,
                Err(error) => MethodResponse::error(request.id, error),
            }
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = Self::BatchResponse> + Send + 'a {
        let entries = batch.into_iter().map(|entry| match entry {
            Ok(BatchEntry::Call(request)) => match self.known.check(&request.method) {
                Ok(()) => Ok(BatchEntry::Call(request)),
                Err(error) => Err(BatchEntryErr::new(request.id, error)),
            },
            other => other,
        });
        self.inner.batch(Batch::from(entries.collect()))
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = Self::NotificationResponse> + Send + 'a {
        self.inner.notification(notification)
    }
}
