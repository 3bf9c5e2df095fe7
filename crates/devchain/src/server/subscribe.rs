//! Subscriptions: what happens is sent at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy_rpc_types_eth::Filter;
use alloy_rpc_types_eth::pubsub::{Params as Wanted, SubscriptionKind};
use jsonrpsee::core::traits::IdProvider;
use jsonrpsee::core::{RegisterMethodError, SubscriptionError};
use jsonrpsee::types::{ErrorObjectOwned, SubscriptionId};
use jsonrpsee::{PendingSubscriptionSink, RpcModule, SubscriptionSink};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use super::answer::{invalid, needed, optional};
use crate::event::Event;
use crate::filters::watched_logs;
use crate::sealer::Shared;

/// Names of subscriptions: numbers in hexadecimal. They mean something on their own connection only.
#[derive(Debug, Default)]
pub struct Ids(AtomicU64);

impl IdProvider for Ids {
    fn next_id(&self) -> SubscriptionId<'static> {
        let next = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{next:#x}").into()
    }
}

/// What is sent.
enum Watch {
    Heads,
    Logs(Box<Filter>),
    Transactions { whole: bool },
}

/// The methods that begin and end a subscription.
pub fn register(module: &mut RpcModule<Shared>) -> Result<(), RegisterMethodError> {
    module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, shared, _| async move {
            let watch = wanted(&mut params.sequence());
            run(pending, shared, watch).await
        },
    )?;
    Ok(())
}

fn wanted(
    params: &mut jsonrpsee::types::params::ParamsSequence<'_>,
) -> Result<Watch, ErrorObjectOwned> {
    let kind: SubscriptionKind = needed(params, "subscription")?;
    let wanted = optional::<Wanted>(params, "filter")?.unwrap_or_default();
    match (kind, wanted) {
        (SubscriptionKind::NewHeads, _) => Ok(Watch::Heads),
        (SubscriptionKind::Logs, Wanted::Logs(filter)) => Ok(Watch::Logs(filter)),
        (SubscriptionKind::Logs, Wanted::None) => Ok(Watch::Logs(Box::default())),
        (SubscriptionKind::NewPendingTransactions, Wanted::Bool(whole)) => {
            Ok(Watch::Transactions { whole })
        }
        (SubscriptionKind::NewPendingTransactions, Wanted::None) => {
            Ok(Watch::Transactions { whole: false })
        }
        (kind, _) => Err(invalid(format!(
            "no \"{kind:?}\" subscription with these arguments in the eth namespace"
        ))),
    }
}

async fn run(
    pending: PendingSubscriptionSink,
    shared: Arc<Shared>,
    watch: Result<Watch, ErrorObjectOwned>,
) -> Result<(), SubscriptionError> {
    let watch = match watch {
        Ok(watch) => watch,
        Err(error) => {
            pending.reject(error).await;
            return Ok(());
        }
    };
    // Before it is accepted, so that nothing after the answer is missed.
    let mut events = shared.watch();
    let limit = shared.limits().subscription_events;
    // The chain must not stay open because somebody watches it.
    drop(shared);
    let Ok(sink) = pending.accept().await else {
        return Ok(());
    };
    loop {
        let event = tokio::select! {
            () = sink.closed() => return Ok(()),
            event = events.recv() => event,
        };
        match event {
            Ok(event) => {
                if !tell(&sink, &watch, &event).await? {
                    return Ok(());
                }
            }
            Err(RecvError::Closed) => return Ok(()),
            Err(RecvError::Lagged(_)) => {
                return Err(format!(
                    "the subscription was more than {limit} events behind and ends; subscribe again"
                )
                .into());
            }
        }
    }
}

/// Sends what an event means for a subscription; whether there is still somebody to send to.
async fn tell(
    sink: &SubscriptionSink,
    watch: &Watch,
    event: &Event,
) -> Result<bool, SubscriptionError> {
    match (watch, event) {
        (Watch::Heads, Event::Head(block)) => send(sink, &block.rpc_header()).await,
        (Watch::Transactions { whole: true }, Event::Waiting(waiting)) => {
            send(sink, &waiting.rpc()).await
        }
        (Watch::Transactions { whole: false }, Event::Waiting(waiting)) => {
            send(sink, &waiting.signed.hash()).await
        }
        (Watch::Logs(filter), Event::Head(block) | Event::Removed(block)) => {
            let removed = matches!(event, Event::Removed(_));
            for log in watched_logs(filter, block, removed) {
                if !send(sink, &log).await? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(true),
    }
}

async fn send(sink: &SubscriptionSink, what: &impl Serialize) -> Result<bool, SubscriptionError> {
    let message = serde_json::value::to_raw_value(what)?;
    Ok(sink.send(message).await.is_ok())
}
