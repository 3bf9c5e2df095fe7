// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IBeacon} from "../beacon/IBeacon.sol";

/// @title A beacon for development, whose owner chooses the seeds. Not for anything of value.
contract DevBeacon is IBeacon {
    struct Seed {
        bytes32 value;
        uint64 since;
    }

    /// Who chooses.
    address public immutable OWNER;
    mapping(bytes32 tag => mapping(uint64 id => Seed)) private seeds;

    /// The caller may not choose seeds.
    error OnlyOwner();
    /// A seed never changes.
    error AlreadySet();

    event SeedRequested(bytes32 indexed tag, uint64 indexed id);
    event SeedSet(bytes32 indexed tag, uint64 indexed id, bytes32 seed);

    constructor(address owner) {
        OWNER = owner;
    }

    /// @inheritdoc IBeacon
    function request(bytes32 tag, uint64 id) external {
        emit SeedRequested(tag, id);
    }

    /// @notice Chooses a seed, once. Owner. Errors: OnlyOwner, AlreadySet.
    function setSeed(bytes32 tag, uint64 id, bytes32 seed) external {
        if (msg.sender != OWNER) revert OnlyOwner();
        if (seeds[tag][id].since != 0) revert AlreadySet();
        seeds[tag][id] = Seed(seed, uint64(block.timestamp));
        emit SeedSet(tag, id, seed);
    }

    /// @inheritdoc IBeacon
    function seedOf(bytes32 tag, uint64 id) external view returns (bytes32 seed, uint64 availableSince) {
        Seed memory found = seeds[tag][id];
        if (found.since == 0) revert NotReady();
        return (found.value, found.since);
    }
}
