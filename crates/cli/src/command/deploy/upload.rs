//! Brings a package to the hosts of a deal: they say what they want, and are given it.
//!
//! Nothing is pushed that nobody asked for, so a host decides by itself what it takes, and a command that was
//! interrupted goes on where the hosts are.

use super::look::Look;
use crate::code::Code;
use crate::failure::Failure;
use crate::market::Context;
use crate::output::Progress;
use crate::project::Network;
use crate::session::contact;
use data_encoding::BASE64URL_NOPAD;
use futures::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use weir_identity::{Cid, PeerId, Value};
use weir_node::{AskError, NodeHandle};
use weir_package::Built;
use weir_peer::Contact;

/// How long a host may take to answer, and to take a block.
const ANSWER: Duration = Duration::from_secs(10);

/// The pause before a host is asked again that wants nothing now, and before one that did not answer.
const PAUSE: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// Blocks that are on their way to one host at the same time.
const AT_ONCE: usize = 8;

/// A package on its way to hosts.
pub(super) struct Upload {
    node: NodeHandle,
    package: Cid,
    /// As scripts take them.
    blocks: BTreeMap<Cid, Value>,
    /// Where peers are, as far as it is known here.
    contacts: Vec<Contact>,
    given: AtomicU64,
    /// What keeps a host from taking it.
    troubles: Mutex<BTreeMap<PeerId, String>>,
}

impl Upload {
    pub(super) fn new(
        node: &NodeHandle,
        network: &Network,
        built: &Built,
    ) -> Result<Arc<Self>, Failure> {
        let blocks = built.blocks().iter();
        let blocks = blocks.map(|block| {
            let text = BASE64URL_NOPAD.encode(block.bytes());
            (block.cid(), Value::from(text))
        });
        let contacts = network.peers.iter().map(contact);
        Ok(Arc::new(Self {
            node: node.clone(),
            package: built.cid(),
            blocks: blocks.collect(),
            contacts: contacts.collect::<Result<_, Failure>>()?,
            given: AtomicU64::new(0),
            troubles: Mutex::default(),
        }))
    }

    /// Waits until so many workers of a deal are active, or as many as it wants, and their hosts have the package. Says
    /// how many that are, and who the hosts are.
    pub(super) async fn until_served(
        self: &Arc<Self>,
        context: &Context,
        (deal, wanted): (u64, u16),
        patience: Duration,
        progress: &Progress,
    ) -> Result<(u16, BTreeSet<PeerId>), Failure> {
        let begin = Instant::now();
        let mut look = Look::new(context, deal);
        let mut begun = BTreeSet::new();
        let mut served = BTreeSet::new();
        let mut under_way = JoinSet::new();
        loop {
            let seen = look.look().await?;
            for host in &seen.hosts {
                if begun.insert(*host) {
                    under_way.spawn(self.clone().serve(*host));
                }
            }
            let wanted = usize::from(wanted.min(seen.wanted));
            let ready = seen.hosts.intersection(&served).count();
            if usize::from(seen.active) >= wanted && ready >= wanted {
                return Ok((seen.active, seen.hosts));
            }
            if begin.elapsed() >= patience {
                return Err(self.not_served(deal, (seen.active, wanted), patience));
            }
            progress.say(match self.given.load(Ordering::Relaxed) {
                0 => format!("waiting for the workers of deal {deal}"),
                given => format!("waiting for the workers of deal {deal}: {given} blocks of the package brought to them"),
            });
            let pause = tokio::time::sleep(look.pause());
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    Some(Ok(host)) = under_way.join_next() => {
                        served.insert(host);
                    }
                }
            }
        }
    }

    fn not_served(&self, deal: u64, (active, wanted): (u16, usize), patience: Duration) -> Failure {
        let what = format!("{active} of {wanted} workers of deal {deal} are active");
        let troubles = self.troubles();
        let cause = match troubles.first_key_value() {
            Some((host, trouble)) => format!("host {host} does not take the package: {trouble}"),
            None => format!(
                "not all were ready within {}",
                humantime::format_duration(patience)
            ),
        };
        Failure::new(Code::NotServed, what).cause(cause).fix(format!(
            "the same command goes on; look at it with weir deal show {deal}, or end it with weir deal stop {deal}"
        ))
    }

    /// Gives a host what it wants until it has the package.
    async fn serve(self: Arc<Self>, host: PeerId) -> PeerId {
        if let Some(contact) = self.contacts.iter().find(|contact| contact.peer == host)
            && !contact.addresses.is_empty()
        {
            // Without a connection the way is over a relay.
            let _ = self.node.connect(contact.clone()).await;
        }
        loop {
            let round = self.round(host).await;
            self.note(host, round.as_ref().err());
            let pause = match round {
                Ok(Round::Whole) => return host,
                Ok(Round::Gave) => Duration::ZERO,
                Ok(Round::Waits) => PAUSE[0],
                Err(_) => PAUSE[1],
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn round(&self, host: PeerId) -> Result<Round, AskError> {
        let wants = self.ask(host, "wants", &[]).await?;
        let wants = wants.as_array().unwrap_or_default().iter();
        let wants = wants.filter_map(|cid| {
            let bytes = self.blocks.get(&cid.as_str()?.parse().ok()?)?;
            Some([cid.clone(), bytes.clone()])
        });
        let wants: Vec<[Value; 2]> = wants.take(AT_ONCE).collect();
        if wants.is_empty() {
            let package = Value::from(self.package.to_string());
            let has = self.ask(host, "has", &[package]).await?;
            return Ok(if has == Value::from(true) {
                Round::Whole
            } else {
                Round::Waits
            });
        }
        let puts = wants.iter().map(|block| self.ask(host, "put", block));
        for put in join_all(puts).await {
            match put {
                Ok(_) => {
                    self.given.fetch_add(1, Ordering::Relaxed);
                }
                // It came from elsewhere meanwhile.
                Err(AskError::Failed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Round::Gave)
    }

    async fn ask(&self, host: PeerId, function: &str, args: &[Value]) -> Result<Value, AskError> {
        self.node
            .ask_peer(host, ("blocks", function), args, ANSWER)
            .await
    }

    /// What keeps a host from taking the package now.
    fn note(&self, host: PeerId, trouble: Option<&AskError>) {
        let mut troubles = self.troubles();
        match trouble {
            Some(error) => troubles.insert(host, error.to_string()),
            None => troubles.remove(&host),
        };
    }

    fn troubles(&self) -> std::sync::MutexGuard<'_, BTreeMap<PeerId, String>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of asking a host.
enum Round {
    /// It has the package.
    Whole,
    /// It was given blocks.
    Gave,
    /// It wants nothing yet.
    Waits,
}
