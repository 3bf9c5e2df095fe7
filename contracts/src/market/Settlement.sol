// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Epochs} from "./Epochs.sol";
import {Deal, EpochMasks, FormerPrice, MarketLayout, Worker} from "./MarketStorage.sol";

/// @title Arithmetic of deals: which epochs are funded, and which of them are paid or paid back.
/// @dev Between settlements nothing but the price changes, at an epoch that is known before: every other change settles
/// first.
library Settlement {
    /// Epochs that one settlement can fund: 16 words.
    uint256 internal constant MOST_EPOCHS = 4096;

    /// @dev Funds the epochs up to and with `epoch` as far as the balance goes. Unfunded ones stay so.
    /// @return last Up to where the deal was settled before.
    /// @return upTo Up to where it is settled now.
    function settle(MarketLayout storage s, uint64 dealId, uint32 epoch)
        internal
        returns (uint32 last, uint32 upTo, uint256 funded)
    {
        Deal storage deal = s.deal[dealId];
        last = deal.lastSettled;
        if (deal.endEpoch != 0 || last >= epoch) return (last, last, 0);
        uint256 gap = epoch - last;
        if (pays(deal)) {
            if (gap > MOST_EPOCHS) gap = MOST_EPOCHS;
            funded = fund(s, dealId, last + 1, gap);
        }
        upTo = last + uint32(gap);
        deal.lastSettled = upTo;
    }

    /// @dev Funds at most `count` epochs for all active workers, from an epoch on, each at its price.
    function fund(MarketLayout storage s, uint64 dealId, uint32 from, uint256 count)
        internal
        returns (uint256 funded)
    {
        Deal storage deal = s.deal[dealId];
        uint32 change = deal.priceEpoch;
        if (from < change) {
            uint256 before = change - from;
            if (before > count) before = count;
            funded = fundAt(s, dealId, from, before, latestFormer(s, dealId).price);
            (from, count) = (from + uint32(before), count - before);
        }
        // Also after a gap: what is too dear at the one price may not be at the other.
        funded += fundAt(s, dealId, from, count, deal.price);
    }

    function fundAt(MarketLayout storage s, uint64 dealId, uint32 from, uint256 count, uint256 price)
        private
        returns (uint256 funded)
    {
        Deal storage deal = s.deal[dealId];
        uint256 rate = price * deal.activeWorkers;
        uint256 affordable = deal.balance / rate;
        funded = count < affordable ? count : affordable;
        if (funded == 0) return 0;
        setApart(deal, rate * funded);
        Epochs.add(s.funded[dealId], from, funded);
    }

    /// @dev Funds at most `count` epochs for one worker that leaves.
    function prepay(Deal storage deal, uint256 count, uint256 price) internal returns (uint32 funded) {
        uint256 affordable = deal.balance / price;
        funded = uint32(count < affordable ? count : affordable);
        setApart(deal, price * funded);
    }

    /// @dev The price before a deal's present one, which must have been changed.
    function latestFormer(MarketLayout storage s, uint64 dealId) internal view returns (FormerPrice memory) {
        FormerPrice[] storage former = s.formerPrices[dealId];
        return former[former.length - 1];
    }

    /// @dev The price of an epoch that is not before the last change was announced.
    function priceFrom(MarketLayout storage s, uint64 dealId, uint32 epoch) internal view returns (uint96) {
        Deal storage deal = s.deal[dealId];
        return epoch < deal.priceEpoch ? latestFormer(s, dealId).price : deal.price;
    }

    /// @dev What epochs of a worker in a word come to: those that were prepaid at the price that they were prepaid at,
    /// each other one at its price. The newest prices come first, so that what is claimed soon costs the same however
    /// often the price was changed.
    function worth(MarketLayout storage s, Worker memory worker, uint256 word, uint256 epochs)
        internal
        view
        returns (uint256 amount)
    {
        if (worker.prepaidUntil != 0) {
            uint256 prepaid = epochs & Epochs.range(worker.chargedUntil, worker.prepaidUntil, word);
            amount = Epochs.count(prepaid) * worker.noticePrice;
            epochs ^= prepaid;
        }
        Deal storage deal = s.deal[worker.dealId];
        (uint256 price, uint256 from) = (deal.price, deal.priceEpoch);
        if (from != 0) {
            FormerPrice[] storage former = s.formerPrices[worker.dealId];
            for (uint256 back = 1; from != 0; ++back) {
                uint256 part = epochs & Epochs.range(from, Epochs.NEVER, word);
                amount += Epochs.count(part) * price;
                epochs ^= part;
                if (epochs == 0) return amount;
                FormerPrice memory before = former[former.length - back];
                (price, from) = (before.price, before.from);
            }
        }
        return amount + Epochs.count(epochs) * price;
    }

    /// @dev Whether a deal has enough workers to be charged.
    function pays(Deal storage deal) internal view returns (bool) {
        return deal.activeWorkers != 0 && deal.activeWorkers >= deal.minWorkers;
    }

    /// @dev Funded epochs of a worker in a word.
    function fundedOf(MarketLayout storage s, Worker memory worker, uint256 word)
        internal
        view
        returns (uint256)
    {
        uint256 charged = s.funded[worker.dealId][word];
        if (worker.chargedUntil == 0) return charged & Epochs.range(worker.joinEpoch, Epochs.NEVER, word);
        return (charged & Epochs.range(worker.joinEpoch, worker.chargedUntil, word))
            | Epochs.range(worker.chargedUntil, worker.prepaidUntil, word);
    }

    /// @dev Epochs of a word that are to be paid: funded, the worker's, committed, and mature.
    /// @param end First epoch that is not the worker's.
    /// @param mature First epoch that is not mature.
    function payable_(
        MarketLayout storage s,
        bytes32 workerId,
        Worker memory worker,
        uint256 word,
        uint256 committed,
        uint32 end,
        uint32 mature
    ) internal view returns (uint256) {
        EpochMasks storage masks = s.masks[workerId][word];
        uint32 until = end < mature ? end : mature;
        uint256 open = fundedOf(s, worker, word) & committed & Epochs.range(0, until, word);
        if (open == 0) return 0;
        return open & ~(masks.resolved | masks.denied | masks.held);
    }

    /// @dev Epochs of a word to be paid back: funded after the worker's end, or unproven for long.
    /// @param stale First epoch that is too young to be paid back as unproven.
    function refundable(
        MarketLayout storage s,
        bytes32 workerId,
        Worker memory worker,
        uint256 word,
        uint256 committed,
        uint32 end,
        uint32 stale
    ) internal view returns (uint256) {
        EpochMasks storage masks = s.masks[workerId][word];
        uint256 unproven = Epochs.range(0, stale, word) & (~committed | masks.denied);
        uint256 past = Epochs.range(end, Epochs.NEVER, word);
        return fundedOf(s, worker, word) & (unproven | past) & ~(masks.resolved | masks.held);
    }

    function setApart(Deal storage deal, uint256 amount) private {
        (deal.balance, deal.escrow) = (deal.balance - uint112(amount), deal.escrow + uint112(amount));
    }
}
