//! The targets: plain functions over bytes.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use weir_identity::keystore::{KeystoreError, open, summary};
use weir_identity::{Address, Cid, Digest, Hash, PeerId, PublicKey, Signature, Value};

/// What decodes encodes to the same bytes.
pub fn cbor(bytes: &[u8]) {
    if let Ok(value) = Value::from_dag_cbor(bytes) {
        assert_eq!(value.to_dag_cbor(), bytes);
        assert!(value.fits_depth());
        assert_eq!(
            Value::from_json(&value.to_json()).expect("a value has JSON text"),
            value
        );
    }
}

/// The canonical text of what parses is a fixed point.
pub fn json(bytes: &[u8]) {
    if let Ok(value) = Value::from_json(&String::from_utf8_lossy(bytes)) {
        let text = value.to_json();
        let back = Value::from_json(&text).expect("canonical text parses");
        assert_eq!(back.to_json(), text);
        assert_eq!(
            Value::from_dag_cbor(&value.to_dag_cbor()).expect("a value has CBOR bytes"),
            back
        );
    }
}

/// Each id has one byte form and one text form.
pub fn ids(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    one_form::<Hash>(bytes, &text, Hash::from_bytes, |id| id.to_bytes().to_vec());
    one_form::<Cid>(bytes, &text, Cid::from_bytes, |id| id.to_bytes().to_vec());
    one_form::<PeerId>(bytes, &text, PeerId::from_bytes, |id| {
        id.to_bytes().to_vec()
    });
    one_form::<PublicKey>(bytes, &text, PublicKey::from_bytes, |id| {
        id.to_bytes().to_vec()
    });
    one_form::<Signature>(bytes, &text, Signature::from_bytes, |id| {
        id.to_bytes().to_vec()
    });
    if let Ok(signature) = Signature::from_bytes(bytes) {
        let digest = Digest::prefixed("fuzz", b"content");
        if let Ok(signer) = signature.recover(&digest) {
            assert_eq!(signature.verify(&digest, &signer.peer_id()), Ok(()));
        }
    }
    // Addresses may also be written without their checksum.
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string().to_lowercase(), text.to_lowercase());
    }
}

fn one_form<T: Copy + Debug + Display + FromStr + PartialEq>(
    bytes: &[u8],
    text: &str,
    from_bytes: impl Fn(&[u8]) -> Result<T, weir_identity::ParseError>,
    to_bytes: impl Fn(&T) -> Vec<u8>,
) {
    if let Ok(id) = from_bytes(bytes) {
        assert_eq!(to_bytes(&id), bytes);
        assert_eq!(id.to_string().parse().ok(), Some(id));
    }
    if let Ok(id) = text.parse::<T>() {
        assert_eq!(id.to_string(), text);
        assert_eq!(from_bytes(&to_bytes(&id)).ok(), Some(id));
    }
}

/// Opening works only for the key that the summary names. No passphrase is given: deriving a key takes time on purpose.
pub fn keystore(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match open(&text, None) {
        Ok(key) => assert_eq!(summary(&text).expect("it was opened").peer, key.peer_id()),
        Err(KeystoreError::PassphraseNeeded) => {
            assert!(summary(&text).expect("it is intact").encrypted);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
