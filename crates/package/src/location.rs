use std::fmt;
use std::str::FromStr;

use weir_identity::Cid;

use crate::error::FormatError;

/// Stands between the CID and the transaction.
const ARWEAVE: &str = "@arweave:";

/// Bytes of the text of a transaction id: 32 bytes in base64url.
const TRANSACTION_BYTES: usize = 43;

/// Where a package is: its CID, and what sources need that do not know CIDs.
///
/// As text `bafyrei…`, or `bafyrei…@arweave:TRANSACTION`: Arweave names content by transactions, so the blocks are
/// there under a path manifest, whose paths are the CIDs of the blocks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    cid: Cid,
    arweave: Option<String>,
}

impl Location {
    /// The package with this name, wherever it may be.
    pub const fn new(cid: Cid) -> Self {
        Self { cid, arweave: None }
    }

    /// The CID of the package.
    pub const fn cid(&self) -> Cid {
        self.cid
    }

    /// The id of the transaction with Arweave's path manifest.
    pub fn arweave(&self) -> Option<&str> {
        self.arweave.as_deref()
    }
}

impl FromStr for Location {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let (cid, arweave) = match text.split_once(ARWEAVE) {
            Some((cid, transaction)) => (cid, Some(transaction)),
            None => (text, None),
        };
        let malformed =
            |error: weir_identity::ParseError| FormatError::new("location", error.to_string());
        let cid: Cid = cid.parse().map_err(malformed)?;
        crate::root::check_cid(&cid)?;
        let may = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if arweave.is_some_and(|it| it.len() != TRANSACTION_BYTES || !it.bytes().all(may)) {
            let problem = format!(
                "the id of a transaction is {TRANSACTION_BYTES} letters, digits, `-` and `_`"
            );
            return Err(FormatError::new("location.arweave", problem));
        }
        let arweave = arweave.map(str::to_owned);
        Ok(Self { cid, arweave })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cid)?;
        match &self.arweave {
            Some(transaction) => write!(f, "{ARWEAVE}{transaction}"),
            None => Ok(()),
        }
    }
}
