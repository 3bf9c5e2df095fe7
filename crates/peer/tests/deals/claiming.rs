//! Places in open deals.

use expect_test::expect;
use weir_peer::deals::{Outcome, Policy};

use crate::market::{Deal, EPOCH_BLOCKS, code};
use crate::world::{World, policy};

#[test]
fn of_two_peers_that_claim_one_place_the_loser_lets_go() {
    let rules = Policy {
        claims: 1,
        ..policy()
    };
    let mut world = World::new(1, rules);
    let mut deal = Deal::new(code(1));
    deal.open = true;
    world.block(|market, _| {
        market.state_mut().deals.insert(1, deal);
    });
    assert_eq!(world.deals.claims().count(), 1);
    world.block(|market, _| {
        market.state_mut().deals.get_mut(&1).unwrap().places = 0;
    });
    expect![[r#"
        deal 1: claim failed; the claim failed: FilterFailed(12); it is left alone for 51 s
    "#]]
    .assert_eq(&world.report());
    assert_eq!(world.deals.records().count(), 0);
    // The rival leaves, and after a pause the place is claimed again.
    world.block(|market, _| {
        market.state_mut().deals.get_mut(&1).unwrap().places = 1;
    });
    world.blocks(EPOCH_BLOCKS);
    assert!(world.serves(1), "{}", world.report());
    assert_eq!(world.deals.claims().count(), 0);
}

#[test]
fn deals_that_are_not_claimed_are_named_with_the_reason() {
    let rules = Policy {
        claims: 1,
        ..policy()
    };
    let mut world = World::new(1, rules);
    let mut deal = Deal::new(code(1));
    (deal.open, deal.price) = (true, 9);
    world.block(|market, _| {
        market.state_mut().deals.insert(1, deal);
    });
    expect![[r#"
        deal 1: not claimed; it pays 9 for a unit and epoch, the policy asks for at least 100 (`prices`)
    "#]].assert_eq(&world.report());
}

#[test]
fn claims_take_rows_of_free_units() {
    let rules = Policy {
        claims: 3,
        ..policy()
    };
    let mut world = World::new(1, rules);
    world.block(|market, _| {
        for id in 1..=4 {
            let mut deal = Deal::new(code(id as u32));
            (deal.open, deal.units, deal.price) = (true, 2, 200);
            market.state_mut().deals.insert(id, deal);
        }
    });
    assert_eq!(world.deals.claims().count(), 3);
    world.blocks(EPOCH_BLOCKS);
    let served = (1..=4).filter(|id| world.serves(*id));
    assert_eq!(served.count(), 3, "{}", world.report());
    let outcomes = world.machine.disk.transactions.values();
    let mined = |outcome: &Option<Outcome>| matches!(outcome, Some(Outcome::Mined { .. }));
    assert!(outcomes.map(|found| &found.outcome).all(mined));
    expect![[r#"
        deal 1: serving
        deal 2: serving
        deal 3: serving
        deal 4: not claimed; it needs 2 compute units, 0 are free (of those of the policy, `units`, and the commitment)
    "#]].assert_eq(&world.report());
}
