// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

/// The account has no credit in this token.
error NothingDue();
/// The token moved another amount than was asked for: such tokens are not taken.
error BadReceivedAmount();

/// @title Pull payments: what is due is noted, and the one to whom it is due fetches it.
/// @dev A receiver that refuses tokens holds up nobody but itself. Storage root by ERC-7201.
abstract contract Credits is ReentrancyGuard {
    using SafeERC20 for IERC20;

    /// @custom:storage-location erc7201:weir.credits
    struct CreditLayout {
        mapping(address token => mapping(address account => uint256)) due;
    }

    // keccak256(abi.encode(uint256(keccak256("weir.credits")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 private constant CREDIT_ROOT = 0xce5e27282c05c0e6c3d16cc2ce6d7e40b40b2588d29312cc60cac3fb02f65d00;

    event Withdrawn(address indexed token, address indexed account, address to, uint256 amount);

    /// @notice What an account can withdraw. Anyone.
    function creditOf(address token, address account) external view returns (uint256) {
        return creditLayout().due[token][account];
    }

    /// @notice Sends all credit of the caller in a token to an address. Owner of the credit. Errors: NothingDue.
    function withdraw(address token, address to) external nonReentrant returns (uint256 amount) {
        CreditLayout storage s = creditLayout();
        amount = s.due[token][msg.sender];
        if (amount == 0) revert NothingDue();
        s.due[token][msg.sender] = 0;
        emit Withdrawn(token, msg.sender, to, amount);
        IERC20(token).safeTransfer(to, amount);
    }

    function credit(address token, address account, uint256 amount) internal {
        if (amount == 0) return;
        creditLayout().due[token][account] += amount;
    }

    /// @dev Takes tokens from the caller and insists on the exact amount.
    function pull(address token, uint256 amount) internal {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        if (IERC20(token).balanceOf(address(this)) - before != amount) revert BadReceivedAmount();
    }

    function creditLayout() private pure returns (CreditLayout storage s) {
        bytes32 root = CREDIT_ROOT;
        assembly ("memory-safe") {
            s.slot := root
        }
    }
}
