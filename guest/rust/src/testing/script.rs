//! What the host of a test knows.

use super::Mode;
use crate::Fault;
use crate::context::{Info, Tetraplet};
use crate::http::{Request, Response};
use crate::log::Level;
use crate::programs::Output;
use data_encoding::BASE32_NOPAD;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Version 1, raw bytes, SHA-256 of 32 bytes.
const RAW_CID: [u8; 4] = [0x01, 0x55, 0x12, 0x20];

pub(super) struct Script {
    pub(super) info: Info,
    pub(super) origins: BTreeMap<u32, Vec<Tetraplet>>,
    pub(super) mode: Mode,
    pub(super) state: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) quota: usize,
    pub(super) log: Vec<(Level, String)>,
    pub(super) answers: BTreeMap<(String, String), Result<Response, Fault>>,
    pub(super) requests: Vec<Request>,
    pub(super) blobs: BTreeMap<String, Vec<u8>>,
    pub(super) programs: BTreeMap<String, Rc<Program>>,
    /// How many blocks of randomness were given.
    pub(super) drawn: u64,
}

type Program = dyn Fn(&[String]) -> Output;

impl Default for Script {
    fn default() -> Self {
        Self {
            info: Info {
                request: "request".to_owned(),
                initiator: "initiator".to_owned(),
                host: "host".to_owned(),
                worker: "worker".to_owned(),
                service: "service".to_owned(),
                timestamp_ms: 1_700_000_000_000,
                ttl_ms: 15_000,
                salt: vec![7; 32],
            },
            origins: BTreeMap::new(),
            mode: Mode::default(),
            state: BTreeMap::new(),
            quota: usize::MAX,
            log: Vec::new(),
            answers: BTreeMap::new(),
            requests: Vec::new(),
            blobs: BTreeMap::new(),
            programs: BTreeMap::new(),
            drawn: 0,
        }
    }
}

impl Script {
    /// Keeps a blob under its CID.
    pub(super) fn keep(&mut self, bytes: &[u8]) -> String {
        let cid = [&RAW_CID[..], &Sha256::digest(bytes)].concat();
        let cid = format!("b{}", BASE32_NOPAD.encode(&cid).to_ascii_lowercase());
        self.blobs.insert(cid.clone(), bytes.to_vec());
        cid
    }

    /// The same bytes in each run of a test, and others with each draw.
    pub(super) fn draw(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            self.drawn += 1;
            bytes.extend(Sha256::digest(self.drawn.to_be_bytes()));
        }
        bytes.truncate(len);
        bytes
    }

    /// What stands for the signature of a peer: of the length of a real one, and as good for nothing but a test.
    pub(super) fn signature(peer: &str, service: &str, message: &[u8]) -> Vec<u8> {
        let signed = [peer.as_bytes(), &[0], service.as_bytes(), &[0], message];
        let half = Sha256::digest(signed.concat());
        [&half[..], &half[..], &[27]].concat()
    }
}
