// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A node of a provider; its identity is the address of its key. One slot.
struct Peer {
    address provider;
    /// Compute units, 1 to 256; 0 once it is retired.
    uint16 units;
    uint48 offerId;
    /// How often the node was registered: the nonce of what it signs for the next time.
    uint16 registrations;
}

/// Terms under which a provider serves. Two slots.
struct Offer {
    address provider;
    /// Least price of one compute unit for one epoch, in the smallest unit of the token.
    uint96 minPrice;
    address payToken;
    /// Range of protocol versions that the provider runs, both included.
    uint16 verMin;
    uint16 verMax;
    bool paused;
}

/// @custom:storage-location erc7201:weir.registry
struct RegistryLayout {
    uint48 offers;
    mapping(address provider => bytes32) metadata;
    mapping(uint48 offerId => Offer) offer;
    mapping(address peer => Peer) peer;
    mapping(uint48 offerId => mapping(bytes32 capId => bool)) cap;
}

/// Fields of an offer as its provider gives them.
struct OfferInput {
    uint96 minPrice;
    address payToken;
    uint16 verMin;
    uint16 verMax;
    /// Ids of what the offer's peers have: data, binaries, web APIs, effectors, a region, a class of hardware.
    bytes32[] caps;
}

/// A node that joins an offer.
struct PeerInput {
    /// Uncompressed secp256k1 key without its first byte: x and y, 32 bytes each.
    bytes publicKey;
    uint16 units;
    /// By that key over `RegisterPeer(provider, nonce)`.
    bytes signature;
}

/// All that matching asks about a peer.
struct Listing {
    address provider;
    uint48 offerId;
    uint96 minPrice;
    address payToken;
    uint16 verMin;
    uint16 verMax;
    bool paused;
    /// Whether the offer has all the capabilities that were asked for.
    bool capable;
}
