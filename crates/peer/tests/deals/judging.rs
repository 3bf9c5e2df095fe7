//! Which deals are taken: a change of a good deal on the left, the answer on the right.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use weir_identity::Hash;
use weir_peer::deals::{DealStatus, DealView, Policy, Room, Rule, judge};

use crate::market::{Deal, Market, code, customer, token};
use crate::world::policy;

fn good() -> DealView {
    let mut market = Market::new(8);
    market.state_mut().deals.insert(1, Deal::new(code(1)));
    market.deal_view(1)
}

const ROOM: Room = Room {
    units: 4,
    workers: 2,
};

fn check(policy: &Policy, room: Room, change: impl FnOnce(&mut DealView), expected: &Expect) {
    let mut deal = good();
    change(&mut deal);
    let answer = match judge(policy, room, &deal, 5) {
        Ok(()) => "taken".to_owned(),
        Err(refusal) => refusal.to_string(),
    };
    expected.assert_eq(&answer);
}

#[test]
fn deals_are_taken_or_refused_with_a_reason() {
    let rules = Policy {
        capabilities: [Hash::new([1; 32])].into(),
        ..policy()
    };
    let judged = |change: fn(&mut DealView), expected: Expect| {
        check(&rules, ROOM, change, &expected);
    };
    judged(|_| {}, expect!["taken"]);
    judged(
        |deal| deal.status = DealStatus::Ended,
        expect!["the customer ended the deal"],
    );
    judged(|deal| deal.status = DealStatus::Open, expect!["taken"]);
    judged(
        |deal| deal.price = 99,
        expect!["it pays 99 for a unit and epoch, the policy asks for at least 100 (`prices`)"],
    );
    judged(
        |deal| (deal.price, deal.units) = (399, 4),
        expect!["it pays 99 for a unit and epoch, the policy asks for at least 100 (`prices`)"],
    );
    judged(|deal| (deal.price, deal.units) = (400, 4), expect!["taken"]);
    judged(
        |deal| (deal.price, deal.units) = (500, 5),
        expect![
            "it needs 5 compute units, 4 are free (of those of the policy, `units`, and the commitment)"
        ],
    );
    judged(|deal| deal.units = 0, expect!["taken"]);
    judged(
        |deal| deal.token = customer(9),
        expect![
            "it pays in token 0x0909090909090909090909090909090909090909, for which the policy names no least price (`prices`)"
        ],
    );
    judged(
        |deal| deal.funded_epochs = 0,
        expect![
            "its balance lasts for 0 more epochs, the policy asks for at least 1 (`funded_epochs`)"
        ],
    );
    judged(
        |deal| deal.capabilities = vec![Hash::new([1; 32])],
        expect!["taken"],
    );
    judged(
        |deal| deal.capabilities = vec![Hash::new([1; 32]), Hash::new([2; 32])],
        expect![
            "it needs the capability 0x0202020202020202020202020202020202020202020202020202020202020202, which the policy does not name (`capabilities`)"
        ],
    );
}

#[test]
fn absurd_numbers_are_judged_like_others() {
    let judged = |change: fn(&mut DealView), expected: Expect| {
        check(&policy(), ROOM, change, &expected);
    };
    judged(|deal| deal.price = u128::MAX, expect!["taken"]);
    judged(
        |deal| deal.price = 0,
        expect!["it pays 0 for a unit and epoch, the policy asks for at least 100 (`prices`)"],
    );
    judged(
        |deal| (deal.price, deal.units) = (u128::MAX, u8::MAX),
        expect![
            "it needs 255 compute units, 4 are free (of those of the policy, `units`, and the commitment)"
        ],
    );
    judged(
        |deal| (deal.funded_epochs, deal.term_epochs) = (u32::MAX, u16::MAX),
        expect!["taken"],
    );
    judged(
        |deal| (deal.former, deal.code_epoch) = (Some(code(2)), u32::MAX),
        expect!["taken"],
    );
    let greedy = Policy {
        prices: BTreeMap::from([(token(), u128::MAX)]),
        ..policy()
    };
    check(
        &greedy,
        ROOM,
        |deal| deal.price = u128::MAX - 1,
        &expect![
            "it pays 340282366920938463463374607431768211454 for a unit and epoch, the policy asks for at least 340282366920938463463374607431768211455 (`prices`)"
        ],
    );
}

#[test]
fn a_policy_names_customers_and_packages() {
    let only = Policy {
        customers: Rule::Only([customer(2)].into()),
        ..policy()
    };
    check(
        &only,
        ROOM,
        |_| {},
        &expect![
            "customer 0x0101010101010101010101010101010101010101 is not admitted by the policy (`customers`)"
        ],
    );
    check(
        &only,
        ROOM,
        |deal| deal.owner = customer(2),
        &expect!["taken"],
    );
    let except = Policy {
        customers: Rule::Except([customer(2)].into()),
        packages: Rule::Except([code(3).package].into()),
        ..policy()
    };
    check(
        &except,
        ROOM,
        |deal| deal.owner = customer(2),
        &expect![
            "customer 0x0202020202020202020202020202020202020202 is not admitted by the policy (`customers`)"
        ],
    );
    check(
        &except,
        ROOM,
        |deal| deal.code = code(3),
        &expect![
            "package bafkreieidborfdmzelqonpgtfmd3nr7sb4tzndvlir5b3di434sq66px2m is not admitted by the policy (`packages`)"
        ],
    );
    // Code that comes with the next epoch counts already.
    let coming = |deal: &mut DealView| {
        (deal.former, deal.code, deal.code_epoch) = (Some(deal.code), code(3), 6);
    };
    check(
        &except,
        ROOM,
        coming,
        &expect![
            "package bafkreieidborfdmzelqonpgtfmd3nr7sb4tzndvlir5b3di434sq66px2m is not admitted by the policy (`packages`)"
        ],
    );
}

#[test]
fn a_full_machine_takes_nothing() {
    let full = |units, workers| Room { units, workers };
    check(
        &policy(),
        full(0, 1),
        |_| {},
        &expect![
            "it needs 1 compute units, 0 are free (of those of the policy, `units`, and the commitment)"
        ],
    );
    check(
        &policy(),
        full(1, 0),
        |_| {},
        &expect!["there are 8 workers, which is the most that the policy allows (`workers`)"],
    );
}

#[test]
fn whoever_names_no_prices_takes_nothing() {
    check(
        &Policy::default(),
        ROOM,
        |_| {},
        &expect![
            "it pays in token 0x7070707070707070707070707070707070707070, for which the policy names no least price (`prices`)"
        ],
    );
    let free = Policy {
        prices: BTreeMap::from([(token(), 0)]),
        ..Policy::default()
    };
    check(&free, ROOM, |deal| deal.price = 0, &expect!["taken"]);
}
