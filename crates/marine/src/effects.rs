//! What a guest can ask of the world outside, and who answers.
//!
//! The requests and answers of the interfaces in `guest/wit/host.wit`. Their DAG-CBOR form is what a transcript
//! records, so a change of it changes what receipts say.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};
use weir_identity::{Digest, Hash};

/// Why an effect did not happen or came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Not granted: by the manifest, the operator or the deployer, as the text says.
    #[component(name = "denied")]
    Denied(String),
    /// What was asked is not there.
    #[component(name = "not-found")]
    NotFound(String),
    /// It took too long.
    #[component(name = "timed-out")]
    TimedOut,
    /// More than is allowed, in number or size.
    #[component(name = "too-large")]
    TooLarge(String),
    /// What was asked makes no sense.
    #[component(name = "invalid")]
    Invalid(String),
    /// The outside failed.
    #[component(name = "failed")]
    Failed(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("it took too long"),
            Self::Denied(reason)
            | Self::NotFound(reason)
            | Self::TooLarge(reason)
            | Self::Invalid(reason)
            | Self::Failed(reason) => f.write_str(reason),
        }
    }
}

/// A header of HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Header {
    /// The name, in any case.
    pub name: String,
    /// The value.
    pub value: String,
}

/// A request over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(record)]
pub struct HttpRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// An absolute `http` or `https` URL.
    pub url: String,
    /// Headers in order.
    pub headers: Vec<Header>,
    /// The body.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// The response to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(record)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Headers in order.
    pub headers: Vec<Header>,
    /// The whole body.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRun {
    /// The name under which the operator offers it.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// What became of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(record)]
pub struct ProgramOutput {
    /// The exit code.
    pub code: i32,
    /// What it wrote to standard output.
    #[serde(with = "serde_bytes")]
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    #[serde(with = "serde_bytes")]
    pub stderr: Vec<u8>,
    /// Whether more was written than is kept.
    pub truncated: bool,
}

/// Bytes of a blob to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRead {
    /// The blob.
    pub cid: String,
    /// Where to begin.
    pub offset: u64,
    /// How many bytes at most.
    pub len: u32,
}

/// An answer that takes its time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// Performs effects for one service, as far as they are granted.
///
/// Each method gets `key`, which is the same when the same effect of the same call is tried again: whoever receives
/// an effect can tell a repetition by it. Dropping the answer ends the effect as far as that is possible.
///
/// Every method denies unless it is implemented.
pub trait Effector: Send + Sync {
    /// `weir:host/http#fetch`.
    fn fetch(&self, key: Hash, request: HttpRequest) -> Answer<'_, HttpResponse> {
        let _ = (key, request);
        denied("weir:host/http")
    }

    /// `weir:host/blobs#size`.
    fn blob_size(&self, cid: String) -> Answer<'_, u64> {
        let _ = cid;
        denied("weir:host/blobs")
    }

    /// `weir:host/blobs#read`.
    fn blob_read(&self, read: BlobRead) -> Answer<'_, Vec<u8>> {
        let _ = read;
        denied("weir:host/blobs")
    }

    /// `weir:host/blobs#put`.
    fn blob_put(&self, bytes: Vec<u8>) -> Answer<'_, String> {
        let _ = bytes;
        denied("weir:host/blobs")
    }

    /// `weir:host/signing#sign`.
    fn sign(&self, message: Vec<u8>) -> Answer<'_, Vec<u8>> {
        let _ = message;
        denied("weir:host/signing")
    }

    /// `weir:host/programs#run`.
    fn run(&self, key: Hash, run: ProgramRun) -> Answer<'_, ProgramOutput> {
        let _ = (key, run);
        denied("weir:host/programs")
    }

    /// `weir:host/entropy#bytes`.
    fn entropy(&self, len: u32) -> Answer<'_, Vec<u8>> {
        let _ = len;
        denied("weir:host/entropy")
    }
}

/// The answer of an effector that does not offer an interface.
pub fn denied<'a, T: Send + 'a>(interface: &str) -> Answer<'a, T> {
    let why = format!("{interface} is not granted to this service");
    Box::pin(std::future::ready(Err(Fault::Denied(why))))
}

/// The effector that denies everything.
pub(crate) struct Nobody;

impl Effector for Nobody {}

/// What is signed for a guest: its service and its message under a prefix that nothing else has, so that no guest gets
/// a signature that would count as a receipt, an entry or a transaction of its peer, or as that of another service.
pub fn guest_message(service: &str, message: &[u8]) -> Digest {
    let length = (service.len() as u64).to_be_bytes();
    let bytes = [&length, service.as_bytes(), message].concat();
    Digest::prefixed("weir/guest-message/1", &bytes)
}
