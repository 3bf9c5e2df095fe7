// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Credits} from "../Credits.sol";
import {Module} from "../Module.sol";
import {Param} from "../params/Param.sol";
import {Params} from "../params/Params.sol";
import {NotProvider, Registry, TooMany} from "../registry/Registry.sol";
import {Peer} from "../registry/RegistryStorage.sol";
import {Beneficiary, CapacityLayout, Commitment, CommitmentStatus, Reservation} from "./CapacityStorage.sol";

/// The peer has a commitment that is not finished.
error LiveCommitment();
/// The duration is below the least one.
error BadDuration();
/// A share is at most 10,000 basis points; the parts of a slash together as well.
error BadShare();
/// The commitment is in another state.
error WrongStatus(CommitmentStatus status);
/// The commitment names another staker.
error NotStaker();
/// Only the staker or the provider may do this.
error NotParty();
/// The commitment is not over yet.
error StillRunning(uint32 end);
/// Exit was not asked for, or its time has not passed.
error Locked(uint32 until);
/// Some units serve a deal; release their workers first.
error UnitsBusy();
/// The units are not busy, so that they cannot be released.
error NotBusy();

/// @title Commitments of capacity, the collateral behind them, and what they lose.
/// @dev Holds the stake token. Terms are copied into a commitment when it is made, so that later changes of
/// parameters do not touch it (flaw F9). Storage root by ERC-7201.
contract Capacity is Module, Credits {
    /// Peers in one deposit.
    uint256 public constant MOST_PEERS = 32;
    /// Beneficiaries of one slash.
    uint256 public constant MOST_BENEFICIARIES = 8;
    /// The token of collateral.
    address public immutable STAKE;

    // keccak256(abi.encode(uint256(keccak256("weir.capacity")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant ROOT = 0xcabe7077dc06561dcc57b08576ade386367e547f21c1e5ddc6cedf984b99bd00;

    event CommitmentOffered(
        uint48 indexed commitmentId,
        address indexed peer,
        address indexed provider,
        address staker,
        uint16 units,
        uint16 duration,
        uint16 stakerShareBp,
        uint16 stakerDealShareBp,
        uint96 minDealPrice,
        uint128 collateralPerUnit
    );
    event CommitmentCancelled(uint48 indexed commitmentId, address indexed peer);
    event CommitmentActive(
        uint48 indexed commitmentId,
        address indexed peer,
        address indexed staker,
        uint32 start,
        uint32 end,
        uint16 units
    );
    event ExitRequested(uint48 indexed commitmentId, address indexed peer, uint32 epoch);
    event CommitmentFinished(uint48 indexed commitmentId, address indexed peer, uint256 refund);
    event CommitmentFailed(uint48 indexed commitmentId, address indexed peer, uint32 epoch);
    event Slashed(uint48 indexed commitmentId, address indexed peer, uint8 code, uint128 amount);

    constructor(Params params, address stake) Module(params) {
        STAKE = stake;
    }

    /// @notice Offers a peer's capacity for a time; a staker, if one is named, must back it. Provider of the peer.
    /// @param staker Who must deposit, or zero for anyone.
    /// Errors: Paused, NotProvider, LiveCommitment, BadDuration, BadShare.
    function createCommitment(
        address peer,
        uint16 duration,
        uint16 stakerShareBp,
        uint16 stakerDealShareBp,
        uint96 minDealPrice,
        address staker
    ) external returns (uint48 id) {
        whenNotPaused();
        Peer memory registered = Registry(moduleAt(REGISTRY)).getPeer(peer);
        if (registered.provider != msg.sender || registered.units == 0) revert NotProvider();
        if (isCommitted(peer)) revert LiveCommitment();
        if (duration < param(Param.MinDuration)) revert BadDuration();
        if (stakerShareBp > 10_000 || stakerDealShareBp > 10_000) revert BadShare();
        CapacityLayout storage s = store();
        id = ++s.count;
        s.current[peer] = id;
        Commitment storage c = s.commitment[id];
        (c.staker, c.units, c.duration) = (staker, registered.units, duration);
        (c.stakerShareBp, c.stakerDealShareBp, c.minDealPrice) =
        (stakerShareBp, stakerDealShareBp, minDealPrice);
        c.collateralPerUnit = param(Param.CollateralPerUnit);
        (c.provider, c.status) = (msg.sender, CommitmentStatus.Offered);
        c.lockEpochs = uint8(param(Param.LockEpochs));
        emit CommitmentOffered(
            id,
            peer,
            msg.sender,
            staker,
            c.units,
            duration,
            stakerShareBp,
            stakerDealShareBp,
            minDealPrice,
            c.collateralPerUnit
        );
    }

    /// @notice Takes back what nobody has backed yet. Provider. Errors: WrongStatus, NotProvider.
    function cancelCommitment(address peer) external {
        (Commitment storage c, uint48 id) = expect(peer, CommitmentStatus.Offered);
        if (c.provider != msg.sender) revert NotProvider();
        c.status = CommitmentStatus.Cancelled;
        emit CommitmentCancelled(id, peer);
    }

    /// @notice Backs commitments with collateral, taken from the caller; they begin with the next epoch. The named
    /// staker, or anyone if none is named. At most 32 peers.
    /// Errors: TooMany, WrongStatus, NotStaker, BadReceivedAmount.
    function deposit(address[] calldata peers) external nonReentrant {
        if (peers.length > MOST_PEERS) revert TooMany(MOST_PEERS);
        uint256 sum;
        uint32 start = currentEpoch() + 1;
        for (uint256 i; i < peers.length; ++i) {
            (Commitment storage c, uint48 id) = expect(peers[i], CommitmentStatus.Offered);
            if (c.staker == address(0)) c.staker = msg.sender;
            else if (c.staker != msg.sender) revert NotStaker();
            (c.status, c.startEpoch) = (CommitmentStatus.Active, start);
            c.idleBits = run(0, c.units);
            sum += uint256(c.collateralPerUnit) * c.units;
            emit CommitmentActive(id, peers[i], msg.sender, start, start + c.duration, c.units);
        }
        store().held += uint128(sum);
        pull(STAKE, sum);
    }

    /// @notice Announces that the collateral of a commitment that is over will be fetched. Staker or provider.
    /// Errors: WrongStatus, NotParty, StillRunning.
    function requestExit(address peer) external {
        uint48 id = store().current[peer];
        Commitment storage c = store().commitment[id];
        if (msg.sender != c.staker && msg.sender != c.provider) revert NotParty();
        if ((c.status != CommitmentStatus.Active && c.status != CommitmentStatus.Failed) || c.exitEpoch != 0)
        {
            revert WrongStatus(c.status);
        }
        uint32 end = endOf(id);
        if (currentEpoch() < end) revert StillRunning(end);
        c.exitEpoch = currentEpoch();
        emit ExitRequested(id, peer, c.exitEpoch);
    }

    /// @notice Gives what is left of the collateral to the staker, as credit. Anyone, after the lock; workers that
    /// are over must be released before, which anyone may do. Errors: WrongStatus, Locked, UnitsBusy.
    function finish(address peer) external {
        uint48 id = store().current[peer];
        Commitment storage c = store().commitment[id];
        if (c.status != CommitmentStatus.Active && c.status != CommitmentStatus.Failed) {
            revert WrongStatus(c.status);
        }
        if (c.exitEpoch == 0) revert Locked(type(uint32).max);
        uint32 until = c.exitEpoch + c.lockEpochs;
        if (currentEpoch() < until) revert Locked(until);
        if (c.idleBits != run(0, c.units)) revert UnitsBusy();
        c.status = CommitmentStatus.Finished;
        c.idleBits = 0;
        uint128 refund = remaining(c);
        store().held -= refund;
        emit CommitmentFinished(id, peer, refund);
        credit(STAKE, c.staker, refund);
    }

    /// @notice Takes units for a worker if a deal's conditions are met, else says the reason. Market.
    /// Errors: OnlyModule.
    /// @return reason 0, or one of 7, 8, 9 and 13 of the matching filter.
    function reserve(Reservation calldata r) external returns (uint8 reason) {
        onlyModule(MARKET);
        reason = whyNot(r);
        if (reason != 0) return reason;
        store().commitment[store().current[r.peer]].idleBits &= ~run(r.firstUnit, r.count);
    }

    /// @notice Gives units of a worker back. Market. Errors: OnlyModule, NotBusy.
    function release(address peer, uint8 firstUnit, uint8 count) external {
        onlyModule(MARKET);
        Commitment storage c = store().commitment[store().current[peer]];
        uint256 bits = run(firstUnit, count);
        if (c.idleBits & bits != 0) revert NotBusy();
        c.idleBits |= bits;
    }

    /// @notice Takes collateral of a commitment, at most what is left, and credits it. Audit, Dispute and, for
    /// absent workers, Market. The commitment fails when half is lost. At most 8 beneficiaries.
    /// Errors: OnlyModule, WrongStatus, TooMany, BadShare.
    function slash(address peer, uint128 amount, uint8 code, Beneficiary[] calldata beneficiaries)
        external
        returns (uint128 taken)
    {
        if (msg.sender != moduleAt(MARKET)) onlyJudge();
        if (beneficiaries.length > MOST_BENEFICIARIES) revert TooMany(MOST_BENEFICIARIES);
        uint48 id = store().current[peer];
        Commitment storage c = store().commitment[id];
        if (c.status != CommitmentStatus.Active && c.status != CommitmentStatus.Failed) {
            revert WrongStatus(c.status);
        }
        uint128 left = remaining(c);
        taken = amount < left ? amount : left;
        c.slashed += taken;
        store().held -= taken;
        emit Slashed(id, peer, code, taken);
        if (
            c.status == CommitmentStatus.Active
                && uint256(c.slashed) * 2 >= uint256(c.collateralPerUnit) * c.units
        ) {
            (c.status, c.failedEpoch) = (CommitmentStatus.Failed, currentEpoch());
            emit CommitmentFailed(id, peer, c.failedEpoch);
        }
        uint256 rest = taken;
        for (uint256 i; i < beneficiaries.length; ++i) {
            uint256 part = uint256(taken) * beneficiaries[i].shareBp / 10_000;
            if (part > rest) revert BadShare();
            rest -= part;
            credit(STAKE, beneficiaries[i].account, part);
        }
        credit(STAKE, PARAMS.treasury(), rest);
    }

    /// @notice Why a deal cannot have units: 0 if it can, 7 not active long enough, 8 units missing or busy,
    /// 9 too little collateral, 13 price too low. Anyone.
    function whyNot(Reservation calldata r) public view returns (uint8) {
        uint48 id = store().current[r.peer];
        Commitment storage c = store().commitment[id];
        uint32 epoch = currentEpoch();
        uint32 end = endOf(id);
        if (c.status != CommitmentStatus.Active || epoch < c.startEpoch || epoch >= end || r.until > end) {
            return 7;
        }
        uint256 bits = run(r.firstUnit, r.count);
        if (r.count == 0 || uint256(r.firstUnit) + r.count > c.units || c.idleBits & bits != bits) return 8;
        if (r.minCollateral != 0 && uint256(remaining(c)) * r.count / c.units < r.minCollateral) return 9;
        if (r.price < uint256(c.minDealPrice) * r.count) return 13;
        return 0;
    }

    /// @notice Whether a peer has a commitment that is neither finished nor cancelled. Anyone.
    function isCommitted(address peer) public view returns (bool) {
        CommitmentStatus status = store().commitment[store().current[peer]].status;
        return status == CommitmentStatus.Offered || status == CommitmentStatus.Active
            || status == CommitmentStatus.Failed;
    }

    /// @notice First epoch in which a commitment no longer serves; 0 if it never did. Anyone.
    function endOf(uint48 id) public view returns (uint32) {
        Commitment storage c = store().commitment[id];
        if (c.startEpoch == 0) return 0;
        uint32 end = c.startEpoch + c.duration;
        if (c.failedEpoch != 0 && c.failedEpoch + 1 < end) return c.failedEpoch + 1;
        return end;
    }

    /// @notice Units of a peer that serve deals, unit i at bit i. Anyone.
    function busyUnits(address peer) external view returns (uint256) {
        Commitment storage c = store().commitment[store().current[peer]];
        if (c.status != CommitmentStatus.Active && c.status != CommitmentStatus.Failed) return 0;
        return run(0, c.units) & ~c.idleBits;
    }

    /// @notice Id of a peer's latest commitment, or 0. Anyone.
    function currentOf(address peer) external view returns (uint48) {
        return store().current[peer];
    }

    /// @notice A peer's latest commitment with its provider and its end. Anyone.
    function currentParty(address peer) external view returns (uint48 id, address provider, uint32 end) {
        id = store().current[peer];
        return (id, store().commitment[id].provider, endOf(id));
    }

    /// @notice A commitment. Anyone.
    function getCommitment(uint48 id) external view returns (Commitment memory) {
        return store().commitment[id];
    }

    /// @notice Who is paid for the work of a commitment, the staker's part in basis points, and the commitment's
    /// end. Anyone.
    function payees(uint48 id)
        external
        view
        returns (address provider, address staker, uint16 stakerDealShareBp, uint32 end)
    {
        Commitment storage c = store().commitment[id];
        return (c.provider, c.staker, c.stakerDealShareBp, endOf(id));
    }

    /// @notice All collateral that is held and not slashed. Anyone.
    function collateralHeld() external view returns (uint128) {
        return store().held;
    }

    function expect(address peer, CommitmentStatus status)
        private
        view
        returns (Commitment storage c, uint48 id)
    {
        id = store().current[peer];
        c = store().commitment[id];
        if (c.status != status) revert WrongStatus(c.status);
    }

    function remaining(Commitment storage c) private view returns (uint128) {
        return uint128(uint256(c.collateralPerUnit) * c.units) - c.slashed;
    }

    /// @dev `count` bits in a row, at most those of one word.
    function run(uint256 first, uint256 count) private pure returns (uint256) {
        uint256 ones = count >= 256 ? type(uint256).max : (uint256(1) << count) - 1;
        return ones << first;
    }

    function store() private pure returns (CapacityLayout storage s) {
        bytes32 root = ROOT;
        assembly ("memory-safe") {
            s.slot := root
        }
    }
}
