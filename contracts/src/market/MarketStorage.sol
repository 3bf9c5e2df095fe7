// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Which providers may serve a deal.
enum AccessKind {
    /// All.
    None,
    /// Only those on the list.
    Allow,
    /// All but those on the list.
    Deny
}

/// A customer's order of workers. Up to eight slots; those that are zero cost nothing.
struct Deal {
    address owner;
    bool openMatch;
    AccessKind accessKind;
    /// Compute units of one worker.
    uint8 cuPerWorker;
    /// With fewer active workers nothing is paid.
    uint16 minWorkers;
    uint16 targetWorkers;
    uint16 maxPerProvider;
    /// A worker's commitment must last for so many epochs when it is matched.
    uint16 minTermEpochs;
    /// Epochs from a notice to a worker's end, counting the running one.
    uint8 noticeEpochs;
    // ---
    address payToken;
    /// Of one worker for one epoch, from `priceEpoch` on; before that, the latest of the former prices.
    uint96 price;
    // ---
    uint112 balance;
    /// Set apart for funded epochs that are neither paid nor paid back.
    uint112 escrow;
    /// Workers that are matched, active or under notice.
    uint16 liveWorkers;
    /// Protocol version that workers must speak.
    uint16 verReq;
    // ---
    uint32 lastSettled;
    /// Workers for which every epoch is charged.
    uint16 activeWorkers;
    /// First epoch after the deal's end; 0 while it runs.
    uint32 endEpoch;
    bool closed;
    uint96 minCollateral;
    /// Epoch from which `code.moduleSetHash` is the code; before it, `code.formerModuleSetHash`.
    uint32 versionEpoch;
    /// First epoch of `price`; 0 while it was never changed.
    uint32 priceEpoch;
    // ---
    bytes32 requirementsHash;
    DealCode code;
}

/// Who may call a deal, and its code. A struct of its own, since libraries of clients know structs of 24 members at most;
/// its three slots are where they would be without it.
struct DealCode {
    bytes32 callersRoot;
    bytes32 moduleSetHash;
    bytes32 formerModuleSetHash;
}

/// A price that a deal had, up to the epoch of the next one.
struct FormerPrice {
    uint96 price;
    /// First epoch of the price; 0 for that of the deal's creation.
    uint32 from;
}

/// Where a worker is. A matched one whose deadline has passed, and one whose end has come, wait to be released.
enum WorkerStatus {
    None,
    Matched,
    Active,
    /// Ends at `endEpoch`, and is no longer charged with the others.
    Notice,
    Over
}

/// A peer's part in a deal. Three slots, of which matching and activation write one each.
struct Worker {
    address peer;
    uint48 dealId;
    /// Last epoch in which a matched worker can be activated.
    uint32 deadline;
    uint8 firstUnit;
    WorkerStatus status;
    // ---
    /// Address of the key that signs the worker's receipts; a new one does so from the next epoch on.
    address key;
    uint32 joinEpoch;
    uint48 commitmentId;
    // ---
    /// Epochs before this one are funded as the deal is; 0 for all.
    uint32 chargedUntil;
    /// Epochs from `chargedUntil` up to before this one are funded for this worker alone.
    uint32 prepaidUntil;
    /// First epoch that is not the worker's; 0 while none is set.
    uint32 endEpoch;
    /// In the peer's first worker of a deal: how often the peer joined again.
    uint32 rejoins;
    /// Of each of the epochs that are funded for this worker alone.
    uint96 noticePrice;
}

/// The key that a worker had before its present one. One slot.
struct FormerKey {
    address key;
    /// First epoch whose receipts the present key signs.
    uint32 until;
}

/// Epochs of a worker, 256 in a word, epoch e at bit e mod 256.
struct EpochMasks {
    /// Paid, or paid back.
    uint256 resolved;
    /// Without a leaf in the peer's receipts, or with a fault.
    uint256 denied;
    /// Under audit.
    uint256 held;
}

/// A provider's place in a deal.
struct Standing {
    uint16 workers;
    bool listed;
}

/// @custom:storage-location erc7201:weir.market
struct MarketLayout {
    uint48 deals;
    mapping(uint64 dealId => Deal) deal;
    mapping(uint64 dealId => mapping(uint256 word => uint256)) funded;
    mapping(uint64 dealId => mapping(address provider => Standing)) standing;
    mapping(bytes32 workerId => Worker) worker;
    mapping(bytes32 workerId => mapping(uint256 word => EpochMasks)) masks;
    mapping(bytes32 workerId => mapping(uint32 epoch => uint32)) heldSince;
    mapping(bytes32 workerId => FormerKey) formerKey;
    mapping(uint64 dealId => FormerPrice[]) formerPrices;
}

/// A deal as its owner describes it.
struct DealInput {
    address payToken;
    uint96 price;
    uint8 cuPerWorker;
    uint16 minWorkers;
    uint16 targetWorkers;
    uint16 maxPerProvider;
    uint8 noticeEpochs;
    uint16 minTermEpochs;
    uint96 minCollateral;
    uint16 verReq;
    /// Whether providers and solvers may fill the deal, not only its owner.
    bool openMatch;
    /// Capabilities that every worker's offer must have, at most 16.
    bytes32[] caps;
    AccessKind accessKind;
    /// Providers on the list, at most 32; more with `setAccess`.
    address[] accessList;
    /// Root over the keys that may call; zero for all.
    bytes32 callersRoot;
    /// CID of the code.
    bytes cid;
    bytes32 moduleSetHash;
}

/// A peer for a deal, with the first of its units to use.
struct Entry {
    address peer;
    uint8 firstUnit;
}
