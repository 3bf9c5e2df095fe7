// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {WorkerStatus} from "./MarketStorage.sol";

/// A field of the deal is out of bounds; the number is the place of the field in `DealInput`.
error BadBounds(uint8 field);
/// The deposit, or the balance, is below the price of all workers for the least number of epochs.
error DepositTooSmall(uint256 least);
/// The deal has ended, or is not there.
error Ended();
/// The balance would fall below the reserve.
error BelowReserve(uint256 reserve);
/// The capabilities are not those that the deal was created with.
error BadCaps();
/// The deal is filled by its owner only.
error NotMatchable();
/// An entry does not pass the matching filter; the number is the rule that it breaks.
error FilterFailed(uint8 reason);
/// The worker is in another state.
error BadStatus(WorkerStatus status);
/// The time to activate the worker, or its commitment, is over.
error Expired();
/// The signature is not by the worker's key.
error BadWorkerSig();
/// The worker's key was changed, and receipts by the former one can be judged up to before the epoch.
error KeyTooYoung(uint32 epoch);
/// It can be done from the epoch on: the worker's time is not over, or the price was changed not long ago.
error TooSoon(uint32 epoch);
/// The least number of workers cannot rise while there are some: they would not be paid any more.
error HasWorkers();
/// The worker has proven at least one of the last two epochs, or was not paid for them.
error NotAbsent();
/// The deal has workers, or funded epochs that are neither paid nor paid back.
error Pending();
/// The deal was not settled for very long: call `settle` first, as often as it takes.
error NotSettled(uint32 upTo);
/// The worker belongs to another peer or pays in another token.
error NotOfPeer(bytes32 workerId);
/// The epoch is not held.
error NotHeld();
