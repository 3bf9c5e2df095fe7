//! Why a contract refuses, in words.

use std::fmt;

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::{Revert as Reason, SolError};
use alloy::transports::TransportError;

/// Why a contract refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revert {
    /// The name of the contract's error, or `Error`, `Panic` or nothing.
    pub name: String,
    /// Cause and fix in a sentence.
    pub words: String,
    /// What the contract returned.
    pub data: Bytes,
}

impl Revert {
    /// Reads what a contract returned.
    pub fn decode(data: &[u8]) -> Self {
        let (name, words) = read(data);
        Self {
            name,
            words,
            data: Bytes::copy_from_slice(data),
        }
    }

    /// That in the answer of an endpoint, if it is about a contract that refuses.
    pub(crate) fn of(error: &TransportError) -> Option<Self> {
        let answer = error.as_error_resp()?;
        let reverted = answer.code == 3 || answer.message.contains("execution reverted");
        match answer.as_revert_data() {
            Some(data) => Some(Self::decode(&data)),
            None if reverted => Some(Self::decode(&[])),
            None => None,
        }
    }
}

impl fmt::Display for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

fn read(data: &[u8]) -> (String, String) {
    if data.is_empty() {
        let words = "the contract gave no reason; it may not be the contract that is meant, or its gas ran out";
        return (String::new(), words.to_owned());
    }
    if let Ok(Reason { reason }) = Reason::abi_decode(data) {
        return ("Error".to_owned(), reason);
    }
    let (selector, arguments) = data.split_at(data.len().min(4));
    if selector == &keccak256("Panic(uint256)")[..4] {
        let words = "the contract met a number out of its range; are all amounts plausible?";
        return ("Panic".to_owned(), words.to_owned());
    }
    let known = ERRORS
        .iter()
        .find(|(signature, _)| selector == &keccak256(signature)[..4]);
    let Some((signature, words)) = known else {
        let words = format!(
            "an error that this version does not know: {}",
            Bytes::copy_from_slice(data)
        );
        return (String::new(), words);
    };
    let (name, types) = signature.split_once('(').unwrap_or((signature, ""));
    let types = types
        .trim_end_matches(')')
        .split(',')
        .filter(|ty| !ty.is_empty());
    (name.to_owned(), fill(words, types, arguments))
}

/// Puts the arguments, each a word of 32 bytes, where the words want them.
fn fill<'a>(words: &str, types: impl Iterator<Item = &'a str>, arguments: &[u8]) -> String {
    let mut text = words.to_owned();
    for (number, (ty, word)) in types.zip(arguments.chunks(32)).enumerate() {
        let word = B256::left_padding_from(word);
        let value = match ty {
            "address" => Address::from_word(word).to_string(),
            "bytes32" => word.to_string(),
            _ => U256::from_be_bytes(word.0).to_string(),
        };
        let value = match (
            words.contains("{rule}"),
            words.contains("{field}"),
            value.parse(),
        ) {
            (true, _, Ok(number)) => matching_rule(number).to_owned(),
            (_, true, Ok(number)) => deal_field(number).to_owned(),
            _ => value,
        };
        text = text
            .replace(&format!("{{{number}}}"), &value)
            .replace("{rule}", &value)
            .replace("{field}", &value);
    }
    text
}

/// What keeps a peer out of a deal, by the number that the market gives; 0 is nothing.
pub fn matching_rule(number: u8) -> &'static str {
    match number {
        0 => "it matches",
        1 => "the offer is paused, or the peer is retired",
        2 => "the deal does not admit the provider",
        3 => "the deal pays less than the offer asks",
        4 => "the deal pays in another token than the offer asks",
        5 => "the peer does not speak the deal's version of the protocol",
        6 => "the offer lacks a capability that the deal requires",
        7 => "the peer has no active commitment, or it ends before the deal's least term",
        8 => "the units are taken, or the peer does not have so many",
        9 => "the collateral is less than the deal requires",
        10 => "the peer serves the deal already",
        11 => "the provider has as many workers in the deal as it allows",
        12 => "the deal has all the workers that it wants",
        13 => "the deal pays less for a unit than the peer's commitment asks",
        _ => "a rule that this version does not know",
    }
}

/// The field of a deal, by its place in `DealInput`.
fn deal_field(number: u8) -> &'static str {
    const FIELDS: [&str; 17] = [
        "payment token",
        "price",
        "units of a worker",
        "least number of workers",
        "wanted number of workers",
        "most workers of a provider",
        "epochs of notice",
        "least term",
        "least collateral",
        "protocol version",
        "open matching",
        "capabilities",
        "kind of access list",
        "access list",
        "callers",
        "CID",
        "module-set hash",
    ];
    FIELDS
        .get(usize::from(number))
        .copied()
        .unwrap_or("a field")
}

/// Every error of the contracts, with cause and fix.
const ERRORS: &[(&str, &str)] = &[
    (
        "AddressEmptyCode(address)",
        "there is no contract at {0}; check the deployment",
    ),
    ("AlreadySet()", "the seed is set and never changes"),
    (
        "BadBounds(uint8)",
        "the deal's {field} is out of bounds; correct it",
    ),
    (
        "BadCaps()",
        "these are not the capabilities that the deal was created with; give those",
    ),
    (
        "BadDuration()",
        "the commitment is shorter than the market allows; make it longer",
    ),
    (
        "BadNodeSig(uint256)",
        "the signature of node {0} is not by its key for this provider; let the node sign again",
    ),
    (
        "BadReceivedAmount()",
        "the token moved another amount than was asked for; such tokens cannot be used",
    ),
    (
        "BadShare()",
        "a share is more than 10000 basis points; give less",
    ),
    (
        "BadStatus(uint8)",
        "the worker is in state {0} (1 matched, 2 active, 3 under notice, 4 over), in which this cannot be done",
    ),
    ("BadUnits(uint256)", "a peer has 1 to 256 units, not {0}"),
    (
        "BadVersionRange()",
        "the lowest protocol version is above the highest; swap them",
    ),
    (
        "BadWorkerSig()",
        "the signature is not by the worker's key; sign the worker's id with it",
    ),
    (
        "BelowReserve(uint256)",
        "the balance would fall below the reserve of {0}, which pays the notice of the workers; take less, or end the deal",
    ),
    (
        "CapUnchanged(bytes32)",
        "the offer has capability {0} already, or does not have it",
    ),
    (
        "Closed(uint32)",
        "the time to commit receipts of epoch {0} is over",
    ),
    (
        "DepositTooSmall(uint256)",
        "the deposit, or the balance of the deal, is too small; it must be at least {0}",
    ),
    (
        "ERC1967InvalidImplementation(address)",
        "{0} is not code that the contract can be upgraded to",
    ),
    (
        "ERC1967NonPayable()",
        "the contract takes no coins; send none",
    ),
    (
        "ERC20InsufficientAllowance(address,uint256,uint256)",
        "{0} may take {1} of the token and needs {2}; approve more",
    ),
    (
        "ERC20InsufficientBalance(address,uint256,uint256)",
        "{0} has {1} of the token and needs {2}; get some, or spend less",
    ),
    ("ERC20InvalidApprover(address)", "{0} cannot approve"),
    (
        "ERC20InvalidReceiver(address)",
        "{0} cannot receive the token",
    ),
    ("ERC20InvalidSender(address)", "{0} cannot send the token"),
    ("ERC20InvalidSpender(address)", "{0} cannot be approved"),
    (
        "EmptyMetadata()",
        "a provider's description cannot be empty; give a name",
    ),
    (
        "EmptyRoot()",
        "a commitment without a root proves nothing; give the root of the receipts",
    ),
    (
        "Ended()",
        "the deal has ended, or there is none of this number",
    ),
    (
        "Expired()",
        "the time to activate the worker is over, or the commitment of its peer is; let it be matched again",
    ),
    (
        "FailedCall()",
        "a call of another contract failed without a reason",
    ),
    (
        "FilterFailed(uint8)",
        "the peer does not fit the deal: {rule}",
    ),
    (
        "HasWorkers()",
        "the deal has workers, which would not be paid any more; the least number can rise once there are none",
    ),
    (
        "InvalidInitialization()",
        "the contract is initialised already",
    ),
    (
        "KeyTooYoung(uint32)",
        "the worker's key was changed not long ago, and receipts by the one before it can still be judged; wait for epoch {0}",
    ),
    (
        "LiveCommitment()",
        "the peer has a commitment that is not finished; finish or cancel it first",
    ),
    (
        "Locked(uint32)",
        "exit was not asked for, or is locked until epoch {0}; ask for it, and wait",
    ),
    (
        "NotAbsent()",
        "the worker has proven one of the last two epochs, or was not paid for them",
    ),
    ("NotBusy()", "the units serve no deal"),
    ("NotHeld()", "the epoch is not held"),
    ("NotInitializing()", "the contract is not being initialised"),
    (
        "NotMatchable()",
        "only its owner fills this deal; it is not open to providers",
    ),
    (
        "NotOfPeer(bytes32)",
        "worker {0} belongs to another peer, or is paid in another token",
    ),
    ("NotOver(uint32)", "epoch {0} has not ended; wait"),
    (
        "NotOwner()",
        "this account may not do that; use the one that made it",
    ),
    (
        "NotParty()",
        "only the staker and the provider may do this; use their accounts",
    ),
    (
        "NotProvider()",
        "the offer or the peer belongs to another provider, or there is none",
    ),
    ("NotReady()", "the seed does not exist yet; wait"),
    (
        "NotSettled(uint32)",
        "the deal is settled up to epoch {0} only; settle it first",
    ),
    (
        "NotStaker()",
        "the commitment names another staker; use its account",
    ),
    ("NotYours()", "only who deployed may go on, and only once"),
    (
        "NothingDue()",
        "there is nothing to take: nothing is due yet, or it was taken",
    ),
    ("NothingProposed()", "nothing is proposed under this name"),
    (
        "OnlyGuardian()",
        "only the guardian of the market may do this",
    ),
    (
        "OnlyModule()",
        "only a contract of the market may call this",
    ),
    ("OnlyOwner()", "only the owner may do this"),
    ("OutOfBounds(uint8,uint128)", "parameter {0} cannot be {1}"),
    (
        "PauseTooLong()",
        "a pause is at most 7 days, and 7 days without one follow it",
    ),
    (
        "Paused()",
        "the market is paused by its guardian for some days; try later",
    ),
    (
        "PeerBusy(address)",
        "peer {0} has a commitment or serves deals; end them first",
    ),
    ("PeerExists(address)", "peer {0} is registered already"),
    (
        "Pending()",
        "the deal has workers, or epochs that are neither paid nor paid back; wait, claim and refund first",
    ),
    (
        "ReentrancyGuardReentrantCall()",
        "a token called back into the market; such tokens cannot be used",
    ),
    (
        "SafeCastOverflowedUintDowncast(uint8,uint256)",
        "the amount {1} is too large",
    ),
    (
        "SafeERC20FailedOperation(address)",
        "token {0} refused the transfer; check balance and approval",
    ),
    (
        "StillRunning(uint32)",
        "the commitment runs until epoch {0}; wait",
    ),
    (
        "TokenNotAllowed(address)",
        "the market does not take token {0}; use one of its list",
    ),
    (
        "TooEarly(uint256)",
        "the change can be applied from second {0} on; wait",
    ),
    (
        "TooMany(uint256)",
        "more entries than one call takes, or more changes than a deal keeps; at most {0}",
    ),
    (
        "TooSoon(uint32)",
        "this can be done from epoch {0} on; wait",
    ),
    (
        "Twice()",
        "the peer has committed the receipts of this epoch already",
    ),
    (
        "UUPSUnauthorizedCallContext()",
        "the contract cannot be upgraded in this way",
    ),
    (
        "UUPSUnsupportedProxiableUUID(bytes32)",
        "this is not code that the contract can be upgraded to",
    ),
    (
        "UnitsBusy()",
        "some units serve a deal; release their workers first",
    ),
    (
        "WrongStatus(uint8)",
        "the commitment is in state {0} (0 none, 1 offered, 2 active, 3 failed, 4 finished, 5 cancelled), in which this cannot be done",
    ),
    ("ZeroPrice()", "a price is at least 1"),
    ("ZeroValue()", "an address or a length is zero; give one"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ERRORS, Revert};
    use alloy::json_abi::JsonAbi;
    use alloy::primitives::{Bytes, keccak256};

    /// The signatures of all errors in the artifacts.
    fn signatures() -> BTreeSet<String> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/artifacts");
        let files = std::fs::read_dir(folder).expect("artifacts are committed");
        files
            .flat_map(|file| {
                let path = file.expect("it can be listed").path();
                let text = std::fs::read_to_string(path).expect("it can be read");
                let artifact: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
                let abi: JsonAbi =
                    serde_json::from_value(artifact["abi"].clone()).expect("it is an ABI");
                abi.errors()
                    .map(alloy::json_abi::Error::signature)
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn every_error_of_the_contracts_has_words_and_no_other_has() {
        let words: BTreeSet<String> = ERRORS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(words, signatures());
        for (signature, words) in ERRORS {
            let arguments =
                signature.matches(',').count() + usize::from(!signature.ends_with("()"));
            for number in 0..6 {
                let wants = words.contains(&format!("{{{number}}}"));
                assert!(!wants || number < arguments, "{signature}: {words}");
            }
        }
    }

    #[test]
    fn arguments_stand_in_the_words() {
        let data = |signature: &str, words: &[u64]| {
            let mut data = keccak256(signature)[..4].to_vec();
            for word in words {
                data.extend_from_slice(&[0; 24]);
                data.extend_from_slice(&word.to_be_bytes());
            }
            Revert::decode(&Bytes::from(data))
        };
        let revert = data("DepositTooSmall(uint256)", &[6000]);
        assert_eq!(revert.name, "DepositTooSmall");
        assert_eq!(
            revert.words,
            "the deposit, or the balance of the deal, is too small; it must be at least 6000"
        );
        let revert = data("FilterFailed(uint8)", &[8]);
        assert_eq!(
            revert.words,
            "the peer does not fit the deal: the units are taken, or the peer does not have so many"
        );
        let revert = data("BadBounds(uint8)", &[1]);
        assert_eq!(
            revert.words,
            "the deal's price is out of bounds; correct it"
        );
        assert!(Revert::decode(&[1, 2, 3]).words.contains("does not know"));
        // What ends in the middle of an argument is read as far as it goes.
        assert_eq!(Revert::decode(&revert.data[..20]).name, "BadBounds");
    }
}
