// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CommitmentStatus} from "../src/capacity/CapacityStorage.sol";
import {DealStatus} from "../src/lens/Lens.sol";
import {Deal, WorkerStatus} from "../src/market/MarketStorage.sol";
import {Town} from "./Town.sol";

/// From the registration to the last coin.
contract LifeCycleTest is Town {
    function test_a_deal_is_served_paid_ended_and_everyone_has_what_is_theirs() public {
        address peer = settleDown(alice, 1, 1, 32, 20)[0];
        uint64 dealId = createDeal(1, 1, 10e18);
        eq(uint256(lens.deal(dealId).status), uint256(DealStatus.Open), "before workers");
        bytes32 worker = hire(dealId, peer, 4);
        eq(capacity.busyUnits(peer), 1 << 4, "busy unit");
        eq(uint256(lens.deal(dealId).status), uint256(DealStatus.Active), "with a worker");

        serve(peer, 3);
        pass(2);
        eq(claim(worker), 3e18, "three proven epochs");
        eq(credit(address(this)), 0.15e18, "fee");
        eq(credit(staker), 0.57e18, "staker");
        eq(credit(alice), 2.28e18, "provider");
        vm.prank(alice);
        market.withdraw(address(pay), alice);
        eq(credit(alice), 0, "withdrawn");

        vm.prank(customer);
        desk.withdrawFree(dealId, 1e18);
        vm.prank(customer);
        market.endDeal(dealId);
        pass(1);
        market.releaseWorker(worker);
        eq(capacity.busyUnits(peer), 0, "released unit");
        pass(4);
        eq(market.refundUnproven(worker, 0), 3e18, "epochs without proof");
        desk.closeDeal(dealId);
        eq(uint256(lens.deal(dealId).status), uint256(DealStatus.Closed), "closed");
        vm.prank(customer);
        eq(market.withdraw(address(pay), customer), 7e18, "rest");

        toEpoch(22);
        vm.prank(staker);
        capacity.requestExit(peer);
        pass(2);
        capacity.finish(peer);
        eq(uint256(commitmentOf(peer).status), uint256(CommitmentStatus.Finished), "finished");
        eq(stakeCredit(staker), 3_200e18, "collateral");
    }

    function test_epochs_without_proof_are_never_paid() public {
        address peer = settleDown(alice, 1, 1, 1, 50)[0];
        uint64 dealId = createDeal(1, 1, 40e18);
        bytes32 worker = hire(dealId, peer, 0);
        serve(peer, 2);
        pass(3);
        prove(peer);
        pass(10);
        eq(claim(worker), 3e18, "two and one");
        Deal memory deal = desk.getDeal(dealId);
        eq(deal.balance + deal.escrow, 37e18, "kept");
        eq(uint256(desk.getWorker(worker).status), uint256(WorkerStatus.Active), "still there");
    }
}
