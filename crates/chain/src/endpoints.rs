//! Several endpoints of one chain, of which the first that is well answers.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{Request, RequestPacket, ResponsePacket};
use alloy::transports::http::Http;
use alloy::transports::http::reqwest::{Client, Url};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use tower_service::Service;
use tracing::warn;

use crate::error::ChainError;
use crate::follower::REORGANISATION_MAX;

/// How long one endpoint may take for one request.
pub(crate) const REQUEST: Duration = Duration::from_secs(10);

/// No chain has more blocks; a number beyond is no head.
const HEAD_MAX: u64 = 1 << 48;

/// For how long an endpoint is left alone after it failed; twice as long each time, up to the last.
const QUARANTINE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(120)];

/// A transport over several endpoints. Requests go to the first that is not in quarantine; one that stalls, drops the
/// connection, answers nonsense or serves another chain goes there, and the next is asked.
#[derive(Clone)]
pub(crate) struct Endpoints {
    all: Arc<Vec<Endpoint>>,
    chain_id: u64,
    deadline: Duration,
}

struct Endpoint {
    name: String,
    http: Http<Client>,
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
                http: Http::with_client(client.clone(), url),
                health: Mutex::default(),
            })
        };
        let all: Vec<Endpoint> = urls.iter().map(endpoint).collect::<Result<_, _>>()?;
        Ok(Self {
            all: Arc::new(all),
            chain_id,
            deadline,
        })
    }

    pub(crate) fn client(self) -> RpcClient {
        RpcClient::new(self, false)
    }

    async fn send(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let mut failures = Vec::new();
        // First those that are well; then, rather than give up, those that were not.
        for desperate in [false, true] {
            for endpoint in self.all.iter() {
                if endpoint.rests() != desperate
                    || failures.iter().any(|(name, _)| *name == endpoint.name)
                {
                    continue;
                }
                match endpoint.ask(request.clone(), &self).await {
                    Ok(answer) => {
                        endpoint.is_well();
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
            let answer = self
                .http_call(RequestPacket::Single(question), of.deadline)
                .await?;
            let got = single(&answer).ok_or("it did not say which chain it serves")?;
            if got != of.chain_id {
                return Err(format!("it serves chain {got}, not {}", of.chain_id));
            }
            self.health().known = true;
        }
        let asks_head =
            matches!(&request, RequestPacket::Single(one) if one.method() == "eth_blockNumber");
        let answer = self.http_call(request, of.deadline).await?;
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
        let mut http = self.http.clone();
        match tokio::time::timeout(deadline, http.call(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(with_causes(&error)),
            Err(_) => Err(format!("no answer within {} ms", deadline.as_millis())),
        }
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
    }
}

/// An error with what caused it; that of a connection says only in its causes what was wrong.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut words: Vec<String> = causes.map(ToString::to_string).collect();
    words.dedup();
    words.join(": ")
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
