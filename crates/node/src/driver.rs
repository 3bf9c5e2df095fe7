//! The task that owns a peer and carries out what it wants.
//!
//! One turn: wait until something happens; handle what is there, for at most
//! [`crate::DriverLimits::turn_us`]; take what the peer wants; do it in order.
//! Everything that one turn wants to persist is one commit, and what stands
//! behind a commit waits for it. With [`Durability::Process`] a commit is a
//! write into the page cache and is done in place; with
//! [`Durability::Power`] it is done by another thread while this one goes on
//! handling events, whose writes gather for the next commit.

mod commands;
mod export;
mod perform;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep};
use weir_identity::{Keypair, PeerId};
use weir_marine::States;
use weir_marine::states::{Ticket, Writes};
use weir_peer::{Batch, Effect, Event, Limits, ParticleId, Peer, StoredRecord, Timestamp};

use crate::blocks::BlockExchange;
use crate::clock;
use crate::config::DriverLimits;
use crate::error::{Stopped, panicked};
use crate::evidence::{EvidenceWrite, Keeper};
use crate::executor::{Executor, Finished};
use crate::handle::Command;
use crate::metrics::Meters;
use crate::news::Watcher;
use crate::proofs::Proofs;
use crate::store::{Durability, Store, StoreError};
use crate::transport::{Multiaddr, Transport, TransportEvent};
use export::Exported;

/// Something to do, in its turn.
enum Todo {
    Effect(Effect),
    /// Belongs into the next commit.
    States(Writes),
    /// Likewise.
    Evidence(Vec<EvidenceWrite>),
    /// To be done when everything before it is durable.
    Then(Box<dyn FnOnce(&mut Driver) + Send>),
}

/// What woke the driver.
enum Wake {
    Network,
    Finished(Box<Finished>),
    Command(Option<Command>),
    Work(Done),
    Timer,
    /// Old states of services may be forgotten.
    Tidy,
    Again,
}

/// The least time between two portions of old states that are forgotten.
const TIDY_PAUSE: Duration = Duration::from_millis(100);

/// What another thread did.
enum Done {
    Loaded {
        prefix: Vec<u8>,
        records: Result<Vec<StoredRecord>, String>,
    },
    Committed(Result<Vec<Ticket>, StoreError>),
    Exported(Box<Exported>),
}

/// See the module.
pub(crate) struct Driver {
    peer: Peer,
    keypair: Arc<Keypair>,
    peer_limits: Arc<Limits>,
    store: Arc<Store>,
    states: States,
    keeper: Keeper,
    proofs: Proofs,
    /// Who answers for packages.
    blocks: Option<Arc<dyn BlockExchange>>,
    transport: Transport,
    executor: Executor,
    limits: DriverLimits,
    meters: Arc<Meters>,
    commands: mpsc::Receiver<Command>,
    finished: mpsc::UnboundedReceiver<Finished>,
    /// Reads and writes on other threads.
    work: JoinSet<Done>,
    /// What came from the network and was not handled yet.
    arrived: VecDeque<TransportEvent>,
    todo: VecDeque<Todo>,
    committing: bool,
    timer: Option<Timestamp>,
    /// When a portion of old states was forgotten.
    tidied: Option<Instant>,
    watchers: HashMap<ParticleId, Watcher>,
    connecting: HashMap<PeerId, Vec<oneshot::Sender<Result<(), String>>>>,
    addresses: watch::Sender<Vec<Multiaddr>>,
    announce: Option<Vec<Multiaddr>>,
    stopping: bool,
    /// Why it stops, if nobody asked for it.
    broken: Option<String>,
}

/// What a driver is made of.
pub(crate) struct Parts {
    pub(crate) peer: Peer,
    pub(crate) keypair: Arc<Keypair>,
    pub(crate) peer_limits: Arc<Limits>,
    pub(crate) store: Arc<Store>,
    pub(crate) states: States,
    pub(crate) keeper: Keeper,
    pub(crate) proofs: Proofs,
    pub(crate) transport: Transport,
    pub(crate) executor: Executor,
    pub(crate) limits: DriverLimits,
    pub(crate) meters: Arc<Meters>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) finished: mpsc::UnboundedReceiver<Finished>,
    pub(crate) addresses: watch::Sender<Vec<Multiaddr>>,
    pub(crate) announce: Option<Vec<Multiaddr>>,
}

impl Driver {
    pub(crate) fn new(parts: Parts) -> Self {
        Driver {
            peer: parts.peer,
            keypair: parts.keypair,
            peer_limits: parts.peer_limits,
            store: parts.store,
            states: parts.states,
            keeper: parts.keeper,
            proofs: parts.proofs,
            blocks: None,
            transport: parts.transport,
            executor: parts.executor,
            limits: parts.limits,
            meters: parts.meters,
            commands: parts.commands,
            finished: parts.finished,
            work: JoinSet::new(),
            arrived: VecDeque::new(),
            todo: VecDeque::new(),
            committing: false,
            timer: None,
            tidied: None,
            watchers: HashMap::new(),
            connecting: HashMap::new(),
            addresses: parts.addresses,
            announce: parts.announce,
            stopping: false,
            broken: None,
        }
    }

    /// Works until told to stop or until the store fails; then everything is
    /// closed and `stopped` says why.
    pub(crate) async fn run(mut self, stopped: watch::Sender<Option<String>>) {
        let reason = match self.turns().await {
            Ok(()) => match &self.broken {
                Some(reason) => reason.clone(),
                None => "it was shut down".to_owned(),
            },
            Err(error) => {
                tracing::error!(%error, "the store failed, the node stops");
                error.to_string()
            }
        };
        let end = Stopped {
            reason: reason.clone(),
        };
        for watcher in self.watchers.values() {
            watcher.end(end.clone().into());
        }
        let Driver {
            peer,
            store,
            transport,
            executor,
            commands,
            mut work,
            ..
        } = self;
        drop((peer, executor, commands));
        transport.stop().await;
        while let Some(done) = work.join_next().await {
            // All that it can tell was reported.
            if let Ok(Done::Exported(exported)) = done {
                exported.give();
            }
        }
        // This may write to the disk for a while.
        let closed = tokio::task::spawn_blocking(move || close(store)).await;
        if closed.is_err() {
            tracing::error!("the store panicked when it was closed");
        }
        stopped.send_replace(Some(reason));
    }

    async fn turns(&mut self) -> Result<(), StoreError> {
        self.settle()?;
        while !self.stopping {
            let wake = self.wait().await;
            // Others who are ready now may have something for the same commit.
            tokio::task::yield_now().await;
            let begin = Instant::now();
            self.handle(wake)?;
            self.handle_more(begin);
            // Others may be ready whenever it is waited; what is done and a timer must not starve.
            while let Some(Ok(done)) = self.work.try_join_next() {
                self.handle(Wake::Work(done))?;
            }
            if self.timer.is_some_and(|at| at <= clock::now()) {
                self.handle(Wake::Timer)?;
            }
            if self.tidy_in().is_some_and(|wait| wait.is_zero()) {
                self.handle(Wake::Tidy)?;
            }
            self.settle()?;
            self.meters
                .turn_seconds
                .observe(begin.elapsed().as_secs_f64());
        }
        self.finish().await
    }

    /// Does what is still to be done, so that nothing that was promised is
    /// left out.
    async fn finish(&mut self) -> Result<(), StoreError> {
        while self.committing {
            match self.work.join_next().await {
                Some(Ok(done)) => self.handle(Wake::Work(done))?,
                // The tasks catch their panics, and nobody aborts them.
                Some(Err(error)) => return Err(self.store.gave_up(error.to_string())),
                None => return Ok(()),
            }
            self.settle()?;
        }
        Ok(())
    }

    /// Waits until something happens.
    async fn wait(&mut self) -> Wake {
        let has_more = !self.arrived.is_empty();
        let has_room = self.todo.len() < self.limits.waiting;
        let timer = self.timer.map(|at| tokio::time::sleep(clock::until(at)));
        let tidy = self.tidy_in().map(tokio::time::sleep);
        let mut batch = Vec::new();
        tokio::select! {
            biased;
            command = self.commands.recv() => Wake::Command(command),
            // The tasks catch their panics, and nobody aborts them.
            Some(Ok(done)) = self.work.join_next() => Wake::Work(done),
            Some(finished) = self.finished.recv() => Wake::Finished(Box::new(finished)),
            () = due(timer) => Wake::Timer,
            () = due(tidy) => Wake::Tidy,
            // Once round the scheduler, so that connections get their turn.
            () = tokio::task::yield_now(), if has_more => Wake::Again,
            () = self.transport.receive(&mut batch, self.limits.frames_per_turn), if !has_more && has_room => {
                self.arrived.extend(batch);
                Wake::Network
            }
        }
    }

    /// Tells the peer what happened.
    fn handle(&mut self, wake: Wake) -> Result<(), StoreError> {
        let now = clock::now();
        match wake {
            Wake::Network | Wake::Again => {}
            Wake::Finished(finished) => self.on_finished(*finished, now),
            Wake::Command(Some(command)) => self.on_command(command, now),
            // Every handle is gone, and nobody can ask for anything any more.
            Wake::Command(None) => self.stopping = true,
            Wake::Work(Done::Loaded { prefix, records }) => {
                self.peer.handle(Event::Loaded { prefix, records }, now);
            }
            Wake::Work(Done::Committed(result)) => {
                self.committing = false;
                self.written(result?);
            }
            Wake::Work(Done::Exported(exported)) => self.exported(*exported),
            Wake::Timer => {
                self.timer = None;
                self.peer.handle(Event::Timer, now);
            }
            Wake::Tidy => self.tidy(now),
        }
        Ok(())
    }

    /// How long until a portion of old states may be forgotten; none if there is nothing to forget, or if the end of
    /// a commit has to be waited for anyway.
    fn tidy_in(&self) -> Option<Duration> {
        if self.committing {
            return None;
        }
        let wait = clock::until(Timestamp(self.states.tidy_at()?));
        let pause = self
            .tidied
            .map_or(Duration::ZERO, |at| TIDY_PAUSE.saturating_sub(at.elapsed()));
        Some(wait.max(pause))
    }

    fn tidy(&mut self, now: Timestamp) {
        self.tidied = Some(Instant::now());
        let forgotten = self.states.tidy(now.ms());
        if forgotten.is_empty() {
            return;
        }
        // All that was committed before is on its way and has to be written before, or together with it.
        self.take_finished();
        self.todo.extend(forgotten.into_iter().map(Todo::States));
    }

    fn take_finished(&mut self) {
        let now = clock::now();
        while let Ok(finished) = self.finished.try_recv() {
            self.on_finished(finished, now);
        }
    }

    /// Handles what else is there, in turns, until the time of this turn is
    /// over.
    fn handle_more(&mut self, begin: Instant) {
        let turn = Duration::from_micros(self.limits.turn_us);
        loop {
            let now = clock::now();
            let command = self.commands.try_recv().ok();
            let finished = self.finished.try_recv().ok();
            if self.arrived.is_empty() && self.todo.len() < self.limits.waiting {
                let mut batch = Vec::new();
                self.transport
                    .try_receive(&mut batch, self.limits.frames_per_turn);
                self.arrived.extend(batch);
            }
            let arrived = self.arrived.pop_front();
            let nothing = command.is_none() && finished.is_none() && arrived.is_none();
            if let Some(command) = command {
                self.on_command(command, now);
            }
            if let Some(finished) = finished {
                self.on_finished(finished, now);
            }
            if let Some(event) = arrived {
                self.on_network(event, now);
            }
            if nothing || begin.elapsed() >= turn {
                return;
            }
        }
    }

    fn on_finished(&mut self, finished: Finished, now: Timestamp) {
        let Finished {
            call,
            outcome,
            execution,
            kept,
            state,
        } = finished;
        self.executor.ended(call);
        // What the peer makes of the answer is taken later, and so comes into the same commit.
        self.todo.extend(state.map(Todo::States));
        let kept = kept.map(|kept| self.keeper.keep(&kept));
        self.todo.extend(kept.map(Todo::Evidence));
        self.peer.handle(
            Event::CallFinished {
                call,
                outcome,
                execution,
            },
            now,
        );
    }

    fn on_network(&mut self, event: TransportEvent, now: Timestamp) {
        let event = match event {
            TransportEvent::Connected { peer } => {
                tracing::info!(%peer, "connected");
                self.answer_connecting(&peer, &Ok(()));
                Event::Connected { peer }
            }
            TransportEvent::Disconnected { peer, end } => {
                tracing::info!(%peer, reason = %end, "disconnected");
                Event::Disconnected { peer }
            }
            TransportEvent::Frame { peer, frame, room } => {
                self.peer.handle(Event::Received { from: peer, frame }, now);
                drop(room);
                return;
            }
            TransportEvent::DialFailed { peer, reason } => {
                tracing::debug!(%peer, reason, "not reached");
                if self.transport.is_connected(&peer) {
                    // Only not at other addresses.
                    self.answer_connecting(&peer, &Ok(()));
                    return;
                }
                self.answer_connecting(&peer, &Err(reason));
                Event::DialFailed { peer }
            }
            TransportEvent::Broken { reason } => {
                tracing::error!(reason, "the network failed, the node stops");
                self.stopping = true;
                self.broken = Some(reason);
                return;
            }
            TransportEvent::Addresses(addresses) => {
                self.addresses.send_replace(addresses.clone());
                let told = self.announce.clone().unwrap_or(addresses);
                Event::Addresses(
                    told.iter()
                        .map(|address| Arc::from(address.to_string()))
                        .collect(),
                )
            }
        };
        self.peer.handle(event, now);
    }

    /// Takes what the peer wants and does as much of it as can be done now.
    fn settle(&mut self) -> Result<(), StoreError> {
        self.take_effects();
        while !self.committing
            && let Some(next) = self.todo.pop_front()
        {
            match next {
                first
                @ (Todo::Effect(Effect::Persist(_)) | Todo::States(_) | Todo::Evidence(_)) => {
                    self.commit(first)?;
                }
                Todo::Effect(effect) => self.perform(effect),
                Todo::Then(work) => work(self),
            }
            // What was just done may have told the peer something.
            if self.todo.is_empty() {
                self.take_effects();
            }
        }
        Ok(())
    }

    /// Takes what the peer wants, behind what is to be done already.
    fn take_effects(&mut self) {
        loop {
            let effects = self.peer.drain();
            let removed: Vec<Writes> = effects
                .iter()
                .filter_map(|effect| match effect {
                    Effect::Persist(batch) => Some(batch),
                    _ => None,
                })
                .flat_map(|batch| &batch.writes)
                .filter_map(weir_peer::store::removed_service)
                .filter_map(|service| self.remove_state(service))
                .collect();
            self.todo.extend(effects.into_iter().map(Todo::Effect));
            if removed.is_empty() {
                return;
            }
            // All that was committed to these states is on its way and has to be written before.
            self.take_finished();
            self.todo.extend(removed.into_iter().map(Todo::States));
        }
    }

    fn remove_state(&self, service: &str) -> Option<Writes> {
        self.states.remove(service).unwrap_or_else(|error| {
            tracing::error!(service, %error, "the state of a removed service cannot be removed");
            None
        })
    }

    fn written(&self, tickets: Vec<Ticket>) {
        for ticket in tickets {
            self.states.written(ticket);
        }
    }

    fn commit(&mut self, first: Todo) -> Result<(), StoreError> {
        let (mut batch, mut states, mut kept) = (Batch::default(), Vec::new(), Vec::new());
        // Later writes may be durable before earlier effects are performed, so all go together.
        let mut rest = VecDeque::with_capacity(self.todo.len());
        for later in std::iter::once(first).chain(self.todo.drain(..)) {
            match later {
                Todo::Effect(Effect::Persist(mut more)) => batch.writes.append(&mut more.writes),
                Todo::States(writes) => states.push(writes),
                Todo::Evidence(mut more) => kept.append(&mut more),
                later => rest.push_back(later),
            }
        }
        self.todo = rest;
        let commit = move |store: &Store| -> Result<Vec<Ticket>, StoreError> {
            let states_writes = states.iter().flat_map(|writes: &Writes| &writes.writes);
            store.commit_all(&batch, states_writes, &kept)?;
            Ok(states.into_iter().map(|writes| writes.ticket).collect())
        };
        match self.store.durability() {
            Durability::Process => {
                let begin = Instant::now();
                let tickets = commit(&self.store)?;
                self.meters
                    .commit_seconds
                    .observe(begin.elapsed().as_secs_f64());
                self.written(tickets);
            }
            Durability::Power => {
                self.committing = true;
                let (store, meters) = (self.store.clone(), self.meters.clone());
                self.work.spawn_blocking(move || {
                    let begin = Instant::now();
                    let result = caught("commit", || commit(&store))
                        .unwrap_or_else(|what| Err(store.gave_up(what)));
                    meters.commit_seconds.observe(begin.elapsed().as_secs_f64());
                    Done::Committed(result)
                });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("peer", &self.peer.id())
            .field("todo", &self.todo.len())
            .finish_non_exhaustive()
    }
}

/// Closes the store. Calls that were ended a moment ago may still be reading from it.
fn close(mut store: Arc<Store>) {
    while let Err(still_read) = Arc::try_unwrap(store) {
        store = still_read;
        std::thread::yield_now();
    }
}

/// Does work of a task of this kind; its panic becomes an error that names it.
fn caught<T>(kind: &str, work: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_| panicked(kind))
}

async fn due(timer: Option<Sleep>) {
    match timer {
        Some(timer) => timer.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[test]
    fn a_panic_of_a_task_names_its_kind() {
        assert_eq!(caught("load", || 7), Ok(7));
        let reason = caught("commit", || panic!("on purpose")).map(|()| 7);
        let reason = reason.expect_err("it panicked");
        assert!(reason.starts_with("a task panicked: commit"), "{reason}");
    }
}
