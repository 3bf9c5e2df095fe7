// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Public randomness. An adapter hides where it comes from.
/// @dev A seed may only be used if all that it must not depend on was fixed before the seed could be known.
interface IBeacon {
    /// The seed does not exist yet.
    error NotReady();

    /// @notice Asks for the seed of an epoch or slot under a tag. Anyone; asking again changes nothing.
    function request(bytes32 tag, uint64 id) external;

    /// @notice The seed, and the moment in seconds from which it could be known. Anyone. Errors: NotReady.
    function seedOf(bytes32 tag, uint64 id) external view returns (bytes32 seed, uint64 availableSince);
}
