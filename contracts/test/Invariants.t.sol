// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Deal} from "../src/market/MarketStorage.sol";
import {Crowd} from "./Crowd.sol";
import {Checked} from "./Vm.sol";

/// What holds whatever a crowd does.
contract InvariantsTest is Checked {
    Crowd private crowd;

    function setUp() public {
        crowd = new Crowd();
        crowd.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(crowd);
    }

    struct Selectors {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (Selectors[] memory targets) {
        targets = new Selectors[](1);
        targets[0] = Selectors(address(crowd), crowd.actions());
    }

    function afterInvariant() external {
        crowd.drain();
    }

    /// I1, I3: the market holds exactly what it owes; escrow is what is funded and not resolved.
    function invariant_payments_are_conserved() external view {
        uint256 owed = crowd.creditsOwed();
        for (uint64 id = 1; id <= crowd.desk_().dealCount(); ++id) {
            Deal memory deal = crowd.desk_().getDeal(id);
            owed += uint256(deal.balance) + deal.escrow;
            eq(deal.escrow, crowd.unresolvedOf(id), "I3 escrow");
        }
        eq(crowd.payHeld(), owed, "I1 payments");
    }

    /// I2, I6: capacity holds exactly the collateral that is left, and what it owes.
    function invariant_collateral_is_conserved() external view {
        (uint256 held, uint256 owed, uint256 collateral) = crowd.stakeBooks();
        eq(held, owed + collateral, "I2 stake");
    }

    /// I4, I5: what is resolved was funded, and claimed epochs were proven.
    function invariant_only_proven_epochs_are_paid() external view {
        yes(!crowd.paidWithoutProof(), "I4 proof");
        yes(!crowd.resolvedTwice(), "I5 twice");
    }

    /// Each epoch has the price that was known before it began, and is paid at it.
    function invariant_epochs_are_paid_at_their_price() external view {
        yes(!crowd.paidAtAnotherPrice(), "paid");
        crowd.checkPrices();
    }

    /// I9: each busy unit belongs to exactly one live worker.
    function invariant_units_belong_to_one_worker() external view {
        crowd.checkUnits();
    }

    /// Who signed an epoch that can be judged stays known.
    function invariant_keys_of_the_past_stay() external view {
        yes(!crowd.keyOfPastChanged(), "keys");
    }

    /// I13: the ranges of the peers fill the sum of all fees.
    function invariant_ranges_fill_the_sum() external view {
        crowd.checkRanges();
    }
}
