// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {NotOwner} from "../src/Module.sol";
import {Param} from "../src/params/Param.sol";
import {
    NothingProposed,
    OnlyGuardian,
    OnlyOwner,
    OutOfBounds,
    Params,
    PauseTooLong,
    TooEarly,
    ZeroValue
} from "../src/params/Params.sol";
import {Town} from "./Town.sol";

/// Who may change the rules, how far, and how fast.
contract ParamsTest is Town {
    function test_a_value_changes_only_after_the_delay() public {
        params.propose(Param.LockEpochs, 5);
        eq(params.get(Param.LockEpochs), 2, "before");
        vm.expectRevert(abi.encodeWithSelector(TooEarly.selector, block.timestamp + 14 days));
        params.apply_(Param.LockEpochs);
        later(14 days);
        vm.prank(bob);
        params.apply_(Param.LockEpochs);
        eq(params.get(Param.LockEpochs), 5, "after");
        eq(params.getAt(Param.LockEpochs, 1), 2, "in epoch 1");
        eq(params.getAt(Param.LockEpochs, market.currentEpoch()), 5, "now");
        vm.expectRevert(NothingProposed.selector);
        params.apply_(Param.LockEpochs);
    }

    function test_a_proposal_can_be_taken_back() public {
        params.propose(Param.LockEpochs, 5);
        params.cancel(Param.LockEpochs);
        later(15 days);
        vm.expectRevert(NothingProposed.selector);
        params.apply_(Param.LockEpochs);
    }

    function test_nobody_passes_the_hard_bounds() public {
        vm.expectRevert(abi.encodeWithSelector(OutOfBounds.selector, Param.ProtocolFeeBp, 1_001));
        params.propose(Param.ProtocolFeeBp, 1_001);
        vm.expectRevert(abi.encodeWithSelector(OutOfBounds.selector, Param.Maturity, 3));
        params.propose(Param.Maturity, 3);
        vm.expectRevert(abi.encodeWithSelector(OutOfBounds.selector, Param.Retention, 4));
        params.propose(Param.Retention, 4);
    }

    function test_only_the_eight_last_values_are_kept() public {
        for (uint128 i = 3; i <= 10; ++i) {
            params.propose(Param.LockEpochs, i);
            later(14 days);
            params.apply_(Param.LockEpochs);
        }
        eq(params.get(Param.LockEpochs), 10, "last");
        vm.expectRevert(abi.encodeWithSelector(OutOfBounds.selector, Param.LockEpochs, 1));
        params.getAt(Param.LockEpochs, 1);
    }

    function test_strangers_change_nothing() public {
        vm.startPrank(bob);
        vm.expectRevert(OnlyOwner.selector);
        params.propose(Param.LockEpochs, 5);
        vm.expectRevert(OnlyOwner.selector);
        params.cancel(Param.LockEpochs);
        vm.expectRevert(OnlyOwner.selector);
        params.setModule("X", bob);
        vm.expectRevert(OnlyOwner.selector);
        params.allowToken(bob, true);
        vm.expectRevert(OnlyOwner.selector);
        params.setTreasury(bob);
        vm.expectRevert(OnlyOwner.selector);
        params.setGuardian(bob);
        vm.expectRevert(OnlyOwner.selector);
        params.transferOwnership(bob);
        vm.expectRevert(OnlyOwner.selector);
        params.acceptOwnership();
        vm.expectRevert(OnlyGuardian.selector);
        params.pause(1);
        vm.stopPrank();
    }

    function test_a_module_is_replaced_only_after_the_delay() public {
        params.setModule("DISPUTE", bob);
        eq(params.addressOf("DISPUTE"), judge, "before");
        vm.expectRevert(abi.encodeWithSelector(TooEarly.selector, block.timestamp + 14 days));
        params.applyModule("DISPUTE");
        later(14 days);
        params.applyModule("DISPUTE");
        eq(params.addressOf("DISPUTE"), bob, "after");
        vm.expectRevert(ZeroValue.selector);
        params.setModule("DISPUTE", address(0));
    }

    function test_a_pause_is_short_and_not_renewed_at_once() public {
        vm.expectRevert(PauseTooLong.selector);
        params.pause(7 days + 1);
        params.pause(7 days);
        yes(params.paused(), "paused");
        later(7 days);
        yes(!params.paused(), "over");
        vm.expectRevert(PauseTooLong.selector);
        params.pause(1);
        later(7 days);
        params.pause(1);
    }

    function test_upgrades_wait_in_the_timelock() public {
        address[] memory people = new address[](1);
        people[0] = address(this);
        TimelockController timelock = new TimelockController(14 days, people, people, address(0));
        params.transferOwnership(address(timelock));
        bytes memory take = abi.encodeCall(Params.acceptOwnership, ());
        timelock.schedule(address(params), 0, take, 0, 0, 14 days);
        later(14 days);
        timelock.execute(address(params), 0, take, 0, 0);

        uint48 offers = register(alice, 1, 1, 4);
        address code = deploy("Registry", abi.encode(params));
        vm.expectRevert(NotOwner.selector);
        registry.upgradeToAndCall(code, "");
        bytes memory upgrade = abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (code, ""));
        timelock.schedule(address(registry), 0, upgrade, 0, 0, 14 days);
        vm.expectRevert(
            abi.encodeWithSelector(
                TimelockController.TimelockUnexpectedOperationState.selector,
                timelock.hashOperation(address(registry), 0, upgrade, 0, 0),
                bytes32(uint256(1) << uint8(TimelockController.OperationState.Ready))
            )
        );
        timelock.execute(address(registry), 0, upgrade, 0, 0);
        later(14 days);
        timelock.execute(address(registry), 0, upgrade, 0, 0);
        eq(registry.offerCount(), offers, "state stays");
    }

    function test_the_code_behind_the_proxy_cannot_be_taken_over() public {
        Params code = Params(deploy("Params", ""));
        uint128[] memory values = deployment.testProfile(60);
        vm.expectRevert(bytes4(keccak256("InvalidInitialization()")));
        code.initialize(bob, bob, bob, 1, 60, values);
        vm.expectRevert(bytes4(keccak256("InvalidInitialization()")));
        params.initialize(bob, bob, bob, 1, 60, values);
    }
}
