//! A market, a machine and the reconciler between them, in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_identity::Keypair;
use weir_peer::Timestamp;
use weir_peer::deals::{Event, Phase, Policy, Reconciler, Record, Stand, Timing, WorkerStatus};

use crate::machine::Machine;
use crate::market::{BLOCK_MS, Deal, EPOCH_BLOCKS, Market, REORG_BLOCKS, START, code, token};

/// SplitMix64.
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides) as usize
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        chance > 0 && (self.roll(100) as u64) < chance
    }
}

/// Steps of the machine in one block.
const SLICES: u64 = 4;

pub struct World {
    pub market: Market,
    pub machine: Machine,
    pub deals: Reconciler,
    pub now: Timestamp,
    pub dice: Dice,
    pub policy: Policy,
    pub timing: Timing,
    /// Views that do not arrive, in percent.
    pub views_lost: u64,
    pub crashes: usize,
    /// Whether the present process has seen a view.
    has_looked: bool,
    /// Effects so far, and before which of them the process dies.
    pub effects: usize,
    pub dies_before: Option<usize>,
    key: Arc<Keypair>,
}

pub fn policy() -> Policy {
    Policy {
        prices: BTreeMap::from([(token(), 100)]),
        workers: 8,
        units: 6,
        ..Policy::default()
    }
}

pub fn timing() -> Timing {
    Timing {
        reorg_blocks: REORG_BLOCKS,
        keep_ms: 600_000,
        retry_ms: 5_000,
        retry_max_ms: 60_000,
        repeat_ms: 30_000,
        decline_ms: 24_000,
        claim_pause_ms: 60_000,
        stale_ms: 120_000,
    }
}

impl World {
    pub fn new(seed: u64, policy: Policy) -> Self {
        let mut secret = [7; 32];
        secret[1] = 1;
        let key = Arc::new(Keypair::from_secret(&secret).unwrap());
        let timing = timing();
        let mut world = World {
            market: Market::new(8),
            machine: Machine {
                seed,
                ..Machine::default()
            },
            deals: Reconciler::new(key.clone(), policy.clone(), timing.clone()),
            now: START,
            dice: Dice(seed),
            policy,
            timing,
            views_lost: 0,
            crashes: 0,
            has_looked: false,
            effects: 0,
            dies_before: None,
            key,
        };
        world.handle(Event::Started);
        world
    }

    /// Gives an event and performs what follows; the process may die before any effect.
    pub fn handle(&mut self, event: Event) {
        self.has_looked |= matches!(event, Event::View(_));
        let effects = self.deals.handle(event, self.now);
        self.check_capacity();
        for effect in effects {
            self.effects += 1;
            let dies = self.dies_before == Some(self.effects);
            if dies || self.dice.percent(self.machine.trouble.crash) {
                return self.crash();
            }
            self.machine.perform(effect, self.now, &mut self.dice);
        }
        self.check_timer();
    }

    /// Whatever waits for a moment is woken at it.
    fn check_timer(&self) {
        let pauses = self
            .deals
            .records()
            .filter_map(|record| match record.stand {
                // An activation without outcome is waited for.
                Stand::Over { .. } if record.chain.pending.is_some() => None,
                Stand::Over { keep_until } if matches!(record.phase, Phase::Installed { .. }) => {
                    Some(keep_until)
                }
                _ => (record.retry_at > self.now).then_some(record.retry_at),
            });
        let due = pauses.min().filter(|_| self.has_looked);
        let seed = self.machine.seed;
        assert!(
            due.is_none_or(|due| self.machine.timer.is_some_and(|timer| timer <= due)),
            "seed {seed}: due at {due:?}, timer at {:?}",
            self.machine.timer
        );
    }

    pub fn crash(&mut self) {
        self.crashes += 1;
        self.has_looked = false;
        self.machine.crash(&mut self.dice);
        let records = self.machine.disk.records.clone();
        self.deals = Reconciler::restore(
            self.key.clone(),
            self.policy.clone(),
            self.timing.clone(),
            records,
        )
        .expect("what was written can be read");
        self.handle(Event::Started);
    }

    fn check_capacity(&self) {
        let wanted = self
            .deals
            .records()
            .filter(|record| record.stand == Stand::Wanted);
        let (units, workers) = wanted.fold((0, 0), |(units, workers), record| {
            (units + u32::from(record.units), workers + 1)
        });
        let seed = self.machine.seed;
        assert!(units <= self.policy.units, "seed {seed}: {units} units");
        assert!(
            workers <= self.policy.workers,
            "seed {seed}: {workers} workers"
        );
    }

    /// One block, in which `moves` changes the market.
    pub fn block(&mut self, moves: impl FnOnce(&mut Market, &mut Dice)) {
        self.market.mine();
        moves(&mut self.market, &mut self.dice);
        self.machine.mine(&mut self.market, &mut self.dice);
        if !self.dice.percent(self.views_lost) {
            self.look();
        }
        for _ in 0..SLICES {
            self.now = self.now.plus(BLOCK_MS / SLICES);
            self.machine.work(self.now, &mut self.dice);
            self.settle();
        }
    }

    /// Gives the view of the present block.
    pub fn look(&mut self) {
        let crashes = self.crashes;
        self.handle(Event::View(Arc::new(self.market.view())));
        if crashes == self.crashes {
            self.check_running();
        }
    }

    /// Who answers, is paid for it and runs code of the deal.
    fn check_running(&self) {
        let seed = self.machine.seed;
        let epoch = self.market.epoch();
        for found in &self.machine.running {
            let seen = self.market.state().workers.get(&found.worker);
            let seen = seen.unwrap_or_else(|| panic!("seed {seed}: {found:?} runs unseen"));
            let ends = self.market.end_of(seen).unwrap_or(u32::MAX);
            let code = self.machine.disk.workers[found].code;
            let deal = self.market.deal_view(seen.deal);
            assert!(
                matches!(seen.status, WorkerStatus::Active | WorkerStatus::Notice)
                    && epoch < ends
                    && deal.permits(&code, epoch),
                "seed {seed}: {found:?} runs {code:?} as {seen:?} of {deal:?}"
            );
        }
    }

    /// Gives news in any order, and the timer when it is due.
    fn settle(&mut self) {
        while !self.machine.news.is_empty() {
            let index = self.dice.roll(self.machine.news.len() as u64);
            let event = self.machine.news.swap_remove(index);
            self.handle(event);
        }
        if self.machine.timer.is_some_and(|at| at <= self.now) {
            self.machine.timer = None;
            self.handle(Event::Timer);
        }
    }

    pub fn blocks(&mut self, count: u64) {
        for _ in 0..count {
            self.block(|_, _| {});
        }
    }

    /// Undoes blocks; their transactions come into the next block again or never.
    pub fn reorganise(&mut self, blocks: u64) {
        let undone = self.market.undo(blocks);
        self.market.mine();
        for (key, intent) in undone {
            if self.dice.percent(70) && self.market.execute(key, &intent).is_ok() {
                self.machine.check_activation(&intent);
            }
        }
    }

    pub fn record(&self, deal: u64) -> Option<&Record> {
        self.deals.records().find(|record| record.deal == deal)
    }

    pub fn status(&self, deal: u64) -> Option<WorkerStatus> {
        self.market.worker_of(deal).map(|(_, worker)| worker.status)
    }

    /// Whether a deal's worker is active on the chain and answers with the code of the deal.
    pub fn serves(&self, deal: u64) -> bool {
        let Some((id, worker)) = self.market.worker_of(deal) else {
            return false;
        };
        let code = self.market.deal_view(deal).code_at(self.market.epoch());
        worker.status == WorkerStatus::Active
            && self.machine.running.iter().any(|found| {
                found.worker == id
                    && worker.key == Some(found.peer.address())
                    && self.machine.disk.workers[found].code == code
            })
    }

    /// What `report` says, one line for each deal.
    pub fn report(&self) -> String {
        let report = self.deals.report(self.now);
        let mut text = String::new();
        for why in report.why {
            text += &format!("{why}\n");
        }
        for line in report.deals {
            text += &format!("deal {}: {}", line.deal, line.state);
            for why in line.why {
                text += &format!("; {why}");
            }
            text.push('\n');
        }
        text
    }
}

/// A world with deal 1, for which this peer is matched.
pub fn matched(deal: Deal) -> World {
    let mut world = World::new(1, policy());
    world.block(|market, _| {
        market.state_mut().deals.insert(1, deal);
        market.match_deal(1).expect("there is room");
    });
    world
}

/// One that serves deal 1.
pub fn serving() -> World {
    let mut world = matched(Deal::new(code(1)));
    for _ in 0..EPOCH_BLOCKS {
        if world.serves(1) {
            return world;
        }
        world.blocks(1);
    }
    panic!("not served in an epoch: {}", world.report());
}
