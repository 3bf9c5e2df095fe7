//! The document in which a key rests: JSON text, encrypted if there is a passphrase.
//!
//! ```json
//! {"format":"weir-key","version":1,"peer":"16Uiu2HA…","address":"0x…",
//!  "secret":{"sealed":{"kdf":"argon2id","memory_kib":65536,"passes":3,"salt":"…",
//!                      "cipher":"chacha20poly1305","nonce":"…","bytes":"…"}},
//!  "checksum":"0x…"}
//! ```
//! Without a passphrase `secret` is `{"plain":"…"}`. Bytes are lower-case hexadecimal digits. The encryption key is
//! derived from the passphrase with one lane of Argon2id (version 0x13); the 32 secret bytes are encrypted with the
//! peer id's bytes as associated data. The checksum protects from nothing but accidents: it tells a damaged file from
//! a wrong passphrase.
//!
//! Nothing here reads files or draws randomness. Whoever writes the text to a file sets its mode to 0600.
//!
//! ```
//! use weir_identity::{Keypair, keystore};
//!
//! let key = Keypair::from_secret(&[7; 32])?;
//! let document = keystore::seal(&key, None, &keystore::Entropy { salt: [1; 16], nonce: [2; 12] })?;
//! assert_eq!(keystore::open(&document, None)?.peer_id(), key.peer_id());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod document;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use zeroize::Zeroizing;

use crate::{Address, Keypair, PeerId};
use document::{Bytes, Cipher, Document, Kdf, Sealed, Secret};

/// Longest document that is read, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 16 * 1024;

/// Most memory that a document may ask for, in KiB: a foreign file must not exhaust the machine.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;

/// Most passes over that memory.
const PASSES_MAX: u32 = 64;

/// Random bytes for sealing, to be used once.
pub struct Entropy {
    /// Makes equal passphrases give different keys.
    pub salt: [u8; 16],
    /// Makes equal secrets give different ciphertexts.
    pub nonce: [u8; 12],
}

/// How much work one guess of the passphrase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB, from 8 to 1,048,576.
    pub memory_kib: u32,
    /// Passes over the memory, from 1 to 64.
    pub passes: u32,
}

/// The second recommendation of RFC 9106, in one lane: 64 MiB, three passes, a fraction of a second.
impl Default for Cost {
    fn default() -> Self {
        Self {
            memory_kib: 64 * 1024,
            passes: 3,
        }
    }
}

/// What a document says without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whose key it is.
    pub peer: PeerId,
    /// The EVM account of the same key.
    pub address: Address,
    /// Whether a passphrase is needed to open it.
    pub encrypted: bool,
}

/// Why a document cannot be made or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    /// Something else than a key document, or one that was cut off.
    #[error("this is no complete key document of Weir: {0}")]
    NotAKeystore(String),
    /// A document of a later Weir.
    #[error("the key document has version {0}, this program reads version {known}; a newer Weir wrote it", known = document::VERSION)]
    UnknownVersion(u64),
    /// The document was changed after it was written.
    #[error("the key document is damaged: {0}; restore it from a backup")]
    Damaged(String),
    /// The secret is encrypted and no passphrase was given.
    #[error("the key is protected by a passphrase, and none was given")]
    PassphraseNeeded,
    /// The document is intact and the passphrase does not open it.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty; give none to store the key unencrypted")]
    EmptyPassphrase,
    /// The cost is outside its bounds, or the machine lacks the memory.
    #[error("cannot derive a key with {memory_kib} KiB of memory and {passes} passes")]
    Cost {
        /// The memory asked for, in KiB.
        memory_kib: u32,
        /// The passes asked for.
        passes: u32,
    },
}

/// The document that holds this key, encrypted if there is a passphrase.
pub fn seal(
    key: &Keypair,
    passphrase: Option<&str>,
    entropy: &Entropy,
) -> Result<Zeroizing<String>, KeystoreError> {
    seal_with(key, passphrase, entropy, Cost::default())
}

/// [`seal`] with another cost of guessing.
pub fn seal_with(
    key: &Keypair,
    passphrase: Option<&str>,
    entropy: &Entropy,
    cost: Cost,
) -> Result<Zeroizing<String>, KeystoreError> {
    let peer = key.peer_id();
    let secret = match passphrase {
        None => Secret::Plain(Bytes(key.secret())),
        Some(passphrase) => {
            let secret = key.secret();
            let message = Payload {
                msg: &secret[..],
                aad: &peer.to_bytes(),
            };
            let bytes = cipher(passphrase, &entropy.salt, cost)?
                .encrypt(Nonce::from_slice(&entropy.nonce), message)
                .expect("32 bytes are far below the limit of the cipher");
            Secret::Sealed(Sealed {
                kdf: Kdf::Argon2id,
                memory_kib: cost.memory_kib,
                passes: cost.passes,
                salt: Bytes(Zeroizing::new(entropy.salt)),
                cipher: Cipher::ChaCha20Poly1305,
                nonce: Bytes(Zeroizing::new(entropy.nonce)),
                bytes: Bytes(Zeroizing::new(
                    bytes.try_into().expect("the tag adds 16 bytes to 32"),
                )),
            })
        }
    };
    Ok(Document::new(peer, key.address(), secret).print())
}

/// The key in a document. A passphrase that the document does not need is ignored.
pub fn open(document: &str, passphrase: Option<&str>) -> Result<Keypair, KeystoreError> {
    let document = Document::parse(document)?;
    let secret = match &document.secret {
        Secret::Plain(secret) => secret.0.clone(),
        Secret::Sealed(sealed) => {
            let cost = Cost {
                memory_kib: sealed.memory_kib,
                passes: sealed.passes,
            };
            let passphrase = passphrase.ok_or(KeystoreError::PassphraseNeeded)?;
            let message = Payload {
                msg: &sealed.bytes.0[..],
                aad: &document.peer.to_bytes(),
            };
            let opened = cipher(passphrase, &sealed.salt.0, cost)?
                .decrypt(Nonce::from_slice(&sealed.nonce.0[..]), message)
                .map(Zeroizing::new)
                .map_err(|_| KeystoreError::WrongPassphrase)?;
            Zeroizing::new(
                opened[..]
                    .try_into()
                    .expect("48 bytes less the tag of 16 are 32"),
            )
        }
    };
    let key =
        Keypair::from_secret(&secret).map_err(|error| KeystoreError::Damaged(error.to_string()))?;
    if key.peer_id() != document.peer || key.address() != document.address {
        let problem = "its peer id and address are not those of its secret";
        return Err(KeystoreError::Damaged(problem.into()));
    }
    Ok(key)
}

/// Whose key a document holds and whether it is encrypted. Needs no passphrase.
pub fn summary(document: &str) -> Result<Summary, KeystoreError> {
    let Document {
        peer,
        address,
        secret,
        ..
    } = Document::parse(document)?;
    Ok(Summary {
        peer,
        address,
        encrypted: matches!(secret, Secret::Sealed(_)),
    })
}

fn cipher(
    passphrase: &str,
    salt: &[u8; 16],
    cost: Cost,
) -> Result<ChaCha20Poly1305, KeystoreError> {
    if passphrase.is_empty() {
        return Err(KeystoreError::EmptyPassphrase);
    }
    let Cost { memory_kib, passes } = cost;
    let refused = KeystoreError::Cost { memory_kib, passes };
    if memory_kib > MEMORY_KIB_MAX || passes > PASSES_MAX {
        return Err(refused);
    }
    let params = Params::new(memory_kib, passes, 1, Some(32)).map_err(|_| refused.clone())?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut key[..])
        .map_err(|_| refused)?;
    Ok(ChaCha20Poly1305::new(Key::from_slice(&key[..])))
}
