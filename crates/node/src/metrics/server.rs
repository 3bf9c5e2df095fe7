//! A web server with one page.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::{Meters, page};
use crate::handle::NodeHandle;

/// Readers at one time; further ones wait.
const READERS: usize = 8;

/// How long a reader may take to say what it wants, and a page to be made and read.
const PATIENCE: Duration = Duration::from_secs(5);

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Offers the metrics of a node until it stops. Gives the address, where the
/// port may have been left to the system.
pub(crate) async fn serve(
    address: SocketAddr,
    node: NodeHandle,
    meters: Arc<Meters>,
) -> Result<SocketAddr, String> {
    if !address.ip().is_loopback() {
        return Err("it is not a loopback address".to_owned());
    }
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| error.to_string())?;
    let bound = listener.local_addr().map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        tokio::select! {
            () = accept(listener, &node, &meters) => {}
            _ = node.wait_until_stopped() => {}
        }
    });
    Ok(bound)
}

async fn accept(listener: TcpListener, node: &NodeHandle, meters: &Arc<Meters>) {
    let readers = Arc::new(Semaphore::new(READERS));
    loop {
        let Ok(reader) = readers.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (node, meters) = (node.clone(), meters.clone());
                tokio::spawn(async move {
                    if tokio::time::timeout(PATIENCE, converse(stream, &node, &meters))
                        .await
                        .is_err()
                    {
                        tracing::debug!("a reader of metrics took too long");
                    }
                    drop(reader);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a reader of metrics was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, node: &NodeHandle, meters: &Arc<Meters>) {
    let service =
        service_fn(
            |request| async move { Ok::<_, Infallible>(answer(&request, node, meters).await) },
        );
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a reader of metrics went away");
    }
}

async fn answer(
    request: &Request<Incoming>,
    node: &NodeHandle,
    meters: &Meters,
) -> Response<Full<Bytes>> {
    if request.method() != Method::GET || request.uri().path() != "/metrics" {
        return text(
            StatusCode::NOT_FOUND,
            "text/plain",
            "metrics are at /metrics\n".to_owned(),
        );
    }
    let Ok(peer) = node.metrics().await else {
        return text(
            StatusCode::SERVICE_UNAVAILABLE,
            "text/plain",
            "the node has stopped\n".to_owned(),
        );
    };
    match page(peer, meters) {
        Ok(page) => text(StatusCode::OK, OPEN_METRICS, page),
        Err(error) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain",
            format!("{error}\n"),
        ),
    }
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static(content_type),
    );
    response
}
