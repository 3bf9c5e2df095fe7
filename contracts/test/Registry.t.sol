// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    BadNodeSig,
    BadUnits,
    BadVersionRange,
    CapUnchanged,
    EmptyMetadata,
    NotProvider,
    PeerBusy,
    PeerExists,
    Registry,
    TokenNotAllowed,
    TooMany,
    ZeroPrice
} from "../src/registry/Registry.sol";
import {OfferInput, Peer, PeerInput} from "../src/registry/RegistryStorage.sol";
import {Town} from "./Town.sol";

/// Providers, offers and the nodes behind them.
contract RegistryTest is Town {
    function one(PeerInput memory input) private pure returns (PeerInput[] memory inputs) {
        inputs = new PeerInput[](1);
        inputs[0] = input;
    }

    function fails(address provider, PeerInput memory input, bytes memory problem) private {
        PeerInput[] memory inputs = one(input);
        OfferInput memory offer = offerInput();
        vm.expectRevert(problem);
        vm.prank(provider);
        registry.registerOffer(offer, inputs);
    }

    function test_a_peer_is_the_address_of_its_key() public {
        uint48 offerId = register(alice, 1, 1, 32);
        Peer memory peer = registry.getPeer(vm.addr(1));
        eq(peer.provider, alice, "provider");
        eq(peer.units, 32, "units");
        eq(peer.offerId, offerId, "offer");
    }

    /// Flaw F3, attack A13: the node has agreed to another provider.
    function test_nobody_squats_anothers_node() public {
        PeerInput memory input = peerInput(1, alice, 4, 0);
        fails(bob, input, abi.encodeWithSelector(BadNodeSig.selector, 0));
        register(alice, 1, 1, 4);
        PeerInput memory again = peerInput(1, bob, 4, 1);
        fails(bob, again, abi.encodeWithSelector(PeerExists.selector, vm.addr(1)));
    }

    function test_a_signature_is_good_for_one_registration() public {
        PeerInput memory input = peerInput(1, alice, 4, 0);
        register(alice, 1, 1, 4);
        vm.prank(alice);
        registry.retirePeer(vm.addr(1));
        eq(registry.getPeer(vm.addr(1)).units, 0, "retired");
        fails(alice, input, abi.encodeWithSelector(BadNodeSig.selector, 0));
        PeerInput[] memory fresh = one(peerInput(1, bob, 8, 1));
        OfferInput memory offer = offerInput();
        vm.prank(bob);
        registry.registerOffer(offer, fresh);
        eq(registry.getPeer(vm.addr(1)).provider, bob, "moved to bob");
    }

    function test_keys_and_units_are_checked() public {
        PeerInput memory input = peerInput(1, alice, 4, 0);
        input.publicKey = hex"00";
        fails(alice, input, abi.encodeWithSelector(BadNodeSig.selector, 0));
        input = peerInput(1, alice, 0, 0);
        fails(alice, input, abi.encodeWithSelector(BadUnits.selector, 0));
        input = peerInput(1, alice, 257, 0);
        fails(alice, input, abi.encodeWithSelector(BadUnits.selector, 257));
    }

    function test_a_signature_of_a_high_s_is_refused() public {
        PeerInput memory input = peerInput(1, alice, 4, 0);
        (bytes32 r, bytes32 s) = abi.decode(input.signature, (bytes32, bytes32));
        uint8 v = uint8(input.signature[64]);
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        input.signature = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        fails(alice, input, abi.encodeWithSelector(BadNodeSig.selector, 0));
    }

    function test_one_call_takes_32_peers() public {
        PeerInput[] memory inputs = new PeerInput[](33);
        OfferInput memory offer = offerInput();
        vm.expectRevert(abi.encodeWithSelector(TooMany.selector, 32));
        registry.registerOffer(offer, inputs);
    }

    function test_offers_have_bounds() public {
        OfferInput memory offer = offerInput();
        offer.minPrice = 0;
        vm.expectRevert(ZeroPrice.selector);
        registry.createOffer(offer);
        offer = offerInput();
        offer.verMin = 4;
        vm.expectRevert(BadVersionRange.selector);
        registry.createOffer(offer);
        offer = offerInput();
        offer.payToken = address(stake);
        vm.expectRevert(abi.encodeWithSelector(TokenNotAllowed.selector, address(stake)));
        registry.createOffer(offer);
    }

    function test_only_the_provider_changes_an_offer() public {
        uint48 offerId = register(alice, 1, 1, 4);
        vm.startPrank(bob);
        vm.expectRevert(NotProvider.selector);
        registry.editOffer(offerId, 1, address(pay), 1, 1);
        vm.expectRevert(NotProvider.selector);
        registry.pauseOffer(offerId, true);
        vm.expectRevert(NotProvider.selector);
        registry.addCaps(offerId, noCaps());
        vm.expectRevert(NotProvider.selector);
        registry.removeCaps(offerId, noCaps());
        vm.expectRevert(NotProvider.selector);
        registry.registerPeers(offerId, new PeerInput[](0));
        vm.expectRevert(NotProvider.selector);
        registry.resizePeer(vm.addr(1), 1);
        vm.expectRevert(NotProvider.selector);
        registry.retirePeer(vm.addr(1));
        vm.stopPrank();
        vm.prank(alice);
        registry.editOffer(offerId, 7, address(pay), 2, 9);
        eq(registry.getOffer(offerId).minPrice, 7, "price");
    }

    function test_capabilities_come_and_go() public {
        uint48 offerId = register(alice, 1, 1, 4);
        bytes32[] memory caps = new bytes32[](1);
        caps[0] = "gpu";
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(CapUnchanged.selector, caps[0]));
        registry.removeCaps(offerId, caps);
        registry.addCaps(offerId, caps);
        yes(registry.hasCap(offerId, caps[0]), "added");
        vm.expectRevert(abi.encodeWithSelector(CapUnchanged.selector, caps[0]));
        registry.addCaps(offerId, caps);
        registry.removeCaps(offerId, caps);
        yes(!registry.hasCap(offerId, caps[0]), "removed");
        vm.stopPrank();
    }

    function test_a_committed_peer_stays_as_it_is() public {
        address peer = settleDown(alice, 1, 1, 4, 20)[0];
        uint48 other = register(alice, 9, 1, 4);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(PeerBusy.selector, peer));
        registry.resizePeer(peer, 8);
        vm.expectRevert(abi.encodeWithSelector(PeerBusy.selector, peer));
        registry.retirePeer(peer);
        registry.movePeer(peer, other);
        vm.stopPrank();
        matchOne(createDeal(1, 1, 10e18), peer, 0);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(PeerBusy.selector, peer));
        registry.movePeer(peer, 1);
    }

    function test_a_provider_says_who_it_is() public {
        vm.expectRevert(EmptyMetadata.selector);
        registry.setProvider("");
        vm.prank(alice);
        registry.setProvider("cid");
        eq(uint256(registry.metadataHash(alice)), uint256(keccak256("cid")), "hash");
    }
}
