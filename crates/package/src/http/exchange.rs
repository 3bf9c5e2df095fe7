//! One request on a connection of its own.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::error::SourceError;

/// The most headers of a response, and the most bytes of its head.
const HEADERS_MAX: usize = 100;
const HEAD_BYTES_MAX: usize = 64 << 10;

/// What a gateway says.
pub(super) enum Reply {
    Bytes(Bytes),
    /// What it says where the block is.
    Elsewhere(String),
}

/// Asks for a block. The caller has a deadline; nothing goes on when this future is dropped.
pub(super) async fn get(
    url: &Url,
    bytes_max: usize,
    tls: &Arc<ClientConfig>,
) -> Result<Reply, SourceError> {
    let host = url.host().ok_or_else(|| failed("the URL has no host"))?;
    let port = url.port_or_known_default().unwrap_or(443);
    let stream = match &host {
        Host::Domain(name) => TcpStream::connect((*name, port)).await,
        Host::Ipv4(address) => TcpStream::connect((*address, port)).await,
        Host::Ipv6(address) => TcpStream::connect((*address, port)).await,
    };
    let stream = stream.map_err(|error| failed(format!("it cannot be connected to: {error}")))?;
    let request = request(url)?;
    if url.scheme() == "http" {
        return converse(stream, request, bytes_max).await;
    }
    let name = match host {
        Host::Domain(name) => ServerName::try_from(name.to_owned())
            .map_err(|_| failed("its host cannot have a certificate"))?,
        Host::Ipv4(address) => ServerName::from(IpAddr::V4(address)),
        Host::Ipv6(address) => ServerName::from(IpAddr::V6(address)),
    };
    let secure = TlsConnector::from(Arc::clone(tls))
        .connect(name, stream)
        .await;
    let secure =
        secure.map_err(|error| failed(format!("there is no secure connection: {error}")))?;
    converse(secure, request, bytes_max).await
}

fn request(url: &Url) -> Result<Request<Empty<Bytes>>, SourceError> {
    let host = url.host_str().unwrap_or_default();
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let request = Request::get(path)
        .header(HOST, host)
        .header(ACCEPT, "application/vnd.ipld.raw, */*;q=0.1")
        .header(ACCEPT_ENCODING, "identity")
        .header(USER_AGENT, "weir")
        .body(Empty::new());
    request.map_err(|error| failed(format!("it cannot be asked: {error}")))
}

async fn converse<S>(
    stream: S,
    request: Request<Empty<Bytes>>,
    bytes_max: usize,
) -> Result<Reply, SourceError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut settings = http1::Builder::new();
    settings
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    let handshake = settings.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| failed(error.to_string()))?;
    let exchange = async {
        let response = sender.send_request(request).await;
        read(response.map_err(|error| broken(&error))?, bytes_max).await
    };
    let drive = async {
        // How it ends, the exchange hears as well, and it may still have something to read.
        let _ = connection.await;
        std::future::pending().await
    };
    let (exchange, drive) = (pin!(exchange), pin!(drive));
    tokio::select! {
        outcome = exchange => outcome,
        never = drive => never,
    }
}

async fn read(response: Response<Incoming>, bytes_max: usize) -> Result<Reply, SourceError> {
    let header = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(SourceError::NotFound),
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => {
            let target = header(LOCATION).ok_or_else(|| failed("it redirects to nowhere"))?;
            return Ok(Reply::Elsewhere(target.to_owned()));
        }
        other => return Err(failed(format!("it answered {other}"))),
    }
    let declared = header(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if declared.is_some_and(|length| length > bytes_max as u64) {
        return Err(SourceError::TooLarge(bytes_max));
    }
    let mut body = response.into_body();
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > bytes_max {
                return Err(SourceError::TooLarge(bytes_max));
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(Reply::Bytes(bytes.freeze()))
}

fn failed(why: impl Into<String>) -> SourceError {
    SourceError::Failed(why.into())
}

fn broken(error: &hyper::Error) -> SourceError {
    failed(format!("the answer broke off: {error}"))
}
