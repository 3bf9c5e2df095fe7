// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {NothingDue} from "../src/Credits.sol";
import {NotOwner, OnlyModule} from "../src/Module.sol";
import {DealStatus} from "../src/lens/Lens.sol";
import {
    BelowReserve,
    Ended,
    NotAbsent,
    NotHeld,
    NotOfPeer,
    Pending,
    TooSoon
} from "../src/market/MarketErrors.sol";
import {AccessKind, Deal, DealInput} from "../src/market/MarketStorage.sol";
import {Town} from "./Town.sol";

/// What is set apart, paid and paid back.
contract SettlementTest is Town {
    address private peer;

    function setUp() public override {
        super.setUp();
        peer = settleDown(alice, 1, 1, 4, 700)[0];
    }

    function kept(uint64 dealId) private view returns (uint256) {
        Deal memory deal = desk.getDeal(dealId);
        return uint256(deal.balance) + deal.escrow;
    }

    function test_a_top_up_after_a_gap_funds_from_then_on() public {
        uint64 dealId = createDeal(1, 1, 2e18);
        bytes32 worker = hire(dealId, peer, 0);
        serve(peer, 5);
        eq(uint256(lens.deal(dealId).status), uint256(DealStatus.Unfunded), "unfunded");
        vm.prank(bob);
        market.topUp(dealId, 10e18);
        serve(peer, 3);
        pass(3);
        eq(claim(worker), 4e18, "two before and two after the gap");
    }

    function test_too_few_workers_are_not_charged() public {
        uint64 dealId = createDeal(2, 2, 100e18);
        bytes32 first = hire(dealId, peer, 0);
        serve(peer, 3);
        market.settle(dealId);
        eq(desk.getDeal(dealId).escrow, 0, "not charged");
        address other = settleDown(bob, 60, 1, 1, 100)[0];
        hire(dealId, other, 0);
        serve(peer, 2);
        pass(2);
        eq(claim(first), 2e18, "only with both");
    }

    function test_three_hundred_epochs_are_claimed_at_once() public {
        uint64 dealId = createDeal(1, 1, 1_000e18);
        bytes32 worker = hire(dealId, peer, 0);
        serve(peer, 300);
        pass(2);
        eq(claim(worker), 300e18, "all");
        nothingToClaim(worker);
    }

    function test_settling_seldom_is_settling_often() public {
        uint64 often = createDeal(1, 1, 30e18);
        uint64 seldom = createDeal(1, 1, 30e18);
        matchOne(often, peer, 0);
        matchOne(seldom, peer, 1);
        activate(desk.workerOf(often, peer));
        activate(desk.workerOf(seldom, peer));
        for (uint256 i; i < 40; ++i) {
            pass(1);
            market.settle(often);
        }
        market.settle(seldom);
        eq(kept(often), kept(seldom), "kept");
        eq(desk.getDeal(often).escrow, desk.getDeal(seldom).escrow, "escrow");
        eq(desk.fundedWord(often, 0), desk.fundedWord(seldom, 0), "epochs");
    }

    /// Flaw F2: pay begins with the epoch after the activation, whatever was funded before.
    function test_a_worker_is_not_paid_for_epochs_before_it_joined() public {
        uint64 dealId = createDeal(1, 2, 100e18);
        hire(dealId, peer, 0);
        address other = settleDown(bob, 60, 1, 1, 100)[0];
        serve(other, 3);
        bytes32 late = hire(dealId, other, 0);
        serve(other, 1);
        pass(2);
        eq(claim(late), 1e18, "one epoch");
    }

    function test_notice_is_paid_up_to_the_end() public {
        DealInput memory input = dealInput(1, 1);
        input.noticeEpochs = 4;
        uint64 dealId = createDeal(input, 100e18);
        bytes32 worker = hire(dealId, peer, 0);
        vm.prank(alice);
        market.leaveDeal(worker);
        uint32 end = desk.endOfWorker(worker);
        eq(end, now_() + 4, "end");
        vm.expectRevert(abi.encodeWithSelector(TooSoon.selector, end));
        market.releaseWorker(worker);
        serve(peer, 6);
        market.releaseWorker(worker);
        pass(3);
        eq(claim(worker), 4e18, "the running epoch and three of notice");
        eq(desk.getDeal(dealId).escrow, 0, "nothing is left");
    }

    function test_the_owner_removes_a_worker_with_notice() public {
        uint64 dealId = createDeal(1, 1, 100e18);
        bytes32 worker = hire(dealId, peer, 0);
        vm.expectRevert(NotOwner.selector);
        market.removeWorker(worker);
        vm.prank(customer);
        market.removeWorker(worker);
        pass(1);
        market.releaseWorker(worker);
        prove(peer);
        pass(2);
        eq(claim(worker), 1e18, "the epoch of the notice");
    }

    /// Attack A34.
    function test_ending_a_deal_does_not_dodge_what_was_served() public {
        uint64 dealId = createDeal(1, 1, 10e18);
        bytes32 worker = hire(dealId, peer, 0);
        vm.startPrank(customer);
        vm.expectRevert(abi.encodeWithSelector(BelowReserve.selector, 2e18));
        desk.withdrawFree(dealId, 8e18);
        market.endDeal(dealId);
        desk.withdrawFree(dealId, 9e18);
        vm.stopPrank();
        serve(peer, 1);
        pass(2);
        eq(claim(worker), 1e18, "the running epoch");
    }

    function test_a_deal_closes_only_when_all_is_resolved() public {
        uint64 dealId = createDeal(1, 1, 10e18);
        bytes32 worker = hire(dealId, peer, 0);
        vm.expectRevert(Pending.selector);
        desk.closeDeal(dealId);
        vm.prank(customer);
        market.endDeal(dealId);
        pass(1);
        vm.expectRevert(Pending.selector);
        desk.closeDeal(dealId);
        market.releaseWorker(worker);
        vm.expectRevert(Pending.selector);
        desk.closeDeal(dealId);
        pass(4);
        market.refundUnproven(worker, 0);
        desk.closeDeal(dealId);
        eq(credit(customer), 10e18, "all of it");
        vm.expectRevert(Ended.selector);
        desk.closeDeal(dealId);
    }

    function test_unproven_epochs_are_paid_back_only_when_they_are_old() public {
        uint64 dealId = createDeal(1, 1, 100e18);
        bytes32 worker = hire(dealId, peer, 0);
        pass(3);
        vm.expectRevert(NothingDue.selector);
        market.refundUnproven(worker, 0);
        pass(1);
        eq(market.refundUnproven(worker, 0), 1e18, "the first");
        vm.expectRevert(NothingDue.selector);
        market.refundUnproven(worker, 0);
    }

    function test_charges_after_the_commitments_end_are_paid_back() public {
        address other = settleDown(bob, 60, 1, 1, 5)[0];
        uint64 dealId = createDeal(1, 1, 100e18);
        bytes32 worker = hire(dealId, other, 0);
        serve(other, 8);
        market.settle(dealId);
        eq(desk.getDeal(dealId).escrow, 9e18, "charged on");
        eq(claim(worker), 4e18, "until the end");
        market.releaseWorker(worker);
        eq(market.refundUnproven(worker, 0), 5e18, "paid back");
        eq(desk.getDeal(dealId).escrow, 0, "nothing is left");
    }

    function test_a_worker_without_a_leaf_is_not_paid() public {
        uint64 dealId = createDeal(1, 1, 100e18);
        bytes32 worker = hire(dealId, peer, 0);
        bytes32[] memory missing = new bytes32[](1);
        missing[0] = worker;
        pass(1);
        proveWithout(peer, missing);
        serve(peer, 1);
        pass(2);
        eq(claim(worker), 1e18, "the second epoch");
        pass(4);
        eq(market.refundUnproven(worker, 0), 4e18, "the first one, and three unproven ones");
    }

    function test_only_own_workers_are_named_as_missing() public {
        bytes32 worker = hire(createDeal(1, 1, 100e18), peer, 0);
        address other = settleDown(bob, 60, 1, 1, 100)[0];
        pass(1);
        bytes32[] memory missing = new bytes32[](1);
        missing[0] = worker;
        uint32 epoch = now_() - 1;
        vm.expectRevert(abi.encodeWithSelector(NotOfPeer.selector, worker));
        vm.prank(other);
        audit.commitReceipts(other, epoch, address(pay), bytes32(uint256(1)), 0, missing);
        vm.expectRevert(OnlyModule.selector);
        desk.exclude(peer, epoch, address(pay), missing);
    }

    function test_a_fault_takes_the_pay_of_its_epoch() public {
        bytes32 worker = hire(createDeal(1, 1, 100e18), peer, 0);
        uint32 epoch = now_();
        vm.expectRevert(OnlyModule.selector);
        desk.setFault(worker, epoch);
        vm.prank(judge);
        desk.setFault(worker, epoch);
        serve(peer, 2);
        pass(2);
        eq(claim(worker), 1e18, "the other epoch");
    }

    function test_a_held_epoch_is_neither_paid_nor_paid_back() public {
        bytes32 worker = hire(createDeal(1, 1, 100e18), peer, 0);
        uint32 epoch = now_();
        serve(peer, 1);
        vm.expectRevert(OnlyModule.selector);
        desk.setHold(worker, epoch);
        vm.prank(judge);
        desk.setHold(worker, epoch);
        pass(2);
        nothingToClaim(worker);
        vm.expectRevert(OnlyModule.selector);
        desk.clearHold(worker, epoch);
        vm.prank(judge);
        desk.clearHold(worker, epoch);
        eq(claim(worker), 1e18, "after the verdict");
        vm.expectRevert(NotHeld.selector);
        desk.clearHold(worker, epoch);
    }

    function test_a_forgotten_hold_is_lifted_by_anyone() public {
        bytes32 worker = hire(createDeal(1, 1, 100e18), peer, 0);
        uint32 epoch = now_();
        serve(peer, 1);
        vm.prank(judge);
        desk.setHold(worker, epoch);
        pass(12);
        desk.clearHold(worker, epoch);
        eq(claim(worker), 1e18, "in favour of the worker");
    }

    /// Flaw F10, attack A18.
    function test_an_absent_worker_is_removed_and_pays() public {
        uint64 dealId = createDeal(1, 1, 100e18);
        bytes32 worker = hire(dealId, peer, 0);
        serve(peer, 1);
        vm.expectRevert(NotAbsent.selector);
        desk.reportAbsent(worker);
        pass(2);
        vm.expectRevert(NotAbsent.selector);
        desk.reportAbsent(worker);
        pass(1);
        vm.prank(bob);
        desk.reportAbsent(worker);
        eq(stakeCredit(bob), 0.1e18, "reporter");
        eq(stakeCredit(customer), 0.9e18, "owner");
        eq(capacity.busyUnits(peer), 0, "free");
        eq(desk.getDeal(dealId).activeWorkers, 0, "gone");
    }

    /// Invariant I24: who proves its epochs, or is not paid for them, is never absent.
    function test_a_worker_of_an_unfunded_deal_is_not_absent() public {
        bytes32 worker = hire(createDeal(1, 1, 2e18), peer, 0);
        serve(peer, 2);
        pass(5);
        vm.expectRevert(NotAbsent.selector);
        desk.reportAbsent(worker);
    }

    function test_only_the_owner_ends_and_changes_a_deal() public {
        uint64 dealId = createDeal(1, 1, 100e18);
        vm.expectRevert(NotOwner.selector);
        market.endDeal(dealId);
        vm.expectRevert(NotOwner.selector);
        desk.withdrawFree(dealId, 1);
        vm.expectRevert(NotOwner.selector);
        desk.setVersion(dealId, "cid", bytes32(uint256(1)));
        vm.expectRevert(NotOwner.selector);
        desk.setCallers(dealId, 0);
        vm.expectRevert(NotOwner.selector);
        desk.setAccess(dealId, AccessKind.None, new address[](0), new address[](0));
    }

    function test_new_code_is_the_deals_from_the_next_epoch_on() public {
        uint64 dealId = createDeal(1, 1, 100e18);
        vm.startPrank(customer);
        desk.setVersion(dealId, "cid", bytes32(uint256(1)));
        desk.setVersion(dealId, "cid", bytes32(uint256(2)));
        vm.stopPrank();
        Deal memory deal = desk.getDeal(dealId);
        eq(deal.versionEpoch, now_() + 1, "epoch");
        eq(uint256(deal.code.moduleSetHash), 2, "code");
        eq(uint256(deal.code.formerModuleSetHash), uint256(keccak256("modules")), "former code");
    }

    function testFuzz_every_coin_is_accounted_for(uint8 epochs, uint16 proofs, uint64 deposit, uint8 after_)
        public
    {
        uint128 sum = 2e18 + uint128(deposit);
        uint64 dealId = createDeal(1, 1, sum);
        bytes32 worker = hire(dealId, peer, 0);
        uint256 served = uint256(epochs) % 16;
        for (uint256 i; i < served; ++i) {
            pass(1);
            if (proofs & (1 << i) != 0) prove(peer);
        }
        vm.prank(customer);
        market.endDeal(dealId);
        pass(5 + uint32(after_) % 8);
        market.releaseWorker(worker);
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = worker;
        try market.claim(ids, 0) {} catch {}
        try market.refundUnproven(worker, 0) {} catch {}
        desk.closeDeal(dealId);
        eq(credit(customer) + credit(alice) + credit(staker) + credit(address(this)), sum, "all coins");
        eq(pay.balanceOf(address(market)), sum, "held");
    }
}
