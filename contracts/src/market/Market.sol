// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Audit} from "../audit/Audit.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Capacity} from "../capacity/Capacity.sol";
import {NothingDue} from "../Credits.sol";
import {Param} from "../params/Param.sol";
import {Params} from "../params/Params.sol";
import {Listing} from "../registry/RegistryStorage.sol";
import {NotProvider, Registry, TokenNotAllowed, TooMany} from "../registry/Registry.sol";
import {Signatures} from "../Signatures.sol";
import {MarketBase} from "./MarketBase.sol";
import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";
import {Deal, DealInput, Entry, FormerPrice, MarketLayout, Worker, WorkerStatus} from "./MarketStorage.sol";
import {
    BadBounds,
    NotMatchable,
    FilterFailed,
    BadStatus,
    Expired,
    BadWorkerSig,
    TooSoon
} from "./MarketErrors.sol";
import {Settlement} from "./Settlement.sol";

/// @title Deals, their workers, and what is paid for proven epochs.
/// @dev Holds the payment tokens, per deal in `balance` and `escrow`, else as credits. A deal is a struct, so that
/// none can be forged (flaw F1). Functions that are not here are those of `MarketDesk`.
contract Market is MarketBase, Proxy {
    using Settlement for MarketLayout;
    using Settlement for Deal;

    /// @dev What all claims of one call have in common.
    struct Till {
        Audit audit;
        Capacity capacity;
        uint32 immature;
        uint256 feeBp;
        address treasury;
    }

    address private immutable DESK;

    /// @param desk A `MarketDesk` for the same parameters.
    constructor(Params params, address desk) MarketBase(params) {
        DESK = desk;
    }

    function _implementation() internal view override returns (address) {
        return DESK;
    }

    /// @notice Publishes a deal and pays its first deposit. Anyone, who becomes its owner.
    /// Errors: Paused, BadBounds, TokenNotAllowed, TooMany, DepositTooSmall, BadReceivedAmount.
    function createDeal(DealInput calldata input, uint128 deposit)
        external
        nonReentrant
        returns (uint64 dealId)
    {
        whenNotPaused();
        check(input, deposit);
        MarketLayout storage s = store();
        dealId = ++s.deals;
        Deal storage deal = s.deal[dealId];
        deal.owner = msg.sender;
        (deal.openMatch, deal.accessKind, deal.cuPerWorker) =
        (input.openMatch, input.accessKind, input.cuPerWorker);
        (deal.minWorkers, deal.targetWorkers) = (input.minWorkers, input.targetWorkers);
        (deal.maxPerProvider, deal.minTermEpochs) = (input.maxPerProvider, input.minTermEpochs);
        (deal.noticeEpochs, deal.payToken, deal.price) = (input.noticeEpochs, input.payToken, input.price);
        (deal.balance, deal.verReq) = (SafeCast.toUint112(deposit), input.verReq);
        if (input.minCollateral != 0) deal.minCollateral = input.minCollateral;
        deal.code.moduleSetHash = input.moduleSetHash;
        if (input.caps.length != 0) deal.requirementsHash = keccak256(abi.encode(input.caps));
        if (input.callersRoot != bytes32(0)) deal.code.callersRoot = input.callersRoot;
        enlist(dealId, input.accessList, true);
        emit DealCreated(dealId, msg.sender, input, deposit);
        pull(input.payToken, deposit);
    }

    /// @notice Adds to a deal's balance; it funds epochs from the next one on, never backwards. Anyone.
    /// Errors: Ended, NotSettled, BadReceivedAmount.
    function topUp(uint64 dealId, uint128 amount) external nonReentrant {
        Deal storage deal = running(dealId);
        deal.balance += SafeCast.toUint112(amount);
        emit ToppedUp(dealId, msg.sender, amount);
        pull(deal.payToken, amount);
    }

    /// @notice Ends a deal after its notice, which is paid from the balance as far as that goes, at the price of now: a
    /// change that does not act yet never does. Owner.
    /// Errors: NotOwner, Ended, NotSettled.
    function endDeal(uint64 dealId) external {
        Deal storage deal = owned(dealId);
        settleFully(dealId);
        MarketLayout storage s = store();
        uint32 epoch = currentEpoch();
        if (epoch < deal.priceEpoch) {
            FormerPrice memory former = s.latestFormer(dealId);
            (deal.price, deal.priceEpoch) = (former.price, former.from);
            s.formerPrices[dealId].pop();
            emit PriceSet(dealId, former.price, epoch + 1);
        }
        uint32 funded;
        if (deal.pays()) funded = uint32(s.fund(dealId, epoch + 1, deal.noticeEpochs - 1));
        (deal.lastSettled, deal.endEpoch) = (epoch + funded, epoch + 1 + funded);
        emit DealEnded(dealId, deal.endEpoch);
    }

    /// @notice Gives a deal workers; what does not pass the filter is skipped, or reverts if `strict`. Owner, or
    /// anyone if the deal is open. At most 32 entries.
    /// Errors: Ended, NotMatchable, BadCaps, TooMany, FilterFailed.
    function matchDeal(uint64 dealId, Entry[] calldata entries, bytes32[] calldata caps, bool strict)
        external
    {
        Deal storage deal = matchable(dealId, caps);
        if (msg.sender != deal.owner && !deal.openMatch) revert NotMatchable();
        if (entries.length > MOST_ENTRIES) revert TooMany(MOST_ENTRIES);
        uint32 deadline = currentEpoch() + uint32(param(Param.ActivationEpochs));
        (Registry registry, Capacity capacity) = modules();
        for (uint256 i; i < entries.length; ++i) {
            Listing memory listing = registry.listing(entries[i].peer, caps);
            uint8 reason = tryMatch(dealId, deal, entries[i], listing, capacity, deadline);
            if (reason == 0) continue;
            if (strict) {
                revert FilterFailed(reason);
            } else {
                emit EntrySkipped(dealId, i, reason);
            }
        }
    }

    /// @notice Takes a place in an open deal. Provider of the peer.
    /// Errors: Ended, NotMatchable, BadCaps, NotProvider, FilterFailed.
    function claimDeal(uint64 dealId, address peer, uint8 firstUnit, bytes32[] calldata caps) external {
        Deal storage deal = matchable(dealId, caps);
        if (!deal.openMatch) revert NotMatchable();
        (Registry registry, Capacity capacity) = modules();
        Listing memory listing = registry.listing(peer, caps);
        if (listing.provider != msg.sender) revert NotProvider();
        uint32 deadline = currentEpoch() + uint32(param(Param.ActivationEpochs));
        uint8 reason = tryMatch(dealId, deal, Entry(peer, firstUnit), listing, capacity, deadline);
        if (reason != 0) revert FilterFailed(reason);
    }

    /// @notice Begins to serve with the next epoch. The node or its provider, up to the match's deadline.
    /// @param key Address of the key that will sign the worker's receipts.
    /// @param signature By that key over `ActivateWorker(workerId)`.
    /// Errors: BadStatus, Expired, Ended, NotProvider, BadWorkerSig, NotSettled.
    function activateWorker(bytes32 workerId, address key, bytes calldata signature) external {
        Worker storage worker = inStatus(workerId, WorkerStatus.Matched);
        uint32 epoch = currentEpoch();
        if (epoch > worker.deadline) revert Expired();
        address peer = worker.peer;
        uint64 dealId = worker.dealId;
        Deal storage deal = running(dealId);
        (uint48 commitmentId, address provider, uint32 end) = capacityModule().currentParty(peer);
        if (msg.sender != peer && msg.sender != provider) revert NotProvider();
        if (end <= epoch + 1) revert Expired();
        if (!Signatures.isFrom(key, Signatures.activateWorker(workerId), signature)) revert BadWorkerSig();
        (worker.status, worker.joinEpoch, worker.key) = (WorkerStatus.Active, epoch + 1, key);
        worker.commitmentId = commitmentId;
        ++deal.activeWorkers;
        emit WorkerActive(dealId, workerId, peer, key, epoch + 1);
    }

    /// @notice Gives a match back without a penalty. The node or its provider. Errors: BadStatus, NotProvider.
    function decline(bytes32 workerId) external {
        onlyPeer(inStatus(workerId, WorkerStatus.Matched).peer);
        expire(workerId);
    }

    /// @notice Ends a worker's service after the notice, which is paid as far as the balance goes, at the price of now;
    /// when a lower price begins, if that is earlier. The node or its provider.
    /// Errors: BadStatus, NotProvider, Ended, NotSettled.
    function leaveDeal(bytes32 workerId) external {
        Worker storage worker = inStatus(workerId, WorkerStatus.Active);
        onlyPeer(worker.peer);
        emit WorkerLeaving(worker.dealId, workerId, giveNotice(worker, true));
    }

    /// @notice Ends a worker's service after the notice, which is paid as far as the balance goes, at the price of now.
    /// Owner of the deal. Errors: BadStatus, NotOwner, Ended, NotSettled.
    function removeWorker(bytes32 workerId) external {
        Worker storage worker = inStatus(workerId, WorkerStatus.Active);
        owned(worker.dealId);
        emit WorkerRemoved(worker.dealId, workerId, giveNotice(worker, false));
    }

    /// @notice Frees the units of a worker whose end has come, or of a match that was not taken up. Anyone.
    /// Errors: BadStatus, TooSoon, NotSettled.
    function releaseWorker(bytes32 workerId) external {
        Worker storage worker = store().worker[workerId];
        uint32 epoch = currentEpoch();
        if (worker.status == WorkerStatus.Matched) {
            uint32 dealEnd = store().deal[worker.dealId].endEpoch;
            if (epoch <= worker.deadline && dealEnd == 0) revert TooSoon(worker.deadline + 1);
            expire(workerId);
            return;
        }
        if (worker.status != WorkerStatus.Active && worker.status != WorkerStatus.Notice) {
            revert BadStatus(worker.status);
        }
        uint32 end = endOf(worker);
        if (epoch < end) revert TooSoon(end);
        finish(workerId, end);
    }

    /// @notice Credits providers and stakers with all that is due in the 512 epochs from the word of an epoch on.
    /// Anyone. At most 32 workers. Errors: TooMany, NothingDue.
    function claim(bytes32[] calldata workerIds, uint32 fromEpoch) external returns (uint256 total) {
        if (workerIds.length > MOST_ENTRIES) revert TooMany(MOST_ENTRIES);
        Till memory till = Till(
            Audit(moduleAt(AUDIT)),
            capacityModule(),
            firstImmature(),
            param(Param.ProtocolFeeBp),
            PARAMS.treasury()
        );
        for (uint256 i; i < workerIds.length; ++i) {
            total += claimOne(till, workerIds[i], fromEpoch >> 8);
        }
        if (total == 0) revert NothingDue();
    }

    /// @notice Moves what was set apart for epochs without proof, or after a worker's end, back to the deal's
    /// balance; looks at 512 epochs from the word of an epoch on. Anyone. Errors: NothingDue.
    function refundUnproven(bytes32 workerId, uint32 fromEpoch) external returns (uint256 total) {
        MarketLayout storage s = store();
        Worker memory worker = s.worker[workerId];
        // Whoever was never active has no epochs, neither before nor after an end.
        if (worker.joinEpoch == 0) revert NothingDue();
        settle(worker.dealId);
        Deal storage deal = s.deal[worker.dealId];
        uint32 end = endOf(worker);
        for (uint256 word = fromEpoch >> 8; word <= (fromEpoch >> 8) + 1; ++word) {
            uint256 due = dueBack(workerId, worker, word, end, deal.payToken);
            if (due == 0) continue;
            s.masks[workerId][word].resolved |= due;
            uint256 amount = s.worth(worker, word, due);
            total += amount;
            emit Refunded(worker.dealId, workerId, word, due, amount);
        }
        if (total == 0) revert NothingDue();
        (deal.balance, deal.escrow) = (deal.balance + uint112(total), deal.escrow - uint112(total));
    }

    function check(DealInput calldata input, uint128 deposit) private view {
        if (input.price == 0) revert BadBounds(1);
        if (input.cuPerWorker == 0) revert BadBounds(2);
        ensureSizes(input.minWorkers, input.targetWorkers);
        if (input.maxPerProvider == 0) revert BadBounds(5);
        if (input.noticeEpochs == 0 || input.noticeEpochs > 30) revert BadBounds(6);
        if (input.caps.length > MOST_CAPS) revert TooMany(MOST_CAPS);
        if (input.cid.length == 0 || input.cid.length > 128) revert BadBounds(15);
        if (input.moduleSetHash == bytes32(0)) revert BadBounds(16);
        if (!PARAMS.isTokenAllowed(input.payToken)) revert TokenNotAllowed(input.payToken);
        ensureCovered(deposit, input.price, input.targetWorkers);
    }

    function tryMatch(
        uint64 dealId,
        Deal storage deal,
        Entry memory entry,
        Listing memory listing,
        Capacity capacity,
        uint32 deadline
    ) private returns (uint8 reason) {
        uint32 rejoin;
        (reason, rejoin) = terms(dealId, deal, entry.peer, listing);
        if (reason == 0) reason = capacity.reserve(reservation(deal, entry));
        if (reason != 0) return reason;
        MarketLayout storage s = store();
        ++deal.liveWorkers;
        ++s.standing[dealId][listing.provider].workers;
        bytes32 workerId = idOf(dealId, entry.peer, rejoin);
        if (rejoin != 0) s.worker[idOf(dealId, entry.peer, 0)].rejoins = rejoin;
        Worker storage worker = s.worker[workerId];
        (worker.peer, worker.dealId, worker.deadline) = (entry.peer, uint48(dealId), deadline);
        (worker.firstUnit, worker.status) = (entry.firstUnit, WorkerStatus.Matched);
        emit WorkerMatched(
            dealId, workerId, entry.peer, entry.firstUnit, deal.cuPerWorker, deal.price, deadline
        );
    }

    function onlyPeer(address peer) private view {
        if (msg.sender == peer) return;
        (, address provider,) = capacityModule().currentParty(peer);
        if (msg.sender != provider) revert NotProvider();
    }

    /// @dev Stops charging a worker with the others, and prepays its notice, all of it at the price of now.
    /// @param leaves Whether the worker wants it, which then need not serve at a lower price that was announced.
    function giveNotice(Worker storage worker, bool leaves) private returns (uint32 end) {
        Deal storage deal = running(worker.dealId);
        bool pays = deal.pays();
        uint32 from = currentEpoch() + 1;
        uint96 price = store().priceFrom(worker.dealId, from - 1);
        uint256 count = deal.noticeEpochs - 1;
        if (leaves && deal.price < price) count = deal.priceEpoch - from;
        --deal.activeWorkers;
        end = from + (pays ? deal.prepay(count, price) : 0);
        worker.status = WorkerStatus.Notice;
        (worker.chargedUntil, worker.prepaidUntil, worker.endEpoch) = (from, end, end);
        worker.noticePrice = price;
    }

    function claimOne(Till memory till, bytes32 workerId, uint256 word) private returns (uint256 total) {
        MarketLayout storage s = store();
        Worker memory worker = s.worker[workerId];
        if (worker.joinEpoch == 0) return 0;
        settle(worker.dealId);
        Deal storage deal = s.deal[worker.dealId];
        address token = deal.payToken;
        (address provider, address staker, uint256 shareBp, uint32 commitmentEnd) =
            till.capacity.payees(worker.commitmentId);
        uint32 end = endOf(worker, commitmentEnd);
        for (uint256 last = word + 1; word <= last && word << 8 < till.immature; ++word) {
            uint256 proven = till.audit.committedWord(worker.peer, token, word);
            uint256 due = s.payable_(workerId, worker, word, proven, end, till.immature);
            if (due == 0) continue;
            s.masks[workerId][word].resolved |= due;
            uint256 amount = s.worth(worker, word, due);
            total += amount;
            emit Claimed(workerId, word, due, amount, amount * till.feeBp / 10_000);
            // Each word by itself, so that the same is paid in whatever portions it is claimed.
            pay(token, amount, till, provider, staker, shareBp);
        }
        if (total != 0) deal.escrow -= uint112(total);
    }

    /// @dev Splits a payment: the market's fee, the staker's part of the rest, the provider.
    function pay(
        address token,
        uint256 amount,
        Till memory till,
        address provider,
        address staker,
        uint256 shareBp
    ) private {
        uint256 fee = amount * till.feeBp / 10_000;
        uint256 stakerPart = (amount - fee) * shareBp / 10_000;
        credit(token, till.treasury, fee);
        credit(token, staker, stakerPart);
        credit(token, provider, amount - fee - stakerPart);
    }
}
