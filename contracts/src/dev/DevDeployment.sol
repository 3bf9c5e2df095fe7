// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {Param} from "../params/Param.sol";
import {Params} from "../params/Params.sol";

/// @title A proxy for modules, whose constants are in their code, so that there is nothing to initialise.
contract ModuleProxy is ERC1967Proxy {
    constructor(address code) ERC1967Proxy(code, "") {}

    function _unsafeAllowUninitialized() internal pure override returns (bool) {
        return true;
    }
}

/// @title Deploys a market for development in the order of `deployment.md`. Not for anything of value.
/// @dev The code of the modules comes from outside, since all of it would be larger than one transaction takes.
contract DevDeployment {
    /// The parameters, behind their proxy.
    Params public immutable PARAMS;
    /// Who deployed, and becomes owner, guardian and treasury.
    address public immutable DEPLOYER;

    /// The modules, behind their proxies; zero until `deployModules`.
    address public registry;
    address public capacity;
    address public market;
    address public audit;

    /// Only the deployer may go on, and only once.
    error NotYours();

    /// @param code A `Params` without a proxy.
    /// @param genesis Start of epoch 1 in seconds, not in the future; 0 for now.
    /// @param epochLen Length of an epoch in seconds.
    constructor(address code, uint64 genesis, uint32 epochLen) {
        DEPLOYER = msg.sender;
        if (genesis == 0) genesis = uint64(block.timestamp);
        bytes memory init = abi.encodeCall(
            Params.initialize,
            (address(this), msg.sender, msg.sender, genesis, epochLen, testProfile(epochLen))
        );
        PARAMS = Params(address(new ERC1967Proxy(code, init)));
    }

    /// @notice Puts the modules behind proxies, makes them known to each other, lists the payment token, and offers
    /// the ownership of the parameters to the deployer, who has to accept it. Deployer, once. Errors: NotYours.
    function deployModules(address[4] calldata code, address payToken) external {
        if (msg.sender != DEPLOYER || registry != address(0)) revert NotYours();
        registry = module("REGISTRY", code[0]);
        capacity = module("CAPACITY", code[1]);
        market = module("MARKET", code[2]);
        audit = module("AUDIT", code[3]);
        PARAMS.allowToken(payToken, true);
        PARAMS.transferOwnership(DEPLOYER);
    }

    /// @notice The values of development, in the order of `Param`. Anyone.
    function testProfile(uint32 epochLen) public pure returns (uint128[] memory values) {
        values = new uint128[](uint256(type(Param).max) + 1);
        values[uint256(Param.MinDuration)] = 5;
        values[uint256(Param.LockEpochs)] = 2;
        values[uint256(Param.CollateralPerUnit)] = 100e18;
        values[uint256(Param.MinDepositEpochs)] = 2;
        values[uint256(Param.ActivationEpochs)] = 2;
        values[uint256(Param.Maturity)] = 2;
        values[uint256(Param.Retention)] = 3;
        values[uint256(Param.RefundAfter)] = 4;
        values[uint256(Param.CommitWindow)] = epochLen;
        values[uint256(Param.ProtocolFeeBp)] = 500;
        values[uint256(Param.AbsenceBp)] = 100;
        values[uint256(Param.ReporterBp)] = 1_000;
        values[uint256(Param.HoldEpochs)] = 11;
    }

    function module(bytes32 name, address code) private returns (address proxy) {
        proxy = address(new ModuleProxy(code));
        PARAMS.setModule(name, proxy);
    }
}
