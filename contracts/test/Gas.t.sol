// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Entry} from "../src/market/MarketStorage.sol";
import {PeerInput} from "../src/registry/RegistryStorage.sol";
import {Town} from "./Town.sol";

/// What transactions cost in all, each one run as a transaction of its own, as `gas.json` has it.
/// forge-config: default.isolate = true
contract GasTest is Town {
    /// @param most The goal, which may not be missed whatever `gas.json` says.
    function measure(string memory what, uint256 most) private {
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue("gas", what, used);
        atMost(used, most, what);
    }

    /// A market in use: nobody is the first one here.
    function setUp() public override {
        super.setUp();
        address[] memory peers = settleDown(alice, 1, 2, 32, 200);
        uint64 dealId = createDeal(1, 2, 1_000e18);
        bytes32 worker = matchOne(dealId, peers[0], 0);
        bytes32 other = matchOne(dealId, peers[1], 0);
        activate(worker);
        activate(other);
        pass(1);
        serve(peers[0], 2);
        pass(2);
        claim(worker);
    }

    /// forge-config: default.isolate = true
    function test_an_offer_with_eight_peers_of_32_units() public {
        PeerInput[] memory inputs = peerInputs(100, 8, bob, 32);
        vm.prank(bob);
        registry.registerOffer(offerInput(), inputs);
        measure("register 8 peers", 700_000);
    }

    /// forge-config: default.isolate = true
    function test_a_commitment_from_collateral_to_exit() public {
        register(bob, 100, 1, 32);
        vm.prank(bob);
        capacity.createCommitment(vm.addr(100), 20, 2_000, 2_000, 0, staker);
        measure("create commitment", 200_000);
        address[] memory peers = new address[](1);
        peers[0] = vm.addr(100);
        vm.prank(staker);
        capacity.deposit(peers);
        measure("deposit", 150_000);
        pass(21);
        vm.prank(staker);
        capacity.requestExit(peers[0]);
        measure("request exit", 60_000);
        pass(5);
        capacity.finish(peers[0]);
        measure("finish exit", 100_000);
    }

    /// forge-config: default.isolate = true
    function test_a_deal_from_creation_to_a_claim() public {
        address[] memory peers = settleDown(bob, 100, 3, 32, 100);
        vm.prank(customer);
        uint64 dealId = market.createDeal(dealInput(3, 3), 50e18);
        measure("create deal", 200_000);

        Entry[] memory entries = new Entry[](3);
        for (uint256 i; i < 3; ++i) {
            entries[i] = Entry(peers[i], 0);
        }
        vm.prank(customer);
        market.matchDeal(dealId, entries, noCaps(), true);
        measure("match three workers", 300_000);

        bytes32[] memory ids = new bytes32[](3);
        for (uint256 i; i < 3; ++i) {
            ids[i] = desk.workerOf(dealId, peers[i]);
            bytes memory signature = workerSignature(ids[i], 0x77);
            vm.prank(peers[i]);
            market.activateWorker(ids[i], vm.addr(0x77), signature);
            measure(i == 0 ? "activate, the deal's first" : "activate", 120_000);
        }
        vm.prank(customer);
        market.topUp(dealId, 1e18);
        measure("top up", 70_000);
        pass(1);
        for (uint256 i; i < 5; ++i) {
            pass(1);
            for (uint256 j; j < 3; ++j) {
                prove(peers[j]);
            }
        }
        measure("commit receipts", 120_000);
        pass(3);
        market.settle(dealId);
        measure("settle", 100_000);
        claim(ids[0]);
        measure("claim of five epochs, the provider's first", 170_000);
        claim(ids[1]);
        measure("claim of five epochs", 150_000);
        vm.prank(bob);
        market.withdraw(address(pay), bob);
        measure("withdraw", 70_000);
    }

    /// forge-config: default.isolate = true
    function test_a_deal_that_is_changed_often() public {
        address peer = settleDown(bob, 100, 1, 32, 700)[0];
        uint64 dealId = createDeal(1, 1, 50_000e18);
        bytes32 worker = hire(dealId, peer, 0);
        vm.prank(customer);
        desk.resizeDeal(dealId, 1, 2);
        measure("resize deal", 100_000);
        serve(peer, 5);
        for (uint96 i = 1; i <= 16; ++i) {
            vm.prank(customer);
            desk.setPrice(dealId, PRICE + i);
            measure(i == 1 ? "set price, the deal's first" : "set price", 150_000);
            pass(31);
        }
        serve(peer, 5);
        pass(2);
        claim(worker);
        // Accounts are open and the masks of the latest epochs written.
        serve(peer, 5);
        pass(2);
        market.settle(dealId);
        claim(worker);
        measure("claim of five epochs after 16 prices", 150_000);
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = worker;
        market.claim(ids, 0);
        measure("claim of five epochs before 16 prices", 225_000);
    }

    /// forge-config: default.isolate = true
    function test_three_workers_of_three_providers() public {
        Entry[] memory entries = new Entry[](3);
        entries[0] = Entry(settleDown(bob, 100, 1, 32, 100)[0], 0);
        fundAndApprove(address(0xCA401));
        entries[1] = Entry(settleDown(address(0xCA401), 200, 1, 32, 100)[0], 0);
        entries[2] = Entry(settleDown(address(0xDA7E), 300, 1, 32, 100)[0], 0);
        uint64 dealId = createDeal(3, 3, 50e18);
        vm.prank(customer);
        market.matchDeal(dealId, entries, noCaps(), true);
        measure("match three workers of three providers", 330_000);
    }
}
