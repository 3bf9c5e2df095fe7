// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Audit} from "../audit/Audit.sol";
import {Reservation} from "../capacity/CapacityStorage.sol";
import {Capacity} from "../capacity/Capacity.sol";
import {Credits} from "../Credits.sol";
import {Module, NotOwner} from "../Module.sol";
import {Param} from "../params/Param.sol";
import {Params} from "../params/Params.sol";
import {Listing} from "../registry/RegistryStorage.sol";
import {Registry, TooMany} from "../registry/Registry.sol";
import {Epochs} from "./Epochs.sol";
import {MarketEvents} from "./MarketEvents.sol";
import {AccessKind, Deal, Entry, MarketLayout, Standing, Worker, WorkerStatus} from "./MarketStorage.sol";
import {BadBounds, Ended, BadCaps, BadStatus, DepositTooSmall, NotSettled} from "./MarketErrors.sol";
import {Settlement} from "./Settlement.sol";

/// @title What both halves of the market share: its storage and the steps of its functions.
/// @dev Storage root by ERC-7201.
abstract contract MarketBase is Module, Credits, MarketEvents {
    using Settlement for MarketLayout;
    using Settlement for Deal;

    constructor(Params params) Module(params) {}

    /// Workers in one call.
    uint256 public constant MOST_ENTRIES = 32;
    /// Required capabilities of a deal.
    uint256 public constant MOST_CAPS = 16;
    /// Workers of a deal.
    uint16 public constant MOST_WORKERS = 1_000;
    /// Former prices of a deal that are kept, so that a claim looks through no more.
    uint256 public constant MOST_PRICES = 16;
    /// Epochs for which a price lasts at least.
    uint32 public constant PRICE_EPOCHS = 30;
    /// Code of the slash for an absent worker.
    uint8 public constant ABSENT = 100;

    // keccak256(abi.encode(uint256(keccak256("weir.market")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant ROOT = 0x1c95b0719ec10f6682893f5c0ea68c423900af5af8031e5819042209f7ed7000;

    /// @notice Funds a deal's epochs up to now, at most 4,096. Anyone.
    function settle(uint64 dealId) public {
        settleUpTo(dealId, currentEpoch());
    }

    function settleUpTo(uint64 dealId, uint32 epoch) private returns (uint32 upTo) {
        uint32 last;
        uint256 funded;
        (last, upTo, funded) = store().settle(dealId, epoch);
        if (upTo != last) emit Settled(dealId, upTo, funded);
    }

    function enlist(uint64 dealId, address[] calldata providers, bool listed) internal {
        if (providers.length > MOST_ENTRIES) revert TooMany(MOST_ENTRIES);
        for (uint256 i; i < providers.length; ++i) {
            store().standing[dealId][providers[i]].listed = listed;
        }
    }

    /// @dev A deal that runs, settled up to now.
    function running(uint64 dealId) internal returns (Deal storage deal) {
        deal = store().deal[dealId];
        if (deal.owner == address(0) || deal.endEpoch != 0) revert Ended();
        settleFully(dealId);
    }

    function owned(uint64 dealId) internal view returns (Deal storage deal) {
        deal = store().deal[dealId];
        if (deal.owner != msg.sender) revert NotOwner();
        if (deal.endEpoch != 0) revert Ended();
    }

    function ensureSizes(uint16 minWorkers, uint16 targetWorkers) internal pure {
        if (minWorkers == 0 || minWorkers > targetWorkers) revert BadBounds(3);
        if (targetWorkers > MOST_WORKERS) revert BadBounds(4);
    }

    /// @dev That an amount pays workers for the least number of epochs.
    function ensureCovered(uint256 amount, uint256 price, uint256 workers) internal view {
        uint256 least = price * workers * param(Param.MinDepositEpochs);
        if (amount < least) revert DepositTooSmall(least);
    }

    function settleFully(uint64 dealId) internal {
        uint32 epoch = currentEpoch();
        uint32 upTo = settleUpTo(dealId, epoch);
        if (upTo < epoch) revert NotSettled(upTo);
    }

    function matchable(uint64 dealId, bytes32[] calldata caps) internal view returns (Deal storage deal) {
        deal = store().deal[dealId];
        if (deal.owner == address(0) || deal.endEpoch != 0) revert Ended();
        bytes32 hash = caps.length == 0 ? bytes32(0) : keccak256(abi.encode(caps));
        if (hash != deal.requirementsHash) revert BadCaps();
    }

    /// @dev The rules of the filter that the registry and the deal decide, the cheap ones first; and the number of
    /// the worker that the peer would be.
    function terms(uint64 dealId, Deal storage deal, address peer, Listing memory listing)
        internal
        view
        returns (uint8 reason, uint32 rejoin)
    {
        if (listing.provider == address(0) || listing.paused) return (1, 0);
        Standing memory standing = store().standing[dealId][listing.provider];
        if (deal.accessKind != AccessKind.None && standing.listed != (deal.accessKind == AccessKind.Allow)) {
            return (2, 0);
        }
        if (deal.price < uint256(listing.minPrice) * deal.cuPerWorker) return (3, 0);
        if (listing.payToken != deal.payToken) return (4, 0);
        if (deal.verReq < listing.verMin || deal.verReq > listing.verMax) return (5, 0);
        if (!listing.capable) return (6, 0);
        if (deal.liveWorkers >= deal.targetWorkers) return (12, 0);
        if (standing.workers >= deal.maxPerProvider) return (11, 0);
        mapping(bytes32 => Worker) storage workers = store().worker;
        Worker storage first = workers[idOf(dealId, peer, 0)];
        if (first.status == WorkerStatus.None) return (0, 0);
        rejoin = first.rejoins;
        WorkerStatus latest = workers[idOf(dealId, peer, rejoin)].status;
        if (latest == WorkerStatus.Over) return (0, rejoin + 1);
        return (latest == WorkerStatus.None ? 0 : 10, rejoin);
    }

    function reservation(Deal storage deal, Entry memory entry) internal view returns (Reservation memory) {
        return Reservation(
            entry.peer,
            entry.firstUnit,
            deal.cuPerWorker,
            currentEpoch() + deal.minTermEpochs,
            deal.price,
            deal.minCollateral
        );
    }

    function inStatus(bytes32 workerId, WorkerStatus status) internal view returns (Worker storage worker) {
        worker = store().worker[workerId];
        if (worker.status != status) revert BadStatus(worker.status);
    }

    /// @dev Takes a worker out of its deal.
    function finish(bytes32 workerId, uint32 end) internal {
        MarketLayout storage s = store();
        Worker storage worker = s.worker[workerId];
        Deal storage deal = s.deal[worker.dealId];
        if (worker.status == WorkerStatus.Active) {
            if (deal.endEpoch == 0) {
                settleFully(worker.dealId);
                worker.chargedUntil = deal.lastSettled + 1;
            }
            --deal.activeWorkers;
        }
        (worker.status, worker.endEpoch) = (WorkerStatus.Over, end);
        vacate(worker, deal);
        emit WorkerOver(worker.dealId, workerId, end);
    }

    function expire(bytes32 workerId) internal {
        MarketLayout storage s = store();
        Worker storage worker = s.worker[workerId];
        vacate(worker, s.deal[worker.dealId]);
        emit MatchExpired(worker.dealId, workerId, worker.peer);
        worker.status = WorkerStatus.None;
    }

    function vacate(Worker storage worker, Deal storage deal) internal {
        --deal.liveWorkers;
        Capacity capacity = capacityModule();
        (, address provider,) = capacity.currentParty(worker.peer);
        --store().standing[worker.dealId][provider].workers;
        capacity.release(worker.peer, worker.firstUnit, deal.cuPerWorker);
    }

    /// @dev The end that was set, else that of the deal; or that of the commitment if it is earlier.
    function endOf(Worker memory worker) internal view returns (uint32) {
        if (worker.status == WorkerStatus.Over) return worker.endEpoch;
        return endOf(worker, capacityModule().endOf(worker.commitmentId));
    }

    function endOf(Worker memory worker, uint32 commitmentEnd) internal view returns (uint32 end) {
        end = worker.endEpoch;
        if (worker.status == WorkerStatus.Over) return end;
        uint32 dealEnd = store().deal[worker.dealId].endEpoch;
        if (end == 0) end = dealEnd == 0 ? Epochs.NEVER : dealEnd;
        if (commitmentEnd < end) end = commitmentEnd;
    }

    /// @dev First epoch that cannot be claimed yet.
    function firstImmature() internal view returns (uint32) {
        uint32 epoch = currentEpoch();
        uint32 maturity = uint32(param(Param.Maturity));
        return epoch > maturity ? epoch - maturity : 0;
    }

    function dueBack(bytes32 workerId, Worker memory worker, uint256 word, uint32 end, address token)
        internal
        view
        returns (uint256)
    {
        uint32 epoch = currentEpoch();
        uint32 age = uint32(param(Param.RefundAfter));
        uint32 stale = epoch >= age ? epoch - age + 1 : 0;
        return store().refundable(workerId, worker, word, committed(worker.peer, token, word), end, stale);
    }

    function committed(address peer, address token, uint256 word) internal view returns (uint256) {
        return Audit(moduleAt(AUDIT)).committedWord(peer, token, word);
    }

    function modules() internal view returns (Registry, Capacity) {
        return (Registry(moduleAt(REGISTRY)), capacityModule());
    }

    function capacityModule() internal view returns (Capacity) {
        return Capacity(moduleAt(CAPACITY));
    }

    function idOf(uint64 dealId, address peer, uint32 rejoin) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(dealId, peer, rejoin));
    }

    function store() internal pure returns (MarketLayout storage s) {
        bytes32 root = ROOT;
        assembly ("memory-safe") {
            s.slot := root
        }
    }
}
