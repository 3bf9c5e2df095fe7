// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Beneficiary, Commitment, CommitmentStatus, Reservation} from "../src/capacity/CapacityStorage.sol";
import {
    BadDuration,
    BadShare,
    LiveCommitment,
    Locked,
    NotParty,
    NotStaker,
    StillRunning,
    UnitsBusy,
    WrongStatus
} from "../src/capacity/Capacity.sol";
import {OnlyModule, Paused} from "../src/Module.sol";
import {Param} from "../src/params/Param.sol";
import {NotProvider} from "../src/registry/Registry.sol";
import {Town} from "./Town.sol";

/// Commitments, collateral, and what is taken of it.
contract CapacityTest is Town {
    address private peer;

    function setUp() public override {
        super.setUp();
        register(alice, 1, 1, 4);
        peer = vm.addr(1);
    }

    function offer(uint16 duration, address backer) private {
        vm.prank(alice);
        capacity.createCommitment(peer, duration, 2_000, 2_000, 0, backer);
    }

    function deposit(address from) private {
        address[] memory peers = new address[](1);
        peers[0] = peer;
        vm.prank(from);
        capacity.deposit(peers);
    }

    function slash(uint128 amount, uint16 shareBp) private returns (uint128) {
        Beneficiary[] memory to = new Beneficiary[](1);
        to[0] = Beneficiary(bob, shareBp);
        vm.prank(judge);
        return capacity.slash(peer, amount, 7, to);
    }

    function wrong(CommitmentStatus status) private {
        vm.expectRevert(abi.encodeWithSelector(WrongStatus.selector, status));
    }

    function test_a_commitment_is_offered_and_cancelled() public {
        offer(5, staker);
        vm.expectRevert(LiveCommitment.selector);
        offer(5, staker);
        vm.expectRevert(NotProvider.selector);
        capacity.cancelCommitment(peer);
        vm.prank(alice);
        capacity.cancelCommitment(peer);
        wrong(CommitmentStatus.Cancelled);
        deposit(staker);
        offer(5, staker);
    }

    function test_commitments_have_bounds() public {
        vm.expectRevert(BadDuration.selector);
        offer(4, staker);
        vm.startPrank(alice);
        vm.expectRevert(BadShare.selector);
        capacity.createCommitment(peer, 5, 10_001, 0, 0, staker);
        vm.expectRevert(BadShare.selector);
        capacity.createCommitment(peer, 5, 0, 10_001, 0, staker);
        vm.stopPrank();
        vm.expectRevert(NotProvider.selector);
        capacity.createCommitment(peer, 5, 0, 0, 0, staker);
        params.pause(1);
        vm.expectRevert(Paused.selector);
        offer(5, staker);
    }

    function test_only_the_named_staker_backs_a_commitment() public {
        offer(5, staker);
        vm.expectRevert(NotStaker.selector);
        deposit(bob);
        deposit(staker);
        eq(stake.balanceOf(address(capacity)), 400e18, "held");
        wrong(CommitmentStatus.Active);
        deposit(staker);
    }

    function test_anyone_backs_a_commitment_that_names_nobody() public {
        offer(5, address(0));
        deposit(bob);
        eq(commitmentOf(peer).staker, bob, "staker");
    }

    function test_collateral_comes_back_after_the_end_and_the_lock() public {
        offer(5, staker);
        deposit(staker);
        vm.prank(staker);
        vm.expectRevert(abi.encodeWithSelector(StillRunning.selector, 7));
        capacity.requestExit(peer);
        toEpoch(7);
        vm.expectRevert(NotParty.selector);
        capacity.requestExit(peer);
        vm.expectRevert(abi.encodeWithSelector(Locked.selector, type(uint32).max));
        capacity.finish(peer);
        vm.prank(alice);
        capacity.requestExit(peer);
        vm.expectRevert(abi.encodeWithSelector(Locked.selector, 9));
        capacity.finish(peer);
        toEpoch(9);
        capacity.finish(peer);
        eq(stakeCredit(staker), 400e18, "all");
        wrong(CommitmentStatus.Finished);
        capacity.finish(peer);
        offer(5, staker);
    }

    function test_a_busy_unit_holds_up_the_exit_until_its_worker_is_released() public {
        offer(5, staker);
        deposit(staker);
        pass(1);
        bytes32 worker = hire(createDeal(1, 1, 100e18), peer, 0);
        toEpoch(7);
        vm.prank(staker);
        capacity.requestExit(peer);
        pass(2);
        vm.expectRevert(UnitsBusy.selector);
        capacity.finish(peer);
        vm.prank(bob);
        market.releaseWorker(worker);
        capacity.finish(peer);
    }

    /// Flaw F9, invariant I19.
    function test_new_parameters_leave_running_commitments_alone() public {
        offer(600, staker);
        params.propose(Param.CollateralPerUnit, 7e18);
        params.propose(Param.LockEpochs, 60);
        later(14 days);
        params.apply_(Param.CollateralPerUnit);
        params.apply_(Param.LockEpochs);
        deposit(staker);
        eq(commitmentOf(peer).collateralPerUnit, 100e18, "collateral");
        eq(commitmentOf(peer).lockEpochs, 2, "lock");
        eq(stake.balanceOf(address(capacity)), 400e18, "taken");
    }

    /// Flaw F5, invariant I6.
    function test_slashes_add_up_to_all_of_the_collateral_and_no_more() public {
        offer(50, staker);
        deposit(staker);
        eq(slash(100e18, 4_000), 100e18, "first");
        eq(uint256(commitmentOf(peer).status), uint256(CommitmentStatus.Active), "a quarter");
        eq(stakeCredit(bob), 40e18, "beneficiary");
        eq(stakeCredit(address(this)), 60e18, "treasury");
        eq(slash(100e18, 0), 100e18, "second");
        eq(uint256(commitmentOf(peer).status), uint256(CommitmentStatus.Failed), "half");
        eq(slash(500e18, 0), 200e18, "what is left");
        eq(slash(1, 0), 0, "nothing is left");
        eq(capacity.collateralHeld(), 0, "held");
    }

    function test_a_failed_commitment_ends_its_workers_and_returns_the_rest() public {
        offer(50, staker);
        deposit(staker);
        pass(1);
        uint64 dealId = createDeal(1, 1, 100e18);
        bytes32 worker = hire(dealId, peer, 0);
        slash(200e18, 0);
        eq(desk.endOfWorker(worker), now_() + 1, "end");
        pass(1);
        market.releaseWorker(worker);
        vm.prank(staker);
        capacity.requestExit(peer);
        pass(2);
        capacity.finish(peer);
        eq(stakeCredit(staker), 200e18, "half");
    }

    function test_only_modules_slash_and_reserve() public {
        offer(50, staker);
        deposit(staker);
        vm.expectRevert(OnlyModule.selector);
        capacity.slash(peer, 1, 1, new Beneficiary[](0));
        vm.expectRevert(OnlyModule.selector);
        capacity.reserve(Reservation(peer, 0, 1, 0, 0, 0));
        vm.expectRevert(OnlyModule.selector);
        capacity.release(peer, 0, 1);
        Beneficiary[] memory to = new Beneficiary[](2);
        to[0] = Beneficiary(bob, 6_000);
        to[1] = Beneficiary(bob, 6_000);
        vm.prank(judge);
        vm.expectRevert(BadShare.selector);
        capacity.slash(peer, 1e18, 1, to);
    }

    /// Old fees are paid by the terms under which they were earned.
    function test_a_new_commitment_does_not_take_the_fees_of_the_old_one() public {
        offer(5, staker);
        deposit(staker);
        pass(1);
        bytes32 worker = hire(createDeal(1, 1, 100e18), peer, 0);
        serve(peer, 2);
        toEpoch(7);
        vm.prank(staker);
        capacity.requestExit(peer);
        market.releaseWorker(worker);
        pass(2);
        capacity.finish(peer);
        vm.startPrank(alice);
        registry.retirePeer(peer);
        vm.stopPrank();
        eq(claim(worker), 2e18, "two epochs");
        eq(credit(alice), 1.52e18, "provider");
        eq(credit(staker), 0.38e18, "staker");
    }

    function testFuzz_slashes_never_exceed_the_collateral(uint128[8] memory amounts) public {
        offer(50, staker);
        deposit(staker);
        uint256 before;
        for (uint256 i; i < 8; ++i) {
            slash(amounts[i], 5_000);
            Commitment memory c = commitmentOf(peer);
            yes(c.slashed >= before, "monotone");
            atMost(c.slashed, 400e18, "collateral");
            before = c.slashed;
        }
        eq(stakeCredit(bob) + stakeCredit(address(this)), before, "credited");
        eq(stake.balanceOf(address(capacity)), capacity.collateralHeld() + before, "held");
    }
}
