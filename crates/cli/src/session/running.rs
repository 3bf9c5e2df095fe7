//! A particle that was started from here, until nobody waits for it any more.

use super::Session;
use crate::code::Code;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::particles::{self, About, Seen};
use crate::project::{Network, Project};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use weir_avm::{Export, Trace};
use weir_identity::PeerId;
use weir_node::{News, NewsEnd, Submitted};
use weir_peer::{ParticleEvent, Refusal, ScriptError, Waiting};

/// More steps that wait are only counted.
const WAITING_SHOWN: usize = 3;
/// After so long without news it is worth looking whether anything can still come, and asking those who owe it
/// nothing; the next time after twice as long.
const QUIET: Duration = Duration::from_millis(50);

/// How the wait for a particle ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The command has what it wanted.
    Enough,
    /// Nobody has anything left to do.
    Finished,
    /// The time to live is over.
    Expired(Vec<Waiting>),
    /// Whoever the script waits for has refused it.
    Refused(Vec<Waiting>),
    /// The relay is gone, and nothing can come without it.
    CutOff(Vec<Waiting>),
    /// `--timeout` is over.
    TimedOut(Duration, Vec<Waiting>),
    /// Ctrl-C.
    Interrupted(Vec<Waiting>),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Running<'a> {
    session: &'a Session,
    news: Submitted,
    begin: Instant,
    ttl: Duration,
    about: About,
    known: BTreeMap<PeerId, u32>,
    is_done: bool,
    error: Option<ScriptError>,
    stuck: Option<ScriptError>,
    refusals: BTreeMap<PeerId, Refusal>,
    unreachable: BTreeSet<PeerId>,
    offences: Vec<String>,
}

impl<'a> Running<'a> {
    pub(super) fn new(
        session: &'a Session,
        news: Submitted,
        started: SystemTime,
        ttl: Duration,
        purpose: String,
    ) -> Result<Self, Failure> {
        let timestamp = started.duration_since(UNIX_EPOCH).unwrap_or_default();
        let begin = Instant::now();
        let about = About {
            timestamp_ms: u64::try_from(timestamp.as_millis()).unwrap_or(u64::MAX),
            purpose,
            seen: Vec::new(),
        };
        particles::note(&session.seat.begun, &news.particle().0, &about)?;
        Ok(Self {
            session,
            news,
            begin,
            ttl,
            about,
            known: BTreeMap::new(),
            is_done: false,
            error: None,
            stuck: None,
            refusals: BTreeMap::new(),
            unreachable: BTreeSet::new(),
            offences: Vec::new(),
        })
    }

    /// The id of the particle.
    pub(crate) fn particle(&self) -> String {
        self.news.particle().0.to_string()
    }

    /// As people write it.
    pub(crate) fn short_id(&self) -> String {
        particles::short(&self.news.particle().0)
    }

    /// What peers did that they must not do; the evidence is in the log.
    pub(crate) fn offences(&self, network: &Network) -> Vec<String> {
        let named = |offence: &String| network.with_names(offence);
        self.offences.iter().map(named).collect()
    }

    /// An error that nothing in the script caught, or a part of it that can never go on.
    pub(crate) fn script_failure(&self, name: &str) -> Option<Failure> {
        let (code, error, what) = match (&self.error, &self.stuck) {
            (Some(error), _) => (Code::AirFailed, error, "failed"),
            (None, Some(error)) => (Code::AirStuck, error, "cannot go on"),
            (None, None) => return None,
        };
        let failure = Failure::new(code, format!("{name} {what}"));
        Some(failure.cause(in_words(error)))
    }

    /// Waits until `enough` says so, the particle is over, or the time is. `enough` hears each event and how long
    /// after the start it came.
    pub(crate) fn follow(
        &mut self,
        timeout: Option<Duration>,
        mut enough: impl FnMut(&ParticleEvent, Duration) -> bool,
    ) -> Result<Outcome, Failure> {
        let session = self.session;
        session.runtime.block_on(async {
            let mut quiet_for = QUIET;
            let mut cut_off = std::pin::pin!(session.until_cut_off());
            loop {
                let news = tokio::select! {
                    news = self.news.next() => Some(news.map_err(|end| out_of_sight(&end))?),
                    () = tokio::time::sleep(quiet_for) => None,
                    () = over(self.begin, timeout) => {
                        let waiting = self.waiting().await;
                        return Ok(Outcome::TimedOut(timeout.unwrap_or_default(), waiting));
                    }
                    () = &mut cut_off => return Ok(Outcome::CutOff(self.waiting().await)),
                    _ = tokio::signal::ctrl_c() => {
                        return Ok(Outcome::Interrupted(self.waiting().await));
                    }
                };
                let quiet = news.is_none();
                quiet_for = if quiet {
                    quiet_for.saturating_mul(2)
                } else {
                    QUIET
                };
                let mut next = news;
                loop {
                    while let Some(news) = next {
                        self.take_in(&news);
                        if enough(&news.event, news.at.duration_since(self.begin)) {
                            return Ok(Outcome::Enough);
                        }
                        if let ParticleEvent::Expired { waiting } = news.event {
                            return Ok(Outcome::Expired(waiting));
                        }
                        next = self.news.try_next();
                    }
                    if !quiet && !self.is_done && self.refusals.is_empty() {
                        break;
                    }
                    let Some(outcome) = self.early_end().await else {
                        if quiet {
                            // A script that ended elsewhere sends nobody back here.
                            let asked = session.node.nudge(self.news.particle()).await;
                            asked.map_err(|error| {
                                Failure::internal("the peer inside has stopped", error)
                            })?;
                        }
                        break;
                    };
                    // What made it end may have come while the log was looked at.
                    next = self.news.try_next();
                    if next.is_none() {
                        return Ok(outcome);
                    }
                }
            }
        })
    }

    /// Whether nothing more can come, though there is time left. Being done is not enough: a script is done as soon
    /// as one branch of a `par` is, and the others may still be on their way. It is not necessary either: a fold
    /// over a stream stays open for ever.
    async fn early_end(&self) -> Option<Outcome> {
        let waiting = self.log().await?.waiting;
        if waiting.is_empty() {
            return Some(Outcome::Finished);
        }
        // The script was said to be stuck on what is addressed to nobody.
        let is_nobody = |waiting: &weir_avm::Waiting| waiting.peer.parse::<PeerId>().is_err();
        if self.stuck.is_some() && waiting.iter().all(is_nobody) {
            return Some(Outcome::Finished);
        }
        let refused: Vec<String> = self.refusals.keys().map(PeerId::to_string).collect();
        let is_refused =
            |waiting: &weir_avm::Waiting| refused.iter().any(|peer| **peer == *waiting.peer);
        waiting
            .iter()
            .all(is_refused)
            .then(|| Outcome::Refused(told(waiting)))
    }

    fn take_in(&mut self, news: &News) {
        let after = news.at.duration_since(self.begin);
        let me = self.session.node.peer_id();
        for (author, length) in news.journals.iter().filter(|(author, _)| *author != me) {
            if self.known.insert(*author, *length) != Some(*length) {
                self.about.seen.push(Seen {
                    author: author.to_string(),
                    length: *length,
                    after_us: u64::try_from(after.as_micros()).unwrap_or(u64::MAX),
                });
            }
        }
        match &news.event {
            ParticleEvent::Done => self.is_done = true,
            ParticleEvent::Error(error) => self.error = Some(error.clone()),
            ParticleEvent::Stuck(error) => self.stuck = Some(error.clone()),
            ParticleEvent::Refused { by, reason } => {
                self.refusals.insert(*by, reason.clone());
            }
            ParticleEvent::Undeliverable { to } => {
                self.unreachable.insert(*to);
            }
            ParticleEvent::Offence { what } => self.offences.push(what.clone()),
            _ => {}
        }
    }

    /// The steps that are reached and not answered, as far as is known here.
    async fn waiting(&self) -> Vec<Waiting> {
        self.log()
            .await
            .map_or_else(Vec::new, |log| told(log.waiting))
    }

    async fn log(&self) -> Option<Trace> {
        let export = self.session.node.export(self.news.particle()).await.ok()?;
        weir_avm::trace(&export).ok()
    }

    /// Keeps the signed log where `weir trace` finds it.
    pub(crate) fn save(&self, project: &Project) -> Result<(), Failure> {
        let particle = self.news.particle();
        let export = self
            .session
            .runtime
            .block_on(self.session.node.export(particle));
        let export: Export =
            export.map_err(|error| Failure::internal("the log cannot be kept", error))?;
        particles::keep(project, &particle.0, &self.about, &export.to_json())?;
        self.forget()
    }

    /// Lets go of the particle without keeping its log: it was a question on the way to another.
    pub(crate) fn forget(&self) -> Result<(), Failure> {
        let particle = self.news.particle();
        let forgotten = self.session.node.forget(particle);
        let forgotten = self.session.runtime.block_on(forgotten);
        forgotten.map_err(|error| Failure::internal("the peer inside has stopped", error))?;
        particles::unnote(&self.session.seat.begun, &particle.0);
        Ok(())
    }

    /// Why there is no answer: which step waits for whom, and what is known about that.
    pub(crate) fn unfinished(&self, outcome: Outcome, what: &str, network: &Network) -> Failure {
        let ttl = humantime::format_duration(self.ttl);
        let (failure, waiting) = match outcome {
            Outcome::Expired(waiting) => (
                Failure::new(
                    Code::Deadline,
                    format!("{what} did not finish within {ttl}"),
                )
                .fix("look at how far it came, or give it more time with --ttl"),
                waiting,
            ),
            Outcome::Refused(waiting) => (
                Failure::new(Code::Refused, format!("{what} was refused")),
                waiting,
            ),
            Outcome::CutOff(waiting) => (
                Failure::new(Code::NetworkDown, format!("{what} was cut off")).fix(
                    if network.context.is_none() {
                        "weir up"
                    } else {
                        "see that the peer can be reached, and do it again"
                    },
                ),
                waiting,
            ),
            Outcome::TimedOut(timeout, waiting) => {
                let timeout = humantime::format_duration(timeout);
                let what = format!("{what} did not finish within --timeout {timeout}");
                (
                    Failure::new(Code::TimedOut, what).fix(format!(
                        "wait longer; it may go on elsewhere until its {ttl} are over"
                    )),
                    waiting,
                )
            }
            Outcome::Interrupted(waiting) => (
                Failure::new(Code::Interrupted, format!("{what} was interrupted"))
                    .exit(Exit::Interrupted),
                waiting,
            ),
            Outcome::Enough | Outcome::Finished => (
                Failure::new(Code::Deadline, format!("{what} ended without an answer")),
                Vec::new(),
            ),
        };
        let mut steps: Vec<String> = Vec::new();
        for waiting in &waiting {
            let peer = self.name(&waiting.peer, network);
            let step = format!(
                "for {peer}: {}",
                network.with_names(waiting.what.trim_end())
            );
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        let more = steps.len().saturating_sub(WAITING_SHOWN);
        steps.truncate(WAITING_SHOWN);
        if more > 0 {
            steps.push(format!("and {more} more"));
        }
        let failure = steps
            .into_iter()
            .fold(failure, |failure, step| failure.fact("waiting", step));
        match self.cause(network) {
            Some(cause) => failure.cause(cause),
            None => failure,
        }
    }

    fn name(&self, id: &str, network: &Network) -> String {
        if id == self.session.node.peer_id().to_string() {
            "this command".to_owned()
        } else {
            network.name_of(id).to_owned()
        }
    }

    /// The most telling thing that happened beside the steps themselves.
    fn cause(&self, network: &Network) -> Option<String> {
        let name = |peer: &PeerId| self.name(&peer.to_string(), network);
        if let Some(loss) = self.session.loss() {
            return Some(loss);
        }
        if let Some((peer, refusal)) = self.refusals.iter().next() {
            return Some(format!("{} refused the particle: {refusal}", name(peer)));
        }
        if let Some(peer) = self.unreachable.iter().next() {
            return Some(format!("nobody here knows how to reach {}", name(peer)));
        }
        let error = self.error.as_ref().or(self.stuck.as_ref())?;
        Some(in_words(error))
    }
}

/// An error with its code; 0 is none.
fn in_words(error: &ScriptError) -> String {
    match error.code {
        0 => error.message.clone(),
        code => format!("{code}: {}", error.message),
    }
}

fn told(waiting: Vec<weir_avm::Waiting>) -> Vec<Waiting> {
    let told = waiting.into_iter().map(|waiting| Waiting {
        peer: waiting.peer.to_string().into(),
        what: waiting.what,
    });
    told.collect()
}

fn out_of_sight(end: &NewsEnd) -> Failure {
    Failure::internal("the particle was lost out of sight", end)
}

async fn over(begin: Instant, timeout: Option<Duration>) {
    match timeout {
        Some(timeout) => tokio::time::sleep_until((begin + timeout).into()).await,
        None => std::future::pending().await,
    }
}
