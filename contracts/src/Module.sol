// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {Param} from "./params/Param.sol";
import {Params} from "./params/Params.sol";

/// The caller is not the one that the function's documentation names.
error NotOwner();
/// Only a module of the market may call this.
error OnlyModule();
/// The guardian has paused this for some days.
error Paused();

/// @title What the modules of the market share: where the parameters are, the clock, and who may upgrade.
/// @dev The clock and the address of the parameters are constants of the code, as they never change.
abstract contract Module is UUPSUpgradeable {
    /// Names of modules in the parameters.
    bytes32 internal constant REGISTRY = "REGISTRY";
    bytes32 internal constant CAPACITY = "CAPACITY";
    bytes32 internal constant MARKET = "MARKET";
    bytes32 internal constant AUDIT = "AUDIT";
    bytes32 internal constant DISPUTE = "DISPUTE";

    /// The parameters, which also know the other modules.
    Params public immutable PARAMS;
    uint256 internal immutable GENESIS;
    uint256 internal immutable EPOCH_LEN;

    constructor(Params params) {
        PARAMS = params;
        GENESIS = params.genesis();
        EPOCH_LEN = params.epochLen();
    }

    /// @notice The epoch of now; the first is 1. Anyone.
    function currentEpoch() public view returns (uint32) {
        return uint32(1 + (block.timestamp - GENESIS) / EPOCH_LEN);
    }

    /// @dev Moment at which an epoch ends, in seconds.
    function endOfEpoch(uint32 epoch) internal view returns (uint256) {
        return GENESIS + uint256(epoch) * EPOCH_LEN;
    }

    /// @dev Upgrades are for the owner of the parameters, which is a timelock.
    function _authorizeUpgrade(address) internal view override {
        if (msg.sender != PARAMS.owner()) revert NotOwner();
    }

    /// @dev Whoever judges faults: the audit and the dispute.
    function onlyJudge() internal view {
        if (msg.sender != moduleAt(AUDIT) && msg.sender != moduleAt(DISPUTE)) {
            revert OnlyModule();
        }
    }

    function param(Param key) internal view returns (uint128) {
        return PARAMS.get(key);
    }

    function moduleAt(bytes32 name) internal view returns (address) {
        return PARAMS.addressOf(name);
    }

    function onlyModule(bytes32 name) internal view {
        if (msg.sender != moduleAt(name)) revert OnlyModule();
    }

    function whenNotPaused() internal view {
        if (PARAMS.paused()) revert Paused();
    }
}
