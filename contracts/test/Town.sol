// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Audit} from "../src/audit/Audit.sol";
import {Capacity} from "../src/capacity/Capacity.sol";
import {Commitment} from "../src/capacity/CapacityStorage.sol";
import {DevDeployment} from "../src/dev/DevDeployment.sol";
import {TestToken} from "../src/dev/TestToken.sol";
import {Lens} from "../src/lens/Lens.sol";
import {Market} from "../src/market/Market.sol";
import {MarketDesk} from "../src/market/MarketDesk.sol";
import {AccessKind, DealInput, Entry} from "../src/market/MarketStorage.sol";
import {Params} from "../src/params/Params.sol";
import {Registry} from "../src/registry/Registry.sol";
import {OfferInput, PeerInput} from "../src/registry/RegistryStorage.sol";
import {NothingDue} from "../src/Credits.sol";
import {Checked, Vm} from "./Vm.sol";

/// @title A deployed market with people in it, who do ordinary things in one line.
abstract contract Town is Checked {
    uint32 internal constant EPOCH = 60;
    uint96 internal constant PRICE = 1e18;
    uint256 internal constant GENESIS = 1_800_000_000;

    TestToken internal stake;
    TestToken internal pay;
    DevDeployment internal deployment;
    Params internal params;
    Registry internal registry;
    Capacity internal capacity;
    Market internal market;
    MarketDesk internal desk;
    Audit internal audit;
    Lens internal lens;

    address internal alice = address(0xA11CE);
    address internal bob = address(0xB0B);
    address internal customer = address(0xC0575);
    address internal staker = address(0x57A);
    address internal judge = address(0x10D6E);

    function setUp() public virtual {
        vm.warp(GENESIS);
        stake = TestToken(deploy("TestToken", abi.encode("Weir Stake", "STAKE")));
        pay = TestToken(deploy("TestToken", abi.encode("Weir Pay", "PAY")));
        deployment = DevDeployment(deploy("DevDeployment", abi.encode(deploy("Params", ""), 0, EPOCH)));
        params = deployment.PARAMS();
        address registryCode = deploy("Registry", abi.encode(params));
        address capacityCode = deploy("Capacity", abi.encode(params, stake));
        address marketCode = deploy("Market", abi.encode(params, deploy("MarketDesk", abi.encode(params))));
        address auditCode = deploy("Audit", abi.encode(params));
        deployment.deployModules([registryCode, capacityCode, marketCode, auditCode], address(pay));
        params.acceptOwnership();
        registry = Registry(deployment.registry());
        capacity = Capacity(deployment.capacity());
        market = Market(payable(deployment.market()));
        desk = MarketDesk(address(market));
        audit = Audit(deployment.audit());
        lens = Lens(deploy("Lens", abi.encode(params)));
        params.setModule("DISPUTE", judge);
        fundAndApprove(customer);
        fundAndApprove(staker);
        fundAndApprove(alice);
        fundAndApprove(bob);
    }

    /// @dev From what is compiled already: a test that contained all contracts would take long to compile.
    function deploy(string memory name, bytes memory arguments) internal returns (address created) {
        bytes memory code = abi.encodePacked(vm.getCode(string.concat(name, ".sol:", name)), arguments);
        assembly ("memory-safe") {
            created := create(0, add(code, 32), mload(code))
        }
        yes(created != address(0), name);
    }

    function fundAndApprove(address who) internal {
        stake.faucet(who, 1e30);
        pay.faucet(who, 1e30);
        vm.startPrank(who);
        stake.approve(address(capacity), type(uint256).max);
        pay.approve(address(market), type(uint256).max);
        vm.stopPrank();
    }

    // Time

    function now_() internal view returns (uint32) {
        return market.currentEpoch();
    }

    /// @dev In storage, since the compiler takes the block's time for constant within a function.
    uint256 private time = GENESIS;

    function toTime(uint256 at_) internal {
        time = at_;
        vm.warp(at_);
    }

    function later(uint256 duration) internal {
        toTime(time + duration);
    }

    function toEpoch(uint32 epoch) internal {
        toTime(GENESIS + uint256(epoch - 1) * EPOCH);
    }

    function pass(uint32 epochs) internal {
        toEpoch(now_() + epochs);
    }

    // Providers

    function noCaps() internal pure returns (bytes32[] memory) {
        return new bytes32[](0);
    }

    function offerInput() internal view returns (OfferInput memory) {
        return OfferInput(PRICE, address(pay), 1, 3, noCaps());
    }

    function domain(string memory name, address verifier) internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                verifier
            )
        );
    }

    function sign(uint256 key, bytes32 domainHash, bytes32 structHash) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked("\x19\x01", domainHash, structHash)));
        return abi.encodePacked(r, s, v);
    }

    function peerInput(uint256 key, address provider, uint16 units, uint256 nonce)
        internal
        returns (PeerInput memory)
    {
        Vm.Wallet memory wallet = vm.createWallet(key);
        bytes32 structHash =
            keccak256(abi.encode(keccak256("RegisterPeer(address provider,uint256 nonce)"), provider, nonce));
        return PeerInput(
            abi.encodePacked(wallet.publicKeyX, wallet.publicKeyY),
            units,
            sign(key, domain("WeirRegistry", address(registry)), structHash)
        );
    }

    function peerInputs(uint256 firstKey, uint256 count, address provider, uint16 units)
        internal
        returns (PeerInput[] memory inputs)
    {
        inputs = new PeerInput[](count);
        for (uint256 i; i < count; ++i) {
            inputs[i] = peerInput(firstKey + i, provider, units, 0);
        }
    }

    function register(address provider, uint256 firstKey, uint256 count, uint16 units)
        internal
        returns (uint48 offerId)
    {
        PeerInput[] memory inputs = peerInputs(firstKey, count, provider, units);
        vm.prank(provider);
        offerId = registry.registerOffer(offerInput(), inputs);
    }

    function commit(address provider, address peer, uint16 duration) internal {
        vm.prank(provider);
        capacity.createCommitment(peer, duration, 2_000, 2_000, 0, staker);
        address[] memory peers = new address[](1);
        peers[0] = peer;
        vm.prank(staker);
        capacity.deposit(peers);
    }

    /// A provider whose peers, of some units each, are active from the next epoch on, in which it returns.
    function settleDown(address provider, uint256 firstKey, uint256 count, uint16 units, uint16 duration)
        internal
        returns (address[] memory peers)
    {
        register(provider, firstKey, count, units);
        peers = new address[](count);
        for (uint256 i; i < count; ++i) {
            peers[i] = vm.addr(firstKey + i);
            commit(provider, peers[i], duration);
        }
        pass(1);
    }

    // Deals

    function dealInput(uint16 min, uint16 target) internal view returns (DealInput memory input) {
        input.payToken = address(pay);
        input.price = PRICE;
        input.cuPerWorker = 1;
        (input.minWorkers, input.targetWorkers, input.maxPerProvider) = (min, target, target);
        input.noticeEpochs = 1;
        input.verReq = 2;
        input.accessKind = AccessKind.None;
        input.cid = hex"0155122000000000000000000000000000000000000000000000000000000000000000ff";
        input.moduleSetHash = keccak256("modules");
    }

    function createDeal(uint16 min, uint16 target, uint128 deposit) internal returns (uint64) {
        return createDeal(dealInput(min, target), deposit);
    }

    function createDeal(DealInput memory input, uint128 deposit) internal returns (uint64 dealId) {
        vm.prank(customer);
        dealId = market.createDeal(input, deposit);
    }

    function matchOne(uint64 dealId, address peer, uint8 firstUnit) internal returns (bytes32 workerId) {
        Entry[] memory entries = new Entry[](1);
        entries[0] = Entry(peer, firstUnit);
        vm.prank(customer);
        market.matchDeal(dealId, entries, noCaps(), true);
        return desk.workerOf(dealId, peer);
    }

    function workerSignature(bytes32 workerId, uint256 key) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(abi.encode(keccak256("ActivateWorker(bytes32 workerId)"), workerId));
        return sign(key, domain("WeirMarket", address(market)), structHash);
    }

    function activate(bytes32 workerId) internal {
        bytes memory signature = workerSignature(workerId, 0x77);
        vm.prank(desk.getWorker(workerId).peer);
        market.activateWorker(workerId, vm.addr(0x77), signature);
    }

    /// A worker that serves from the next epoch on, in which it returns.
    function hire(uint64 dealId, address peer, uint8 firstUnit) internal returns (bytes32 workerId) {
        workerId = matchOne(dealId, peer, firstUnit);
        activate(workerId);
        pass(1);
    }

    /// Commits the epoch that has just ended.
    function prove(address peer) internal {
        proveWithout(peer, new bytes32[](0));
    }

    function proveWithout(address peer, bytes32[] memory missing) internal {
        uint32 epoch = now_() - 1;
        vm.prank(peer);
        audit.commitReceipts(peer, epoch, address(pay), keccak256(abi.encode(peer, epoch)), 0, missing);
    }

    /// Lets epochs pass, each of which the peer proves after its end.
    function serve(address peer, uint32 epochs) internal {
        for (uint32 i; i < epochs; ++i) {
            pass(1);
            prove(peer);
        }
    }

    function claim(bytes32 workerId) internal returns (uint256) {
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = workerId;
        return market.claim(ids, now_() > 256 ? now_() - 256 : 0);
    }

    function nothingToClaim(bytes32 worker) internal {
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = worker;
        vm.expectRevert(NothingDue.selector);
        market.claim(ids, 0);
    }

    function credit(address who) internal view returns (uint256) {
        return market.creditOf(address(pay), who);
    }

    function stakeCredit(address who) internal view returns (uint256) {
        return capacity.creditOf(address(stake), who);
    }

    function commitmentOf(address peer) internal view returns (Commitment memory) {
        return capacity.getCommitment(capacity.currentOf(peer));
    }
}
