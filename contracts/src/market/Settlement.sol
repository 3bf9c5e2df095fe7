// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Epochs} from "./Epochs.sol";
import {Deal, EpochMasks, MarketLayout, Worker} from "./MarketStorage.sol";

/// @title Arithmetic of deals: which epochs are funded, and which of them are paid or paid back.
/// @dev The charge per epoch is constant between settlements, since every change of workers settles first.
library Settlement {
    /// Epochs that one settlement can fund: 16 words.
    uint256 internal constant MOST_EPOCHS = 4096;

    /// @dev Funds the epochs up to and with `epoch` as far as the balance goes. Unfunded ones stay so.
    function settle(MarketLayout storage s, uint64 dealId, uint32 epoch) internal returns (uint256 funded) {
        Deal storage deal = s.deal[dealId];
        uint32 last = deal.lastSettled;
        if (deal.endEpoch != 0 || last >= epoch) return 0;
        uint256 gap = epoch - last;
        if (pays(deal)) {
            if (gap > MOST_EPOCHS) gap = MOST_EPOCHS;
            funded = fund(s, dealId, last + 1, gap);
        }
        deal.lastSettled = last + uint32(gap);
    }

    /// @dev Funds at most `count` epochs for all active workers, from an epoch on.
    function fund(MarketLayout storage s, uint64 dealId, uint32 from, uint256 count)
        internal
        returns (uint256 funded)
    {
        Deal storage deal = s.deal[dealId];
        uint256 rate = uint256(deal.price) * deal.activeWorkers;
        uint256 affordable = deal.balance / rate;
        funded = count < affordable ? count : affordable;
        if (funded == 0) return 0;
        setApart(deal, rate * funded);
        Epochs.add(s.funded[dealId], from, funded);
    }

    /// @dev Funds at most `count` epochs for one worker that leaves.
    function prepay(Deal storage deal, uint256 count) internal returns (uint32 funded) {
        uint256 affordable = deal.balance / deal.price;
        funded = uint32(count < affordable ? count : affordable);
        setApart(deal, uint256(deal.price) * funded);
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
