//! One call of one function on one peer, for programs that need an answer and no particle.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use weir_identity::{PeerId, Value};
use weir_peer::{ClientFunctions, ParticleEvent};

use crate::error::SubmitFailure;
use crate::handle::{NodeHandle, Request};
use crate::news::NewsEnd;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum AskError {
    /// The function failed, which its text says.
    #[error("{0}")]
    Failed(String),
    /// Nobody knows how to reach the peer.
    #[error("nobody here knows how to reach {0}")]
    Unreachable(PeerId),
    /// Nothing came in time.
    #[error("no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The particle was not started.
    #[error(transparent)]
    NotStarted(#[from] SubmitFailure),
    /// The node does not tell any more.
    #[error(transparent)]
    News(#[from] NewsEnd),
}

impl NodeHandle {
    /// Calls a function of a service on another peer, and waits for what it returns, at most for `patience`. Whatever
    /// connection, address or relay leads to the peer is used.
    pub async fn ask_peer(
        &self,
        peer: PeerId,
        (service, function): (&str, &str),
        args: &[Value],
        patience: Duration,
    ) -> Result<Value, AskError> {
        let mut request = Request::new(script(&peer, service, function, args.len()), patience);
        let data = args.iter().enumerate();
        let data = data.map(|(index, value)| (Arc::from(format!("a{index}")), value.clone()));
        request.client = Some(ClientFunctions {
            data: data.collect::<BTreeMap<_, _>>(),
        });
        let mut particle = self.submit(request).await?;
        let answer = async {
            loop {
                match particle.next().await?.event {
                    ParticleEvent::Callback { function, args, .. } => {
                        let value = args.into_iter().next().unwrap_or(Value::Null);
                        return match &*function {
                            "result" => Ok(value),
                            _ => Err(AskError::Failed(message(&value))),
                        };
                    }
                    ParticleEvent::Error(error) | ParticleEvent::Stuck(error) => {
                        return Err(AskError::Failed(error.message));
                    }
                    ParticleEvent::Refused { by, reason } => {
                        return Err(AskError::Failed(format!("{by} refused it: {reason}")));
                    }
                    ParticleEvent::Undeliverable { to } => return Err(AskError::Unreachable(to)),
                    ParticleEvent::Expired { .. } => return Err(AskError::TimedOut(patience)),
                    _ => {}
                }
            }
        };
        let in_time = tokio::time::timeout(patience, answer).await;
        in_time.unwrap_or(Err(AskError::TimedOut(patience)))
    }
}

fn script(peer: &PeerId, service: &str, function: &str, args: usize) -> String {
    let names: Vec<String> = (0..args).map(|index| format!("a{index}")).collect();
    let call = format!(
        r#"(xor
            (seq
                (call "{peer}" ("{service}" "{function}") [{}] result)
                (call %init_peer_id% ("callbackSrv" "result") [result]))
            (call %init_peer_id% ("callbackSrv" "failed") [:error:]))"#,
        names.join(" ")
    );
    names.iter().rev().fold(call, |rest, name| {
        format!(r#"(seq (call %init_peer_id% ("getDataSrv" "{name}") [] {name}) {rest})"#)
    })
}

/// The text in the error of a script.
fn message(error: &Value) -> String {
    let message = error.get("message").and_then(Value::as_str);
    message.map_or_else(|| error.to_json(), str::to_owned)
}
