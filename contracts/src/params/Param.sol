// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Values of the market that its owner may change within hard bounds.
enum Param {
    /// Least length of a commitment, in epochs.
    MinDuration,
    /// Epochs between the request to exit and the return of collateral.
    LockEpochs,
    /// Collateral for one compute unit of a new commitment, in the smallest unit of the stake token.
    CollateralPerUnit,
    /// Epochs that a deposit of a deal must cover with all its workers.
    MinDepositEpochs,
    /// Epochs that a matched worker has to become active.
    ActivationEpochs,
    /// Epochs after the end of an epoch until it can be claimed.
    Maturity,
    /// Epochs after which evidence is no longer taken.
    Retention,
    /// Epochs after which an unproven epoch is paid back.
    RefundAfter,
    /// Seconds after the end of an epoch in which its receipts are committed.
    CommitWindow,
    /// The market's part of every fee, in basis points.
    ProtocolFeeBp,
    /// What an absent worker loses, in basis points of the collateral of one unit.
    AbsenceBp,
    /// Part of that which the reporter receives, in basis points.
    ReporterBp,
    /// Longest time that a hold can last, in epochs.
    HoldEpochs
}

/// @title Hard bounds of the parameters: no owner can pass them.
library Bounds {
    uint256 internal constant COUNT = uint256(type(Param).max) + 1;

    /// @dev Least and greatest value, both allowed.
    function limits(Param key) internal pure returns (uint128 min, uint128 max) {
        if (key == Param.MinDuration) return (1, 730);
        if (key == Param.LockEpochs) return (1, 60);
        if (key == Param.CollateralPerUnit) return (1, 1e30);
        if (key == Param.MinDepositEpochs) return (1, 30);
        if (key == Param.ActivationEpochs) return (1, 30);
        if (key == Param.Maturity) return (1, 30);
        if (key == Param.Retention) return (2, 60);
        if (key == Param.RefundAfter) return (3, 120);
        if (key == Param.CommitWindow) return (1, 86_400);
        if (key == Param.ProtocolFeeBp) return (0, 1_000);
        if (key == Param.AbsenceBp) return (0, 1_000);
        if (key == Param.ReporterBp) return (0, 5_000);
        return (1, 30);
    }
}
