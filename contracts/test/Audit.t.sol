// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Closed, EmptyRoot, NotOver, ReceiptCommit, Twice} from "../src/audit/Audit.sol";
import {NotProvider, TooMany} from "../src/registry/Registry.sol";
import {Town} from "./Town.sol";

/// Commitments to receipts.
contract AuditTest is Town {
    address private peer;

    function setUp() public override {
        super.setUp();
        peer = settleDown(alice, 1, 1, 4, 100)[0];
        pass(1);
    }

    function commitAs(address who, uint32 epoch, bytes32 root, uint256 missing) private {
        bytes32[] memory ids = new bytes32[](missing);
        vm.prank(who);
        audit.commitReceipts(peer, epoch, address(pay), root, 5, ids);
    }

    function test_the_node_or_its_provider_commits_an_epoch_that_has_ended() public {
        commitAs(alice, 2, "root", 0);
        ReceiptCommit memory found = audit.getCommit(peer, address(pay), 2);
        eq(uint256(found.root), uint256(bytes32("root")), "root");
        eq(audit.committedWord(peer, address(pay), 0), 1 << 2, "epoch");
        pass(1);
        commitAs(peer, 3, "root", 0);
        eq(audit.committedWord(peer, address(pay), 0), (1 << 2) | (1 << 3), "epochs");
        vm.expectRevert(NotProvider.selector);
        commitAs(bob, 3, "root", 0);
    }

    function test_an_epoch_is_committed_once_and_in_time() public {
        vm.expectRevert(abi.encodeWithSelector(NotOver.selector, 3));
        commitAs(peer, 3, "root", 0);
        vm.expectRevert(abi.encodeWithSelector(Closed.selector, 1));
        commitAs(peer, 1, "root", 0);
        vm.expectRevert(EmptyRoot.selector);
        commitAs(peer, 2, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(TooMany.selector, 16));
        commitAs(peer, 2, "root", 17);
        commitAs(peer, 2, "root", 0);
        vm.expectRevert(Twice.selector);
        commitAs(peer, 2, "other", 0);
    }

    /// Invariant I13: the peers' ranges fill the sum without gaps.
    function test_fees_of_peers_are_put_end_to_end() public {
        address other = settleDown(bob, 60, 1, 1, 100)[0];
        pass(1);
        uint32 epoch = now_() - 1;
        vm.prank(peer);
        audit.commitReceipts(peer, epoch, address(pay), "a", 7, noCaps());
        vm.prank(other);
        audit.commitReceipts(other, epoch, address(pay), "b", 5, noCaps());
        eq(audit.getCommit(peer, address(pay), epoch).start, 0, "first");
        eq(audit.getCommit(other, address(pay), epoch).start, 7, "second");
        eq(audit.feeSumOf(address(pay), epoch), 12, "sum");
        pass(1);
        vm.prank(peer);
        audit.commitReceipts(peer, epoch + 1, address(pay), "c", 9, noCaps());
        eq(audit.getCommit(peer, address(pay), epoch + 1).start, 0, "anew");
    }

    function test_roots_are_kept_for_sixteen_epochs() public {
        commitAs(peer, 2, "root", 0);
        serve(peer, 16);
        eq(uint256(audit.getCommit(peer, address(pay), 2).root), 0, "gone");
        yes(audit.committedWord(peer, address(pay), 0) & (1 << 2) != 0, "the fact stays");
    }
}
