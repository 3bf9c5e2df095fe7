// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title What keys of nodes and of workers sign, as typed data of EIP-712.
/// @dev The domain is {name, version "1", chainId, verifyingContract}.
library Signatures {
    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant REGISTER_PEER = keccak256("RegisterPeer(address provider,uint256 nonce)");
    bytes32 private constant ACTIVATE_WORKER = keccak256("ActivateWorker(bytes32 workerId)");

    /// @dev A node agrees to belong to a provider. The domain's name is "WeirRegistry".
    function registerPeer(address provider, uint256 nonce) internal view returns (bytes32) {
        return digest("WeirRegistry", keccak256(abi.encode(REGISTER_PEER, provider, nonce)));
    }

    /// @dev A worker's key agrees to sign for a worker. The domain's name is "WeirMarket".
    function activateWorker(bytes32 workerId) internal view returns (bytes32) {
        return digest("WeirMarket", keccak256(abi.encode(ACTIVATE_WORKER, workerId)));
    }

    /// @dev Whether a signature (65 bytes, low s) of a digest is from a key.
    function isFrom(address key, bytes32 hash, bytes calldata signature) internal pure returns (bool) {
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecover(hash, signature);
        return problem == ECDSA.RecoverError.NoError && signer == key && key != address(0);
    }

    function digest(string memory name, bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(DOMAIN, keccak256(bytes(name)), keccak256("1"), block.chainid, address(this))
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, structHash));
    }
}
