// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BadReceivedAmount, Credits} from "../src/Credits.sol";
import {BadBounds, Ended} from "../src/market/MarketErrors.sol";
import {DealInput, Entry} from "../src/market/MarketStorage.sol";
import {OfferInput, PeerInput} from "../src/registry/RegistryStorage.sol";
import {GreedyToken, MoodyToken} from "./HostileTokens.sol";
import {Town} from "./Town.sol";

/// Rows of the table of attacks, and flaws of the reference system, that no other test shows.
contract AttacksTest is Town {
    /// Flaw F1, attack A14: units are taken by the market alone, for deals that it made.
    function test_F1_A14_no_deal_can_be_forged() public {
        address peer = settleDown(alice, 1, 1, 4, 20)[0];
        Entry[] memory entries = new Entry[](1);
        entries[0] = Entry(peer, 0);
        vm.expectRevert(Ended.selector);
        market.matchDeal(77, entries, noCaps(), true);
    }

    /// Flaw F2: a match is not a worker.
    function test_F2_a_matched_worker_that_is_not_active_is_paid_nothing() public {
        address peer = settleDown(alice, 1, 1, 4, 100)[0];
        address busy = settleDown(bob, 60, 1, 4, 100)[0];
        uint64 dealId = createDeal(1, 2, 100e18);
        bytes32 idle = matchOne(dealId, peer, 0);
        hire(dealId, busy, 0);
        serve(peer, 3);
        pass(3);
        nothingToClaim(idle);
    }

    /// Flaw F13: the most workers of a provider are reached, not passed, and the rest of a list is matched.
    function test_F13_more_peers_than_a_provider_may_have_are_skipped() public {
        address[] memory peers = settleDown(alice, 1, 3, 4, 20);
        DealInput memory input = dealInput(1, 3);
        input.maxPerProvider = 2;
        uint64 dealId = createDeal(input, 100e18);
        Entry[] memory entries = new Entry[](3);
        for (uint256 i; i < 3; ++i) {
            entries[i] = Entry(peers[i], 0);
        }
        vm.prank(customer);
        market.matchDeal(dealId, entries, noCaps(), false);
        eq(desk.standingOf(dealId, alice).workers, 2, "two");
    }

    /// Flaw F14: a lost worker is replaced although the balance is at its least.
    function test_F14_a_deal_of_the_least_balance_is_matched_again() public {
        address peer = settleDown(alice, 1, 1, 4, 20)[0];
        address other = settleDown(bob, 60, 1, 4, 20)[0];
        uint64 dealId = createDeal(1, 1, 2e18);
        bytes32 worker = hire(dealId, peer, 0);
        vm.prank(peer);
        market.leaveDeal(worker);
        pass(1);
        market.releaseWorker(worker);
        hire(dealId, other, 0);
    }

    /// Flaw F17.
    function test_F17_a_price_of_zero_is_refused() public {
        DealInput memory input = dealInput(1, 1);
        input.price = 0;
        vm.expectRevert(abi.encodeWithSelector(BadBounds.selector, 1));
        createDeal(input, 1);
    }

    /// Flaw F15, attack A35.
    function test_F15_A35_a_refused_receiver_holds_up_nobody_else() public {
        MoodyToken token = new MoodyToken();
        params.allowToken(address(token), true);
        token.transfer(customer, 100e18);
        vm.prank(customer);
        token.approve(address(market), type(uint256).max);
        OfferInput memory offer = offerInput();
        offer.payToken = address(token);
        PeerInput[] memory inputs = peerInputs(1, 1, alice, 1);
        vm.prank(alice);
        registry.registerOffer(offer, inputs);
        address peer = inputs.length == 1 ? vm.addr(1) : address(0);
        commit(alice, peer, 50);
        pass(1);
        DealInput memory input = dealInput(1, 1);
        input.payToken = address(token);
        uint64 dealId = createDeal(input, 10e18);
        bytes32 worker = hire(dealId, peer, 0);
        pass(1);
        uint32 epoch = now_() - 1;
        vm.prank(peer);
        audit.commitReceipts(peer, epoch, address(token), "root", 0, noCaps());
        pass(2);
        token.refuse(staker);
        claim(worker);
        vm.prank(alice);
        eq(market.withdraw(address(token), alice), 0.76e18, "provider");
        vm.prank(staker);
        eq(market.withdraw(address(token), address(0x5AFE)), 0.19e18, "staker, to another address");
    }

    /// Attack A36.
    function test_A36_tokens_that_keep_a_part_are_refused() public {
        GreedyToken token = new GreedyToken();
        params.allowToken(address(token), true);
        token.transfer(customer, 100e18);
        vm.prank(customer);
        token.approve(address(market), type(uint256).max);
        DealInput memory input = dealInput(1, 1);
        input.payToken = address(token);
        vm.expectRevert(BadReceivedAmount.selector);
        createDeal(input, 10e18);
    }

    function test_a_token_that_calls_back_gets_nothing_twice() public {
        MoodyToken token = new MoodyToken();
        params.allowToken(address(token), true);
        token.transfer(customer, 100e18);
        vm.prank(customer);
        token.approve(address(market), type(uint256).max);
        DealInput memory input = dealInput(1, 1);
        input.payToken = address(token);
        uint64 dealId = createDeal(input, 10e18);
        vm.prank(customer);
        desk.withdrawFree(dealId, 5e18);
        token.hook(address(market), abi.encodeCall(Credits.withdraw, (address(token), address(token))));
        vm.prank(customer);
        market.withdraw(address(token), customer);
        yes(!token.hookSucceeded(), "refused");
        eq(token.balanceOf(address(market)), 5e18, "the rest stays");
    }

    /// Attack A42: who joins in an epoch is paid from the next one on.
    function test_A42_the_epoch_of_the_activation_is_not_paid() public {
        address peer = settleDown(alice, 1, 1, 4, 20)[0];
        uint64 dealId = createDeal(1, 1, 10e18);
        bytes32 worker = matchOne(dealId, peer, 0);
        activate(worker);
        serve(peer, 1);
        pass(2);
        nothingToClaim(worker);
    }

    /// Invariant I22.
    function test_a_batch_pays_what_single_claims_pay() public {
        address[] memory peers = settleDown(alice, 1, 2, 4, 50);
        uint64 dealId = createDeal(1, 2, 100e18);
        bytes32[] memory ids = new bytes32[](2);
        ids[0] = hire(dealId, peers[0], 0);
        ids[1] = hire(dealId, peers[1], 0);
        serve(peers[0], 1);
        prove(peers[1]);
        pass(2);
        bytes32[] memory twice = new bytes32[](3);
        (twice[0], twice[1], twice[2]) = (ids[0], ids[1], ids[0]);
        eq(market.claim(twice, 0), 2e18, "each once");
    }
}
