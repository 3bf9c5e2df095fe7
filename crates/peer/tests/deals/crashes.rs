//! One crash, before each effect of a whole life of a deal.

use weir_peer::deals::{Outcome, Policy};

use crate::market::{BLOCK_MS, Deal, EPOCH_BLOCKS, code};
use crate::world::{World, policy};

/// An open deal is claimed, served, gets new code, and ends; another one is matched and declined.
fn life(seed: u64, delayed: u64, dies_before: Option<usize>) -> World {
    let rules = Policy {
        claims: 1,
        ..policy()
    };
    let mut world = World::new(seed, rules);
    world.dies_before = dies_before;
    world.machine.trouble.transaction_delayed = delayed;
    let case = format!("seed {seed}, crash before effect {dies_before:?}");
    world.block(|market, _| {
        let mut open = Deal::new(code(1));
        open.open = true;
        let mut poor = Deal::new(code(9));
        poor.price = 1;
        market.state_mut().deals.extend([(1, open), (2, poor)]);
        market.match_deal(2).expect("there is room");
    });
    world.blocks(EPOCH_BLOCKS);
    assert!(world.serves(1), "{case}: {}", world.report());
    assert!(world.market.worker_of(2).is_none(), "{case}");
    world.block(|market, _| market.set_version(1, code(2)));
    world.blocks(EPOCH_BLOCKS + 10);
    assert!(world.serves(1), "{case}: {}", world.report());
    world.block(|market, _| market.end_deal(1));
    world.blocks(3 * EPOCH_BLOCKS);
    assert!(
        world.market.worker_of(1).is_none(),
        "{case}: {}",
        world.report()
    );
    assert_eq!(
        world.machine.disk.workers.len(),
        1,
        "{case}: its data is kept"
    );
    world.blocks(world.timing.keep_ms / BLOCK_MS + 20);
    assert!(world.machine.disk.workers.is_empty(), "{case}");
    assert_eq!(
        world.deals.records().count(),
        0,
        "{case}: {}",
        world.report()
    );
    assert_eq!(
        world.deals.claims().count(),
        0,
        "{case}: {}",
        world.report()
    );
    world
}

#[test]
fn a_crash_before_any_effect_changes_nothing_of_a_deals_life() {
    for (seed, delayed) in (0..20).map(|seed| (seed, seed % 2 * 60)) {
        let calm = life(seed, delayed, None);
        let mined = |world: &World| {
            let transactions = world.machine.disk.transactions.values();
            transactions
                .filter(|found| matches!(found.outcome, Some(Outcome::Mined { .. })))
                .count()
        };
        for effect in 1..=calm.effects {
            let world = life(seed, delayed, Some(effect));
            assert_eq!(world.crashes, 1, "seed {seed}, effect {effect}");
            // The claim, the activation, the release; declining the other.
            assert_eq!(mined(&world), 4, "seed {seed}, effect {effect}");
            assert_eq!(world.machine.disk.transactions.len(), 4);
        }
    }
}
