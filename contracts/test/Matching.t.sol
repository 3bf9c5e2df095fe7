// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Paused} from "../src/Module.sol";
import {
    BadBounds,
    BadCaps,
    BadStatus,
    BadWorkerSig,
    DepositTooSmall,
    Ended,
    Expired,
    FilterFailed,
    NotMatchable,
    TooSoon
} from "../src/market/MarketErrors.sol";
import {AccessKind, DealInput, Entry, WorkerStatus} from "../src/market/MarketStorage.sol";
import {NotProvider, TokenNotAllowed} from "../src/registry/Registry.sol";
import {Town} from "./Town.sol";

/// Who gets into which deal, and why not.
contract MatchingTest is Town {
    address private peer;
    DealInput private input;

    function setUp() public override {
        super.setUp();
        peer = settleDown(alice, 1, 1, 4, 20)[0];
        DealInput memory plain = dealInput(1, 2);
        input.payToken = plain.payToken;
        input.price = plain.price;
        input.cuPerWorker = plain.cuPerWorker;
        (input.minWorkers, input.targetWorkers, input.maxPerProvider) = (1, 2, 2);
        (input.noticeEpochs, input.verReq) = (plain.noticeEpochs, plain.verReq);
        (input.cid, input.moduleSetHash) = (plain.cid, plain.moduleSetHash);
    }

    function reason(uint8 expected, Entry memory entry, bytes32[] memory caps) private {
        uint64 dealId = createDeal(input, 100e18);
        eq(desk.matchReason(dealId, entry, caps), expected, "view");
        Entry[] memory entries = new Entry[](1);
        entries[0] = entry;
        vm.expectRevert(abi.encodeWithSelector(FilterFailed.selector, expected));
        vm.prank(customer);
        market.matchDeal(dealId, entries, caps, true);
        vm.prank(customer);
        market.matchDeal(dealId, entries, caps, false);
        eq(desk.getDeal(dealId).liveWorkers, 0, "skipped");
    }

    function reason(uint8 expected) private {
        reason(expected, Entry(peer, 0), noCaps());
    }

    function test_1_a_paused_offer() public {
        vm.prank(alice);
        registry.pauseOffer(1, true);
        reason(1);
    }

    function test_1_a_peer_that_nobody_registered() public {
        reason(1, Entry(address(7), 0), noCaps());
    }

    function test_2_a_provider_that_is_not_admitted() public {
        input.accessKind = AccessKind.Allow;
        input.accessList.push(bob);
        reason(2);
    }

    function test_2_a_provider_that_is_denied() public {
        input.accessKind = AccessKind.Deny;
        input.accessList.push(alice);
        reason(2);
    }

    function test_3_a_price_below_the_offer() public {
        input.price = PRICE - 1;
        reason(3);
    }

    function test_3_a_price_for_more_units() public {
        input.cuPerWorker = 2;
        reason(3);
    }

    function test_4_another_token() public {
        params.allowToken(address(stake), true);
        vm.prank(customer);
        stake.approve(address(market), type(uint256).max);
        input.payToken = address(stake);
        reason(4);
    }

    function test_5_a_version_out_of_range() public {
        input.verReq = 4;
        reason(5);
    }

    function test_6_a_missing_capability() public {
        input.caps.push("gpu");
        reason(6, Entry(peer, 0), input.caps);
    }

    function test_6_a_claimed_capability_matches() public {
        input.caps.push("gpu");
        vm.prank(alice);
        registry.addCaps(1, input.caps);
        uint64 dealId = createDeal(input, 100e18);
        eq(desk.matchReason(dealId, Entry(peer, 0), input.caps), 0, "claimed");
    }

    function test_7_a_commitment_that_ends_too_soon() public {
        input.minTermEpochs = 21;
        reason(7);
    }

    function test_7_no_commitment() public {
        register(bob, 50, 1, 4);
        reason(7, Entry(vm.addr(50), 0), noCaps());
    }

    function test_8_a_busy_unit() public {
        matchOne(createDeal(1, 1, 10e18), peer, 3);
        reason(8, Entry(peer, 3), noCaps());
    }

    function test_8_units_beyond_the_last() public {
        reason(8, Entry(peer, 4), noCaps());
    }

    function test_9_too_little_collateral() public {
        input.minCollateral = 100e18 + 1;
        reason(9);
    }

    function test_10_a_peer_that_serves_the_deal() public {
        uint64 dealId = createDeal(input, 100e18);
        matchOne(dealId, peer, 0);
        eq(desk.matchReason(dealId, Entry(peer, 1), noCaps()), 10, "again");
    }

    function test_11_a_provider_with_its_most_workers() public {
        register(alice, 60, 1, 4);
        commit(alice, vm.addr(60), 20);
        pass(1);
        input.maxPerProvider = 1;
        uint64 dealId = createDeal(input, 100e18);
        matchOne(dealId, peer, 0);
        eq(desk.matchReason(dealId, Entry(vm.addr(60), 0), noCaps()), 11, "second peer");
    }

    function test_12_a_full_deal() public {
        address other = settleDown(bob, 60, 1, 4, 20)[0];
        uint64 dealId = createDeal(1, 1, 100e18);
        matchOne(dealId, peer, 0);
        eq(desk.matchReason(dealId, Entry(other, 0), noCaps()), 12, "full");
    }

    function test_13_a_price_below_the_commitment() public {
        register(bob, 60, 1, 4);
        vm.prank(bob);
        capacity.createCommitment(vm.addr(60), 20, 0, 0, PRICE + 1, staker);
        address[] memory peers = new address[](1);
        peers[0] = vm.addr(60);
        vm.prank(staker);
        capacity.deposit(peers);
        pass(1);
        reason(13, Entry(peers[0], 0), noCaps());
    }

    function test_a_bad_entry_does_not_spoil_the_others() public {
        address other = settleDown(bob, 60, 1, 4, 20)[0];
        uint64 dealId = createDeal(input, 100e18);
        Entry[] memory entries = new Entry[](3);
        entries[0] = Entry(peer, 0);
        entries[1] = Entry(peer, 1);
        entries[2] = Entry(other, 0);
        vm.prank(customer);
        market.matchDeal(dealId, entries, noCaps(), false);
        eq(desk.getDeal(dealId).liveWorkers, 2, "two of three");
    }

    function test_only_the_owner_fills_a_closed_deal() public {
        uint64 dealId = createDeal(input, 100e18);
        vm.expectRevert(NotMatchable.selector);
        vm.prank(alice);
        market.claimDeal(dealId, peer, 0, noCaps());
        vm.expectRevert(NotMatchable.selector);
        market.matchDeal(dealId, new Entry[](0), noCaps(), true);
    }

    function test_a_provider_claims_a_place_in_an_open_deal() public {
        input.openMatch = true;
        uint64 dealId = createDeal(input, 100e18);
        vm.expectRevert(NotProvider.selector);
        vm.prank(bob);
        market.claimDeal(dealId, peer, 0, noCaps());
        vm.prank(alice);
        market.claimDeal(dealId, peer, 2, noCaps());
        eq(capacity.busyUnits(peer), 1 << 2, "unit");
    }

    function test_capabilities_must_be_those_of_the_deal() public {
        input.caps.push("gpu");
        uint64 dealId = createDeal(input, 100e18);
        vm.expectRevert(BadCaps.selector);
        vm.prank(customer);
        market.matchDeal(dealId, new Entry[](0), noCaps(), true);
    }

    function test_a_match_lapses_when_nobody_takes_it_up() public {
        bytes32 worker = matchOne(createDeal(input, 100e18), peer, 0);
        vm.expectRevert(abi.encodeWithSelector(TooSoon.selector, now_() + 3));
        market.releaseWorker(worker);
        pass(3);
        bytes memory signature = workerSignature(worker, 0x77);
        vm.expectRevert(Expired.selector);
        vm.prank(peer);
        market.activateWorker(worker, vm.addr(0x77), signature);
        market.releaseWorker(worker);
        eq(capacity.busyUnits(peer), 0, "free");
        eq(matchOne(1, peer, 0) == worker ? 1 : 0, 1, "same worker, tried again");
    }

    function test_a_provider_declines_a_match() public {
        bytes32 worker = matchOne(createDeal(input, 100e18), peer, 0);
        vm.expectRevert(NotProvider.selector);
        market.decline(worker);
        vm.prank(alice);
        market.decline(worker);
        eq(capacity.busyUnits(peer), 0, "free");
    }

    function test_the_workers_key_must_agree_to_this_worker() public {
        bytes32 worker = matchOne(createDeal(input, 100e18), peer, 0);
        bytes memory signature = workerSignature(keccak256("another"), 0x77);
        vm.expectRevert(BadWorkerSig.selector);
        vm.prank(peer);
        market.activateWorker(worker, vm.addr(0x77), signature);
        vm.expectRevert(NotProvider.selector);
        market.activateWorker(worker, vm.addr(0x77), signature);
    }

    function test_a_peer_joins_a_deal_again_as_another_worker() public {
        uint64 dealId = createDeal(input, 100e18);
        bytes32 first = hire(dealId, peer, 0);
        vm.prank(peer);
        market.leaveDeal(first);
        pass(1);
        market.releaseWorker(first);
        bytes32 second = hire(dealId, peer, 0);
        yes(first != second, "another id");
        eq(uint256(desk.getWorker(first).status), uint256(WorkerStatus.Over), "first");
        eq(uint256(desk.getWorker(second).status), uint256(WorkerStatus.Active), "second");
        vm.expectRevert(abi.encodeWithSelector(BadStatus.selector, WorkerStatus.Over));
        market.releaseWorker(first);
    }

    function bounds(uint8 field) private {
        vm.expectRevert(abi.encodeWithSelector(BadBounds.selector, field));
        createDeal(input, 100e18);
    }

    function test_a_deal_without_a_price() public {
        input.price = 0;
        bounds(1);
    }

    function test_a_deal_without_units() public {
        input.cuPerWorker = 0;
        bounds(2);
    }

    function test_a_deal_that_needs_more_than_it_wants() public {
        input.minWorkers = 3;
        bounds(3);
    }

    function test_a_deal_of_too_many_workers() public {
        input.targetWorkers = 1_001;
        bounds(4);
    }

    function test_a_deal_without_providers() public {
        input.maxPerProvider = 0;
        bounds(5);
    }

    function test_a_deal_without_notice() public {
        input.noticeEpochs = 0;
        bounds(6);
    }

    function test_a_deal_without_code() public {
        input.cid = "";
        bounds(15);
        input.cid = hex"01";
        input.moduleSetHash = 0;
        bounds(16);
    }

    function test_a_deal_in_a_token_that_is_not_listed() public {
        input.payToken = address(stake);
        vm.expectRevert(abi.encodeWithSelector(TokenNotAllowed.selector, address(stake)));
        createDeal(input, 100e18);
    }

    function test_a_deposit_covers_all_workers_for_the_least_time() public {
        vm.expectRevert(abi.encodeWithSelector(DepositTooSmall.selector, 4e18));
        createDeal(input, 4e18 - 1);
        createDeal(input, 4e18);
    }

    function test_no_deal_is_made_in_a_pause_but_old_ones_go_on() public {
        uint64 dealId = createDeal(input, 100e18);
        params.pause(1 days);
        vm.expectRevert(Paused.selector);
        createDeal(input, 100e18);
        matchOne(dealId, peer, 0);
    }

    function test_an_ended_deal_takes_no_workers() public {
        uint64 dealId = createDeal(input, 100e18);
        bytes32 worker = matchOne(dealId, peer, 0);
        vm.prank(customer);
        market.endDeal(dealId);
        bytes memory signature = workerSignature(worker, 0x77);
        vm.expectRevert(Ended.selector);
        vm.prank(peer);
        market.activateWorker(worker, vm.addr(0x77), signature);
        market.releaseWorker(worker);
        vm.expectRevert(Ended.selector);
        desk.matchReason(dealId, Entry(peer, 0), noCaps());
    }
}
