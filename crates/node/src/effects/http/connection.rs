//! One connection for one request.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;
use weir_marine::Fault;

use super::{Body, failed};

/// How many addresses of a host are tried.
const ADDRESSES_MAX: usize = 4;

/// The most headers of a response.
const HEADERS_MAX: usize = 100;

/// The most bytes of the head of a response.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// The authorities that the public trusts.
pub(super) fn public_roots() -> RootCertStore {
    RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    }
}

/// TLS 1.2 and 1.3 with certificates of these authorities.
pub(super) fn tls(roots: RootCertStore) -> io::Result<Arc<ClientConfig>> {
    // The provider that QUIC brings along, named here so that nothing depends on what a process has installed.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Connects to the first of these addresses that answers. Each gets a share of the time.
pub(super) async fn connect(addresses: &[SocketAddr], time: Duration) -> Result<TcpStream, Fault> {
    let tried = &addresses[..addresses.len().min(ADDRESSES_MAX)];
    let share = time / u32::try_from(tried.len().max(1)).unwrap_or(1);
    let mut outcome = Err(Fault::TimedOut);
    for address in tried {
        outcome = match tokio::time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => Err(failed("the host cannot be connected to", error)),
            Err(_) => Err(Fault::TimedOut),
        };
    }
    outcome
}

/// Has the server prove that it is this host.
pub(super) async fn secure(
    stream: TcpStream,
    host: &Host<String>,
    config: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, Fault> {
    let name = match host {
        Host::Domain(name) => ServerName::try_from(name.clone())
            .map_err(|error| failed("the host cannot have a certificate", error))?,
        Host::Ipv4(address) => ServerName::from(std::net::IpAddr::V4(*address)),
        Host::Ipv6(address) => ServerName::from(std::net::IpAddr::V6(*address)),
    };
    TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|error| failed("there is no secure connection with the host", error))
}

/// Sends the request and lets `receive` take the response. Nothing goes on when this future is dropped.
pub(super) async fn converse<S, T, F>(
    stream: S,
    request: Request<Body>,
    receive: impl FnOnce(Response<Incoming>) -> F,
) -> Result<T, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = Result<T, Fault>>,
{
    let handshake = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake
        .await
        .map_err(|error| failed("the connection cannot be used", error))?;
    let exchange = async {
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| failed("there is no response", error))?;
        // The library looks at its bound before it reads, so one read may lead beyond it.
        let header = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
        let bytes: usize = response.headers().iter().map(header).sum();
        if bytes > HEAD_BYTES_MAX {
            return Err(Fault::Failed(format!(
                "the headers of the response have {bytes} bytes, at most {HEAD_BYTES_MAX} are taken"
            )));
        }
        receive(response).await
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
