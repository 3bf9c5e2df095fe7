// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {NotOwner} from "../src/Module.sol";
import {BadBounds, DepositTooSmall, Ended, FilterFailed, HasWorkers} from "../src/market/MarketErrors.sol";
import {Deal, Entry} from "../src/market/MarketStorage.sol";
import {Town} from "./Town.sol";

/// How many workers a deal has when its owner wants another number.
contract SizesTest is Town {
    address[] private peers;

    function setUp() public override {
        super.setUp();
        peers = settleDown(alice, 1, 3, 4, 100);
    }

    function resize(uint64 dealId, uint16 min, uint16 target) private {
        vm.prank(customer);
        desk.resizeDeal(dealId, min, target);
    }

    function refuses(uint64 dealId, uint16 min, uint16 target, bytes memory reason) private {
        vm.expectRevert(reason);
        resize(dealId, min, target);
    }

    /// A deal of two workers, which may have more of one provider.
    function dealOfTwo(uint16 min) private returns (uint64 dealId, bytes32 first, bytes32 second) {
        dealId = createDeal(min, 3, 20e18);
        resize(dealId, min, 2);
        first = matchOne(dealId, peers[0], 0);
        second = matchOne(dealId, peers[1], 0);
        activate(first);
        activate(second);
        pass(1);
    }

    function full(uint64 dealId, address peer) private {
        Entry[] memory entries = new Entry[](1);
        entries[0] = Entry(peer, 0);
        vm.expectRevert(abi.encodeWithSelector(FilterFailed.selector, 12));
        vm.prank(customer);
        market.matchDeal(dealId, entries, noCaps(), true);
    }

    function test_more_workers_are_places_to_fill() public {
        (uint64 dealId,,) = dealOfTwo(1);
        full(dealId, peers[2]);
        resize(dealId, 1, 3);
        bytes32 third = hire(dealId, peers[2], 0);
        serve(peers[2], 1);
        pass(2);
        eq(claim(third), 1e18, "paid as the others");
    }

    function test_fewer_workers_throw_none_out() public {
        (uint64 dealId, bytes32 first, bytes32 second) = dealOfTwo(1);
        resize(dealId, 1, 1);
        Deal memory deal = desk.getDeal(dealId);
        eq(deal.liveWorkers, 2, "both are there");
        serve(peers[0], 1);
        prove(peers[1]);
        pass(2);
        eq(claim(first) + claim(second), 2e18, "both are paid");
        vm.prank(customer);
        market.removeWorker(first);
        pass(1);
        market.releaseWorker(first);
        full(dealId, peers[2]);
    }

    /// Attack: with a least number that is not reached nobody is paid, without a notice.
    function test_the_least_number_does_not_rise_over_those_who_serve() public {
        (uint64 dealId, bytes32 first, bytes32 second) = dealOfTwo(1);
        refuses(dealId, 2, 2, abi.encodeWithSelector(HasWorkers.selector));
        vm.startPrank(customer);
        market.removeWorker(first);
        market.removeWorker(second);
        vm.stopPrank();
        refuses(dealId, 2, 2, abi.encodeWithSelector(HasWorkers.selector));
        pass(1);
        market.releaseWorker(first);
        market.releaseWorker(second);
        resize(dealId, 2, 2);
        eq(desk.getDeal(dealId).minWorkers, 2, "an empty deal");
    }

    function test_a_smaller_least_number_pays_from_the_next_epoch_on() public {
        uint64 dealId = createDeal(2, 2, 20e18);
        bytes32 worker = hire(dealId, peers[0], 0);
        serve(peers[0], 2);
        resize(dealId, 1, 2);
        serve(peers[0], 2);
        pass(2);
        eq(claim(worker), 1e18, "neither the epochs before nor the running one");
    }

    function test_more_workers_must_be_covered() public {
        uint64 dealId = createDeal(1, 2, 4e18);
        refuses(dealId, 1, 3, abi.encodeWithSelector(DepositTooSmall.selector, 6e18));
        resize(dealId, 1, 1);
        resize(dealId, 1, 2);
        vm.prank(customer);
        market.topUp(dealId, 2e18);
        resize(dealId, 1, 3);
        vm.startPrank(customer);
        market.topUp(dealId, 6e18);
        desk.setPrice(dealId, 2e18);
        vm.stopPrank();
        refuses(dealId, 1, 4, abi.encodeWithSelector(DepositTooSmall.selector, 16e18));
    }

    function test_what_is_no_size_and_who_names_none() public {
        uint64 dealId = createDeal(1, 2, 100e18);
        refuses(dealId, 0, 2, abi.encodeWithSelector(BadBounds.selector, 3));
        refuses(dealId, 3, 2, abi.encodeWithSelector(BadBounds.selector, 3));
        refuses(dealId, 1, 1_001, abi.encodeWithSelector(BadBounds.selector, 4));
        vm.expectRevert(NotOwner.selector);
        desk.resizeDeal(dealId, 1, 1);
        vm.prank(customer);
        market.endDeal(dealId);
        refuses(dealId, 1, 1, abi.encodeWithSelector(Ended.selector));
    }
}
