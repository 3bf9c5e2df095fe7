// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BadStatus, BadWorkerSig, KeyTooYoung} from "../src/market/MarketErrors.sol";
import {WorkerStatus} from "../src/market/MarketStorage.sol";
import {Param} from "../src/params/Param.sol";
import {NotProvider} from "../src/registry/Registry.sol";
import {Town} from "./Town.sol";

/// The keys that sign a worker's receipts.
contract KeysTest is Town {
    uint256 private constant FIRST = 0x77;
    uint256 private constant SECOND = 0x78;
    uint256 private constant THIRD = 0x79;

    address private peer;
    uint64 private dealId;
    bytes32 private worker;

    function setUp() public override {
        super.setUp();
        peer = settleDown(alice, 1, 1, 4, 100)[0];
        dealId = createDeal(1, 1, 100e18);
        worker = hire(dealId, peer, 0);
    }

    function rotate(uint256 key) private {
        bytes memory signature = workerSignature(worker, key);
        vm.prank(alice);
        desk.rotateWorkerKey(worker, vm.addr(key), signature);
    }

    function signs(uint256 key, uint32 epoch, string memory what) private view {
        eq(desk.keyOfWorker(worker, epoch), vm.addr(key), what);
    }

    function retention() private view returns (uint32) {
        return uint32(params.get(Param.Retention));
    }

    function test_a_new_key_signs_from_the_next_epoch_on() public {
        pass(2);
        rotate(SECOND);
        uint32 epoch = now_();
        signs(FIRST, epoch - 1, "the epoch before");
        signs(FIRST, epoch, "the epoch of the change");
        signs(SECOND, epoch + 1, "the epoch after it");
        eq(desk.getWorker(worker).key, vm.addr(SECOND), "present key");
        pass(5);
        signs(FIRST, epoch, "the epoch of the change, later");
    }

    function test_a_key_changes_again_when_the_former_one_cannot_be_judged_any_more() public {
        rotate(SECOND);
        uint32 least = now_() + 1 + retention();
        bytes memory signature = workerSignature(worker, THIRD);
        toEpoch(least - 1);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(KeyTooYoung.selector, least));
        desk.rotateWorkerKey(worker, vm.addr(THIRD), signature);
        signs(FIRST, least - 1 - retention(), "the last epoch of the first key, while it can be judged");
        pass(1);
        rotate(THIRD);
        signs(SECOND, least, "the second key");
        signs(THIRD, least + 1, "the third key");
    }

    function test_a_worker_that_does_not_serve_yet_has_its_new_key_from_its_first_epoch_on() public {
        address other = settleDown(bob, 60, 1, 4, 100)[0];
        uint64 second = createDeal(1, 1, 100e18);
        bytes32 young = matchOne(second, other, 0);
        activate(young);
        bytes memory signature = workerSignature(young, SECOND);
        vm.prank(bob);
        desk.rotateWorkerKey(young, vm.addr(SECOND), signature);
        eq(desk.keyOfWorker(young, desk.getWorker(young).joinEpoch), vm.addr(SECOND), "first epoch");
        // Nothing is to be judged by the key that never signed.
        signature = workerSignature(young, THIRD);
        vm.prank(bob);
        desk.rotateWorkerKey(young, vm.addr(THIRD), signature);
        eq(desk.keyOfWorker(young, desk.getWorker(young).joinEpoch), vm.addr(THIRD), "again");
    }

    function test_only_the_provider_changes_a_key() public {
        bytes memory signature = workerSignature(worker, SECOND);
        address[3] memory others = [peer, customer, bob];
        for (uint256 i; i < 3; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(NotProvider.selector);
            desk.rotateWorkerKey(worker, vm.addr(SECOND), signature);
        }
    }

    function test_a_new_key_must_agree_to_this_worker() public {
        bytes memory byOther = workerSignature(worker, THIRD);
        bytes memory forOther = workerSignature(keccak256("another worker"), SECOND);
        vm.startPrank(alice);
        vm.expectRevert(BadWorkerSig.selector);
        desk.rotateWorkerKey(worker, vm.addr(SECOND), byOther);
        vm.expectRevert(BadWorkerSig.selector);
        desk.rotateWorkerKey(worker, vm.addr(SECOND), forOther);
        vm.expectRevert(BadWorkerSig.selector);
        desk.rotateWorkerKey(worker, address(0), new bytes(65));
        vm.stopPrank();
        signs(FIRST, now_() + 1, "unchanged");
    }

    function test_a_worker_under_notice_may_change_its_key_and_one_that_is_over_may_not() public {
        vm.prank(peer);
        market.leaveDeal(worker);
        rotate(SECOND);
        pass(1);
        market.releaseWorker(worker);
        bytes memory signature = workerSignature(worker, THIRD);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(BadStatus.selector, WorkerStatus.Over));
        desk.rotateWorkerKey(worker, vm.addr(THIRD), signature);
    }

    /// A change of keys changes neither the charge nor what was proven.
    function test_a_worker_is_paid_across_a_change_of_its_key() public {
        serve(peer, 2);
        rotate(SECOND);
        serve(peer, 2);
        pass(3);
        eq(claim(worker), 4 * PRICE, "four epochs");
    }

    /// Attack: sign wrongly, and change the key so that nobody can say whose signature it was.
    function test_no_change_of_keys_hides_who_signed_an_epoch_that_can_be_judged() public {
        uint32 guilty = now_();
        rotate(SECOND);
        for (uint32 i; i < retention(); ++i) {
            pass(1);
            bytes memory signature = workerSignature(worker, THIRD);
            vm.prank(alice);
            try desk.rotateWorkerKey(worker, vm.addr(THIRD), signature) {} catch {}
            signs(FIRST, guilty, "the key of the epoch");
        }
    }
}
