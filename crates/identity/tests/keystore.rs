//! The keystore document: what it keeps, what it refuses, and what it says then.

use expect_test::expect;
use weir_identity::Keypair;
use weir_identity::keystore::{Cost, Entropy, KeystoreError, open, seal, seal_with, summary};

const ENTROPY: Entropy = Entropy {
    salt: [3; 16],
    nonce: [4; 12],
};
const CHEAP: Cost = Cost {
    memory_kib: 8,
    passes: 1,
};

fn key() -> Keypair {
    Keypair::from_secret(&[7; 32]).unwrap()
}

fn plain() -> String {
    seal(&key(), None, &ENTROPY).unwrap().to_string()
}

fn sealed() -> String {
    seal_with(&key(), Some("correct horse"), &ENTROPY, CHEAP)
        .unwrap()
        .to_string()
}

#[test]
fn a_plain_document_keeps_the_key() {
    expect![[r#"{"format":"weir-key","version":1,"peer":"16Uiu2HAm5hPxT7s3TA2f4b4YjAPzS7yLRSgdj87ysDZ6NAXMiRuY","address":"0x4a62316623ad457F02cDC5D997deD67a383EC569","secret":{"plain":"0707070707070707070707070707070707070707070707070707070707070707"},"checksum":"0x3b0857f1a45f4b020abe1b4cb7f779e4bfb276c07b84b57805f3a2af0aa1ff29"}"#]]
        .assert_eq(&plain());
    let opened = open(&plain(), None).unwrap();
    assert_eq!(opened.secret(), key().secret());
}

#[test]
fn a_sealed_document_keeps_the_key_and_hides_it() {
    expect![[r#"{"format":"weir-key","version":1,"peer":"16Uiu2HAm5hPxT7s3TA2f4b4YjAPzS7yLRSgdj87ysDZ6NAXMiRuY","address":"0x4a62316623ad457F02cDC5D997deD67a383EC569","secret":{"sealed":{"kdf":"argon2id","memory_kib":8,"passes":1,"salt":"03030303030303030303030303030303","cipher":"chacha20poly1305","nonce":"040404040404040404040404","bytes":"553c9eb5b6f02b375f81d8d4c6acd2150deaa3c3d03d67c7303e97c100e44d9f130b7a87110b7a51385dec4c8ed23d91"}},"checksum":"0x1d9a3df544a262622cb94988b11a0bccd6f4dbb3ad87526bd357fd75e53ee7f9"}"#]].assert_eq(&sealed());
    assert!(!sealed().contains("07070707"));
    assert_eq!(
        open(&sealed(), Some("correct horse")).unwrap().secret(),
        key().secret()
    );
}

#[test]
fn the_summary_needs_no_passphrase() {
    for (document, encrypted) in [(plain(), false), (sealed(), true)] {
        let summary = summary(&document).unwrap();
        assert_eq!(summary.peer, key().peer_id());
        assert_eq!(summary.address, key().address());
        assert_eq!(summary.encrypted, encrypted);
    }
}

#[test]
fn the_default_cost_works() {
    let document = seal(&key(), Some("x"), &ENTROPY).unwrap();
    assert!(document.contains(r#""memory_kib":65536,"passes":3"#));
    assert_eq!(
        open(&document, Some("x")).unwrap().peer_id(),
        key().peer_id()
    );
}

#[test]
fn a_missing_and_a_wrong_passphrase_are_told_apart() {
    assert_eq!(
        open(&sealed(), None).unwrap_err(),
        KeystoreError::PassphraseNeeded
    );
    assert_eq!(
        open(&sealed(), Some("wrong")).unwrap_err(),
        KeystoreError::WrongPassphrase
    );
    assert_eq!(
        open(&sealed(), Some("")).unwrap_err(),
        KeystoreError::EmptyPassphrase
    );
    assert_eq!(
        seal(&key(), Some(""), &ENTROPY).unwrap_err(),
        KeystoreError::EmptyPassphrase
    );
}

#[test]
fn any_changed_character_is_noticed_and_never_blamed_on_the_passphrase() {
    for document in [plain(), sealed()] {
        for index in 0..document.len() {
            let mut bytes = document.clone().into_bytes();
            bytes[index] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            match open(&changed, Some("correct horse")).unwrap_err() {
                KeystoreError::Damaged(_)
                | KeystoreError::NotAKeystore(_)
                | KeystoreError::UnknownVersion(_) => {}
                other => panic!("{other:?} for {changed}"),
            }
        }
    }
}

#[test]
fn a_cut_document_is_no_key_document() {
    for length in 0..sealed().len() {
        let error = open(&sealed()[..length], Some("correct horse")).unwrap_err();
        assert!(matches!(error, KeystoreError::NotAKeystore(_)), "{error:?}");
    }
}

#[test]
fn spaces_do_not_matter() {
    assert!(open(&plain().replace(',', " ,\n  "), None).is_ok());
}

#[test]
fn nothing_can_be_added_to_a_document() {
    for (document, place) in [
        (plain(), r#"{"format""#),
        (plain(), r#"{"plain""#),
        (sealed(), r#"{"sealed""#),
        (sealed(), r#"{"kdf""#),
    ] {
        let added = document.replace(place, &place.replace('{', r#"{"more":1,"#));
        assert_ne!(added, document);
        let error = open(&added, Some("correct horse")).unwrap_err();
        assert!(
            matches!(error, KeystoreError::Damaged(_)),
            "{place}: {error}"
        );
    }
}

#[test]
fn a_foreign_document_cannot_ask_for_all_memory() {
    for cost in [
        Cost {
            memory_kib: u32::MAX,
            passes: 1,
        },
        Cost {
            memory_kib: 8,
            passes: u32::MAX,
        },
        Cost {
            memory_kib: 0,
            passes: 1,
        },
        Cost {
            memory_kib: 8,
            passes: 0,
        },
    ] {
        let error = seal_with(&key(), Some("x"), &ENTROPY, cost).unwrap_err();
        assert_eq!(
            error,
            KeystoreError::Cost {
                memory_kib: cost.memory_kib,
                passes: cost.passes
            }
        );
    }
}

#[test]
fn errors_say_what_to_do() {
    let cases = [
        open("", None),
        open("[1]", None),
        open(r#"{"format":"other","version":1}"#, None),
        open(r#"{"format":"weir-key","version":2,"anything":[]}"#, None),
        open(&plain().replace("0707", "0807"), None),
        open(&plain().replace(r#""plain":"07"#, r#""plain":"xx"#), None),
        open(&" ".repeat(20_000), None),
        open(&sealed(), None),
        open(&sealed(), Some("wrong")),
        open(&sealed(), Some("")),
    ];
    let texts: Vec<String> = cases
        .into_iter()
        .map(|case| case.unwrap_err().to_string())
        .collect();
    expect![[r#"
        this is no complete key document of Weir: it does not parse at line 1, column 0
        this is no complete key document of Weir: it does not parse at line 1, column 2
        this is no complete key document of Weir: its format is not `weir-key`
        the key document has version 2, this program reads version 1; a newer Weir wrote it
        the key document is damaged: its checksum does not match; restore it from a backup
        the key document is damaged: it does not parse at line 1, column 235; restore it from a backup
        this is no complete key document of Weir: it is longer than 16384 bytes
        the key is protected by a passphrase, and none was given
        the passphrase is wrong
        the passphrase is empty; give none to store the key unencrypted"#]].assert_eq(&texts.join("\n"));
}

#[test]
fn neither_debug_nor_errors_show_the_secret() {
    assert!(!format!("{:?}", key()).contains("7, 7"));
    assert!(!format!("{:?}", key()).contains("0707"));
    for wrong in [
        plain().replace(r#"{"plain":"0707"#, r#"{"plain":"z0707"#),
        plain().replace(r#"{"plain":"#, r#"{"sealed":"#),
        plain().replace(r#""secret":{"plain":"07"#, r#""secret":"{"plain":"07"#),
    ] {
        let error = open(&wrong, None).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("0707"), "{error}");
    }
}
