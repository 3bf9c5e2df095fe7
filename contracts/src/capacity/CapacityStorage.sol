// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What a commitment has been through. Whether an active one is over is a matter of time, not of this.
enum CommitmentStatus {
    None,
    /// Made, and waits for its collateral.
    Offered,
    /// Backed by collateral; serves from `startEpoch` up to its end.
    Active,
    /// Lost half of its collateral.
    Failed,
    /// Collateral is returned; kept, since old fees are still paid by its terms.
    Finished,
    /// Taken back before it had collateral.
    Cancelled
}

/// A peer's promise of capacity, with the terms of the time when it was made. Five slots, of which a match reads two.
struct Commitment {
    CommitmentStatus status;
    uint16 units;
    uint32 startEpoch;
    /// In epochs.
    uint16 duration;
    /// Epoch in which it failed, or 0.
    uint32 failedEpoch;
    /// Epoch in which its exit was asked for, or 0.
    uint32 exitEpoch;
    uint8 lockEpochs;
    /// Least price of one unit for one epoch.
    uint96 minDealPrice;
    // ---
    /// Units that serve no deal, unit i at bit i.
    uint256 idleBits;
    // ---
    uint128 collateralPerUnit;
    uint128 slashed;
    // ---
    address staker;
    /// Staker's part of rewards for idle capacity, in basis points.
    uint16 stakerShareBp;
    /// Staker's part of fees from deals, in basis points.
    uint16 stakerDealShareBp;
    // ---
    address provider;
}

/// @custom:storage-location erc7201:weir.capacity
struct CapacityLayout {
    uint48 count;
    uint128 held;
    mapping(address peer => uint48) current;
    mapping(uint48 commitmentId => Commitment) commitment;
}

/// One who receives a part of what is slashed.
struct Beneficiary {
    address account;
    /// Part in basis points; the rest of all parts goes to the treasury.
    uint16 shareBp;
}

/// What a deal asks of a peer's capacity.
struct Reservation {
    address peer;
    /// The first of `count` units in a row.
    uint8 firstUnit;
    uint8 count;
    /// The commitment must last at least up to this epoch.
    uint32 until;
    /// For the whole worker and one epoch.
    uint96 price;
    uint96 minCollateral;
}
