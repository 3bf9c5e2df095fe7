//! A model of the driver: a disk, jobs that take time and fail, transactions that are delayed and lost.

use std::collections::{BTreeMap, BTreeSet};

use weir_peer::deals::{
    Code, Effect, Event, Intent, Job, Outcome, TransactionKey, Work, WorkerIdentity,
};
use weir_peer::{Batch, Timestamp, Write};

use crate::market::{Market, code};
use crate::world::Dice;

/// What survives a crash.
#[derive(Debug, Default)]
pub struct Disk {
    pub records: BTreeMap<Vec<u8>, Vec<u8>>,
    pub packages: BTreeSet<Code>,
    pub workers: BTreeMap<WorkerIdentity, Installed>,
    pub transactions: BTreeMap<TransactionKey, Transaction>,
}

/// A worker on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    pub code: Code,
    /// Services are there, all or some.
    pub whole: bool,
}

#[derive(Debug)]
pub struct Transaction {
    pub intent: Intent,
    pub until_epoch: Option<u32>,
    pub outcome: Option<Outcome>,
    withdrawn: bool,
}

/// How often what goes wrong, in percent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trouble {
    pub job_fails: u64,
    pub crash: u64,
    pub transaction_delayed: u64,
    pub transaction_lost: u64,
    pub answer_lost: u64,
    pub withdrawal_fails: u64,
}

#[derive(Debug, Default)]
pub struct Machine {
    pub disk: Disk,
    /// What does not survive: jobs and when they end, who answers.
    pub jobs: Vec<(Job, Timestamp)>,
    pub running: BTreeSet<WorkerIdentity>,
    /// What the reconciler is to be told.
    pub news: Vec<Event>,
    pub timer: Option<Timestamp>,
    pub trouble: Trouble,
    pub jobs_done: usize,
    pub seed: u64,
}

impl Machine {
    /// Performs an effect.
    pub fn perform(&mut self, effect: Effect, now: Timestamp, dice: &mut Dice) {
        match effect {
            Effect::Persist(batch) => self.persist(&batch),
            Effect::Do(job) => self.begin(job, now, dice),
            Effect::Run { worker, run: true } => {
                assert!(
                    self.disk
                        .workers
                        .get(&worker)
                        .is_some_and(|found| found.whole),
                    "seed {}: a worker runs that is not installed: {worker:?}",
                    self.seed
                );
                self.running.insert(worker);
            }
            Effect::Run { worker, run: false } => {
                self.running.remove(&worker);
            }
            Effect::Submit {
                key,
                intent,
                until_epoch,
            } => self.submit(key, intent, until_epoch),
            Effect::Abandon { key } => match self.disk.transactions.get_mut(&key) {
                None => self.answer(key, lost("it was never sent")),
                Some(Transaction {
                    outcome: Some(outcome),
                    ..
                }) => {
                    let outcome = outcome.clone();
                    self.answer(key, outcome);
                }
                Some(transaction) => transaction.withdrawn = true,
            },
            Effect::SetTimer { at } => self.timer = Some(at),
        }
    }

    fn persist(&mut self, batch: &Batch) {
        for write in &batch.writes {
            match write {
                Write::Put { key, value } => {
                    self.disk.records.insert(key.clone(), value.clone());
                }
                Write::Delete { key } => {
                    self.disk.records.remove(key);
                }
                Write::DeletePrefix { prefix } => {
                    self.disk.records.retain(|key, _| !key.starts_with(prefix));
                }
            }
        }
    }

    fn begin(&mut self, job: Job, now: Timestamp, dice: &mut Dice) {
        let of_same = |other: &Job| other.worker == job.worker;
        if job.work == Work::Remove {
            self.jobs
                .retain(|(other, _)| !of_same(other) || other.work == Work::Remove);
            self.running.remove(&job.worker);
        }
        if let Some((other, _)) = self.jobs.iter().find(|(other, _)| of_same(other)) {
            // The deal may have named other code before the first came.
            let fetching = matches!(other.work, Work::Fetch(_));
            assert!(
                other.work == job.work || fetching,
                "seed {}: {:?} while {:?}",
                self.seed,
                job.work,
                other.work
            );
            if other.work == job.work {
                return;
            }
        }
        if let Work::Install(_) = job.work {
            let twin = self
                .disk
                .workers
                .keys()
                .find(|found| found.worker == job.worker.worker && **found != job.worker);
            assert_eq!(twin, None, "seed {}: two workers for one name", self.seed);
        }
        let takes = dice.roll(40_000) as u64;
        self.jobs.push((job, now.plus(takes)));
    }

    /// Ends the jobs whose time has come.
    pub fn work(&mut self, now: Timestamp, dice: &mut Dice) {
        let (due, rest) = self.jobs.drain(..).partition(|(_, at)| *at <= now);
        self.jobs = rest;
        let due: Vec<(Job, Timestamp)> = due;
        for (job, _) in due {
            let event = match self.finish(&job, dice) {
                Ok(()) => Event::Done {
                    worker: job.worker,
                    work: job.work,
                },
                Err((reason, permanent)) => Event::Failed {
                    worker: job.worker,
                    work: job.work,
                    reason,
                    permanent,
                },
            };
            self.jobs_done += 1;
            self.news.push(event);
        }
    }

    fn finish(&mut self, job: &Job, dice: &mut Dice) -> Result<(), (String, bool)> {
        let fails = dice.percent(self.trouble.job_fails);
        let here = self.disk.workers.get(&job.worker);
        let here = here.filter(|found| found.whole).map(|found| found.code);
        match job.work {
            // It was done before a crash.
            Work::Install(wanted) | Work::Swap(wanted) if here == Some(wanted) => {}
            Work::Fetch(wanted) => {
                if (666..700).any(|number| code(number) == wanted) {
                    return Err((
                        "the modules do not hash to what the deal says".to_owned(),
                        true,
                    ));
                }
                if fails {
                    return Err(("no peer has the package".to_owned(), false));
                }
                self.disk.packages.insert(wanted);
            }
            Work::Install(wanted) => {
                assert!(self.disk.packages.contains(&wanted), "fetched before");
                if fails {
                    return Err(("no room for compiled code".to_owned(), false));
                }
                let whole = true;
                let made = Installed {
                    code: wanted,
                    whole,
                };
                self.disk.workers.insert(job.worker, made);
            }
            Work::Swap(wanted) => {
                assert!(self.disk.packages.contains(&wanted), "fetched before");
                if fails {
                    return Err(("no room for compiled code".to_owned(), false));
                }
                let worker = self.disk.workers.get_mut(&job.worker);
                worker.expect("what is swapped is installed").code = wanted;
            }
            Work::Remove => {
                if fails {
                    return Err(("a file is in use".to_owned(), false));
                }
                self.disk.workers.remove(&job.worker);
            }
        }
        Ok(())
    }

    fn submit(&mut self, key: TransactionKey, intent: Intent, until_epoch: Option<u32>) {
        let transaction = self.disk.transactions.entry(key).or_insert(Transaction {
            intent: intent.clone(),
            until_epoch,
            outcome: None,
            withdrawn: false,
        });
        assert_eq!(
            (&transaction.intent, transaction.until_epoch),
            (&intent, until_epoch),
            "seed {}: one key, two contents",
            self.seed
        );
        if let Some(outcome) = transaction.outcome.clone() {
            self.answer(key, outcome);
        }
    }

    fn answer(&mut self, key: TransactionKey, outcome: Outcome) {
        self.news.push(Event::Transaction { key, outcome });
    }

    /// Brings transactions into the present block.
    pub fn mine(&mut self, market: &mut Market, dice: &mut Dice) {
        let block = market.block();
        let waiting: Vec<TransactionKey> = self
            .disk
            .transactions
            .iter()
            .filter(|(_, transaction)| transaction.outcome.is_none())
            .map(|(key, _)| *key)
            .collect();
        for key in waiting {
            let transaction = &self.disk.transactions[&key];
            let late = transaction
                .until_epoch
                .is_some_and(|until| market.epoch() > until);
            let outcome = if late
                || (transaction.withdrawn && !dice.percent(self.trouble.withdrawal_fails))
            {
                lost("it was of no use any more")
            } else if dice.percent(self.trouble.transaction_delayed) {
                continue;
            } else if dice.percent(self.trouble.transaction_lost) {
                lost("its nonce was used by another")
            } else {
                let intent = transaction.intent.clone();
                match market.execute(key, &intent) {
                    Ok(()) => {
                        self.check_activation(&intent);
                        Outcome::Mined { block }
                    }
                    Err(reason) => Outcome::Reverted { block, reason },
                }
            };
            if let Some(transaction) = self.disk.transactions.get_mut(&key) {
                transaction.outcome = Some(outcome.clone());
            }
            if !dice.percent(self.trouble.answer_lost) {
                self.answer(key, outcome);
            }
        }
    }

    /// Nobody pays for a worker whose services are not there.
    pub fn check_activation(&self, intent: &Intent) {
        if let Intent::Activate { worker, identity } = intent {
            let whole = self.disk.workers.iter().any(|(found, installed)| {
                found.worker == *worker && found.peer == *identity && installed.whole
            });
            assert!(whole, "seed {}: activated without services", self.seed);
        }
    }

    /// The process dies. What a job had done, or half of it, may be on disk without anybody knowing.
    pub fn crash(&mut self, dice: &mut Dice) {
        for (job, _) in std::mem::take(&mut self.jobs) {
            match (dice.roll(3), job.work) {
                (0, _) => {
                    let _ = self.finish(&job, dice);
                }
                (1, Work::Install(code)) => {
                    let made = Installed { code, whole: false };
                    self.disk.workers.insert(job.worker, made);
                }
                _ => {}
            }
        }
        self.running.clear();
        self.news.clear();
        self.timer = None;
    }
}

fn lost(reason: &str) -> Outcome {
    Outcome::Lost {
        reason: reason.to_owned(),
    }
}
