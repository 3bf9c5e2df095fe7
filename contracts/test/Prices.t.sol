// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {NotOwner} from "../src/Module.sol";
import {DealStatus, DealView} from "../src/lens/Lens.sol";
import {BadBounds, BelowReserve, DepositTooSmall, Ended, TooSoon} from "../src/market/MarketErrors.sol";
import {Deal, DealInput, Entry} from "../src/market/MarketStorage.sol";
import {TooMany} from "../src/registry/Registry.sol";
import {Town} from "./Town.sol";

/// What a deal costs when its owner names other prices.
contract PricesTest is Town {
    address private peer;

    function setUp() public override {
        super.setUp();
        peer = settleDown(alice, 1, 1, 4, 700)[0];
    }

    function setPrice(uint64 dealId, uint96 price) private {
        vm.prank(customer);
        desk.setPrice(dealId, price);
    }

    function refuses(uint64 dealId, uint96 price, bytes memory reason) private {
        vm.expectRevert(reason);
        setPrice(dealId, price);
    }

    function withNotice(uint8 notice, uint128 deposit) private returns (uint64) {
        DealInput memory input = dealInput(1, 2);
        input.noticeEpochs = notice;
        return createDeal(input, deposit);
    }

    function reasonAgainst(uint64 dealId, address other) private view returns (uint8) {
        return desk.matchReason(dealId, Entry(other, 0), noCaps());
    }

    function test_a_raise_is_paid_from_the_next_epoch_on() public {
        uint64 dealId = withNotice(3, 100e18);
        bytes32 worker = hire(dealId, peer, 0);
        serve(peer, 1);
        setPrice(dealId, 3e18);
        eq(desk.priceOf(dealId, now_()), 1e18, "now");
        eq(desk.priceOf(dealId, now_() + 1), 3e18, "next");
        serve(peer, 2);
        pass(2);
        eq(claim(worker), 1e18 + 1e18 + 3e18, "the epoch of the change is the last one at the old price");
    }

    function test_a_reduction_is_paid_after_the_notice() public {
        uint64 dealId = withNotice(3, 100e18);
        bytes32 worker = hire(dealId, peer, 0);
        setPrice(dealId, 0.25e18);
        serve(peer, 5);
        pass(2);
        eq(claim(worker), 3e18 + 0.5e18, "three of notice, two after it");
    }

    /// Attack: the work is done, its pay not yet claimed, and the owner names a lower price.
    function test_work_that_was_done_is_paid_as_agreed() public {
        uint64 dealId = withNotice(1, 100e18);
        bytes32 worker = hire(dealId, peer, 0);
        serve(peer, 5);
        setPrice(dealId, 1);
        pass(20);
        eq(claim(worker), 5e18, "five at the old price");
        eq(
            market.refundUnproven(worker, 0),
            1e18 + 16,
            "one unproven at the old price, and those of the new one"
        );
    }

    /// Attack: a reduction is announced, and the workers are removed or the deal is ended before it acts.
    function test_notice_is_paid_at_the_price_of_the_epoch_that_it_is_given_in() public {
        uint64 dealId = withNotice(4, 100e18);
        bytes32 removed = hire(dealId, peer, 0);
        setPrice(dealId, 0.5e18);
        pass(2);
        prove(peer);
        vm.prank(customer);
        market.removeWorker(removed);
        uint32 end = now_() + 4;
        eq(desk.endOfWorker(removed), end, "all of the notice");
        serve(peer, 4);
        pass(2);
        eq(claim(removed), 5e18, "also where the others have the lower price");
        pass(4);
        market.refundUnproven(removed, 0);
        eq(desk.getDeal(dealId).escrow, 0, "nothing is left");
    }

    function test_a_change_that_does_not_act_yet_ends_with_its_deal() public {
        uint64 dealId = withNotice(4, 100e18);
        bytes32 worker = hire(dealId, peer, 0);
        setPrice(dealId, 0.5e18);
        serve(peer, 2);
        vm.prank(customer);
        market.endDeal(dealId);
        eq(desk.getDeal(dealId).price, 1e18, "as before");
        eq(desk.priceOf(dealId, now_() + 3), 1e18, "the last of notice");
        serve(peer, 4);
        pass(2);
        eq(claim(worker), 6e18, "at the old price to the end");
        eq(desk.getDeal(dealId).escrow, 0, "nothing is left");
    }

    function test_a_deal_that_ends_on_the_day_of_a_raise_is_not_charged_with_it() public {
        uint64 dealId = withNotice(4, 8e18);
        hire(dealId, peer, 0);
        setPrice(dealId, 1.5e18);
        vm.prank(customer);
        market.endDeal(dealId);
        eq(desk.getDeal(dealId).escrow, 4e18, "this epoch and three of notice");
        eq(desk.getDeal(dealId).endEpoch, now_() + 4, "end");
    }

    function test_who_leaves_before_a_reduction_acts_ends_where_it_begins() public {
        uint64 dealId = withNotice(5, 100e18);
        bytes32 worker = hire(dealId, peer, 0);
        setPrice(dealId, 0.5e18);
        uint32 begins = now_() + 5;
        serve(peer, 3);
        vm.prank(peer);
        market.leaveDeal(worker);
        eq(desk.endOfWorker(worker), begins, "as if it had left at once");
        serve(peer, 3);
        pass(2);
        eq(claim(worker), 5e18, "at the old price");
        eq(desk.getDeal(dealId).escrow, 0, "nothing is left");
    }

    function test_who_leaves_after_a_reduction_or_before_a_raise_has_the_whole_notice() public {
        uint64 dealId = withNotice(5, 100e18);
        bytes32 first = hire(dealId, peer, 0);
        setPrice(dealId, 2e18);
        vm.prank(peer);
        market.leaveDeal(first);
        eq(desk.endOfWorker(first), now_() + 5, "on the day of a raise");
        serve(peer, 5);
        market.releaseWorker(first);
        bytes32 second = hire(dealId, peer, 0);
        serve(peer, 30);
        setPrice(dealId, 1.5e18);
        serve(peer, 5);
        vm.prank(peer);
        market.leaveDeal(second);
        eq(desk.endOfWorker(second), now_() + 5, "once the lower price acts");
        serve(peer, 5);
        pass(2);
        eq(claim(first), 5e18, "notice at the price of the day it was given");
        eq(claim(second), 35 * 2e18 + 5 * 1.5e18, "each epoch at its price");
    }

    /// What is prepaid lies in escrow: a later raise cannot take more out of it.
    function test_a_raise_does_not_touch_a_notice_that_was_paid_in_advance() public {
        uint64 dealId = withNotice(4, 24e18);
        bytes32 worker = hire(dealId, peer, 0);
        vm.prank(peer);
        market.leaveDeal(worker);
        setPrice(dealId, 5e18);
        serve(peer, 4);
        pass(2);
        eq(claim(worker), 4e18, "as it was prepaid");
        eq(desk.getDeal(dealId).escrow, 0, "nothing is left");
    }

    function test_an_unproven_notice_is_paid_back_as_it_was_prepaid() public {
        uint64 dealId = withNotice(4, 24e18);
        bytes32 worker = hire(dealId, peer, 0);
        vm.prank(peer);
        market.leaveDeal(worker);
        setPrice(dealId, 5e18);
        pass(12);
        eq(market.refundUnproven(worker, 0), 4e18, "all of it");
        eq(desk.getDeal(dealId).balance, 24e18, "the whole deposit");
    }

    /// Attack: a price that the balance does not pay.
    function test_a_raise_must_be_covered() public {
        uint64 dealId = withNotice(1, 10e18);
        hire(dealId, peer, 0);
        // This epoch has taken one; two workers for two epochs take four prices.
        bytes memory least = abi.encodeWithSelector(DepositTooSmall.selector, 4 * 2.26e18);
        refuses(dealId, 2.26e18, least);
        setPrice(dealId, 2.25e18);
        uint64 low = withNotice(1, 4e18);
        setPrice(low, 0.5e18);
        eq(desk.getDeal(low).price, 0.5e18, "a reduction needs nothing");
    }

    /// Attack: with a lower price announced, the reserve for the higher one is withdrawn.
    function test_the_reserve_is_that_of_the_next_epoch() public {
        uint64 dealId = withNotice(3, 10e18);
        hire(dealId, peer, 0);
        setPrice(dealId, 1);
        vm.expectRevert(abi.encodeWithSelector(BelowReserve.selector, 2e18));
        vm.prank(customer);
        desk.withdrawFree(dealId, 8e18);
        pass(2);
        vm.prank(customer);
        desk.withdrawFree(dealId, 7e18 - 2);
        eq(desk.getDeal(dealId).balance, 2, "two epochs at the new price");
    }

    function test_a_price_lasts_for_30_epochs() public {
        uint64 dealId = withNotice(3, 100e18);
        setPrice(dealId, 2e18);
        bytes memory soon = abi.encodeWithSelector(TooSoon.selector, now_() + 31);
        refuses(dealId, 3e18, soon);
        refuses(dealId, 1e18, soon);
        pass(30);
        refuses(dealId, 1e18, soon);
        pass(1);
        setPrice(dealId, 1e18);
        eq(desk.getDeal(dealId).priceEpoch, now_() + 3, "a reduction");
        refuses(dealId, 2e18, abi.encodeWithSelector(TooSoon.selector, now_() + 33));
    }

    function test_what_is_no_price_and_who_names_none() public {
        uint64 dealId = createDeal(1, 1, 100e18);
        refuses(dealId, 0, abi.encodeWithSelector(BadBounds.selector, 1));
        vm.expectRevert(NotOwner.selector);
        desk.setPrice(dealId, 2e18);
        vm.prank(customer);
        market.endDeal(dealId);
        refuses(dealId, 2e18, abi.encodeWithSelector(Ended.selector));
    }

    /// Many changes: as many as a claim may have to look through.
    function test_sixteen_changes_and_every_epoch_at_its_price() public {
        uint64 dealId = withNotice(2, 100_000e18);
        bytes32 worker = hire(dealId, peer, 0);
        uint256 sum;
        uint256 old = PRICE;
        for (uint256 i; i < 16; ++i) {
            // Up, up, down, up, up, down: each is told 32 epochs after the one before.
            uint256 price = (i % 3 == 2 ? 1e18 : 2e18) + i;
            setPrice(dealId, uint96(price));
            serve(peer, 32);
            sum += price > old ? old + 31 * price : 2 * old + 30 * price;
            old = price;
        }
        refuses(dealId, 5e18, abi.encodeWithSelector(TooMany.selector, 16));
        pass(2);
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = worker;
        // The latest first: in whatever portions, the same is paid.
        uint256 late = market.claim(ids, 512);
        eq(late + market.claim(ids, 0), sum, "all");
        pass(4);
        market.refundUnproven(worker, 512);
        eq(desk.getDeal(dealId).escrow, 4 * old, "four epochs that are too young to be paid back");
    }

    /// The offer's least price stays the provider's: a lower one fills no place, a higher one does at once.
    function test_matching_goes_by_the_price_to_come() public {
        address other = settleDown(bob, 60, 1, 4, 100)[0];
        uint64 dealId = withNotice(4, 100e18);
        setPrice(dealId, 1e18 - 1);
        eq(reasonAgainst(dealId, other), 3, "too low before it acts");
        uint64 poor = createDeal(dealInput(1, 1), 100e18);
        setPrice(poor, 0.5e18);
        pass(31);
        eq(reasonAgainst(poor, other), 3, "too low");
        setPrice(poor, 1e18);
        bytes32 worker = hire(poor, other, 0);
        serve(other, 1);
        pass(2);
        eq(claim(worker), 1e18, "the raise acts when the worker begins");
    }

    /// What is too dear at the old price is funded at the new one, whether the deal was settled in between or not.
    function test_a_lower_price_funds_after_a_gap() public {
        uint64[2] memory ids = [withNotice(4, 4.5e18), withNotice(4, 4.5e18)];
        for (uint8 i; i < 2; ++i) {
            matchOne(ids[i], peer, i);
            activate(desk.workerOf(ids[i], peer));
        }
        pass(3);
        for (uint8 i; i < 2; ++i) {
            setPrice(ids[i], 0.3e18);
        }
        for (uint256 i; i < 8; ++i) {
            pass(1);
            market.settle(ids[0]);
            sameView(ids[0]);
        }
        sameView(ids[1]);
        market.settle(ids[1]);
        sameBooks(ids);
        eq(desk.getDeal(ids[1]).balance, 0.2e18, "four at the old price, one at the new one");
    }

    /// I20, for settling with a price that changes in between; I21, for what the lens shows.
    function testFuzz_settling_seldom_is_settling_often(
        uint64 deposit,
        uint96 price,
        uint8 notice,
        uint8 before,
        uint8 after_
    ) public {
        (notice, before, after_) = (1 + notice % 30, before % 8, 1 + after_ % 40);
        uint128 sum = 4e18 + uint128(deposit) % 60e18;
        price = 1 + price % 3e18;
        uint64[2] memory ids = [withNotice(notice, sum), withNotice(notice, sum)];
        for (uint8 i; i < 2; ++i) {
            matchOne(ids[i], peer, i);
            activate(desk.workerOf(ids[i], peer));
        }
        pass(before);
        vm.startPrank(customer);
        try desk.setPrice(ids[0], price) {
            desk.setPrice(ids[1], price);
        } catch {}
        vm.stopPrank();
        for (uint256 i; i < after_; ++i) {
            pass(1);
            sameView(ids[1]);
            market.settle(ids[0]);
        }
        market.settle(ids[1]);
        sameBooks(ids);
        uint256 word = desk.fundedWord(ids[1], 0);
        uint256 paid;
        for (uint32 epoch; word >> epoch != 0; ++epoch) {
            if (word >> epoch & 1 == 1) paid += desk.priceOf(ids[1], epoch);
        }
        eq(desk.getDeal(ids[1]).escrow, paid, "each epoch at its price");
    }

    function sameBooks(uint64[2] memory ids) private view {
        eq(desk.fundedWord(ids[0], 0), desk.fundedWord(ids[1], 0), "epochs");
        eq(desk.getDeal(ids[0]).balance, desk.getDeal(ids[1]).balance, "balance");
        eq(desk.getDeal(ids[0]).escrow, desk.getDeal(ids[1]).escrow, "escrow");
    }

    /// What the lens says of a deal is what settling makes of it.
    function sameView(uint64 dealId) private {
        DealView memory shown = lens.deal(dealId);
        uint256 snapshot = vm.snapshotState();
        market.settle(dealId);
        Deal memory deal = desk.getDeal(dealId);
        uint256 next = desk.priceOf(dealId, now_() + 1);
        vm.revertToState(snapshot);
        eq(shown.balanceNow, deal.balance, "balance");
        eq(shown.priceNow, desk.priceOf(dealId, now_()), "price");
        bool unfunded = shown.status == DealStatus.Unfunded;
        yes(unfunded == (deal.balance < next * deal.activeWorkers), "status");
    }
}
