//! Keys, ids and signatures against other implementations and published vectors.

use data_encoding::HEXLOWER;
use proptest::prelude::*;
use weir_identity::{
    Address, Digest, Domain, Hash, Keypair, ParseError, PeerId, PublicKey, Signature,
    SignatureError, keccak256,
};

/// The order of the curve.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

fn small_secret(number: u8) -> [u8; 32] {
    let mut secret = [0; 32];
    secret[31] = number;
    secret
}

fn key(number: u8) -> Keypair {
    Keypair::from_secret(&small_secret(number)).unwrap()
}

/// `left - right`, both big endian.
fn subtract(left: [u8; 32], right: &[u8]) -> [u8; 32] {
    let mut difference = left;
    let mut borrow = 0;
    for (digit, subtrahend) in difference.iter_mut().zip(right).rev() {
        let result = i16::from(*digit) - i16::from(*subtrahend) - borrow;
        borrow = i16::from(result < 0);
        *digit = result.rem_euclid(256) as u8;
    }
    difference
}

#[test]
fn addresses_are_those_of_ethereum() {
    let known = [
        (1, "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"),
        (2, "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF"),
        (3, "0x6813Eb9362372EEF6200f3b1dbC3f819671cBA69"),
    ];
    for (secret, address) in known {
        assert_eq!(key(secret).address().to_string(), address);
        assert_eq!(key(secret).peer_id().address().to_string(), address);
    }
}

#[test]
fn uncompressed_keys_hold_both_coordinates() {
    // The generator of the curve.
    let expected = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\
                    483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8";
    assert_eq!(
        HEXLOWER.encode(&key(1).public_key().to_uncompressed()),
        expected
    );
}

#[test]
fn secrets_out_of_range_are_refused() {
    let mut above = ORDER;
    above[31] += 1;
    for wrong in [[0; 32], ORDER, above, [0xff; 32]] {
        assert_eq!(
            Keypair::from_secret(&wrong).unwrap_err(),
            ParseError::SecretOutOfRange
        );
    }
    let mut greatest = ORDER;
    greatest[31] -= 1;
    assert!(Keypair::from_secret(&greatest).is_ok());
}

#[test]
fn peer_ids_are_those_of_libp2p() {
    // The public key of the test vector in libp2p's peer id specification.
    let key: PublicKey = "0x037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99"
        .parse()
        .unwrap();
    let theirs = libp2p_identity::secp256k1::PublicKey::try_from_bytes(key.as_bytes()).unwrap();
    let theirs = libp2p_identity::PublicKey::from(theirs).to_peer_id();
    let ours = PeerId::from(key);
    assert_eq!(ours.to_string(), theirs.to_base58());
    assert_eq!(ours.to_bytes().to_vec(), theirs.to_bytes());
    assert_eq!(ours.to_string().parse(), Ok(ours));
    assert_eq!(ours.public_key(), key);
}

#[test]
fn other_peer_ids_are_refused() {
    let id = key(1).peer_id();
    let text = id.to_string();
    let ed25519 = "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5";
    let rsa = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
    let long = "1".repeat(100_000);
    for wrong in [
        "",
        "1",
        ed25519,
        rsa,
        &text[1..],
        &format!("{text} "),
        &format!("{text}1"),
        &long,
    ] {
        assert!(wrong.parse::<PeerId>().is_err(), "{wrong}");
    }
    let mut off_curve = id.to_bytes();
    off_curve[7..].fill(0xff);
    assert_eq!(PeerId::from_bytes(&off_curve), Err(ParseError::NotOnCurve));
    let mut uncompressed_tag = id.to_bytes();
    uncompressed_tag[6] = 4;
    assert_eq!(
        PeerId::from_bytes(&uncompressed_tag),
        Err(ParseError::NotOnCurve)
    );
}

/// The example of EIP-712: Cow writes a mail to Bob.
#[test]
fn typed_data_is_signed_as_eip_712_says() {
    let cow = Keypair::from_secret(keccak256(&[b"cow"]).as_bytes()).unwrap();
    assert_eq!(
        cow.address().to_string(),
        "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"
    );

    let contract = "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"
        .parse()
        .unwrap();
    let domain = Domain::new("Ether Mail", "1", 1, contract);
    assert_eq!(
        domain.separator().to_string(),
        "0xf2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f"
    );

    let person_type = "Person(string name,address wallet)";
    let mail_type = format!("Mail(Person from,Person to,string contents){person_type}");
    let person = |name: &str, wallet: Address| {
        keccak256(&[
            keccak256(&[person_type.as_bytes()]).as_bytes(),
            keccak256(&[name.as_bytes()]).as_bytes(),
            &wallet.to_word(),
        ])
    };
    let bob = "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"
        .parse()
        .unwrap();
    let mail = keccak256(&[
        keccak256(&[mail_type.as_bytes()]).as_bytes(),
        person("Cow", cow.address()).as_bytes(),
        person("Bob", bob).as_bytes(),
        keccak256(&[b"Hello, Bob!"]).as_bytes(),
    ]);
    let digest = Digest::eip712(&domain, mail);
    assert_eq!(
        Hash::from(*digest.as_bytes()).to_string(),
        "0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"
    );
    assert_eq!(
        cow.sign(&digest).to_string(),
        "0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d\
         07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c"
    );
}

#[test]
fn every_field_of_a_domain_separates() {
    let one = Address::from([1; 20]);
    let domains = [
        Domain::new("a", "b", 1, one),
        Domain::new("A", "b", 1, one),
        Domain::new("a", "B", 1, one),
        Domain::new("a", "b", 2, one),
        Domain::new("a", "b", 1, Address::ZERO),
        Domain::new("ab", "", 1, one),
    ];
    for (index, domain) in domains.iter().enumerate() {
        for other in &domains[index + 1..] {
            assert_ne!(domain.separator(), other.separator());
        }
    }
}

#[test]
fn contexts_of_prefixed_bytes_do_not_run_into_the_bytes() {
    assert_ne!(Digest::prefixed("ab", b"c"), Digest::prefixed("a", b"bc"));
    assert_ne!(Digest::prefixed("", b"abc"), Digest::prefixed("abc", b""));
    // From first principles, so that another language can do it.
    let by_hand = keccak256(&[b"\x19Weir Signed Bytes:\n\0\0\0\0\0\0\0\x03sigpayload"]);
    assert_eq!(
        Digest::prefixed("sig", b"payload").as_bytes(),
        by_hand.as_bytes()
    );
}

#[test]
fn a_signature_has_one_form() {
    let signature = key(1).sign(&Digest::prefixed("t", b"x"));
    let bytes = signature.to_bytes();
    assert_eq!(Signature::from_bytes(&bytes), Ok(signature));
    assert_eq!(signature.to_string().parse(), Ok(signature));

    let with = |change: &dyn Fn(&mut [u8; 65])| {
        let mut changed = bytes;
        change(&mut changed);
        Signature::from_bytes(&changed).map_err(|error| error.to_string())
    };
    // The other s of the same signature, which `ecrecover` takes with the other v.
    let malleated = with(&|bytes| {
        let high = subtract(ORDER, &bytes[32..64]);
        bytes[32..64].copy_from_slice(&high);
        bytes[64] = 27 + 28 - bytes[64];
    });
    assert_eq!(
        malleated,
        Err("signature: s is in the upper half of the order".into())
    );
    for v in [0, 1, 26, 29, 30, 255] {
        assert_eq!(
            with(&|bytes| bytes[64] = v),
            Err("signature: v is neither 27 nor 28".into())
        );
    }
    for zero in [0..32, 32..64] {
        assert_eq!(
            with(&|bytes| bytes[zero.clone()].fill(0)),
            Err("signature: r or s is zero".into())
        );
    }
    assert_eq!(
        with(&|bytes| bytes[..32].copy_from_slice(&ORDER)),
        Err("signature: r is not below the order".into())
    );
    assert!(Signature::from_bytes(&bytes[..64]).is_err());
}

#[test]
fn the_greatest_low_s_is_accepted_and_the_next_is_not() {
    let mut bytes = [1; 65];
    bytes[64] = 27;
    let half = {
        // ORDER is odd: (ORDER - 1) / 2 is a shift.
        let mut half = ORDER;
        let mut carry = 0;
        for byte in &mut half {
            let next = *byte & 1;
            *byte = (*byte >> 1) | (carry << 7);
            carry = next;
        }
        half
    };
    bytes[32..64].copy_from_slice(&half);
    assert!(Signature::from_bytes(&bytes).is_ok());
    bytes[63] += 1;
    assert!(Signature::from_bytes(&bytes).is_err());
}

#[test]
fn a_signature_holds_for_its_signer_and_content_alone() {
    let (ada, bob) = (key(1), key(2));
    let (digest, other) = (Digest::prefixed("t", b"x"), Digest::prefixed("t", b"y"));
    let signature = ada.sign(&digest);
    assert_eq!(signature.verify(&digest, &ada.peer_id()), Ok(()));
    assert_eq!(signature.recover(&digest), Ok(ada.public_key()));
    assert_eq!(
        signature.verify(&digest, &bob.peer_id()),
        Err(SignatureError::OtherSigner {
            expected: bob.peer_id(),
            found: ada.peer_id()
        })
    );
    assert!(signature.verify(&other, &ada.peer_id()).is_err());
}

#[test]
fn ids_travel_as_text_where_people_read_and_as_bytes_elsewhere() {
    let key = key(1);
    let signature = key.sign(&Digest::prefixed("t", b"x"));
    let all = (
        key.peer_id(),
        key.address(),
        key.public_key(),
        signature,
        keccak256(&[]),
    );

    let json = serde_json::to_value(all).unwrap();
    let texts = [
        all.0.to_string(),
        all.1.to_string(),
        all.2.to_string(),
        all.3.to_string(),
        all.4.to_string(),
    ];
    assert_eq!(json, serde_json::json!(texts));
    assert_eq!(
        serde_json::from_value::<(PeerId, Address, PublicKey, Signature, Hash)>(json).unwrap(),
        all
    );

    let cbor = serde_ipld_dagcbor::to_vec(&all).unwrap();
    let bytes_and_headers = 1 + (2 + 39) + (1 + 20) + (2 + 33) + (2 + 65) + (2 + 32);
    assert_eq!(cbor.len(), bytes_and_headers);
    let back: (PeerId, Address, PublicKey, Signature, Hash) =
        serde_ipld_dagcbor::from_slice(&cbor).unwrap();
    assert_eq!(back, all);
}

fn any_key() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>().prop_filter("in range", |secret| Keypair::from_secret(secret).is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn signatures_come_back_whole(secret in any_key(), bytes in any::<Vec<u8>>()) {
        let key = Keypair::from_secret(&secret).unwrap();
        let digest = Digest::prefixed("property", &bytes);
        let signature = key.sign(&digest);
        let parsed = Signature::from_bytes(signature.as_bytes()).unwrap();
        prop_assert_eq!(parsed, signature);
        prop_assert_eq!(parsed.recover(&digest), Ok(key.public_key()));
        prop_assert_eq!(key.sign(&digest), signature);
    }

    #[test]
    fn any_flipped_bit_breaks_a_signature(secret in any_key(), bit in 0_usize..520) {
        let key = Keypair::from_secret(&secret).unwrap();
        let digest = Digest::prefixed("property", b"content");
        let mut bytes = key.sign(&digest).to_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let verified = Signature::from_bytes(&bytes)
            .is_ok_and(|signature| signature.verify(&digest, &key.peer_id()).is_ok());
        prop_assert!(!verified);
    }

    #[test]
    fn libp2p_agrees_on_every_peer_id(secret in any_key()) {
        let ours = Keypair::from_secret(&secret).unwrap().peer_id();
        let theirs = libp2p_identity::secp256k1::SecretKey::try_from_bytes(secret).unwrap();
        let theirs = libp2p_identity::Keypair::from(libp2p_identity::secp256k1::Keypair::from(theirs));
        prop_assert_eq!(ours.to_string(), theirs.public().to_peer_id().to_base58());
        prop_assert_eq!(PeerId::from_bytes(&ours.to_bytes()), Ok(ours));
    }
}
