//! From what a guest asks to what is sent.

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};
use url::{Host, Url};
use weir_identity::Hash;
use weir_marine::{Fault, HttpRequest};

use super::Body;

/// The longest URL, in bytes.
const URL_BYTES_MAX: usize = 8 << 10;

/// The most headers of a request, and how long they may be together, in bytes.
const HEADERS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 32 << 10;

/// What tells a repetition of a request, see `draft-ietf-httpapi-idempotency-key-header`.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What the host sends if the guest says nothing else.
const USER_AGENT: HeaderValue = HeaderValue::from_static("weir");

/// Headers that concern the connection or the frame of the message, which are not the guest's: with them it could
/// make two requests of one.
const OF_THE_HOST: &[HeaderName] = &[
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The same, by names that have no constant.
const OF_THE_HOST_TOO: &[&str] = &["http2-settings", "keep-alive", "proxy-connection"];

/// A request that can be sent.
pub(super) struct Prepared {
    pub(super) target: Target,
    pub(super) request: Request<Body>,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) method: String,
    pub(super) host: Host<String>,
    /// The host as it stands in lists, without a dot at the end.
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) is_secure: bool,
}

/// Checks the request and gives it its final form. `key` is the same when the same request is tried again.
pub(super) fn prepare(
    asked: HttpRequest,
    key: &Hash,
    body_bytes_max: usize,
) -> Result<Prepared, Fault> {
    if asked.body.len() > body_bytes_max {
        return Err(Fault::TooLarge(format!(
            "a body of {} bytes: at most {body_bytes_max} can be sent",
            asked.body.len()
        )));
    }
    let method = method(&asked.method)?;
    let url = url(&asked.url)?;
    let host = match url.host() {
        Some(Host::Domain(name)) => Host::Domain(name.trim_end_matches('.').to_owned()),
        Some(Host::Ipv4(address)) => Host::Ipv4(address),
        Some(Host::Ipv6(address)) => Host::Ipv6(address),
        None => return Err(invalid("the URL names no host")),
    };
    let name = host.to_string();
    let is_secure = url.scheme() == "https";
    let port = url
        .port_or_known_default()
        .ok_or_else(|| invalid("the URL names no port"))?;
    let mut headers = headers(asked.headers)?;
    let authority = match url.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.clone(),
    };
    let authority = HeaderValue::try_from(authority)
        .map_err(|_| invalid("the host cannot be written in a header"))?;
    headers.insert(header::HOST, authority);
    headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
    if ![Method::GET, Method::HEAD, Method::OPTIONS].contains(&method) {
        // A string of structured headers, which stands in quotes.
        let key = HeaderValue::try_from(format!("\"{key}\""));
        headers
            .entry(IDEMPOTENCY_KEY)
            .or_insert(key.map_err(|_| invalid("the key of the effect is no text"))?);
    }
    let mut path = url.path().to_owned();
    if let Some(query) = url.query() {
        path.push('?');
        path.push_str(query);
    }
    let uri: Uri = path
        .parse()
        .map_err(|error| Fault::Invalid(format!("the path of the URL cannot be sent: {error}")))?;
    let target = Target {
        method: method.as_str().to_owned(),
        host,
        name,
        port,
        is_secure,
    };
    let mut request = Request::new(Body::new(Bytes::from(asked.body)));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(Prepared { target, request })
}

fn method(text: &str) -> Result<Method, Fault> {
    let shown = text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    match Method::from_bytes(text.to_ascii_uppercase().as_bytes()) {
        // One makes a tunnel of the connection, the other has the request returned with all that was added to it.
        Ok(method) if method == Method::CONNECT || method == Method::TRACE => Err(Fault::Invalid(
            format!("the method {method} is not offered"),
        )),
        Ok(method) if shown => Ok(method),
        _ => Err(invalid("the method is no word of at most 32 letters")),
    }
}

fn url(text: &str) -> Result<Url, Fault> {
    if text.len() > URL_BYTES_MAX {
        return Err(Fault::TooLarge(format!(
            "a URL of {} bytes: at most {URL_BYTES_MAX} are possible",
            text.len()
        )));
    }
    // This brings hosts into one form, such as 0x7f.1 into 127.0.0.1, before anybody judges them.
    let url = Url::parse(text).map_err(|error| Fault::Invalid(format!("the URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("the URL begins neither with http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(
            "a URL with a user name in it; write a header `authorization`",
        ));
    }
    Ok(url)
}

fn headers(given: Vec<weir_marine::Header>) -> Result<HeaderMap, Fault> {
    let bytes: usize = given
        .iter()
        .map(|header| header.name.len() + header.value.len() + 4)
        .sum();
    if given.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        return Err(Fault::TooLarge(format!(
            "{} headers of {bytes} bytes: at most {HEADERS_MAX} of {HEADER_BYTES_MAX} can be sent",
            given.len()
        )));
    }
    let mut headers = HeaderMap::with_capacity(given.len() + 3);
    for (number, given) in given.into_iter().enumerate() {
        let name = HeaderName::try_from(&given.name)
            .map_err(|_| Fault::Invalid(format!("header {number} has a name that is none")))?;
        let is_of_the_host = OF_THE_HOST.contains(&name)
            || OF_THE_HOST_TOO.contains(&name.as_str())
            || name.as_str().starts_with("proxy-");
        if is_of_the_host {
            return Err(Fault::Invalid(format!(
                "the header `{name}` is the host's, leave it out"
            )));
        }
        // Line ends among others are refused here.
        let value = HeaderValue::try_from(given.value).map_err(|_| {
            Fault::Invalid(format!(
                "the value of the header `{name}` has characters that cannot be sent"
            ))
        })?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn invalid(what: &str) -> Fault {
    Fault::Invalid(what.to_owned())
}
