//! The source of blocks that are other peers: the hosts of the deal are asked, and whoever wants to may bring a block.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use weir_identity::{Cid, PeerId, Value};
use weir_node::{AskError, NodeHandle};
use weir_package::{Answer, Source, SourceError};

use crate::exchange::Exchange;

/// How long one peer may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// After so long without an answer another peer is asked beside the first.
const HESITATION: Duration = Duration::from_secs(1);

/// The pause before all are asked again, and the longest.
const PAUSE: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(4)];

/// Reasons of so many peers are told.
const REASONS: usize = 3;

/// What is needed of the peers of a deal, for one fetch.
pub(crate) struct Peers<'a, H> {
    pub(crate) host: &'a NodeHandle,
    pub(crate) exchange: &'a Exchange,
    /// Gives the other hosts of the deal, as the chain shows them now.
    pub(crate) hosts: H,
    /// How long a block is waited for.
    pub(crate) patience: Duration,
    /// What came of asking.
    pub(crate) doubts: Mutex<Doubts>,
}

/// Who is asked last, and who is not asked any more.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    silent: BTreeSet<PeerId>,
    liars: BTreeSet<PeerId>,
}

/// Why each peer did not help.
type Reasons = BTreeMap<PeerId, String>;

impl<H: Fn() -> Vec<PeerId> + Send + Sync> Source for Peers<'_, H> {
    fn name(&self) -> &'static str {
        "peers"
    }

    fn ask<'a>(&'a self, cid: &'a Cid, bytes_max: usize) -> Answer<'a> {
        Box::pin(async move {
            let mut reasons = Reasons::new();
            let given = self.exchange.expect(*cid, bytes_max);
            let found = async {
                tokio::select! {
                    Ok(bytes) = given => bytes,
                    bytes = self.find(cid, bytes_max, &mut reasons) => bytes,
                }
            };
            let found = tokio::time::timeout(self.patience, found).await;
            found.map_err(|_| SourceError::Failed(in_vain(&reasons, self.patience)))
        })
    }
}

impl<H: Fn() -> Vec<PeerId> + Send + Sync> Peers<'_, H> {
    /// Asks all hosts until one has it.
    async fn find(&self, cid: &Cid, bytes_max: usize, reasons: &mut Reasons) -> Bytes {
        let mut pause = PAUSE[0];
        loop {
            if let Some(bytes) = self.ask_all(cid, bytes_max, reasons).await {
                return bytes;
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSE[1]);
        }
    }

    /// Asks one host after the other; who hesitates is not waited for.
    async fn ask_all(&self, cid: &Cid, bytes_max: usize, reasons: &mut Reasons) -> Option<Bytes> {
        let mut hosts = self.in_order(cid).into_iter();
        let mut answers = FuturesUnordered::new();
        answers.extend(hosts.next().map(|host| self.get(host, cid, bytes_max)));
        loop {
            let next = tokio::time::timeout(HESITATION, answers.next()).await;
            match next {
                Ok(Some((_, Ok(bytes)))) => return Some(bytes),
                Ok(Some((host, Err(why)))) => {
                    reasons.insert(host, why);
                }
                Ok(None) if hosts.len() == 0 => return None,
                Ok(None) | Err(_) => {}
            }
            answers.extend(hosts.next().map(|host| self.get(host, cid, bytes_max)));
        }
    }

    /// Not all blocks are asked of the same host first.
    fn in_order(&self, cid: &Cid) -> Vec<PeerId> {
        let doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hosts = (self.hosts)();
        hosts.retain(|host| !doubts.liars.contains(host));
        if !hosts.is_empty() {
            let turn = cid.to_bytes().last().copied().unwrap_or_default();
            let turn = usize::from(turn) % hosts.len();
            hosts.rotate_left(turn);
        }
        hosts.sort_by_key(|host| doubts.silent.contains(host));
        hosts
    }

    async fn get(
        &self,
        host: PeerId,
        cid: &Cid,
        bytes_max: usize,
    ) -> (PeerId, Result<Bytes, String>) {
        let args = [Value::from(cid.to_string())];
        let answer = self.host.ask_peer(host, ("blocks", "get"), &args, ANSWER);
        let answer = answer.await;
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let result = match answer {
            Ok(value) => {
                doubts.silent.remove(&host);
                let bytes = value.as_str().and_then(|text| decoded(text, bytes_max));
                let right = bytes.filter(|bytes| cid.names(bytes));
                right.ok_or_else(|| {
                    doubts.liars.insert(host);
                    "it sent bytes that are not those of the CID".to_owned()
                })
            }
            Err(AskError::Failed(reason)) => Err(reason),
            Err(error) => {
                doubts.silent.insert(host);
                Err(error.to_string())
            }
        };
        (host, result)
    }
}

fn decoded(text: &str, bytes_max: usize) -> Option<Bytes> {
    if text.len() > BASE64URL_NOPAD.encode_len(bytes_max) {
        return None;
    }
    Some(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.into())
}

fn in_vain(reasons: &Reasons, patience: Duration) -> String {
    let told = reasons.iter().take(REASONS);
    let told = told.map(|(host, why)| format!("{host}: {why}; "));
    let more = reasons.len().saturating_sub(REASONS);
    let more = match more {
        0 => String::new(),
        more => format!("{more} more: likewise; "),
    };
    format!(
        "{}{more}nobody brought it within {} s",
        told.collect::<String>(),
        patience.as_secs_f32()
    )
}
