// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Beneficiary, Commitment, CommitmentStatus} from "../src/capacity/CapacityStorage.sol";
import {Epochs} from "../src/market/Epochs.sol";
import {MarketDesk} from "../src/market/MarketDesk.sol";
import {DealInput, Entry, EpochMasks, Worker, WorkerStatus} from "../src/market/MarketStorage.sol";
import {Town} from "./Town.sol";

/// @title Providers, stakers and customers who do whatever they may, in any order.
/// @dev Three providers with two peers each; calls that the market refuses change nothing.
contract Crowd is Town {
    address[] private providers;
    address[] private peers;
    address[] private people;
    bytes32[] private workers;
    mapping(bytes32 => bool) private known;
    mapping(bytes32 => mapping(uint256 => uint256)) private paid;
    mapping(bytes32 => mapping(uint256 => uint256)) private paidBack;
    bool public paidWithoutProof;
    bool public resolvedTwice;
    bool public keyOfPastChanged;
    bool public paidAtAnotherPrice;

    /// What a deal costs from an epoch on, as the crowd remembers it.
    struct Price {
        uint96 price;
        uint32 from;
    }

    mapping(uint64 => Price[]) private prices;
    mapping(bytes32 => uint96) private noticePrice;

    function setUp() public override {
        super.setUp();
        providers.push(alice);
        providers.push(bob);
        providers.push(address(0xCA401));
        for (uint256 i; i < 3; ++i) {
            register(providers[i], 1 + 2 * i, 2, 2);
            for (uint256 j; j < 2; ++j) {
                peers.push(vm.addr(1 + 2 * i + j));
                commit(providers[i], vm.addr(1 + 2 * i + j), uint16(20 + 10 * i));
            }
            people.push(providers[i]);
        }
        people.push(customer);
        people.push(staker);
        people.push(address(this));
        pass(1);
        DealInput memory input = dealInput(1, 3);
        (input.openMatch, input.noticeEpochs) = (true, 3);
        createDeal(input, 60e18);
        createDeal(2, 4, 30e18);
        prices[1].push(Price(PRICE, 0));
        prices[2].push(Price(PRICE, 0));
    }

    function actions() external pure returns (bytes4[] memory list) {
        list = new bytes4[](24);
        (list[0], list[1], list[2]) = (this.wait_.selector, this.match_.selector, this.claimPlace.selector);
        (list[3], list[4], list[5]) = (this.activate_.selector, this.proveAll.selector, this.claim_.selector);
        (list[6], list[7], list[8]) = (this.refund.selector, this.leave_.selector, this.remove.selector);
        (list[9], list[10], list[11]) = (this.release.selector, this.absent.selector, this.topUp.selector);
        (list[12], list[13], list[14]) = (this.withdrawFree.selector, this.end.selector, this.close.selector);
        (list[15], list[16], list[17]) = (this.slash.selector, this.judge_.selector, this.exit.selector);
        (list[18], list[19], list[20]) =
        (this.withdraw.selector, this.create.selector, this.recommit.selector);
        (list[21], list[22], list[23]) = (this.rotate.selector, this.setPrice_.selector, this.resize.selector);
    }

    function wait_(uint8 epochs) external {
        pass(1 + uint32(epochs) % 3);
    }

    function create(uint8 min, uint8 target, uint64 extra, uint8 notice) external {
        if (desk.dealCount() >= 8) return;
        DealInput memory input = dealInput(1 + min % 3, 1 + min % 3 + target % 3);
        (input.openMatch, input.noticeEpochs) = (extra & 1 == 0, 1 + notice % 4);
        vm.prank(customer);
        try market.createDeal(input, 2e18 * uint128(input.targetWorkers) + extra) returns (uint64 id) {
            prices[id].push(Price(PRICE, 0));
        } catch {}
    }

    /// From three quarters of what offers ask, which nobody can be matched for, to twice as much.
    function setPrice_(uint8 dealPick, uint16 quarters) external {
        uint64 id = pick(dealPick);
        uint96 price = PRICE / 4 * (3 + quarters % 6);
        uint96 before = priceAt(id, now_() + 30);
        vm.prank(customer);
        try desk.setPrice(id, price) {
            uint32 notice = desk.getDeal(id).noticeEpochs;
            prices[id].push(Price(price, now_() + (price < before ? notice : 1)));
        } catch {}
    }

    function resize(uint8 dealPick, uint8 min, uint8 target) external {
        vm.prank(customer);
        try desk.resizeDeal(pick(dealPick), 1 + min % 3, 1 + target % 5) {} catch {}
    }

    function match_(uint8 dealPick, uint8 peerPick, uint8 unit) external {
        Entry[] memory entries = new Entry[](2);
        entries[0] = Entry(peers[peerPick % 6], unit & 1);
        entries[1] = Entry(peers[(peerPick + 1) % 6], unit >> 7);
        uint64 id = pick(dealPick);
        vm.prank(customer);
        try market.matchDeal(id, entries, noCaps(), false) {} catch {}
        know(id, entries[0].peer);
        know(id, entries[1].peer);
    }

    function claimPlace(uint8 dealPick, uint8 peerPick, uint8 unit) external {
        uint256 i = peerPick % 6;
        uint64 id = pick(dealPick);
        vm.prank(providers[i / 2]);
        try market.claimDeal(id, peers[i], unit & 1, noCaps()) {} catch {}
        know(id, peers[i]);
    }

    function activate_(uint8 workerPick, uint8 decline) external {
        if (workers.length == 0) return;
        // Most matches are taken up, so that there is something to see.
        for (uint256 i; i < workers.length; ++i) {
            bytes32 id = workers[(i + workerPick) % workers.length];
            if (desk.getWorker(id).status != WorkerStatus.Matched) continue;
            bytes memory signature = workerSignature(id, 0x77);
            vm.prank(desk.getWorker(id).peer);
            if (decline % 8 == 0) {
                try market.decline(id) {} catch {}
            } else {
                try market.activateWorker(id, vm.addr(0x77), signature) {} catch {}
            }
            return;
        }
    }

    /// Some peers prove the last epoch, and some name workers as missing.
    function proveAll(uint8 mask, uint8 missingPick) external {
        uint32 epoch = now_() - 1;
        for (uint256 i; i < 6; ++i) {
            if (mask & (1 << i) == 0) continue;
            bytes32[] memory missing = new bytes32[](0);
            if (workers.length != 0 && missingPick % 4 == 0) {
                missing = new bytes32[](1);
                missing[0] = workers[missingPick % workers.length];
            }
            vm.prank(peers[i]);
            try audit.commitReceipts(peers[i], epoch, address(pay), bytes32(i + 1), uint96(i + 1), missing) {}
                catch {}
        }
    }

    function claim_(uint8 workerPick) external {
        if (workers.length == 0) return;
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = workers[workerPick % workers.length];
        uint256 before = desk.getMasks(ids[0], 0).resolved;
        try market.claim(ids, 0) returns (uint256 total) {
            EpochMasks memory masks = desk.getMasks(ids[0], 0);
            uint256 fresh = masks.resolved & ~before;
            Worker memory worker = desk.getWorker(ids[0]);
            uint256 proven = audit.committedWord(worker.peer, address(pay), 0) & ~masks.denied & ~masks.held
                & Epochs.range(worker.joinEpoch, desk.endOfWorker(ids[0]), 0) & Epochs.range(0, now_() - 2, 0)
                & fundedOf(worker);
            if (fresh & ~proven != 0 || fresh == 0) paidWithoutProof = true;
            if (fresh & (paid[ids[0]][0] | paidBack[ids[0]][0]) != 0) resolvedTwice = true;
            if (total != worthOf(ids[0], worker, fresh)) paidAtAnotherPrice = true;
            paid[ids[0]][0] |= fresh;
        } catch {}
    }

    function refund(uint8 workerPick) external {
        if (workers.length == 0) return;
        bytes32 id = workers[workerPick % workers.length];
        uint256 before = desk.getMasks(id, 0).resolved;
        try market.refundUnproven(id, 0) {
            uint256 fresh = desk.getMasks(id, 0).resolved & ~before;
            if (fresh & (paid[id][0] | paidBack[id][0]) != 0) resolvedTwice = true;
            paidBack[id][0] |= fresh;
        } catch {}
    }

    function leave_(uint8 workerPick) external {
        if (workers.length == 0) return;
        bytes32 id = workers[workerPick % workers.length];
        vm.prank(desk.getWorker(id).peer);
        try market.leaveDeal(id) {
            Worker memory worker = desk.getWorker(id);
            noticePrice[id] = priceAt(worker.dealId, now_());
            for (uint32 epoch = now_(); epoch < worker.endEpoch; ++epoch) {
                if (priceAt(worker.dealId, epoch) < noticePrice[id]) paidAtAnotherPrice = true;
            }
        } catch {}
    }

    /// A change of keys says nothing new about the last epochs, for which receipts are judged: here three.
    function rotate(uint8 workerPick, uint8 key) external {
        if (workers.length == 0) return;
        bytes32 id = workers[workerPick % workers.length];
        Worker memory worker = desk.getWorker(id);
        uint32 first = now_() > 3 ? now_() - 3 : 0;
        if (first < worker.joinEpoch) first = worker.joinEpoch;
        address[4] memory before;
        for (uint32 i; first + i <= now_(); ++i) {
            before[i] = desk.keyOfWorker(id, first + i);
        }
        bytes memory signature = workerSignature(id, 0x100 + uint256(key));
        (, address provider,) = capacity.currentParty(worker.peer);
        vm.prank(provider);
        try desk.rotateWorkerKey(id, vm.addr(0x100 + uint256(key)), signature) {
            if (desk.keyOfWorker(id, now_() + 1) != vm.addr(0x100 + uint256(key))) keyOfPastChanged = true;
        } catch {}
        for (uint32 i; first + i <= now_(); ++i) {
            if (before[i] != desk.keyOfWorker(id, first + i)) keyOfPastChanged = true;
        }
    }

    function remove(uint8 workerPick) external {
        if (workers.length == 0) return;
        bytes32 id = workers[workerPick % workers.length];
        vm.prank(customer);
        try market.removeWorker(id) {
            noticePrice[id] = priceAt(desk.getWorker(id).dealId, now_());
        } catch {}
    }

    function release(uint8 workerPick) external {
        if (workers.length == 0) return;
        try market.releaseWorker(workers[workerPick % workers.length]) {} catch {}
    }

    function absent(uint8 workerPick) external {
        if (workers.length == 0) return;
        try desk.reportAbsent(workers[workerPick % workers.length]) {} catch {}
    }

    function topUp(uint8 dealPick, uint64 amount) external {
        uint64 id = pick(dealPick);
        vm.prank(customer);
        try market.topUp(id, amount) {} catch {}
    }

    function withdrawFree(uint8 dealPick, uint64 amount) external {
        uint64 id = pick(dealPick);
        vm.prank(customer);
        try desk.withdrawFree(id, amount) {} catch {}
    }

    /// Rare, or nothing would be left to see.
    function end(uint8 dealPick, uint8 chance) external {
        if (chance % 8 != 0) return;
        uint64 id = pick(dealPick);
        vm.prank(customer);
        try market.endDeal(id) {
            // What was to come never does.
            Price[] storage list = prices[id];
            if (list[list.length - 1].from > now_()) list.pop();
        } catch {}
    }

    function close(uint8 dealPick) external {
        try desk.closeDeal(pick(dealPick)) {} catch {}
    }

    function slash(uint8 peerPick, uint64 amount, uint16 shareBp) external {
        Beneficiary[] memory to = new Beneficiary[](1);
        to[0] = Beneficiary(customer, shareBp % 10_001);
        vm.prank(judge);
        try capacity.slash(peers[peerPick % 6], amount, 1, to) {} catch {}
    }

    function judge_(uint8 workerPick, uint8 ago, uint8 what) external {
        if (workers.length == 0 || now_() <= uint32(ago) % 5) return;
        bytes32 id = workers[workerPick % workers.length];
        uint32 epoch = now_() - uint32(ago) % 5;
        vm.startPrank(judge);
        if (what % 3 == 0) desk.setFault(id, epoch);
        else if (what % 3 == 1) desk.setHold(id, epoch);
        else try desk.clearHold(id, epoch) {} catch {}
        vm.stopPrank();
    }

    function exit(uint8 peerPick) external {
        address peer = peers[peerPick % 6];
        vm.prank(staker);
        try capacity.requestExit(peer) {} catch {}
        try capacity.finish(peer) {} catch {}
    }

    function recommit(uint8 peerPick, uint8 duration) external {
        uint256 i = peerPick % 6;
        vm.prank(providers[i / 2]);
        try capacity.createCommitment(peers[i], 5 + duration % 30, 0, 1_000, 0, staker) {} catch {}
        address[] memory one = new address[](1);
        one[0] = peers[i];
        vm.prank(staker);
        try capacity.deposit(one) {} catch {}
    }

    function withdraw(uint8 personPick) external {
        address who = people[personPick % people.length];
        vm.startPrank(who);
        try market.withdraw(address(pay), who) {} catch {}
        try capacity.withdraw(address(stake), who) {} catch {}
        vm.stopPrank();
    }

    /// I16, I17: with nobody but the parties themselves at work, everything can be taken home.
    function drain() external {
        for (uint64 id = 1; id <= desk.dealCount(); ++id) {
            if (desk.getDeal(id).endEpoch != 0) continue;
            vm.prank(customer);
            market.endDeal(id);
        }
        pass(50);
        for (uint256 i; i < workers.length; ++i) {
            try market.releaseWorker(workers[i]) {} catch {}
            for (uint32 epoch = 1; epoch < 256; ++epoch) {
                if (desk.getMasks(workers[i], 0).held & (uint256(1) << epoch) != 0) {
                    desk.clearHold(workers[i], epoch);
                }
            }
            bytes32[] memory ids = new bytes32[](1);
            ids[0] = workers[i];
            try market.claim(ids, 0) {} catch {}
            try market.refundUnproven(workers[i], 0) {} catch {}
        }
        for (uint64 id = 1; id <= desk.dealCount(); ++id) {
            if (!desk.getDeal(id).closed) desk.closeDeal(id);
        }
        for (uint256 i; i < 6; ++i) {
            vm.prank(staker);
            try capacity.requestExit(peers[i]) {} catch {}
        }
        pass(3);
        for (uint256 i; i < 6; ++i) {
            CommitmentStatus status = commitmentOf(peers[i]).status;
            if (status == CommitmentStatus.Active || status == CommitmentStatus.Failed) {
                capacity.finish(peers[i]);
            }
        }
        for (uint256 i; i < people.length; ++i) {
            vm.startPrank(people[i]);
            try market.withdraw(address(pay), people[i]) {} catch {}
            try capacity.withdraw(address(stake), people[i]) {} catch {}
            vm.stopPrank();
        }
        eq(pay.balanceOf(address(market)), 0, "I16 payments");
        eq(stake.balanceOf(address(capacity)), 0, "I16 stake");
    }

    // Books

    function desk_() external view returns (MarketDesk) {
        return desk;
    }

    function payHeld() external view returns (uint256) {
        return pay.balanceOf(address(market));
    }

    function creditsOwed() external view returns (uint256 sum) {
        for (uint256 i; i < people.length; ++i) {
            sum += credit(people[i]);
        }
    }

    function stakeBooks() external view returns (uint256 held, uint256 owed, uint256 collateral) {
        held = stake.balanceOf(address(capacity));
        for (uint256 i; i < people.length; ++i) {
            owed += stakeCredit(people[i]);
        }
        for (uint256 i; i < 6; ++i) {
            Commitment memory c = commitmentOf(peers[i]);
            atMost(c.slashed, uint256(c.collateralPerUnit) * c.units, "I6 slash");
            if (c.status == CommitmentStatus.Active || c.status == CommitmentStatus.Failed) {
                collateral += uint256(c.collateralPerUnit) * c.units - c.slashed;
            }
        }
        eq(collateral, capacity.collateralHeld(), "I2 collateral");
    }

    function fundedOf(Worker memory worker) private view returns (uint256) {
        uint256 until = worker.chargedUntil == 0 ? Epochs.NEVER : worker.chargedUntil;
        return (desk.fundedWord(worker.dealId, 0) & Epochs.range(worker.joinEpoch, until, 0))
            | (worker.chargedUntil == 0 ? 0 : Epochs.range(worker.chargedUntil, worker.prepaidUntil, 0));
    }

    function unresolvedOf(uint64 dealId) external view returns (uint256 sum) {
        for (uint256 i; i < workers.length; ++i) {
            Worker memory worker = desk.getWorker(workers[i]);
            if (worker.dealId != dealId || worker.joinEpoch == 0) continue;
            sum += worthOf(workers[i], worker, fundedOf(worker) & ~desk.getMasks(workers[i], 0).resolved);
        }
    }

    function priceAt(uint64 dealId, uint32 epoch) private view returns (uint96) {
        Price[] storage list = prices[dealId];
        uint256 i = list.length - 1;
        while (list[i].from > epoch) {
            --i;
        }
        return list[i].price;
    }

    /// What epochs come to, one by one.
    function worthOf(bytes32 id, Worker memory worker, uint256 epochs) private view returns (uint256 sum) {
        uint256 prepaid = Epochs.range(worker.chargedUntil, worker.prepaidUntil, 0);
        for (uint32 epoch; epochs >> epoch != 0; ++epoch) {
            if (epochs >> epoch & 1 == 0) continue;
            bool isPrepaid = prepaid >> epoch & 1 == 1;
            sum += isPrepaid ? noticePrice[id] : priceAt(worker.dealId, epoch);
        }
    }

    function checkPrices() external view {
        for (uint64 id = 1; id <= desk.dealCount(); ++id) {
            uint32 first = now_() > 8 ? now_() - 8 : 0;
            for (uint32 epoch = first; epoch < now_() + 4; ++epoch) {
                eq(desk.priceOf(id, epoch), priceAt(id, epoch), "price");
            }
        }
    }

    function checkUnits() external view {
        for (uint256 i; i < 6; ++i) {
            uint256 bits;
            for (uint256 j; j < workers.length; ++j) {
                Worker memory worker = desk.getWorker(workers[j]);
                if (
                    worker.peer != peers[i] || worker.status == WorkerStatus.None
                        || worker.status == WorkerStatus.Over
                ) continue;
                uint256 bit = uint256(1) << worker.firstUnit;
                eq(bits & bit, 0, "I9 shared unit");
                bits |= bit;
            }
            eq(capacity.busyUnits(peers[i]), bits, "I9 busy units");
        }
    }

    function checkRanges() external view {
        uint32 last = now_();
        for (uint32 epoch = last > 15 ? last - 15 : 1; epoch < last; ++epoch) {
            uint256 sum;
            for (uint256 i; i < 6; ++i) {
                sum += audit.getCommit(peers[i], address(pay), epoch).feeSum;
            }
            eq(audit.feeSumOf(address(pay), epoch), sum, "I13 sum");
        }
    }

    function pick(uint8 dealPick) private view returns (uint64) {
        return 1 + dealPick % desk.dealCount();
    }

    function know(uint64 dealId, address peer) private {
        bytes32 id = desk.workerOf(dealId, peer);
        if (desk.getWorker(id).peer == address(0) || known[id]) return;
        known[id] = true;
        workers.push(id);
    }
}
