//! A chain among threads: whoever asks shares it, and one thread takes the transactions, those that arrive together as
//! one.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use alloy_primitives::B256;
use tokio::sync::{broadcast, oneshot};

use crate::chain::Chain;
use crate::config::{Config, Limits, Mining};
use crate::error::{Error, StoreError};
use crate::event::Event;
use crate::transaction::Signed;

/// Transactions that are taken at one time.
const TOGETHER: usize = 1_024;

/// How long the thread sleeps at most while the chain is opened and nothing happens.
const LONG: Duration = Duration::from_secs(3_600);

/// What the thread is asked.
#[derive(Debug)]
pub enum Order {
    /// To take a transaction, and to say what became of it.
    Submit(Box<Signed>, oneshot::Sender<Result<B256, Error>>),
    /// To see that blocks are made at other times.
    Wake,
    /// To end.
    Stop,
}

/// A chain that many ask.
#[derive(Debug)]
pub struct Shared {
    chain: RwLock<Chain>,
    events: broadcast::Sender<Event>,
    orders: SyncSender<Order>,
    idle: Option<Duration>,
    limits: Limits,
}

/// Seconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

impl Shared {
    /// Opens the chain.
    pub fn open(config: Config, orders: SyncSender<Order>) -> Result<Self, StoreError> {
        let (limits, idle) = (config.limits.clone(), config.idle);
        let (events, _) = broadcast::channel(limits.subscription_events.max(1));
        Ok(Shared {
            chain: RwLock::new(Chain::open(config, now())?),
            events,
            orders,
            idle,
            limits,
        })
    }

    /// What errors call the chain.
    pub fn path(&self) -> PathBuf {
        self.look(|chain, _| chain.config().path.clone().unwrap_or_default())
    }

    /// The bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Looks at the chain, beside others.
    pub fn look<T>(&self, ask: impl FnOnce(&Chain, u64) -> T) -> T {
        // Whoever panicked changed nothing: what is changed in memory is changed after all that could fail.
        let chain = self.chain.read().unwrap_or_else(PoisonError::into_inner);
        ask(&chain, now())
    }

    /// Changes the chain, and tells those who watch.
    pub fn change<T>(&self, ask: impl FnOnce(&mut Chain, u64) -> T) -> T {
        let mut chain = self.chain.write().unwrap_or_else(PoisonError::into_inner);
        let answer = ask(&mut chain, now());
        for event in chain.take_events() {
            // Nobody watching is no error.
            let _ = self.events.send(event);
        }
        answer
    }

    /// All later events.
    pub fn watch(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Asks the thread for something; if it has ended there is nobody to ask.
    pub fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }

    /// Takes a transaction; the answer comes when it is durable.
    pub fn submit(&self, signed: Signed) -> Result<oneshot::Receiver<Result<B256, Error>>, Error> {
        let (answer, answered) = oneshot::channel();
        match self
            .orders
            .try_send(Order::Submit(Box::new(signed), answer))
        {
            Ok(()) => Ok(answered),
            Err(TrySendError::Full(_)) => Err(Error::Limit(format!(
                "{} transactions are on their way into the pool, which is the limit; try again",
                self.limits.arriving
            ))),
            Err(TrySendError::Disconnected(_)) => Err(closed()),
        }
    }
}

/// The error when the chain has been closed.
pub fn closed() -> Error {
    Error::Limit("the chain is closed".to_owned())
}

/// The thread: takes transactions, and makes blocks at their times, until it is told to stop.
pub fn run(shared: &Shared, orders: &Receiver<Order>) {
    let mut last = Instant::now();
    loop {
        let mining = shared.look(|chain, _| chain.mining());
        let interval = match mining {
            Mining::Every(interval) => Some(interval),
            Mining::Instant => shared.idle,
            Mining::OnDemand => None,
        };
        let left = interval.map_or(LONG, |interval| interval.saturating_sub(last.elapsed()));
        if left.is_zero() {
            last = Instant::now();
            if let Err(error) = shared.change(Chain::mine) {
                tracing::error!(%error, "no block could be made");
            }
            continue;
        }
        match orders.recv_timeout(left) {
            Ok(Order::Submit(signed, answer)) => {
                if take(shared, orders, (*signed, answer)) {
                    return;
                }
                if mining == Mining::Instant {
                    last = Instant::now();
                }
            }
            Ok(Order::Wake) => last = Instant::now(),
            Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Takes this transaction and what else has arrived; whether the thread was told to stop.
fn take(
    shared: &Shared,
    orders: &Receiver<Order>,
    first: (Signed, oneshot::Sender<Result<B256, Error>>),
) -> bool {
    let (mut all, mut answers, mut stop) = (vec![first.0], vec![first.1], false);
    while all.len() < TOGETHER {
        match orders.try_recv() {
            Ok(Order::Submit(signed, answer)) => {
                all.push(*signed);
                answers.push(answer);
            }
            Ok(Order::Stop) => {
                stop = true;
                break;
            }
            Ok(Order::Wake) => {}
            Err(_) => break,
        }
    }
    let taken = shared.change(|chain, now| chain.submit(all, now));
    for (answer, taken) in answers.into_iter().zip(taken) {
        // Whoever does not wait any more does not want to know.
        let _ = answer.send(taken);
    }
    stop
}
