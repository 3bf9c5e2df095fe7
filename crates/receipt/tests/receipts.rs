//! Receipts as contracts see them, and what is refused.

use weir_identity::{Address, Hash, Keypair, Value, keccak256};
use weir_receipt::{
    CHUNK_BYTES, CONTENT_WHOLE_MAX, CallContext, ChainError, Malformed, Outcome, Receipt,
    ReceiptDomain, SignedReceipt, args_hash, content_hash, local_worker_id,
};

fn number(n: u8) -> Hash {
    let mut bytes = [0; 32];
    bytes[31] = n;
    Hash::from(bytes)
}

fn named(name: &str) -> Hash {
    keccak256(&[name.as_bytes()])
}

fn key(secret: [u8; 32]) -> Keypair {
    Keypair::from_secret(&secret).unwrap()
}

/// The receipt of the published vector.
fn published() -> (Receipt, ReceiptDomain, Keypair) {
    let receipt = Receipt {
        version: 1,
        deal_id: 7,
        worker_id: number(0x11),
        service_id: number(0x12),
        seq: 5,
        service_seq: 3,
        module_set_hash: number(0x13),
        function_id: named("greet"),
        args_hash: named("args"),
        pre_state_root: number(0x14),
        post_state_root: number(0x15),
        result_hash: named("result"),
        host_log_hash: Hash::ZERO,
        fuel: 123_456,
        outcome: Outcome::Ok,
        request_id: number(0x16),
        prev_receipt: number(0x17),
        prev_service_receipt: number(0x18),
        trace_commit: named("trace"),
        epoch: 42,
    };
    let mut audit = [0; 20];
    audit[19] = 1;
    let domain = ReceiptDomain::new(31_337, Address::from(audit));
    (receipt, domain, key(number(1).to_bytes()))
}

/// Without a market, and with the greatest numbers.
fn local() -> (Receipt, ReceiptDomain, Keypair) {
    let receipt = Receipt {
        version: 1,
        deal_id: 0,
        worker_id: named("w"),
        service_id: named("s"),
        seq: u64::MAX,
        service_seq: u64::MAX - 1,
        module_set_hash: named("m"),
        function_id: named("f"),
        args_hash: named("a"),
        pre_state_root: named("pre"),
        post_state_root: named("post"),
        result_hash: named("r"),
        host_log_hash: named("log"),
        fuel: u64::MAX - 2,
        outcome: Outcome::Limit,
        request_id: named("req"),
        prev_receipt: named("prev"),
        prev_service_receipt: named("prevs"),
        trace_commit: Hash::ZERO,
        epoch: u64::MAX - 3,
    };
    (receipt, ReceiptDomain::local(), key([7; 32]))
}

/// Both were made with ethers 6 (`TypedDataEncoder`, `Wallet.signTypedData`).
#[test]
fn digests_and_signatures_are_those_of_another_implementation() {
    let vectors = [
        (
            published(),
            "0xcd3f91bd74fa03b651a3fe696a6ff69474bae8477b305d7329b93611ffd49dfd",
            "0x7c9cededf71ced08dcdb9158f92a0fa87d2403f9b6d35e93f313a7f98465ee9d",
            "0x7c2f9819a547da0313646dacf33f22aee3aca8ee7d162cf641e2fa3d374b1302",
            "0x2a5fbe010be4dd91a00360cadef8a0b10a80e853bc474cb17c6da81206f73455\
             11521a1dc61540d89012100cfd0ad5194071116e4295b326fe281c8d20c3480a1b",
            "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf",
        ),
        (
            local(),
            "0x1d4aadd8c280f9c2f76cc0d1f5b5f0c6497561035e917a5ad84f77bee125eb51",
            "0xae7fde1ec026fbc32369a1ad489d063250569598d757c054e7215fe6a5b352c8",
            "0x4a4370593015e68f46e5aa22d874b39943b71e8189af45a6f962aa8958601756",
            "0x55fcc765272ec40cd8b899de6b561c045b495a988f2f9fc01d56bc8002961081\
             1762edbd05bc8393f47a6becc22d7240ad113e2adb37e4ec279d6476e7e9b7481b",
            "0x4a62316623ad457F02cDC5D997deD67a383EC569",
        ),
    ];
    for ((receipt, domain, key), separator, struct_hash, digest, signature, signer) in vectors {
        assert_eq!(domain.domain().separator().to_string(), separator);
        assert_eq!(receipt.struct_hash().to_string(), struct_hash);
        let found = Hash::from(*receipt.digest(&domain).as_bytes());
        assert_eq!(found.to_string(), digest);
        let signed = receipt.sign(&domain, &key);
        assert_eq!(signed.signature.to_string(), signature);
        assert_eq!(signed.signer().unwrap().address().to_string(), signer);
    }
}

#[test]
fn a_receipt_has_one_encoding_and_no_byte_of_it_can_change() {
    for (receipt, domain, key) in [published(), local()] {
        let signed = receipt.sign(&domain, &key);
        let bytes = signed.encode();
        assert_eq!(bytes.len(), SignedReceipt::BYTES);
        assert_eq!(SignedReceipt::decode(&bytes).as_ref(), Ok(&signed));
        signed.verify(&key.peer_id()).unwrap();
        for index in 0..bytes.len() {
            for flip in [1, 0x80] {
                let mut wrong = bytes.clone();
                wrong[index] ^= flip;
                let accepted = SignedReceipt::decode(&wrong)
                    .is_ok_and(|signed| signed.verify(&key.peer_id()).is_ok());
                assert!(!accepted, "byte {index}");
            }
        }
        assert!(SignedReceipt::decode(&bytes[1..]).is_err());
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(
            SignedReceipt::decode(&longer).unwrap_err().to_string(),
            "malformed: bytes after the end"
        );
    }
}

#[test]
fn outcomes_are_their_codes() {
    for code in 0..=5 {
        assert_eq!(Outcome::from_code(code).unwrap().code(), code);
    }
    assert_eq!(Outcome::from_code(6), None);
    let (receipt, domain, key) = local();
    let mut bytes = receipt.sign(&domain, &key).encode();
    let outcome = bytes.iter().position(|byte| *byte == 5).unwrap();
    assert!(bytes[..outcome].len() > 29);
    bytes[1 + 28 + 2 + 8 + 64 + 16 + 7 * 32 + 8] = 6;
    let refused: Result<_, Malformed> = SignedReceipt::decode(&bytes);
    assert_eq!(refused.unwrap_err().to_string(), "malformed: outcome");
}

#[test]
fn receipts_follow_each_other_by_number_digest_and_state() {
    let (first, domain, _) = published();
    let digest = Hash::from(*first.digest(&domain).as_bytes());
    let second = Receipt {
        seq: 6,
        service_seq: 4,
        pre_state_root: first.post_state_root,
        prev_receipt: digest,
        prev_service_receipt: digest,
        ..first.clone()
    };
    assert_eq!(second.follows(&first, &domain), Ok(()));
    assert_eq!(second.follows_in_service(&first, &domain), Ok(()));
    let wrong = |change: fn(&mut Receipt)| {
        let mut wrong = second.clone();
        change(&mut wrong);
        (
            wrong.follows(&first, &domain).err(),
            wrong.follows_in_service(&first, &domain).err(),
        )
    };
    let differs = Some(ChainError::Differs("worker"));
    assert_eq!(wrong(|it| it.worker_id = Hash::ZERO), (differs, differs));
    assert_eq!(
        wrong(|it| it.seq = 7),
        (Some(ChainError::Number("seq")), None)
    );
    assert_eq!(
        wrong(|it| it.service_seq = 3),
        (None, Some(ChainError::Number("serviceSeq")))
    );
    assert_eq!(
        wrong(|it| it.prev_receipt = Hash::ZERO),
        (Some(ChainError::Link("prevReceipt")), None)
    );
    assert_eq!(
        wrong(|it| it.pre_state_root = Hash::ZERO),
        (None, Some(ChainError::StateJump))
    );
    // A call that changed nothing may have looked at what there was before.
    let looked = Receipt {
        pre_state_root: first.pre_state_root,
        post_state_root: first.pre_state_root,
        ..second.clone()
    };
    assert_eq!(looked.follows_in_service(&first, &domain), Ok(()));
    let last = Receipt {
        seq: u64::MAX,
        ..first
    };
    assert_eq!(
        second.follows(&last, &domain),
        Err(ChainError::Number("seq"))
    );
}

#[test]
fn contents_are_hashed_whole_or_as_a_tree_of_chunks() {
    let whole = vec![1; CONTENT_WHOLE_MAX];
    assert_eq!(content_hash(&whole), keccak256(&[&whole]));
    assert_eq!(content_hash(b""), keccak256(&[]));
    // Nine chunks, the last of one byte: the tree of eight on the left, the ninth alone on the right.
    let large = vec![1; CONTENT_WHOLE_MAX + 1];
    let node = |left: Hash, right: Hash| keccak256(&[&[1], left.as_bytes(), right.as_bytes()]);
    let leaf = keccak256(&[&[0], &large[..CHUNK_BYTES]]);
    let two = node(leaf, leaf);
    let four = node(two, two);
    let root = node(node(four, four), keccak256(&[&[0], &[1]]));
    let length = (large.len() as u64).to_be_bytes();
    assert_eq!(
        content_hash(&large),
        keccak256(&[&[2], &length, root.as_bytes()])
    );
}

#[test]
fn the_arguments_are_hashed_with_their_context() {
    let peer = key([7; 32]).peer_id();
    let context = CallContext {
        particle: named("particle"),
        initiator: peer,
        host: peer,
        worker: peer,
        timestamp_ms: 1,
        ttl_ms: 2,
        tetraplets: Value::from(vec![]),
        salt: Hash::ZERO,
    };
    let args = Value::from_json(r#"["Ada", 1]"#).unwrap();
    let json = format!(
        r#"[["Ada",1],{{"host":"{peer}","initiator":"{peer}","particle":"{}","salt":"{}","tetraplets":[],"timestamp_ms":1,"ttl_ms":2,"worker":"{peer}"}}]"#,
        context.particle, context.salt
    );
    let bytes = Value::from_json(&json).unwrap().to_dag_cbor();
    assert_eq!(args_hash(&args, &context), keccak256(&[&bytes]));
    let later = CallContext {
        timestamp_ms: 2,
        ..context.clone()
    };
    assert_ne!(args_hash(&args, &later), args_hash(&args, &context));
}

#[test]
fn a_local_worker_is_named_by_its_key() {
    let address = key([7; 32]).address();
    assert_eq!(
        local_worker_id(&address),
        keccak256(&[b"LOCAL", address.as_bytes()])
    );
}
