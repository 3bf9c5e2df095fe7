// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Module} from "../Module.sol";
import {Param} from "../params/Param.sol";
import {Params} from "../params/Params.sol";
import {Registry, NotProvider, TooMany} from "../registry/Registry.sol";
import {Peer} from "../registry/RegistryStorage.sol";

/// What the market takes from the audit.
interface IExcluded {
    function exclude(address peer, uint32 epoch, address token, bytes32[] calldata workerIds) external;
}

/// The epoch has not ended.
error NotOver(uint32 epoch);
/// The time for commitments of this epoch is over.
error Closed(uint32 epoch);
/// The peer has committed this epoch and token.
error Twice();
/// A commitment without a root proves nothing.
error EmptyRoot();

/// Receipts of one peer, epoch and token. Two slots.
struct ReceiptCommit {
    bytes32 root;
    uint32 epoch;
    /// Where the peer's fees begin in the sum of all fees of the epoch.
    uint128 start;
    uint96 feeSum;
}

/// Fees of all peers in one epoch and token.
struct FeeSum {
    uint32 epoch;
    uint224 sum;
}

/// @custom:storage-location erc7201:weir.audit
struct AuditLayout {
    mapping(address peer => mapping(address token => mapping(uint256 slot => ReceiptCommit))) commits;
    mapping(address token => mapping(uint256 slot => FeeSum)) sums;
    mapping(address peer => mapping(address token => mapping(uint256 word => uint256))) committed;
}

/// @title Commitments of peers to the receipts of an epoch, without which nothing is paid for it.
/// @dev One call per peer, epoch and token, whatever the traffic. Storage root by ERC-7201.
contract Audit is Module {
    /// Epochs for which roots are kept.
    uint256 public constant RING = 16;
    /// Workers that one call can name as missing.
    uint256 public constant MOST_MISSING = 16;

    // keccak256(abi.encode(uint256(keccak256("weir.audit")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant ROOT = 0x607578880ad0445811f923b2947a1678702ba5368df8a3dfc501c0d62216ec00;

    event ReceiptsCommitted(
        address indexed peer,
        uint32 indexed epoch,
        address indexed token,
        bytes32 root,
        uint96 feeSum,
        uint128 start
    );

    constructor(Params params) Module(params) {}

    /// @notice Commits to the receipts that the workers of a peer signed in an epoch that has just ended, for all
    /// deals that pay in one token. The node or its provider, within the window after the epoch's end.
    /// @param root Root of the sum tree over the workers' leaves.
    /// @param feeSum Sum of the fees in the tree.
    /// @param missing Workers of the peer without a leaf, which are not paid for the epoch; at most 16.
    /// Errors: NotProvider, NotOver, Closed, Twice, EmptyRoot, TooMany.
    function commitReceipts(
        address peer,
        uint32 epoch,
        address token,
        bytes32 root,
        uint96 feeSum,
        bytes32[] calldata missing
    ) external {
        if (msg.sender != peer) {
            Peer memory found = Registry(moduleAt(REGISTRY)).getPeer(peer);
            if (found.provider != msg.sender || found.units == 0) revert NotProvider();
        }
        uint256 end = endOfEpoch(epoch);
        if (epoch == 0 || block.timestamp < end) revert NotOver(epoch);
        if (block.timestamp >= end + param(Param.CommitWindow)) revert Closed(epoch);
        if (root == bytes32(0)) revert EmptyRoot();
        if (missing.length > MOST_MISSING) revert TooMany(MOST_MISSING);
        AuditLayout storage s = store();
        uint256 bit = uint256(1) << (epoch & 255);
        uint256 word = s.committed[peer][token][epoch >> 8];
        if (word & bit != 0) revert Twice();
        s.committed[peer][token][epoch >> 8] = word | bit;
        FeeSum storage sum = s.sums[token][epoch % RING];
        uint224 start = sum.epoch == epoch ? sum.sum : 0;
        (sum.epoch, sum.sum) = (epoch, start + feeSum);
        s.commits[peer][token][epoch % RING] = ReceiptCommit(root, epoch, uint128(start), feeSum);
        emit ReceiptsCommitted(peer, epoch, token, root, feeSum, uint128(start));
        if (missing.length != 0) {
            IExcluded(moduleAt(MARKET)).exclude(peer, epoch, token, missing);
        }
    }

    /// @notice Epochs that a peer has committed, of the 256 epochs of a word, epoch e at bit e mod 256. Anyone.
    function committedWord(address peer, address token, uint256 word) external view returns (uint256) {
        return store().committed[peer][token][word];
    }

    /// @notice What a peer committed in one of the last 16 epochs; a root of zero if nothing. Anyone.
    function getCommit(address peer, address token, uint32 epoch)
        external
        view
        returns (ReceiptCommit memory found)
    {
        found = store().commits[peer][token][epoch % RING];
        if (found.epoch != epoch) return ReceiptCommit(0, 0, 0, 0);
    }

    /// @notice Sum of all fees committed in one of the last 16 epochs. Anyone.
    function feeSumOf(address token, uint32 epoch) external view returns (uint224) {
        FeeSum memory found = store().sums[token][epoch % RING];
        return found.epoch == epoch ? found.sum : 0;
    }

    function store() private pure returns (AuditLayout storage s) {
        bytes32 root = ROOT;
        assembly ("memory-safe") {
            s.slot := root
        }
    }
}
