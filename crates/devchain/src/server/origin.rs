//! Refuses the scripts of strangers' pages. CORS alone would not: it keeps answers over HTTP from them, but their
//! requests arrive, and it says nothing about WebSockets.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::ORIGIN;
use http::{Request, Response, StatusCode};
use jsonrpsee::server::HttpBody;
use tower::{Layer, Service};

/// Schemes of extensions, which the browser's user installed.
const EXTENSIONS: [&str; 4] = [
    "chrome-extension:",
    "moz-extension:",
    "safari-web-extension:",
    "ms-browser-extension:",
];

/// Whose pages may ask.
#[derive(Debug)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Pages of this machine, extensions, and these.
    pub fn new(others: Vec<String>) -> Self {
        Origins(others)
    }

    /// Whether a page of this origin may ask.
    pub fn allow(&self, origin: &[u8]) -> bool {
        let Ok(origin) = std::str::from_utf8(origin) else {
            return false;
        };
        if self.0.iter().any(|other| other == origin) {
            return true;
        }
        if EXTENSIONS.iter().any(|scheme| origin.starts_with(scheme)) {
            return true;
        }
        let Some((_, rest)) = origin.split_once("://") else {
            return false;
        };
        let host = match rest.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => rest,
        };
        matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    }
}

/// A service that pages of other origins do not reach.
#[derive(Debug, Clone)]
pub struct Refused<S> {
    origins: Arc<Origins>,
    inner: S,
}

impl Refused<()> {
    /// What wraps a service so.
    pub fn layer(origins: Arc<Origins>) -> Refused<()> {
        Refused { origins, inner: () }
    }
}

impl<S> Layer<S> for Refused<()> {
    type Service = Refused<S>;

    fn layer(&self, inner: S) -> Refused<S> {
        Refused {
            origins: self.origins.clone(),
            inner,
        }
    }
}

impl<S, B> Service<Request<B>> for Refused<S>
where
    S: Service<Request<B>, Response = Response<HttpBody>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<HttpBody>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let origin = request.headers().get(ORIGIN);
        if origin.is_none_or(|origin| self.origins.allow(origin.as_bytes())) {
            return Box::pin(self.inner.call(request));
        }
        Box::pin(async {
            let what = "Pages of this origin may not use the development chain. Add it to the allowed origins.\n";
            let mut response = Response::new(HttpBody::from(what));
            *response.status_mut() = StatusCode::FORBIDDEN;
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_extensions_and_those_named_may_ask() {
        let origins = Origins::new(vec!["https://wallet.example".to_owned()]);
        for allowed in [
            "http://localhost",
            "http://localhost:3000",
            "https://127.0.0.1:1",
            "http://[::1]:8080",
            "http://[::1]",
            "chrome-extension://abc",
            "https://wallet.example",
        ] {
            assert!(origins.allow(allowed.as_bytes()), "{allowed}");
        }
        for refused in [
            "null",
            "https://evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example:80",
            "https://wallet.example.evil",
            "http://evil.example:80/localhost",
            "",
        ] {
            assert!(!origins.allow(refused.as_bytes()), "{refused}");
        }
    }
}
