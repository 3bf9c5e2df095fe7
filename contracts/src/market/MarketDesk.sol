// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Beneficiary} from "../capacity/CapacityStorage.sol";
import {Capacity} from "../capacity/Capacity.sol";
import {NotOwner} from "../Module.sol";
import {Param} from "../params/Param.sol";
import {Params} from "../params/Params.sol";
import {Listing} from "../registry/RegistryStorage.sol";
import {Registry, NotProvider, TooMany} from "../registry/Registry.sol";
import {Signatures} from "../Signatures.sol";
import {MarketBase} from "./MarketBase.sol";
import {
    AccessKind,
    Deal,
    Entry,
    EpochMasks,
    FormerKey,
    FormerPrice,
    MarketLayout,
    Standing,
    Worker,
    WorkerStatus
} from "./MarketStorage.sol";
import {
    BadBounds,
    Ended,
    BelowReserve,
    BadStatus,
    BadWorkerSig,
    HasWorkers,
    KeyTooYoung,
    NotAbsent,
    Pending,
    TooSoon,
    NotOfPeer,
    NotHeld
} from "./MarketErrors.sol";
import {Settlement} from "./Settlement.sol";

/// @title The half of the market that is needed less often, and its views. It is called at the address of the market,
/// which passes on what it does not know itself: one contract would be larger than a chain takes.
contract MarketDesk is MarketBase {
    using Settlement for MarketLayout;

    constructor(Params params) MarketBase(params) {}

    /// @notice Credits the owner with a part of the balance that is not reserved. Owner.
    /// Errors: NotOwner, BelowReserve, NotSettled.
    function withdrawFree(uint64 dealId, uint128 amount) external {
        Deal storage deal = store().deal[dealId];
        if (deal.owner != msg.sender) revert NotOwner();
        uint256 reserve;
        if (deal.endEpoch == 0) {
            settleFully(dealId);
            uint256 price = store().priceFrom(dealId, currentEpoch() + 1);
            reserve = price * deal.activeWorkers * param(Param.MinDepositEpochs);
        }
        if (uint256(amount) + reserve > deal.balance) revert BelowReserve(reserve);
        deal.balance -= uint112(amount);
        emit FreeWithdrawn(dealId, amount);
        credit(deal.payToken, msg.sender, amount);
    }

    /// @notice Names another price. A raise acts from the next epoch on and must be covered as a deposit is; a reduction
    /// acts after the notice, and who leaves before that is paid the price that it had. At most once in 30 epochs, counted
    /// from where the last change began to act, and 16 times. Owner.
    /// Errors: NotOwner, Ended, BadBounds, TooSoon, TooMany, NotSettled, DepositTooSmall.
    function setPrice(uint64 dealId, uint96 price) external {
        Deal storage deal = owned(dealId);
        if (price == 0) revert BadBounds(1);
        uint32 epoch = currentEpoch();
        uint32 acts = deal.priceEpoch;
        if (acts != 0 && epoch < acts + PRICE_EPOCHS) revert TooSoon(acts + PRICE_EPOCHS);
        FormerPrice[] storage former = store().formerPrices[dealId];
        if (former.length == MOST_PRICES) revert TooMany(MOST_PRICES);
        settleFully(dealId);
        bool lower = price < deal.price;
        if (!lower) ensureCovered(deal.balance, price, deal.targetWorkers);
        former.push(FormerPrice(deal.price, acts));
        uint32 from = epoch + (lower ? deal.noticeEpochs : 1);
        (deal.price, deal.priceEpoch) = (price, from);
        emit PriceSet(dealId, price, from);
    }

    /// @notice Changes how many workers a deal wants, and how many it needs to pay any. None loses its place: with more
    /// than are wanted, nobody is matched until enough have left. More must be covered as a deposit is. The least number
    /// may rise only while there are no workers. Owner.
    /// Errors: NotOwner, Ended, BadBounds, HasWorkers, NotSettled, DepositTooSmall.
    function resizeDeal(uint64 dealId, uint16 minWorkers, uint16 targetWorkers) external {
        Deal storage deal = owned(dealId);
        ensureSizes(minWorkers, targetWorkers);
        if (minWorkers > deal.minWorkers && deal.liveWorkers != 0) revert HasWorkers();
        settleFully(dealId);
        if (targetWorkers > deal.targetWorkers) {
            ensureCovered(deal.balance, store().priceFrom(dealId, currentEpoch() + 1), targetWorkers);
        }
        (deal.minWorkers, deal.targetWorkers) = (minWorkers, targetWorkers);
        emit DealResized(dealId, minWorkers, targetWorkers);
    }

    /// @notice Names new code, which is the deal's from the next epoch on. Owner. Errors: NotOwner, Ended, BadBounds.
    function setVersion(uint64 dealId, bytes calldata cid, bytes32 moduleSetHash) external {
        Deal storage deal = owned(dealId);
        if (cid.length == 0 || moduleSetHash == bytes32(0)) revert BadBounds(16);
        uint32 from = currentEpoch() + 1;
        if (deal.versionEpoch < from) deal.code.formerModuleSetHash = deal.code.moduleSetHash;
        (deal.code.moduleSetHash, deal.versionEpoch) = (moduleSetHash, from);
        emit VersionSet(dealId, cid, moduleSetHash, from);
    }

    /// @notice Names the root over the keys that may call; zero for all. Owner. Errors: NotOwner, Ended.
    function setCallers(uint64 dealId, bytes32 root) external {
        owned(dealId).code.callersRoot = root;
        emit CallersSet(dealId, root);
    }

    /// @notice Changes which providers may be matched from now on; at most 32 each. Owner.
    /// Errors: NotOwner, Ended, TooMany.
    function setAccess(uint64 dealId, AccessKind kind, address[] calldata add, address[] calldata remove)
        external
    {
        owned(dealId).accessKind = kind;
        enlist(dealId, add, true);
        enlist(dealId, remove, false);
        emit AccessSet(dealId, kind, add, remove);
    }

    /// @notice Credits the owner with the rest of a deal when all is paid or paid back. Anyone.
    /// Errors: Pending, Ended if it is closed.
    function closeDeal(uint64 dealId) external {
        Deal storage deal = store().deal[dealId];
        if (deal.closed) revert Ended();
        if (deal.endEpoch == 0 || currentEpoch() < deal.endEpoch || deal.liveWorkers != 0 || deal.escrow != 0)
        {
            revert Pending();
        }
        uint256 remainder = deal.balance;
        (deal.balance, deal.closed) = (0, true);
        emit DealClosed(dealId, remainder);
        credit(deal.payToken, deal.owner, remainder);
    }

    /// @notice Which rule of the filter an entry would break now, or 0. Anyone. Rules: 1 offer paused or peer
    /// retired, 2 provider not admitted, 3 price too low for the offer, 4 other token, 5 version, 6 capability,
    /// 7 commitment not active for long enough, 8 units missing or busy, 9 collateral, 10 peer serves the deal
    /// already, 11 provider has its most workers, 12 deal is full, 13 price too low for the commitment.
    /// Errors: Ended, BadCaps.
    function matchReason(uint64 dealId, Entry calldata entry, bytes32[] calldata caps)
        external
        view
        returns (uint8)
    {
        Deal storage deal = matchable(dealId, caps);
        (Registry registry, Capacity capacity) = modules();
        Listing memory listing = registry.listing(entry.peer, caps);
        (uint8 reason,) = terms(dealId, deal, entry.peer, listing);
        if (reason != 0) return reason;
        return capacity.whyNot(reservation(deal, entry));
    }

    /// @notice Removes a worker that has proven neither of its last two funded epochs, at the cost of a part of
    /// its collateral, which goes to the deal's owner and to the caller. Anyone. Errors: BadStatus, NotAbsent.
    function reportAbsent(bytes32 workerId) external {
        Worker storage worker = store().worker[workerId];
        if (worker.status != WorkerStatus.Active && worker.status != WorkerStatus.Notice) {
            revert BadStatus(worker.status);
        }
        uint32 epoch = currentEpoch();
        uint32 last = epoch - 1;
        if (block.timestamp < endOfEpoch(last) + param(Param.CommitWindow)) --last;
        uint32 end = endOf(worker);
        settle(worker.dealId);
        if (!isUnproven(workerId, last, end) || !isUnproven(workerId, last - 1, end)) revert NotAbsent();
        (uint64 dealId, address peer, uint48 commitmentId) = (worker.dealId, worker.peer, worker.commitmentId);
        finish(workerId, end < epoch + 1 ? end : epoch + 1);
        emit WorkerAbsent(dealId, workerId, msg.sender);
        Capacity capacity = capacityModule();
        uint256 loss =
            uint256(capacity.getCommitment(commitmentId).collateralPerUnit) * param(Param.AbsenceBp) / 10_000;
        uint16 reporterBp = uint16(param(Param.ReporterBp));
        Beneficiary[] memory receivers = new Beneficiary[](2);
        receivers[0] = Beneficiary(msg.sender, reporterBp);
        receivers[1] = Beneficiary(store().deal[dealId].owner, 10_000 - reporterBp);
        capacity.slash(peer, uint128(loss), ABSENT, receivers);
    }

    /// @notice Names another key for a worker's receipts, from the next epoch on. The former key stays known for the
    /// epochs before; so there is no further change while these can be judged. Provider of the peer, not the node:
    /// whoever broke into a node has its worker's key too.
    /// @param key Address of the new key.
    /// @param signature By that key over `ActivateWorker(workerId)`.
    /// Errors: BadStatus, NotProvider, KeyTooYoung, BadWorkerSig.
    function rotateWorkerKey(bytes32 workerId, address key, bytes calldata signature) external {
        MarketLayout storage s = store();
        Worker storage worker = s.worker[workerId];
        if (worker.status != WorkerStatus.Active && worker.status != WorkerStatus.Notice) {
            revert BadStatus(worker.status);
        }
        (, address provider,) = capacityModule().currentParty(worker.peer);
        if (msg.sender != provider) revert NotProvider();
        uint32 epoch = currentEpoch();
        FormerKey storage former = s.formerKey[workerId];
        if (former.until != 0) {
            uint32 least = former.until + uint32(param(Param.Retention));
            if (epoch < least) revert KeyTooYoung(least);
        }
        if (!Signatures.isFrom(key, Signatures.activateWorker(workerId), signature)) revert BadWorkerSig();
        // A worker that does not serve yet has signed nothing.
        if (worker.joinEpoch <= epoch) (former.key, former.until) = (worker.key, epoch + 1);
        worker.key = key;
        emit WorkerKeyRotated(worker.dealId, workerId, key, epoch + 1);
    }

    /// @notice Marks workers without a leaf in their peer's receipts. Audit. Errors: OnlyModule, NotOfPeer.
    function exclude(address peer, uint32 epoch, address token, bytes32[] calldata workerIds) external {
        onlyModule(AUDIT);
        MarketLayout storage s = store();
        for (uint256 i; i < workerIds.length; ++i) {
            Worker storage worker = s.worker[workerIds[i]];
            if (worker.peer != peer || s.deal[worker.dealId].payToken != token) {
                revert NotOfPeer(workerIds[i]);
            }
            s.masks[workerIds[i]][epoch >> 8].denied |= uint256(1) << (epoch & 255);
            emit WorkerExcluded(workerIds[i], epoch);
        }
    }

    /// @notice Makes an epoch unpayable, since a fault was proven in it. Audit, Dispute. Errors: OnlyModule.
    function setFault(bytes32 workerId, uint32 epoch) external {
        onlyJudge();
        store().masks[workerId][epoch >> 8].denied |= uint256(1) << (epoch & 255);
        emit FaultSet(workerId, epoch);
    }

    /// @notice Keeps an epoch from being paid or paid back while it is judged. Audit, Dispute. Errors: OnlyModule.
    function setHold(bytes32 workerId, uint32 epoch) external {
        onlyJudge();
        MarketLayout storage s = store();
        s.masks[workerId][epoch >> 8].held |= uint256(1) << (epoch & 255);
        s.heldSince[workerId][epoch] = currentEpoch();
        emit HoldSet(workerId, epoch);
    }

    /// @notice Lifts a hold. Audit, Dispute, and anyone once it is older than any verdict may take.
    /// Errors: NotHeld, OnlyModule.
    function clearHold(bytes32 workerId, uint32 epoch) external {
        MarketLayout storage s = store();
        uint256 bit = uint256(1) << (epoch & 255);
        if (s.masks[workerId][epoch >> 8].held & bit == 0) revert NotHeld();
        if (currentEpoch() <= s.heldSince[workerId][epoch] + param(Param.HoldEpochs)) onlyJudge();
        s.masks[workerId][epoch >> 8].held &= ~bit;
        emit HoldCleared(workerId, epoch);
    }

    /// @notice Number of deals; their ids are 1 up to it. Anyone.
    function dealCount() external view returns (uint64) {
        return store().deals;
    }

    /// @notice A deal as it was last settled. Anyone.
    function getDeal(uint64 dealId) external view returns (Deal memory) {
        return store().deal[dealId];
    }

    /// @notice What a worker costs in an epoch, as far as it is known. Anyone.
    function priceOf(uint64 dealId, uint32 epoch) external view returns (uint96) {
        Deal storage deal = store().deal[dealId];
        if (epoch >= deal.priceEpoch) return deal.price;
        FormerPrice[] storage former = store().formerPrices[dealId];
        uint256 i = former.length - 1;
        while (epoch < former[i].from) {
            --i;
        }
        return former[i].price;
    }

    /// @notice A worker; its status is None if there is none. Anyone.
    function getWorker(bytes32 workerId) external view returns (Worker memory) {
        return store().worker[workerId];
    }

    /// @notice Address of the key that signs a worker's receipts of an epoch, as far back as receipts can be judged.
    /// Anyone.
    function keyOfWorker(bytes32 workerId, uint32 epoch) external view returns (address) {
        FormerKey memory former = store().formerKey[workerId];
        return epoch < former.until ? former.key : store().worker[workerId].key;
    }

    /// @notice The masks of a worker's epochs in a word. Anyone.
    function getMasks(bytes32 workerId, uint256 word) external view returns (EpochMasks memory) {
        return store().masks[workerId][word];
    }

    /// @notice Funded epochs of a deal in a word, as it was last settled. Anyone.
    function fundedWord(uint64 dealId, uint256 word) external view returns (uint256) {
        return store().funded[dealId][word];
    }

    /// @notice A provider's number of workers in a deal, and whether it is on the deal's list. Anyone.
    function standingOf(uint64 dealId, address provider) external view returns (Standing memory) {
        return store().standing[dealId][provider];
    }

    /// @notice First epoch that is not the worker's, as far as it is known. Anyone.
    function endOfWorker(bytes32 workerId) external view returns (uint32) {
        return endOf(store().worker[workerId]);
    }

    /// @notice What `claim` and `refundUnproven` would move for one word, if the deal is settled. Anyone.
    function dueIn(bytes32 workerId, uint256 word)
        external
        view
        returns (uint256 payableEpochs, uint256 refundable)
    {
        Worker memory worker = store().worker[workerId];
        if (worker.joinEpoch == 0) return (0, 0);
        address token = store().deal[worker.dealId].payToken;
        uint32 end = endOf(worker);
        uint256 proven = committed(worker.peer, token, word);
        payableEpochs = store().payable_(workerId, worker, word, proven, end, firstImmature());
        refundable = dueBack(workerId, worker, word, end, token);
    }

    /// @notice Id of a peer's latest worker in a deal, or what it would be. Anyone.
    function workerOf(uint64 dealId, address peer) external view returns (bytes32) {
        return idOf(dealId, peer, store().worker[idOf(dealId, peer, 0)].rejoins);
    }

    function isUnproven(bytes32 workerId, uint32 epoch, uint32 end) private view returns (bool) {
        MarketLayout storage s = store();
        Worker memory worker = s.worker[workerId];
        if (epoch >= end) return false;
        (uint256 word, uint256 bit) = (epoch >> 8, uint256(1) << (epoch & 255));
        uint256 proven =
            committed(worker.peer, s.deal[worker.dealId].payToken, word) & ~s.masks[workerId][word].denied;
        return s.fundedOf(worker, word) & bit != 0 && proven & bit == 0;
    }
}
