// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {AccessKind, DealInput} from "./MarketStorage.sol";

/// @title What the market tells indexers.
abstract contract MarketEvents {
    event DealCreated(uint64 indexed dealId, address indexed owner, DealInput input, uint128 deposit);
    event ToppedUp(uint64 indexed dealId, address indexed from, uint128 amount);
    event FreeWithdrawn(uint64 indexed dealId, uint128 amount);
    event VersionSet(uint64 indexed dealId, bytes cid, bytes32 moduleSetHash, uint32 fromEpoch);
    event PriceSet(uint64 indexed dealId, uint96 price, uint32 fromEpoch);
    event DealResized(uint64 indexed dealId, uint16 minWorkers, uint16 targetWorkers);
    event CallersSet(uint64 indexed dealId, bytes32 root);
    event AccessSet(uint64 indexed dealId, AccessKind kind, address[] add, address[] remove);
    event WorkerMatched(
        uint64 indexed dealId,
        bytes32 indexed workerId,
        address indexed peer,
        uint8 firstUnit,
        uint8 units,
        uint96 price,
        uint32 deadline
    );
    event EntrySkipped(uint64 indexed dealId, uint256 index, uint8 reason);
    event MatchExpired(uint64 indexed dealId, bytes32 indexed workerId, address indexed peer);
    event WorkerActive(
        uint64 indexed dealId, bytes32 indexed workerId, address indexed peer, address key, uint32 joinEpoch
    );
    event WorkerKeyRotated(uint64 indexed dealId, bytes32 indexed workerId, address key, uint32 fromEpoch);
    event WorkerLeaving(uint64 indexed dealId, bytes32 indexed workerId, uint32 endEpoch);
    event WorkerRemoved(uint64 indexed dealId, bytes32 indexed workerId, uint32 endEpoch);
    event WorkerAbsent(uint64 indexed dealId, bytes32 indexed workerId, address reporter);
    event WorkerOver(uint64 indexed dealId, bytes32 indexed workerId, uint32 endEpoch);
    event WorkerExcluded(bytes32 indexed workerId, uint32 indexed epoch);
    event Settled(uint64 indexed dealId, uint32 upTo, uint256 funded);
    event Claimed(
        bytes32 indexed workerId, uint256 indexed word, uint256 epochs, uint256 amount, uint256 fee
    );
    event Refunded(
        uint64 indexed dealId, bytes32 indexed workerId, uint256 indexed word, uint256 epochs, uint256 amount
    );
    event DealEnded(uint64 indexed dealId, uint32 endEpoch);
    event DealClosed(uint64 indexed dealId, uint256 remainder);
    event FaultSet(bytes32 indexed workerId, uint32 indexed epoch);
    event HoldSet(bytes32 indexed workerId, uint32 indexed epoch);
    event HoldCleared(bytes32 indexed workerId, uint32 indexed epoch);
}
