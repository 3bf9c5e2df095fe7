// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Capacity} from "../capacity/Capacity.sol";
import {Commitment} from "../capacity/CapacityStorage.sol";
import {MarketDesk} from "../market/MarketDesk.sol";
import {Deal, Worker} from "../market/MarketStorage.sol";
import {Params} from "../params/Params.sol";
import {Registry} from "../registry/Registry.sol";
import {Offer, Peer} from "../registry/RegistryStorage.sol";

/// Where a deal is, computed from what is stored and from the time.
enum DealStatus {
    None,
    /// Fewer active workers than it needs.
    Open,
    Active,
    /// The balance does not pay the next epoch.
    Unfunded,
    Ended,
    Closed
}

/// A deal as a client shows it.
struct DealView {
    uint64 dealId;
    DealStatus status;
    Deal deal;
    /// Of one worker in the running epoch; `deal.price` may begin later.
    uint96 priceNow;
    /// What the balance will be once the deal is settled up to now.
    uint256 balanceNow;
}

/// An offer as a client shows it.
struct OfferView {
    uint48 offerId;
    Offer offer;
}

/// A peer as a client shows it.
struct PeerView {
    address peerId;
    Peer peer;
    uint48 commitmentId;
    Commitment commitment;
    /// First epoch that the commitment does not cover.
    uint32 end;
}

/// A worker as a client shows it.
struct WorkerView {
    bytes32 workerId;
    Worker worker;
    uint32 end;
    /// Epochs of the asked word that `claim` would pay, epoch e at bit e mod 256.
    uint256 payableEpochs;
    /// Epochs of the asked word that `refundUnproven` would pay back.
    uint256 refundableEpochs;
}

/// @title Pages of the market for clients. It has no state and no rights.
contract Lens {
    /// Entries of a page.
    uint256 public constant MOST = 100;

    Registry public immutable REGISTRY;
    Capacity public immutable CAPACITY;
    MarketDesk public immutable MARKET;

    constructor(Params params) {
        REGISTRY = Registry(params.addressOf("REGISTRY"));
        CAPACITY = Capacity(params.addressOf("CAPACITY"));
        MARKET = MarketDesk(params.addressOf("MARKET"));
    }

    /// @notice At most 100 deals, from an id on. Anyone.
    function deals(uint64 from, uint256 count) external view returns (DealView[] memory page) {
        if (from == 0) from = 1;
        page = new DealView[](length(from, count, MARKET.dealCount()));
        for (uint256 i; i < page.length; ++i) {
            page[i] = deal(from + uint64(i));
        }
    }

    /// @notice At most 100 offers, from an id on. Anyone.
    function offers(uint48 from, uint256 count) external view returns (OfferView[] memory page) {
        if (from == 0) from = 1;
        page = new OfferView[](length(from, count, REGISTRY.offerCount()));
        for (uint256 i; i < page.length; ++i) {
            uint48 id = from + uint48(i);
            page[i] = OfferView(id, REGISTRY.getOffer(id));
        }
    }

    /// @notice Peers with their latest commitments; at most 100 are answered. Anyone.
    function peers(address[] calldata ids) external view returns (PeerView[] memory page) {
        page = new PeerView[](length(1, ids.length, ids.length));
        for (uint256 i; i < page.length; ++i) {
            (uint48 commitmentId,, uint32 end) = CAPACITY.currentParty(ids[i]);
            page[i] = PeerView(
                ids[i], REGISTRY.getPeer(ids[i]), commitmentId, CAPACITY.getCommitment(commitmentId), end
            );
        }
    }

    /// @notice Workers, and what is due to or from them in the 256 epochs around one; at most 100 are answered.
    /// What is due counts epochs that are settled. Anyone.
    function workers(bytes32[] calldata ids, uint32 epoch) external view returns (WorkerView[] memory page) {
        page = new WorkerView[](length(1, ids.length, ids.length));
        for (uint256 i; i < page.length; ++i) {
            (uint256 pay, uint256 refund) = MARKET.dueIn(ids[i], epoch >> 8);
            page[i] = WorkerView(ids[i], MARKET.getWorker(ids[i]), MARKET.endOfWorker(ids[i]), pay, refund);
        }
    }

    /// @notice A deal, with its status of now. Anyone.
    function deal(uint64 dealId) public view returns (DealView memory) {
        Deal memory found = MARKET.getDeal(dealId);
        (DealStatus status, uint256 balance) = state(dealId, found);
        return DealView(dealId, status, found, MARKET.priceOf(dealId, MARKET.currentEpoch()), balance);
    }

    function state(uint64 dealId, Deal memory found) private view returns (DealStatus, uint256 balance) {
        balance = found.balance;
        uint32 epoch = MARKET.currentEpoch();
        if (found.owner == address(0)) return (DealStatus.None, 0);
        if (found.closed) return (DealStatus.Closed, 0);
        if (found.endEpoch != 0) {
            // Until its end the deal goes on with what was set apart.
            return (epoch < found.endEpoch ? DealStatus.Active : DealStatus.Ended, balance);
        }
        if (found.activeWorkers == 0 || found.activeWorkers < found.minWorkers) {
            return (DealStatus.Open, balance);
        }
        uint32 from = found.lastSettled + 1;
        if (from < found.priceEpoch) {
            uint32 until = epoch < found.priceEpoch ? epoch + 1 : found.priceEpoch;
            uint256 former = uint256(MARKET.priceOf(dealId, from)) * found.activeWorkers;
            (balance, from) = (charged(balance, former, from, until), until);
        }
        balance = charged(balance, uint256(found.price) * found.activeWorkers, from, epoch + 1);
        uint256 next = uint256(MARKET.priceOf(dealId, epoch + 1)) * found.activeWorkers;
        return (balance < next ? DealStatus.Unfunded : DealStatus.Active, balance);
    }

    /// @dev What is left when the epochs [from, until) are funded as far as they can be.
    function charged(uint256 balance, uint256 rate, uint256 from, uint256 until)
        private
        pure
        returns (uint256)
    {
        uint256 affordable = balance / rate;
        uint256 gap = until > from ? until - from : 0;
        return balance - rate * (gap < affordable ? gap : affordable);
    }

    function length(uint256 from, uint256 count, uint256 last) private pure returns (uint256) {
        if (count > MOST) count = MOST;
        uint256 left = from > last ? 0 : last - from + 1;
        return count < left ? count : left;
    }
}
