//! Several endpoints of one chain, of which the first that is well answers.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{Request, RequestPacket, ResponsePacket};
use alloy::transports::http::reqwest::header::CONTENT_TYPE;
use alloy::transports::http::reqwest::{Client, StatusCode, Url};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use tower_service::Service;
use tracing::warn;

use crate::error::ChainError;
use crate::follower::REORGANISATION_MAX;

/// How long one endpoint may take for one request.
pub(crate) const REQUEST: Duration = Duration::from_secs(10);

/// The most bytes of an answer: twice what the logs of a full range need.
const ANSWER_MAX: usize = 64 << 20;

/// No chain has more blocks; a number beyond is no head.
const HEAD_MAX: u64 = 1 << 48;

/// For how long an endpoint is left alone after it failed; twice as long each time, up to the last.
const QUARANTINE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(120)];

/// A transport over several endpoints. Requests go to the first that is not in quarantine; one that stalls, drops the
/// connection, answers nonsense or serves another chain goes there, and the next is asked.
#[derive(Clone)]
pub(crate) struct Endpoints {
    all: Arc<Vec<Endpoint>>,
    /// The number of the one that answered last.
    latest: Arc<AtomicUsize>,
    chain_id: u64,
    deadline: Duration,
}

struct Endpoint {
    name: String,
    client: Client,
    url: Url,
    health: Mutex<Health>,
}

#[derive(Default)]
struct Health {
    /// Whether it said that it serves the right chain.
    known: bool,
    /// The highest block that it named.
    head: u64,
    failures: u32,
    until: Option<Instant>,
}

impl Endpoints {
    /// Endpoints by their URLs, the preferred one first, each of which has so long for a request.
    pub(crate) fn new(
        urls: &[String],
        chain_id: u64,
        deadline: Duration,
    ) -> Result<Self, ChainError> {
        let client = Client::builder()
            .build()
            .map_err(|error| ChainError::Refused(error.to_string()))?;
        let endpoint = |name: &String| {
            let bad = |error: String| ChainError::Unreachable(vec![(name.clone(), error)]);
            let url = Url::parse(name).map_err(|error| bad(error.to_string()))?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(bad("only http and https are spoken".to_owned()));
            }
            Ok(Endpoint {
                name: name.clone(),
                client: client.clone(),
                url,
                health: Mutex::default(),
            })
        };
        let all: Vec<Endpoint> = urls.iter().map(endpoint).collect::<Result<_, _>>()?;
        Ok(Self {
            all: Arc::new(all),
            latest: Arc::default(),
            chain_id,
            deadline,
        })
    }

    pub(crate) fn client(self) -> RpcClient {
        RpcClient::new(self, false)
    }

    /// Leaves the endpoint alone for a while that answered last: what it said cannot be.
    pub(crate) fn doubt(&self) {
        if let Some(endpoint) = self.all.get(self.latest.load(Ordering::Relaxed)) {
            warn!(endpoint = %endpoint.name, "an endpoint of the chain says what cannot be");
            endpoint.failed();
        }
    }

    async fn send(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let mut failures = Vec::new();
        // First those that are well; then, rather than give up, those that were not.
        for desperate in [false, true] {
            for (number, endpoint) in self.all.iter().enumerate() {
                if endpoint.rests() != desperate
                    || failures.iter().any(|(name, _)| *name == endpoint.name)
                {
                    continue;
                }
                match endpoint.ask(request.clone(), &self).await {
                    Ok(answer) => {
                        endpoint.is_well();
                        self.latest.store(number, Ordering::Relaxed);
                        return Ok(answer);
                    }
                    Err(why) => {
                        warn!(endpoint = %endpoint.name, %why, "an endpoint of the chain fails");
                        endpoint.failed();
                        failures.push((endpoint.name.clone(), why));
                    }
                }
            }
        }
        Err(TransportErrorKind::custom(ChainError::Unreachable(
            failures,
        )))
    }
}

impl Endpoint {
    async fn ask(&self, request: RequestPacket, of: &Endpoints) -> Result<ResponsePacket, String> {
        if !self.health().known {
            let question = Request::new("eth_chainId", 0_u64.into(), ());
            let question = question.serialize().map_err(|error| error.to_string())?;
            let question = RequestPacket::Single(question);
            let answer = self.http_call(question, of.deadline).await?;
            judge_chain(&answer, of.chain_id)?;
            self.health().known = true;
        }
        let asks =
            |method| matches!(&request, RequestPacket::Single(one) if one.method() == method);
        let (asks_chain, asks_head) = (asks("eth_chainId"), asks("eth_blockNumber"));
        let answer = self.http_call(request, of.deadline).await?;
        if asks_chain {
            judge_chain(&answer, of.chain_id)?;
        }
        if asks_head {
            self.judge_head(single(&answer).ok_or("it did not say which block is its last")?)?;
        }
        Ok(answer)
    }

    /// Whether a head can be true: a chain does not lose more blocks than a reorganisation is followed.
    fn judge_head(&self, head: u64) -> Result<(), String> {
        if head > HEAD_MAX {
            return Err(format!(
                "it says that its last block is {head}, which no chain has reached"
            ));
        }
        let mut health = self.health();
        let before = health.head;
        if head.saturating_add(REORGANISATION_MAX) < before {
            return Err(format!("its last block went back from {before} to {head}"));
        }
        health.head = before.max(head);
        Ok(())
    }

    async fn http_call(
        &self,
        request: RequestPacket,
        deadline: Duration,
    ) -> Result<ResponsePacket, String> {
        match tokio::time::timeout(deadline, self.post(&request)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} ms", deadline.as_millis())),
        }
    }

    /// Asks, and reads no more than an answer may have.
    async fn post(&self, request: &RequestPacket) -> Result<ResponsePacket, String> {
        let body = serde_json::to_vec(request).map_err(|error| error.to_string())?;
        let question = self.client.post(self.url.clone());
        let question = question.header(CONTENT_TYPE, "application/json").body(body);
        let mut answer = question.send().await.map_err(|error| with_causes(&error))?;
        let status = answer.status();
        // Whoever is overloaded may say so in words that are JSON as well.
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(format!("it answers {status}"));
        }
        let too_long = || format!("its answer has more than {ANSWER_MAX} bytes");
        if answer
            .content_length()
            .is_some_and(|length| length > ANSWER_MAX as u64)
        {
            return Err(too_long());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| with_causes(&error))? {
            if bytes.len().saturating_add(chunk.len()) > ANSWER_MAX {
                return Err(too_long());
            }
            bytes.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            if status.is_success() {
                format!("its answer is no JSON-RPC: {error}")
            } else {
                format!("it answers {status}")
            }
        })
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rests(&self) -> bool {
        self.health()
            .until
            .is_some_and(|until| Instant::now() < until)
    }

    fn is_well(&self) {
        let mut health = self.health();
        (health.failures, health.until) = (0, None);
    }

    fn failed(&self) {
        let mut health = self.health();
        let [first, last] = QUARANTINE;
        let rest = first.saturating_mul(1 << health.failures.min(10)).min(last);
        health.failures = health.failures.saturating_add(1);
        health.until = Some(Instant::now() + rest);
        // When it comes back it may be another one.
        health.known = false;
    }
}

/// An error with what caused it; that of a connection says only in its causes what was wrong.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut words: Vec<String> = causes.map(ToString::to_string).collect();
    words.dedup();
    words.join(": ")
}

/// Whether an answer names the chain that is wanted.
fn judge_chain(answer: &ResponsePacket, wanted: u64) -> Result<(), String> {
    let got = single(answer).ok_or("it did not say which chain it serves")?;
    if got == wanted {
        return Ok(());
    }
    Err(format!("it serves chain {got}, not {wanted}"))
}

/// A number that was asked for.
fn single(answer: &ResponsePacket) -> Option<u64> {
    let payload = answer
        .responses()
        .first()?
        .payload
        .try_success_as::<String>()?;
    u64::from_str_radix(payload.ok()?.strip_prefix("0x")?, 16).ok()
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.all.iter().map(|endpoint| &endpoint.name);
        f.debug_list().entries(names).finish()
    }
}

impl Service<RequestPacket> for Endpoints {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
