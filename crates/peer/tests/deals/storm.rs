//! Random markets, failures, reorganisations and crashes. A failing seed is named in the panic and gives the same run
//! again.

use std::collections::BTreeMap;

use weir_peer::deals::{Outcome, Policy, Unfunded, WorkerStatus};

use crate::machine::Trouble;
use crate::market::{ACTIVATION_EPOCHS, Deal, EPOCH_BLOCKS, Market, REORG_BLOCKS, code, customer};
use crate::world::{Dice, World, policy};

const SEEDS: u64 = 300;

/// What customers and rivals do in one block.
fn disturb(market: &mut Market, dice: &mut Dice) {
    let deals = market.state().deals.len() as u64;
    let any = |dice: &mut Dice| 1 + dice.roll(deals.max(1)) as u64;
    match dice.roll(40) {
        0 | 1 if deals < 12 => {
            let mut deal = Deal::new(code(dice.roll(50) as u32));
            deal.units = 1 + dice.roll(3) as u8;
            deal.price = u128::from(deal.units) * (90 + dice.roll(60) as u128);
            deal.open = dice.roll(3) == 0;
            if dice.roll(10) == 0 {
                deal.code = code(666);
            }
            if dice.roll(10) == 0 {
                deal.owner = customer(13);
            }
            market.state_mut().deals.insert(deals + 1, deal);
        }
        2..=5 if deals > 0 => {
            let _ = market.match_deal(any(dice));
        }
        6 if deals > 0 => market.end_deal(any(dice)),
        7 if deals > 0 => {
            let new = if dice.roll(8) == 0 {
                667
            } else {
                dice.roll(50)
            };
            market.set_version(any(dice), code(new as u32));
        }
        8 | 9 if deals > 0 => {
            let id = any(dice);
            if let Some(deal) = market.state_mut().deals.get_mut(&id) {
                deal.funded_epochs = [0, 50][dice.roll(2)];
            }
        }
        10 if deals > 0 => {
            // A rival takes the place, or leaves it.
            let id = any(dice);
            let taken = market.worker_of(id).is_some();
            if let Some(deal) = market.state_mut().deals.get_mut(&id)
                && !taken
            {
                deal.places = dice.roll(2) as u32;
            }
        }
        _ => {}
    }
}

fn storm(seed: u64) -> World {
    let mut dice = Dice(seed ^ 0xdea1);
    let mut rules = Policy {
        claims: dice.roll(3),
        unfunded: [Unfunded::Stop, Unfunded::Serve][dice.roll(2)],
        leave_unfunded_epochs: [None, Some(2)][dice.roll(2)],
        kept_workers: 1 + dice.roll(4),
        ..policy()
    };
    rules.customers = weir_peer::deals::Rule::Except([customer(13)].into());
    let mut world = World::new(seed, rules);
    world.machine.trouble = Trouble {
        job_fails: [0, 10, 50][dice.roll(3)],
        crash: [0, 2, 10][dice.roll(3)],
        transaction_delayed: [0, 50, 80][dice.roll(3)],
        transaction_lost: [0, 20][dice.roll(2)],
        answer_lost: [0, 30][dice.roll(2)],
        withdrawal_fails: [0, 50, 90][dice.roll(3)],
    };
    world.views_lost = [0, 30, 80][dice.roll(3)];
    let reorganises = [0, 4][dice.roll(2)];
    for _ in 0..160 + dice.roll(160) {
        world.block(disturb);
        if world.dice.percent(reorganises) {
            let blocks = 1 + world.dice.roll(REORG_BLOCKS) as u64;
            world.reorganise(blocks);
        }
    }
    world
}

/// What must hold at any time when nothing is under way.
fn review(world: &World, what: &str) {
    let seed = world.machine.seed;
    let epoch = world.market.epoch();
    for (id, worker) in &world.market.state().workers {
        if worker.status == WorkerStatus::Over {
            continue;
        }
        let ended = world.market.end_of(worker).is_some_and(|end| end <= epoch);
        // A place may have been claimed a moment ago.
        let late = match worker.status {
            WorkerStatus::Matched { deadline } => deadline != epoch + ACTIVATION_EPOCHS,
            _ => false,
        };
        let over = ended || late;
        assert!(
            !over,
            "seed {seed}, {what}: {id} of deal {} holds its units: {worker:?}\n{}",
            worker.deal,
            world.report()
        );
    }
    for worker in world.machine.disk.workers.keys() {
        let known = world
            .deals
            .records()
            .any(|record| record.identity == *worker);
        assert!(known, "seed {seed}, {what}: {worker:?} was forgotten");
    }
}

/// A few epochs, up to the middle of one: what is due at an epoch's begin has been done.
fn rest(world: &mut World) {
    let rest = EPOCH_BLOCKS - world.market.block() % EPOCH_BLOCKS;
    world.blocks(3 * EPOCH_BLOCKS + rest + EPOCH_BLOCKS / 2);
}

/// Nothing fails any more, and nobody changes anything but what is due.
fn calm(world: &mut World) {
    world.machine.trouble = Trouble::default();
    world.views_lost = 0;
    rest(world);
    review(world, "after the storm");
    // Whoever is not served and could be, is matched anew.
    let deals: Vec<u64> = world.market.state().deals.keys().copied().collect();
    let mut chosen = Vec::new();
    for id in deals {
        let deal = &world.market.state().deals[&id];
        let good = deal.end_epoch.is_none()
            && deal.price >= 100 * u128::from(deal.units)
            && deal.owner != customer(13)
            && ![code(666), code(667)].contains(&deal.code);
        if !good {
            continue;
        }
        let live = world
            .market
            .state()
            .workers
            .values()
            .filter(|worker| worker.status != WorkerStatus::Over);
        let used: u32 = live
            .map(|worker| u32::from(world.market.state().deals[&worker.deal].units))
            .sum();
        let fits = used + u32::from(deal.units) <= world.policy.units;
        let deal = world.market.state_mut().deals.get_mut(&id).unwrap();
        (deal.funded_epochs, deal.places) = (50, 1);
        // There may be no row of so many units.
        if fits && world.market.worker_of(id).is_none() && world.market.match_deal(id).is_ok() {
            chosen.push(id);
        }
    }
    rest(world);
    review(world, "after calm");
    let seed = world.machine.seed;
    if world.policy.claims == 0 {
        // Nothing else took the room.
        for id in chosen {
            assert!(
                world.serves(id),
                "seed {seed}: deal {id} was matched and is not served\n{}",
                world.report()
            );
        }
    }
    for worker in world.market.state().workers.values() {
        if worker.status != WorkerStatus::Active {
            continue;
        }
        assert!(
            world.serves(worker.deal),
            "seed {seed}: deal {} is not served: {worker:?}\n{}",
            worker.deal,
            world.report()
        );
    }
}

/// The customers end everything.
fn end(world: &mut World) {
    let deals: Vec<u64> = world.market.state().deals.keys().copied().collect();
    world.block(|market, _| deals.iter().for_each(|id| market.end_deal(*id)));
    let blocks = 3 * EPOCH_BLOCKS + world.timing.keep_ms / crate::market::BLOCK_MS + 20;
    world.blocks(blocks);
    let seed = world.machine.seed;
    review(world, "at the end");
    assert_eq!(
        world.deals.records().count(),
        0,
        "seed {seed}: {}",
        world.report()
    );
    assert!(world.machine.disk.workers.is_empty(), "seed {seed}");
    assert!(world.machine.running.is_empty(), "seed {seed}");
}

#[test]
fn whatever_happens_deals_are_served_or_given_back_and_nothing_is_left() {
    let (mut served, mut crashes, mut jobs) = (0, 0, 0);
    let mut sent = BTreeMap::new();
    for seed in 0..SEEDS {
        let mut world = storm(seed);
        calm(&mut world);
        served += world.machine.running.len();
        crashes += world.crashes;
        jobs += world.machine.jobs_done;
        end(&mut world);
        for transaction in world.machine.disk.transactions.values() {
            let outcome = match transaction.outcome {
                Some(Outcome::Mined { .. }) => "mined",
                Some(Outcome::Reverted { .. }) => "reverted",
                Some(Outcome::Lost { .. }) => "lost",
                None => "open",
            };
            *sent
                .entry((transaction.intent.name(), outcome))
                .or_insert(0) += 1;
        }
    }
    // The storm is one.
    assert!(served > 300, "{served} workers served");
    assert!(crashes > 400, "{crashes} crashes");
    for intent in [
        "the activation",
        "declining the match",
        "the notice",
        "the claim",
    ] {
        for outcome in ["mined", "reverted", "lost"] {
            let count = sent.get(&(intent, outcome)).copied().unwrap_or(0);
            assert!(count > 0, "no case of {intent} {outcome}");
        }
    }
    println!("{served} workers served, {crashes} crashes, {jobs} jobs, {sent:?}");
}
