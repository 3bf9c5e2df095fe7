//! JSON-RPC over HTTP and WebSocket, at one port.

mod answer;
mod blocks;
mod control;
mod known;
mod origin;
mod state;
mod subscribe;
mod transactions;
mod watching;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::RpcModule;
use jsonrpsee::server::middleware::http::HostFilterLayer;
use jsonrpsee::server::middleware::rpc::RpcServiceBuilder;
use jsonrpsee::server::{BatchRequestConfig, ServerConfig, ServerHandle};
use thiserror::Error;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use crate::sealer::Shared;
use answer::Method;
use known::Known;
use origin::{Origins, Refused};

/// How long the end of a server waits for requests that it is answering.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why a server cannot start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address cannot be used.
    #[error("cannot listen at {address}: {what}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        what: String,
    },
    /// A host of the configuration is none.
    #[error("cannot allow the host {host}: {what}; write it as name:port or name:*")]
    Host {
        /// All hosts that were given.
        host: String,
        /// What is wrong.
        what: String,
    },
    /// A method was named twice; a mistake of this program.
    #[error("the methods cannot be served: {0}")]
    Methods(String),
}

/// A server that runs. It stops when this is dropped, and [`stop`](Self::stop) waits for that.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
}

impl Server {
    /// Starts it.
    pub(crate) async fn start(
        shared: Arc<Shared>,
        address: SocketAddr,
    ) -> Result<Self, ServeError> {
        let limits = shared.limits().clone();
        let (hosts, origins) = shared.look(|chain, _| {
            let config = chain.config();
            (config.hosts.clone(), config.origins.clone())
        });
        let own = ["localhost:*", "127.0.0.1:*", "[::1]:*"].map(str::to_owned);
        let named = own.into_iter().chain(hosts.iter().cloned());
        let host_filter = HostFilterLayer::new(
            named.collect::<Vec<_>>().iter().map(String::as_str),
        )
        .map_err(|error| ServeError::Host {
            host: hosts.join(", "),
            what: error.to_string(),
        })?;
        let origins = Arc::new(Origins::new(origins));
        let allowed = origins.clone();
        let cors = CorsLayer::new()
            .allow_methods([http::Method::POST, http::Method::GET])
            .allow_headers(Any)
            .max_age(FAREWELL * 120)
            .allow_origin(AllowOrigin::predicate(move |origin, _| {
                allowed.allow(origin.as_bytes())
            }));
        let layers = tower::ServiceBuilder::new()
            .layer(host_filter)
            .layer(Refused::layer(origins))
            .layer(cors);
        let config = ServerConfig::builder()
            .max_request_body_size(limits.request_bytes)
            .max_response_body_size(limits.response_bytes)
            .max_connections(limits.connections)
            .max_subscriptions_per_connection(limits.subscriptions)
            .set_batch_request_config(BatchRequestConfig::Limit(limits.batch))
            .set_id_provider(subscribe::Ids::default())
            .build();
        let methods = methods(shared)?;
        let known = Known::of(&methods);
        let server = jsonrpsee::server::ServerBuilder::with_config(config)
            .set_http_middleware(layers)
            .set_rpc_middleware(
                RpcServiceBuilder::new().layer_fn(move |inner| known.clone().before(inner)),
            )
            .build(address)
            .await
            .map_err(|error| ServeError::Listen {
                address,
                what: error.to_string(),
            })?;
        let address = server.local_addr().map_err(|error| ServeError::Listen {
            address,
            what: error.to_string(),
        })?;
        Ok(Server {
            address,
            handle: server.start(methods),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What clients are given, for HTTP. For WebSocket, `ws` takes the place of `http`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no more requests, and waits until those that are being answered are, for some seconds at most.
    pub async fn stop(self) {
        // It may have stopped already.
        let _ = self.handle.stop();
        if tokio::time::timeout(FAREWELL, self.handle.stopped())
            .await
            .is_err()
        {
            tracing::warn!("the server stops while it is still answering");
        }
    }
}

/// All methods that have an answer.
fn methods(shared: Arc<Shared>) -> Result<RpcModule<Shared>, ServeError> {
    let mut module = RpcModule::from_arc(shared);
    let failed =
        |error: jsonrpsee::core::RegisterMethodError| ServeError::Methods(error.to_string());
    let simple: [&[(&'static str, Method)]; 5] = [
        blocks::METHODS,
        transactions::METHODS,
        state::METHODS,
        watching::METHODS,
        control::METHODS,
    ];
    for (name, method) in simple.into_iter().flatten().copied() {
        let answer = move |params: jsonrpsee::types::Params<'_>, shared: Arc<Shared>, _| {
            method(&shared, &mut params.sequence())
        };
        module
            .register_blocking_method(name, answer)
            .map_err(failed)?;
    }
    transactions::register(&mut module).map_err(failed)?;
    subscribe::register(&mut module).map_err(failed)?;
    Ok(module)
}
