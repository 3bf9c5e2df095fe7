// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {Bounds, Param} from "./Param.sol";

/// A value is outside of its hard bounds, or the order refundAfter > retention > maturity would break.
error OutOfBounds(Param key, uint128 value);
/// The delay of a change has not passed yet.
error TooEarly(uint256 activeAt);
/// Nothing is proposed under this key or name.
error NothingProposed();
/// Only the owner may do this.
error OnlyOwner();
/// Only the guardian may do this.
error OnlyGuardian();
/// A pause is at most 7 days, and 7 days free of pauses follow it.
error PauseTooLong();
/// An address or a length that must not be zero is zero.
error ZeroValue();

/// @title Values with hard bounds, the clock, the allowed payment tokens, and the addresses of the modules.
/// @dev Changes wait for 14 days, so that whoever disagrees can leave. Storage root by ERC-7201.
contract Params is Initializable, UUPSUpgradeable {
    /// Seconds between a proposal and the moment from which it can be applied.
    uint256 public constant DELAY = 14 days;
    /// Longest pause, and the least time between two, in seconds.
    uint256 public constant MAX_PAUSE = 7 days;
    /// Changes of a value that are kept.
    uint256 public constant HISTORY = 8;

    struct Change {
        uint128 value;
        uint32 epoch;
    }

    struct Entry {
        uint128 value;
        uint32 changes;
        uint128 proposed;
        uint64 activeAt;
        Change[8] history;
    }

    struct Proposal {
        address module;
        uint64 activeAt;
    }

    /// @custom:storage-location erc7201:weir.params
    struct Layout {
        address owner;
        uint64 genesis;
        uint32 epochLen;
        address guardian;
        uint64 pausedUntil;
        address treasury;
        address pendingOwner;
        mapping(Param => Entry) entries;
        mapping(bytes32 => address) modules;
        mapping(bytes32 => Proposal) moduleProposals;
        mapping(address => bool) tokens;
    }

    // keccak256(abi.encode(uint256(keccak256("weir.params")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant ROOT = 0xd252cecb1610b66216d54eeeb234c91f5e2b1558c3380199448db10356de3700;

    event ParamProposed(Param indexed key, uint128 value, uint256 activeAt);
    event ParamChanged(Param indexed key, uint128 value, uint32 epoch);
    event ProposalCancelled(Param indexed key);
    event ModuleProposed(bytes32 indexed name, address module, uint256 activeAt);
    event ModuleSet(bytes32 indexed name, address module);
    event TokenAllowed(address indexed token, bool allowed);
    event GuardianSet(address guardian);
    event TreasurySet(address treasury);
    event PausedUntil(uint256 time);
    event OwnershipProposed(address indexed to);
    event OwnershipTaken(address indexed by);

    constructor() {
        _disableInitializers();
    }

    /// @notice Sets the clock, the roles and all first values, in the order of `Param`. Once, by the deployment.
    /// @dev Errors: OutOfBounds, ZeroValue.
    function initialize(
        address owner_,
        address guardian_,
        address treasury_,
        uint64 genesis_,
        uint32 epochLen_,
        uint128[] calldata values
    ) external initializer {
        Layout storage s = store();
        if (owner_ == address(0) || treasury_ == address(0) || epochLen_ == 0 || genesis_ > block.timestamp) {
            revert ZeroValue();
        }
        if (values.length != Bounds.COUNT) revert ZeroValue();
        (s.owner, s.guardian, s.treasury) = (owner_, guardian_, treasury_);
        (s.genesis, s.epochLen) = (genesis_, epochLen_);
        for (uint256 i; i < values.length; ++i) {
            s.entries[Param(i)].value = values[i];
        }
        for (uint256 i; i < values.length; ++i) {
            check(Param(i), values[i]);
            record(Param(i), values[i]);
        }
    }

    /// @notice A value as it is now. Anyone.
    function get(Param key) external view returns (uint128) {
        return store().entries[key].value;
    }

    /// @notice A value as it was in an epoch, as far as the last 8 changes reach. Anyone. Errors: OutOfBounds if
    /// the epoch is before what is kept.
    function getAt(Param key, uint32 epoch) external view returns (uint128) {
        Entry storage entry = store().entries[key];
        uint256 changes = entry.changes;
        uint256 kept = changes < HISTORY ? changes : HISTORY;
        for (uint256 i = 1; i <= kept; ++i) {
            Change memory change = entry.history[(changes - i) % HISTORY];
            if (change.epoch <= epoch) return change.value;
        }
        revert OutOfBounds(key, epoch);
    }

    /// @notice Announces a value. Owner. Errors: OutOfBounds.
    function propose(Param key, uint128 value) external onlyOwner {
        check(key, value);
        Entry storage entry = store().entries[key];
        (entry.proposed, entry.activeAt) = (value, uint64(block.timestamp + DELAY));
        emit ParamProposed(key, value, entry.activeAt);
    }

    /// @notice Puts an announced value into force after its delay. Anyone. Errors: NothingProposed, TooEarly,
    /// OutOfBounds if other values changed in the meantime.
    function apply_(Param key) external {
        Entry storage entry = store().entries[key];
        if (entry.activeAt == 0) revert NothingProposed();
        if (block.timestamp < entry.activeAt) revert TooEarly(entry.activeAt);
        check(key, entry.proposed);
        entry.value = entry.proposed;
        entry.activeAt = 0;
        record(key, entry.value);
    }

    /// @notice Takes an announced value back. Owner. Errors: NothingProposed.
    function cancel(Param key) external onlyOwner {
        Entry storage entry = store().entries[key];
        if (entry.activeAt == 0) revert NothingProposed();
        entry.activeAt = 0;
        emit ProposalCancelled(key);
    }

    /// @notice Names a module: at once if the name is new, else after the delay. Owner. Errors: ZeroValue.
    function setModule(bytes32 name, address module) external onlyOwner {
        if (module == address(0)) revert ZeroValue();
        Layout storage s = store();
        if (s.modules[name] == address(0)) {
            s.modules[name] = module;
            emit ModuleSet(name, module);
            return;
        }
        s.moduleProposals[name] = Proposal(module, uint64(block.timestamp + DELAY));
        emit ModuleProposed(name, module, block.timestamp + DELAY);
    }

    /// @notice Puts an announced module into force after its delay. Anyone. Errors: NothingProposed, TooEarly.
    function applyModule(bytes32 name) external {
        Layout storage s = store();
        Proposal memory proposal = s.moduleProposals[name];
        if (proposal.activeAt == 0) revert NothingProposed();
        if (block.timestamp < proposal.activeAt) revert TooEarly(proposal.activeAt);
        delete s.moduleProposals[name];
        s.modules[name] = proposal.module;
        emit ModuleSet(name, proposal.module);
    }

    /// @notice Lists or delists a payment token; running deals keep theirs. Owner.
    function allowToken(address token, bool allowed) external onlyOwner {
        store().tokens[token] = allowed;
        emit TokenAllowed(token, allowed);
    }

    /// @notice Names the guardian; zero for none. Owner.
    function setGuardian(address guardian_) external onlyOwner {
        store().guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    /// @notice Names the receiver of the market's fees. Owner. Errors: ZeroValue.
    function setTreasury(address treasury_) external onlyOwner {
        if (treasury_ == address(0)) revert ZeroValue();
        store().treasury = treasury_;
        emit TreasurySet(treasury_);
    }

    /// @notice Stops new commitments and new deals, never withdrawals. Guardian. Errors: PauseTooLong.
    function pause(uint256 duration) external {
        Layout storage s = store();
        if (msg.sender != s.guardian) revert OnlyGuardian();
        if (duration > MAX_PAUSE || (s.pausedUntil != 0 && block.timestamp < s.pausedUntil + MAX_PAUSE)) {
            revert PauseTooLong();
        }
        s.pausedUntil = uint64(block.timestamp + duration);
        emit PausedUntil(s.pausedUntil);
    }

    /// @notice Offers the ownership to another account, which has to take it. Owner.
    function transferOwnership(address to) external onlyOwner {
        store().pendingOwner = to;
        emit OwnershipProposed(to);
    }

    /// @notice Takes the offered ownership. The account that it was offered to. Errors: OnlyOwner.
    function acceptOwnership() external {
        Layout storage s = store();
        if (msg.sender != s.pendingOwner) revert OnlyOwner();
        (s.owner, s.pendingOwner) = (msg.sender, address(0));
        emit OwnershipTaken(msg.sender);
    }

    /// @notice Address of a module, or zero. Anyone.
    function addressOf(bytes32 name) external view returns (address) {
        return store().modules[name];
    }

    /// @notice Whether new deals may pay in a token. Anyone.
    function isTokenAllowed(address token) external view returns (bool) {
        return store().tokens[token];
    }

    /// @notice Whether new commitments and new deals are stopped. Anyone.
    function paused() external view returns (bool) {
        return block.timestamp < store().pausedUntil;
    }

    /// @notice Who may change values and upgrade modules: a timelock. Anyone.
    function owner() external view returns (address) {
        return store().owner;
    }

    /// @notice Who may pause. Anyone.
    function guardian() external view returns (address) {
        return store().guardian;
    }

    /// @notice Who receives the market's fees. Anyone.
    function treasury() external view returns (address) {
        return store().treasury;
    }

    /// @notice Start of epoch 1, in seconds. Anyone.
    function genesis() external view returns (uint64) {
        return store().genesis;
    }

    /// @notice Length of an epoch, in seconds. Anyone.
    function epochLen() external view returns (uint32) {
        return store().epochLen;
    }

    modifier onlyOwner() {
        if (msg.sender != store().owner) revert OnlyOwner();
        _;
    }

    function _authorizeUpgrade(address) internal view override onlyOwner {}

    function record(Param key, uint128 value) private {
        Layout storage s = store();
        Entry storage entry = s.entries[key];
        uint32 epoch = uint32(1 + (block.timestamp - s.genesis) / s.epochLen);
        entry.history[entry.changes % HISTORY] = Change(value, epoch);
        ++entry.changes;
        emit ParamChanged(key, value, epoch);
    }

    /// @dev Evidence must come before the refund, and nothing matures after evidence has ended. The window for
    /// commitments must close before the first epoch that it belongs to matures.
    function check(Param key, uint128 value) private view {
        (uint128 min, uint128 max) = Bounds.limits(key);
        if (value < min || value > max) revert OutOfBounds(key, value);
        Layout storage s = store();
        uint128 maturity = key == Param.Maturity ? value : s.entries[Param.Maturity].value;
        uint128 retention = key == Param.Retention ? value : s.entries[Param.Retention].value;
        uint128 refundAfter = key == Param.RefundAfter ? value : s.entries[Param.RefundAfter].value;
        uint128 window = key == Param.CommitWindow ? value : s.entries[Param.CommitWindow].value;
        if (refundAfter <= retention || retention <= maturity || window > s.epochLen) {
            revert OutOfBounds(key, value);
        }
    }

    function store() private pure returns (Layout storage s) {
        bytes32 root = ROOT;
        assembly ("memory-safe") {
            s.slot := root
        }
    }
}
