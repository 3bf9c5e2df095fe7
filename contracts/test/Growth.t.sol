// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Entry} from "../src/market/MarketStorage.sol";
import {Town} from "./Town.sol";

/// What operations of one deal cost in an empty market and in a full one: 1,000 deals with ten workers each, on 40 peers
/// of ten providers. What is compared is a transaction of its own; what only prepares it goes by the hundred.
/// forge-config: default.isolate = true
contract GrowthTest is Town {
    uint256 private constant DEALS = 1_000;
    uint256 private constant WORKERS = 10;
    /// Each deal has one of so many peers of each provider.
    uint256 private constant PEERS_EACH = 4;
    uint256 private constant PORTION = 100;
    /// One in so many deals is settled and claimed in transactions of their own.
    uint256 private constant SAMPLE = 10;
    /// Numbers with more digits and ids with fewer zeros make calls a little longer.
    uint256 private constant MARGIN = 500;

    /// What the operations of a deal cost.
    struct Costs {
        uint256 create;
        uint256 match_;
        uint256 activate;
        uint256 commit;
        uint256 settle;
        /// Of the worker that cost most.
        uint256 claim;
        /// Of all workers in one call.
        uint256 claimAll;
    }

    address[WORKERS][PEERS_EACH] private peers;

    function setUp() public override {
        super.setUp();
        for (uint256 i; i < WORKERS; ++i) {
            address provider = address(uint160(0xF00 + i));
            fundAndApprove(provider);
            register(provider, 1_000 + i * PEERS_EACH, PEERS_EACH, 256);
            for (uint256 j; j < PEERS_EACH; ++j) {
                peers[j][i] = vm.addr(1_000 + i * PEERS_EACH + j);
                commit(provider, peers[j][i], 200);
            }
        }
        pass(1);
    }

    /// forge-config: default.isolate = true
    function test_a_deal_costs_in_a_full_market_what_it_costs_in_an_empty_one() public {
        Costs memory first = costs();
        eq(desk.dealCount(), 1, "an empty market");
        uint256 filled = 1;
        while (filled < DEALS - 1) {
            uint256 until = filled + PORTION < DEALS - 1 ? filled + PORTION : DEALS - 1;
            this.fill(filled, until);
            filled = until;
        }
        Costs memory last = costs();
        eq(desk.dealCount(), DEALS, "deals");
        eq(this.busy(), DEALS * WORKERS, "workers");
        atMost(last.create, first.create + MARGIN, "create");
        atMost(last.match_, first.match_ + MARGIN, "match");
        atMost(last.activate, first.activate + MARGIN, "activate");
        atMost(last.commit, first.commit + MARGIN, "commit receipts");
        atMost(last.settle, first.settle + MARGIN, "settle");
        atMost(last.claim, first.claim + MARGIN, "claim");
        atMost(last.claimAll, first.claimAll + MARGIN, "claim of all workers");
        vm.snapshotValue("gas", "growth: settle ten workers, empty market", first.settle);
        vm.snapshotValue("gas", "growth: settle ten workers, full market", last.settle);
        vm.snapshotValue("gas", "growth: claim of one worker, empty market", first.claim);
        vm.snapshotValue("gas", "growth: claim of one worker, full market", last.claim);
        vm.snapshotValue("gas", "growth: claim of ten workers, empty market", first.claimAll);
        vm.snapshotValue("gas", "growth: claim of ten workers, full market", last.claimAll);
        settleAndClaimEverywhere(first);
    }

    /// Every deal is settled and all of its ten workers are paid, those of the sample at the cost of the first.
    function settleAndClaimEverywhere(Costs memory first) private {
        proveAll();
        for (uint256 id = 1; id <= DEALS; id += PORTION) {
            this.claimPortion(id, id + PORTION, false);
        }
        proveAll();
        uint256 paidBefore = market.creditOf(address(pay), address(this));
        for (uint256 id = 1; id <= DEALS; id += PORTION) {
            this.claimPortion(id, id + PORTION, true);
        }
        for (uint64 id = uint64(SAMPLE); id <= DEALS; id += uint64(SAMPLE)) {
            market.settle(id);
            atMost(used(), first.settle + MARGIN, "settle any deal");
            market.claim(this.workersOf(id), 0);
            atMost(used(), first.claimAll + MARGIN, "claim of any deal");
        }
        // The market's fee of a twentieth shows that all were paid, for two epochs each.
        uint256 fees = market.creditOf(address(pay), address(this)) - paidBefore;
        eq(fees, DEALS * WORKERS * 2 * PRICE / 20, "fees");
    }

    /// Two epochs that all peers have proven, until both can be claimed.
    function proveAll() private {
        pass(2);
        for (uint256 n; n < PEERS_EACH; ++n) {
            this.provePeers(n);
        }
        pass(1);
        for (uint256 n; n < PEERS_EACH; ++n) {
            this.provePeers(n);
        }
        pass(3);
    }

    function provePeers(uint256 n) external {
        for (uint256 i; i < WORKERS; ++i) {
            prove(peers[n][i]);
        }
    }

    function claimPortion(uint256 from, uint256 until, bool sparesSample) external {
        for (uint256 id = from; id < until; ++id) {
            if (sparesSample && id % SAMPLE == 0) continue;
            market.claim(this.workersOf(uint64(id)), 0);
        }
    }

    function workersOf(uint64 dealId) external view returns (bytes32[] memory ids) {
        ids = new bytes32[](WORKERS);
        for (uint256 i; i < WORKERS; ++i) {
            ids[i] = desk.workerOf(dealId, peers[(dealId - 1) % PEERS_EACH][i]);
        }
    }

    /// The next deal, from its creation to its second claims: the first ones open accounts, as they do in any market.
    function costs() private returns (Costs memory spent) {
        uint256 n = desk.dealCount();
        uint64 dealId = createDeal(uint16(WORKERS), uint16(WORKERS), 1_000e18);
        spent.create = used();
        vm.prank(customer);
        market.matchDeal(dealId, entries(n), noCaps(), true);
        spent.match_ = used();
        bytes32[] memory ids = this.workersOf(dealId);
        for (uint256 i; i < WORKERS; ++i) {
            activate(ids[i]);
            spent.activate = used();
        }
        proveAndMature(n);
        market.claim(ids, 0);
        spent.commit = proveAndMature(n);
        market.settle(dealId);
        spent.settle = used();
        for (uint256 i; i < WORKERS; ++i) {
            claim(ids[i]);
            if (used() > spent.claim) spent.claim = used();
        }
        proveAndMature(n);
        market.settle(dealId);
        market.claim(ids, 0);
        spent.claimAll = used();
    }

    /// Two epochs that the workers of the n-th deal serve, until both can be claimed.
    function proveAndMature(uint256 n) private returns (uint256 spent) {
        for (uint256 epoch; epoch < 2; ++epoch) {
            pass(epoch == 0 ? 2 : 1);
            for (uint256 i; i < WORKERS; ++i) {
                prove(peers[n % PEERS_EACH][i]);
            }
            spent = used();
        }
        pass(3);
    }

    /// The deals from a number up to before another.
    function fill(uint256 from, uint256 until) external {
        for (uint256 n = from; n < until; ++n) {
            uint64 dealId = createDeal(uint16(WORKERS), uint16(WORKERS), 1_000e18);
            vm.prank(customer);
            market.matchDeal(dealId, entries(n), noCaps(), true);
            for (uint256 i; i < WORKERS; ++i) {
                activate(desk.workerOf(dealId, peers[n % PEERS_EACH][i]));
            }
        }
    }

    /// How many units serve.
    function busy() external view returns (uint256 count) {
        for (uint256 j; j < PEERS_EACH; ++j) {
            for (uint256 i; i < WORKERS; ++i) {
                for (uint256 bits = capacity.busyUnits(peers[j][i]); bits != 0; bits &= bits - 1) {
                    ++count;
                }
            }
        }
    }

    /// One peer of each provider, with the unit that the deals before have left.
    function entries(uint256 n) private view returns (Entry[] memory list) {
        list = new Entry[](WORKERS);
        for (uint256 i; i < WORKERS; ++i) {
            list[i] = Entry(peers[n % PEERS_EACH][i], uint8(n / PEERS_EACH));
        }
    }

    function used() private view returns (uint256) {
        return vm.lastCallGas().gasTotalUsed;
    }
}
