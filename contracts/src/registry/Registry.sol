// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Module} from "../Module.sol";
import {Params} from "../params/Params.sol";
import {Signatures} from "../Signatures.sol";
import {Listing, Offer, OfferInput, Peer, PeerInput, RegistryLayout} from "./RegistryStorage.sol";

/// What capacity says about a peer.
interface ICommitted {
    function isCommitted(address peer) external view returns (bool);
    function busyUnits(address peer) external view returns (uint256);
}

/// The metadata of a provider must not be empty.
error EmptyMetadata();
/// The node is registered already.
error PeerExists(address peer);
/// The signature is not by the node's key, or the key is not 64 bytes.
error BadNodeSig(uint256 index);
/// A peer has 1 to 256 units.
error BadUnits(uint256 units);
/// The peer has a commitment or serves deals.
error PeerBusy(address peer);
/// The offer or the peer belongs to somebody else, or is not there.
error NotProvider();
/// The lowest version is above the highest.
error BadVersionRange();
/// The token is not on the market's list.
error TokenNotAllowed(address token);
/// A price is at least 1.
error ZeroPrice();
/// The offer has this capability already, or does not have it.
error CapUnchanged(bytes32 capId);
/// More entries than one call takes.
error TooMany(uint256 most);

/// @title Providers, their offers, and the nodes behind them.
/// @dev A peer is its node's address, so that nobody can take the place of another's node (flaw F3).
contract Registry is Module {
    /// Peers, and capabilities, in one call.
    uint256 public constant MOST_ENTRIES = 32;

    // keccak256(abi.encode(uint256(keccak256("weir.registry")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant ROOT = 0xb2bab8a997e719facd210ea5ec50c112ae4f096e08152e0b6388783833366900;

    event ProviderSet(address indexed provider, bytes metadata);
    event OfferCreated(
        uint48 indexed offerId,
        address indexed provider,
        address indexed payToken,
        uint96 minPrice,
        uint16 verMin,
        uint16 verMax
    );
    event OfferEdited(
        uint48 indexed offerId, address payToken, uint96 minPrice, uint16 verMin, uint16 verMax
    );
    event OfferPaused(uint48 indexed offerId, bool paused);
    event CapabilityAdded(uint48 indexed offerId, bytes32 indexed capId);
    event CapabilityRemoved(uint48 indexed offerId, bytes32 indexed capId);
    event PeerRegistered(
        address indexed peer, address indexed provider, uint48 indexed offerId, uint16 units, bytes publicKey
    );
    event PeerResized(address indexed peer, uint16 units);
    event PeerMoved(address indexed peer, uint48 offerId);
    event PeerRetired(address indexed peer);

    constructor(Params params) Module(params) {}

    /// @notice Says who a provider is: a CID of a description. Anyone, for itself. Errors: EmptyMetadata.
    function setProvider(bytes calldata metadata) external {
        if (metadata.length == 0) revert EmptyMetadata();
        store().metadata[msg.sender] = keccak256(metadata);
        emit ProviderSet(msg.sender, metadata);
    }

    /// @notice Creates an offer and registers its first peers. Anyone, who becomes its provider.
    /// Errors: those of `createOffer` and of `registerPeers`.
    function registerOffer(OfferInput calldata input, PeerInput[] calldata peers)
        external
        returns (uint48 offerId)
    {
        offerId = createOffer(input);
        registerAll(offerId, peers);
    }

    /// @notice Creates an offer. Anyone, who becomes its provider.
    /// Errors: ZeroPrice, BadVersionRange, TokenNotAllowed, TooMany, CapUnchanged.
    function createOffer(OfferInput calldata input) public returns (uint48 offerId) {
        check(input.minPrice, input.payToken, input.verMin, input.verMax);
        RegistryLayout storage s = store();
        offerId = ++s.offers;
        s.offer[offerId] =
            Offer(msg.sender, input.minPrice, input.payToken, input.verMin, input.verMax, false);
        emit OfferCreated(offerId, msg.sender, input.payToken, input.minPrice, input.verMin, input.verMax);
        setCaps(offerId, input.caps, true);
    }

    /// @notice Changes the terms of future matches; running workers keep theirs. Provider of the offer.
    /// Errors: NotProvider, ZeroPrice, BadVersionRange, TokenNotAllowed.
    function editOffer(uint48 offerId, uint96 minPrice, address payToken, uint16 verMin, uint16 verMax)
        external
    {
        Offer storage offer = own(offerId);
        check(minPrice, payToken, verMin, verMax);
        (offer.minPrice, offer.payToken, offer.verMin, offer.verMax) = (minPrice, payToken, verMin, verMax);
        emit OfferEdited(offerId, payToken, minPrice, verMin, verMax);
    }

    /// @notice Takes an offer from the market, or puts it back; its workers go on. Provider of the offer.
    /// Errors: NotProvider.
    function pauseOffer(uint48 offerId, bool paused) external {
        own(offerId).paused = paused;
        emit OfferPaused(offerId, paused);
    }

    /// @notice Adds capabilities to an offer. Provider of the offer. Errors: NotProvider, TooMany, CapUnchanged.
    function addCaps(uint48 offerId, bytes32[] calldata capIds) external {
        own(offerId);
        setCaps(offerId, capIds, true);
    }

    /// @notice Removes capabilities; running workers keep their terms. Provider of the offer.
    /// Errors: NotProvider, TooMany, CapUnchanged.
    function removeCaps(uint48 offerId, bytes32[] calldata capIds) external {
        own(offerId);
        setCaps(offerId, capIds, false);
    }

    /// @notice Adds nodes to an offer; each node's key has agreed to it. Provider of the offer.
    /// Errors: NotProvider, TooMany, BadUnits, BadNodeSig, PeerExists.
    function registerPeers(uint48 offerId, PeerInput[] calldata peers) external {
        own(offerId);
        registerAll(offerId, peers);
    }

    /// @notice Changes the number of units of a peer without a commitment. Its provider.
    /// Errors: NotProvider, BadUnits, PeerBusy.
    function resizePeer(address peer, uint16 units) external {
        Peer storage found = ownIdle(peer);
        if (units == 0 || units > 256) revert BadUnits(units);
        found.units = units;
        emit PeerResized(peer, units);
    }

    /// @notice Puts a peer that serves no deal under another offer of the same provider. Its provider.
    /// Errors: NotProvider, PeerBusy.
    function movePeer(address peer, uint48 offerId) external {
        Peer storage found = store().peer[peer];
        own(offerId);
        if (found.provider != msg.sender || found.units == 0) revert NotProvider();
        if (capacity().busyUnits(peer) != 0) revert PeerBusy(peer);
        found.offerId = offerId;
        emit PeerMoved(peer, offerId);
    }

    /// @notice Takes a peer without a commitment off the market; its key may be registered anew, by anyone for
    /// whom it signs. Its provider. Errors: NotProvider, PeerBusy.
    function retirePeer(address peer) external {
        Peer storage found = ownIdle(peer);
        (found.units, found.offerId) = (0, 0);
        emit PeerRetired(peer);
    }

    /// @notice A peer; its units are 0 if it is not registered. Anyone.
    function getPeer(address peer) external view returns (Peer memory) {
        return store().peer[peer];
    }

    /// @notice An offer; its provider is 0 if there is none. Anyone.
    function getOffer(uint48 offerId) external view returns (Offer memory) {
        return store().offer[offerId];
    }

    /// @notice Number of offers; their ids are 1 up to it. Anyone.
    function offerCount() external view returns (uint48) {
        return store().offers;
    }

    /// @notice Whether an offer claims a capability. Anyone.
    function hasCap(uint48 offerId, bytes32 capId) external view returns (bool) {
        return store().cap[offerId][capId];
    }

    /// @notice Hash of a provider's metadata, or zero. Anyone.
    function metadataHash(address provider) external view returns (bytes32) {
        return store().metadata[provider];
    }

    /// @notice The terms of a peer, and whether it has some capabilities; all zero if it is not registered. Anyone.
    function listing(address peer, bytes32[] calldata caps) external view returns (Listing memory) {
        RegistryLayout storage s = store();
        Peer memory found = s.peer[peer];
        Offer memory offer = s.offer[found.offerId];
        bool capable = true;
        for (uint256 i; i < caps.length && capable; ++i) {
            capable = s.cap[found.offerId][caps[i]];
        }
        return Listing(
            offer.provider,
            found.offerId,
            offer.minPrice,
            offer.payToken,
            offer.verMin,
            offer.verMax,
            offer.paused,
            capable
        );
    }

    function registerAll(uint48 offerId, PeerInput[] calldata peers) private {
        if (peers.length > MOST_ENTRIES) revert TooMany(MOST_ENTRIES);
        for (uint256 i; i < peers.length; ++i) {
            PeerInput calldata input = peers[i];
            if (input.units == 0 || input.units > 256) revert BadUnits(input.units);
            if (input.publicKey.length != 64) revert BadNodeSig(i);
            address peer = address(uint160(uint256(keccak256(input.publicKey))));
            Peer storage found = store().peer[peer];
            uint16 registrations = found.registrations;
            if (found.units != 0) revert PeerExists(peer);
            bytes32 digest = Signatures.registerPeer(msg.sender, registrations);
            if (!Signatures.isFrom(peer, digest, input.signature)) revert BadNodeSig(i);
            store().peer[peer] = Peer(msg.sender, input.units, offerId, registrations + 1);
            emit PeerRegistered(peer, msg.sender, offerId, input.units, input.publicKey);
        }
    }

    function setCaps(uint48 offerId, bytes32[] calldata capIds, bool present) private {
        if (capIds.length > MOST_ENTRIES) revert TooMany(MOST_ENTRIES);
        mapping(bytes32 => bool) storage caps = store().cap[offerId];
        for (uint256 i; i < capIds.length; ++i) {
            bytes32 capId = capIds[i];
            if (caps[capId] == present) revert CapUnchanged(capId);
            caps[capId] = present;
            if (present) emit CapabilityAdded(offerId, capId);
            else emit CapabilityRemoved(offerId, capId);
        }
    }

    function check(uint96 minPrice, address payToken, uint16 verMin, uint16 verMax) private view {
        if (minPrice == 0) revert ZeroPrice();
        if (verMin > verMax) revert BadVersionRange();
        if (!PARAMS.isTokenAllowed(payToken)) revert TokenNotAllowed(payToken);
    }

    function own(uint48 offerId) private view returns (Offer storage offer) {
        offer = store().offer[offerId];
        if (offer.provider != msg.sender) revert NotProvider();
    }

    function ownIdle(address peer) private view returns (Peer storage found) {
        found = store().peer[peer];
        if (found.provider != msg.sender || found.units == 0) revert NotProvider();
        if (capacity().isCommitted(peer)) revert PeerBusy(peer);
    }

    function capacity() private view returns (ICommitted) {
        return ICommitted(moduleAt(CAPACITY));
    }

    function store() private pure returns (RegistryLayout storage s) {
        bytes32 root = ROOT;
        assembly ("memory-safe") {
            s.slot := root
        }
    }
}
