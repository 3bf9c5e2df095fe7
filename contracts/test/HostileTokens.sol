// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that keeps a part of every transfer.
contract GreedyToken is ERC20 {
    constructor() ERC20("Greedy", "GREED") {
        _mint(msg.sender, 1e30);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, from == address(0) ? amount : amount - amount / 100);
    }
}

/// @title A token that refuses one receiver, and calls back into a contract on every transfer.
contract MoodyToken is ERC20 {
    address public refused;
    address public hooked;
    bytes public call;
    bool public hookSucceeded;

    constructor() ERC20("Moody", "MOOD") {
        _mint(msg.sender, 1e30);
    }

    function refuse(address who) external {
        refused = who;
    }

    function hook(address target, bytes calldata data) external {
        (hooked, call) = (target, data);
    }

    function _update(address from, address to, uint256 amount) internal override {
        require(to != refused || to == address(0), "refused");
        super._update(from, to, amount);
        if (hooked != address(0)) (hookSucceeded,) = hooked.call(call);
    }
}
