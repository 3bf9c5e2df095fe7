//! Outgoing HTTP of guests.
//!
//! A request is checked and brought into one form ([`request`]), its target is looked up among what is granted
//! ([`HttpRules`]), its host becomes addresses of which only those are used that the guest may reach ([`address`]),
//! and the connection goes to exactly the address that was checked. Nothing is followed, remembered or taken from the
//! environment: no redirects, no cookies, no proxy.
//!
//! Each request has a connection of its own. Connections that several services share would have to be kept apart by
//! what each may reach; sessions of TLS are resumed, which is most of what a shared connection would save.

mod address;
mod connection;
mod request;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use hyper::{Response, StatusCode};
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use url::Host;
use weir_identity::Hash;
use weir_marine::{Fault, Header, HttpPolicy, HttpRequest, HttpResponse};

use address::{Resolver, SystemResolver, is_public};
use request::{Prepared, Target};

type Body = Full<Bytes>;

/// Bounds of HTTP for all services of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLimits {
    /// How long a request may take, from the first look at its host to the last byte of the response.
    pub timeout: Duration,
    /// Bytes of the body of a request.
    pub request_bytes: usize,
    /// Bytes of the body of a response.
    pub response_bytes: usize,
    /// Requests under way at one time. Further ones wait, within their time.
    pub concurrent: usize,
}

impl Default for HttpLimits {
    /// 10 s, 1 MiB to send, 4 MiB to receive, 64 requests at one time.
    fn default() -> Self {
        HttpLimits {
            timeout: Duration::from_secs(10),
            request_bytes: 1 << 20,
            response_bytes: 4 << 20,
            concurrent: 64,
        }
    }
}

/// What a service may ask for over HTTP: whatever one of the rules allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HttpRules(pub(crate) Vec<HttpRule>);

/// One permission of the operator, narrowed by the manifest and the deployer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpRule {
    pub(crate) policy: HttpPolicy,
    /// Whether the hosts may have addresses that are not public.
    pub(crate) private: bool,
}

/// How a request may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Permission {
    private: bool,
    response_bytes: Option<u64>,
}

impl HttpRules {
    /// What the rules that fit this target allow together.
    fn permission(&self, target: &Target) -> Option<Permission> {
        let fits = |rule: &&HttpRule| {
            rule.policy
                .allows(&target.method, &target.name, target.port)
        };
        self.0
            .iter()
            .filter(fits)
            .map(|rule| Permission {
                private: rule.private,
                response_bytes: rule.policy.max_response_bytes,
            })
            .reduce(|one, other| Permission {
                private: one.private || other.private,
                response_bytes: match (one.response_bytes, other.response_bytes) {
                    (Some(one), Some(other)) => Some(one.max(other)),
                    _ => None,
                },
            })
    }
}

/// The client of a node.
pub(crate) struct Http {
    limits: HttpLimits,
    slots: Semaphore,
    tls: Arc<ClientConfig>,
    resolver: Box<dyn Resolver>,
}

impl Http {
    pub(crate) fn new(limits: HttpLimits) -> io::Result<Self> {
        let tls = connection::tls(connection::public_roots())?;
        Ok(Self::with(limits, tls, Box::new(SystemResolver::default())))
    }

    fn with(limits: HttpLimits, tls: Arc<ClientConfig>, resolver: Box<dyn Resolver>) -> Self {
        Http {
            slots: Semaphore::new(limits.concurrent),
            limits,
            tls,
            resolver,
        }
    }

    /// Makes a request and waits for the whole response.
    pub(crate) async fn fetch(
        &self,
        key: Hash,
        asked: HttpRequest,
        rules: &HttpRules,
    ) -> Result<HttpResponse, Fault> {
        let prepared = request::prepare(asked, &key, self.limits.request_bytes)?;
        let target = &prepared.target;
        let permission = rules.permission(target).ok_or_else(|| {
            Fault::Denied(format!(
                "{} to {} at port {} is not granted to this service",
                target.method, target.name, target.port
            ))
        })?;
        tokio::time::timeout(self.limits.timeout, self.exchange(prepared, permission))
            .await
            .map_err(|_| Fault::TimedOut)?
    }

    async fn exchange(
        &self,
        prepared: Prepared,
        permission: Permission,
    ) -> Result<HttpResponse, Fault> {
        let closed = |error| failed("the node does not work any more", error);
        let _slot = self.slots.acquire().await.map_err(closed)?;
        let Prepared { target, request } = prepared;
        let addresses = self.addresses(&target, permission.private).await?;
        let stream = connection::connect(&addresses, self.limits.timeout).await?;
        let receive = |response| self.receive(response, permission);
        if target.is_secure {
            let stream = connection::secure(stream, &target.host, self.tls.clone()).await?;
            connection::converse(stream, request, receive).await
        } else {
            connection::converse(stream, request, receive).await
        }
    }

    /// The addresses of the target that may be connected to, at least one.
    async fn addresses(&self, target: &Target, private: bool) -> Result<Vec<SocketAddr>, Fault> {
        let at = |address| SocketAddr::new(address, target.port);
        let mut addresses = match &target.host {
            Host::Ipv4(address) => vec![at(IpAddr::V4(*address))],
            Host::Ipv6(address) => vec![at(IpAddr::V6(*address))],
            Host::Domain(name) => {
                let found = self.resolver.resolve(name, target.port).await;
                found.map_err(|error| failed(&format!("{name} has no address"), error))?
            }
        };
        if addresses.is_empty() {
            return Err(Fault::Failed(format!("{} has no address", target.name)));
        }
        if !private {
            addresses.retain(|address| is_public(address.ip()));
        }
        // Whatever the resolver says, this is where the guest wanted to go.
        for address in &mut addresses {
            address.set_port(target.port);
        }
        if addresses.is_empty() {
            // Which one it is is not the guest's business either.
            return Err(Fault::Denied(format!(
                "{} has an address that is not public; the operator can allow it with `private = true`",
                target.name
            )));
        }
        Ok(addresses)
    }

    async fn receive(
        &self,
        response: Response<Incoming>,
        permission: Permission,
    ) -> Result<HttpResponse, Fault> {
        let granted = permission.response_bytes.unwrap_or(u64::MAX);
        let limit = granted.min(self.limits.response_bytes as u64);
        let too_large =
            || Fault::TooLarge(format!("the response has more than {limit} bytes of body"));
        let (head, mut body) = response.into_parts();
        let status = head.status;
        // A length that is only announced, as in answer to HEAD, is none that comes.
        let has_body = status != StatusCode::NOT_MODIFIED && !body.is_end_stream();
        if has_body && body.size_hint().lower() > limit {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| failed("the response broke off", error))?;
            // Trailers are left out.
            if let Ok(data) = frame.into_data() {
                if (bytes.len() + data.len()) as u64 > limit {
                    return Err(too_large());
                }
                bytes.extend_from_slice(&data);
            }
        }
        let headers = head.headers.iter().map(|(name, value)| Header {
            name: name.as_str().to_owned(),
            // Each byte one character, as browsers do it: values need not be UTF-8.
            value: value.as_bytes().iter().copied().map(char::from).collect(),
        });
        Ok(HttpResponse {
            status: status.as_u16(),
            headers: headers.collect(),
            body: bytes,
        })
    }
}

/// What the outside did, and with whatever that was caused.
fn failed(what: &str, error: impl std::error::Error) -> Fault {
    let mut text = format!("{what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause.filter(|_| text.len() < 500) {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    Fault::Failed(super::short(&text))
}
