//! How the rest of a program talks to an agent.

use tokio::sync::{mpsc, oneshot, watch};
use weir_peer::deals::{Policy, Report};

/// Where an agent stands, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Each deal, and why it is where it is.
    pub report: Report,
    /// What keeps it from the chain now.
    pub troubles: Vec<String>,
}

/// What handles ask of the agent.
#[derive(Debug)]
pub(crate) enum Command {
    Standing(oneshot::Sender<Standing>),
    Leave(u64),
    Policy(Box<Policy>),
    Stop,
}

/// A running agent. Cheap to clone; it runs until it is shut down or its node stops.
#[derive(Debug, Clone)]
pub struct AgentHandle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) stopped: watch::Receiver<bool>,
}

impl AgentHandle {
    /// Where it stands; none if it has ended.
    pub async fn standing(&self) -> Option<Standing> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Standing(reply)).await.ok()?;
        answer.await.ok()
    }

    /// Leaves a deal: a match is given back, what serves gives notice and serves to its end.
    pub async fn leave(&self, deal: u64) {
        self.tell(Command::Leave(deal)).await;
    }

    /// Decides otherwise from now on. Workers that are there stay.
    pub async fn set_policy(&self, policy: Policy) {
        self.tell(Command::Policy(Box::new(policy))).await;
    }

    /// Stops the agent and its workers, and waits until their stores are closed. What they have stays.
    pub async fn shutdown(&self) {
        self.tell(Command::Stop).await;
        let mut stopped = self.stopped.clone();
        // An error means that it is gone, which counts as well.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }

    async fn tell(&self, command: Command) {
        // An agent that has ended has no worker left that could be told anything.
        let _ = self.commands.send(command).await;
    }
}
