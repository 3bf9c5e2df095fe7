//! Outgoing HTTP, to hosts that manifest, operator and deployer all allow.
//!
//! ```no_run
//! use weir_guest::http::Request;
//!
//! fn temperature(city: &str) -> Result<String, String> {
//!     let response = Request::get(format!("https://api.example.org/now/{city}"))
//!         .header("accept", "text/plain")
//!         .send()?
//!         .success()?;
//!     Ok(response.text()?)
//! }
//! ```

use crate::bindings::weir::host::http as wit;
use crate::{Fault, host};

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// An absolute `http` or `https` URL.
    pub url: String,
    /// Names and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code, such as 200.
    pub status: u16,
    /// Names and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Asks for what is at the URL.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Posts a body to the URL.
    pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", url).body(body)
    }

    /// The same with a header more.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with this body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it and waits for the whole response, whatever its status. Redirects are not followed.
    pub fn send(self) -> Result<Response, Fault> {
        let named = |(name, value)| wit::Header { name, value };
        let response = host::http::fetch(&wit::Request {
            method: self.method,
            url: self.url,
            headers: self.headers.into_iter().map(named).collect(),
            body: self.body,
        })?;
        let pair = |header: wit::Header| (header.name, header.value);
        Ok(Response {
            status: response.status,
            headers: response.headers.into_iter().map(pair).collect(),
            body: response.body,
        })
    }
}

impl Response {
    /// The same if the status is one of 200 to 299, else [`Fault::Failed`].
    pub fn success(self) -> Result<Self, Fault> {
        match self.status {
            200..=299 => Ok(self),
            status => Err(Fault::Failed(format!("the server answered {status}"))),
        }
    }

    /// The first header of this name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(self) -> Result<String, Fault> {
        String::from_utf8(self.body)
            .map_err(|error| Fault::Failed(format!("the body is no text: {error}")))
    }
}
