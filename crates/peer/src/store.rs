//! What a peer keeps in its driver's store, and under which keys.
//!
//! The first byte of a key is its table. Tables below [`COLD`] are read whole
//! by [`crate::Peer::restore`]; the others only on demand.
//!
//! | Table | Key after the first byte | Value |
//! |---|---|---|
//! | 1 owner | – | peer id |
//! | 2 service | id | kind, blueprint, interface, owner, aliases, idempotent, terms or nothing, exclusive functions; older records end after idempotent or terms |
//! | 3 script | CID | text |
//! | 4 particle | particle, identity | start, own, keep, client data |
//! | 5 intent | particle, identity, step | nothing, or how the call ended: kind, code, value, receipt |
//! | 6 chain | identity, and 0 for the chain of the worker, or 1 and the id of the service whose it is | number of the next receipt, digest of the last one |
//! | 7 deals | see [`crate::deals`] | read by the reconciler of deals, not by the peer |
//! | 8 epoch | – | of a worker: the epoch of its next receipt, which never goes down |
//! | 0x80 record | particle, identity, number | record of the particle engine |
//! | 0x81 archive | particle, identity | start, script text |
//! | 0x82 receipt | of a worker: epoch, number among its receipts | the signed receipt |

use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde_bytes::{ByteBuf, Bytes as ByteSlice};
use weir_avm::log::ParticleId;
use weir_identity::{Cid, Hash, PeerId, Value};

use crate::calls::Intent;
use crate::effect::{Batch, Write};
use crate::engine::Start;
use crate::error::RestoreError;
use crate::event::ClientFunctions;
use crate::receipts::{ChainEnd, ChainKey};
use crate::services::Service;

/// Tables from this first byte on are not needed to restore a peer.
pub const COLD: u8 = 0x80;

pub(crate) const OWNER: u8 = 1;
pub(crate) const SERVICE: u8 = 2;
pub(crate) const SCRIPT: u8 = 3;
pub(crate) const PARTICLE: u8 = 4;
pub(crate) const INTENT: u8 = 5;
pub(crate) const CHAIN: u8 = 6;
pub(crate) const DEALS: u8 = 7;
pub(crate) const EPOCH: u8 = 8;
const RECORD: u8 = COLD;
pub(crate) const ARCHIVE: u8 = COLD + 1;
const RECEIPT: u8 = COLD + 2;

const ID_BYTES: usize = 32;
const PEER_BYTES: usize = 39;
const KEY_BYTES: usize = ID_BYTES + PEER_BYTES;

/// A particle under one of the identities of this peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ParticleKey {
    pub particle: ParticleId,
    pub identity: PeerId,
}

impl ParticleKey {
    fn write(&self, table: u8) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + KEY_BYTES + 32);
        key.push(table);
        key.extend_from_slice(self.particle.as_bytes());
        key.extend_from_slice(&self.identity.to_bytes());
        key
    }

    /// Reads what follows the table in a key, and the rest after it.
    fn read(bytes: &[u8]) -> Option<(ParticleKey, &[u8])> {
        let (particle, rest) = bytes.split_first_chunk::<ID_BYTES>()?;
        let (identity, rest) = rest.split_first_chunk::<PEER_BYTES>()?;
        let particle = ParticleId::from(Hash::from(*particle));
        let identity = PeerId::from_bytes(identity).ok()?;
        Some((ParticleKey { particle, identity }, rest))
    }
}

/// The prefix of all archived particles (those submitted with
/// [`crate::Submit::keep`]).
pub fn archive_prefix() -> Vec<u8> {
    vec![ARCHIVE]
}

/// The prefix of all receipts that a worker keeps, those of earlier epochs first.
pub fn receipts_prefix() -> Vec<u8> {
    vec![RECEIPT]
}

/// The prefix of the receipts that a worker signed in one epoch, in their order.
pub fn epoch_prefix(epoch: u32) -> Vec<u8> {
    let mut prefix = receipts_prefix();
    prefix.extend_from_slice(&epoch.to_be_bytes());
    prefix
}

/// The epoch of a receipt, from its key; none if it is another key.
pub fn epoch_of_receipt(key: &[u8]) -> Option<u32> {
    let (&RECEIPT, rest) = key.split_first()? else {
        return None;
    };
    let (epoch, _) = rest.split_first_chunk::<4>()?;
    Some(u32::from_be_bytes(*epoch))
}

/// The id of the service that a write removes, if it removes one.
pub fn removed_service(write: &Write) -> Option<&str> {
    match write {
        Write::Delete { key } => match key.split_first() {
            Some((&SERVICE, id)) => std::str::from_utf8(id).ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The key prefix of the records of one particle.
pub fn records_prefix(particle: ParticleId, identity: PeerId) -> Vec<u8> {
    ParticleKey { particle, identity }.write(RECORD)
}

/// A particle whose log is kept.
#[derive(Debug, Clone)]
pub struct Archived {
    /// Its identity.
    pub particle: ParticleId,
    /// The peer that keeps it.
    pub identity: PeerId,
    /// How it was started.
    pub start: Start,
    /// Its script.
    pub script: Arc<str>,
}

impl Archived {
    /// Reads a record under [`archive_prefix`].
    pub fn read(key: &[u8], value: &[u8]) -> Result<Self, RestoreError> {
        let damaged = |what: &str| damaged(key, what);
        let (found, []) = ParticleKey::read(key.get(1..).unwrap_or_default())
            .ok_or_else(|| damaged("not a particle"))?
        else {
            return Err(damaged("key too long"));
        };
        let (start, script): (ByteBuf, Arc<str>) =
            serde_ipld_dagcbor::from_slice(value).map_err(|e| damaged(&e.to_string()))?;
        let start = Start::from_bytes(&start).map_err(|e| damaged(&e.to_string()))?;
        let ParticleKey { particle, identity } = found;
        Ok(Archived {
            particle,
            identity,
            start,
            script,
        })
    }
}

pub(crate) fn damaged(key: &[u8], what: &str) -> RestoreError {
    let key = HEXLOWER.encode(key);
    RestoreError::Damaged {
        key,
        what: what.to_owned(),
    }
}

/// A particle as the index has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Indexed {
    pub start: Arc<Start>,
    pub own: bool,
    pub keep: bool,
    pub client: Option<ClientFunctions>,
}

/// One entry of the hot tables.
#[derive(Debug)]
pub(crate) enum Restored {
    Owner(PeerId),
    Service(Service),
    Script(Cid, Arc<str>),
    Particle(ParticleKey, Box<Indexed>),
    Intent(ParticleKey, [u8; 32], Intent),
    Chain(ChainKey, ChainEnd),
    Epoch(u32),
    Cold,
}

type IndexItems = (ByteBuf, bool, bool, Option<ByteBuf>);

/// Reads one entry of the store.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<Restored, RestoreError> {
    let Some((table, rest)) = key.split_first() else {
        return Err(damaged(key, "empty key"));
    };
    let broken = |error: &dyn ToString| damaged(key, &error.to_string());
    Ok(match *table {
        OWNER => Restored::Owner(PeerId::from_bytes(value).map_err(|e| broken(&e))?),
        SERVICE => {
            let id = std::str::from_utf8(rest).map_err(|e| broken(&e))?;
            let service = Service::decode(id, value).map_err(|e| broken(&e))?;
            Restored::Service(service)
        }
        SCRIPT => {
            let cid = Cid::from_bytes(rest).map_err(|e| broken(&e))?;
            let text = std::str::from_utf8(value).map_err(|e| broken(&e))?;
            Restored::Script(cid, Arc::from(text))
        }
        PARTICLE => {
            let (particle, []) =
                ParticleKey::read(rest).ok_or_else(|| damaged(key, "not a particle"))?
            else {
                return Err(damaged(key, "key too long"));
            };
            let (start, own, keep, data): IndexItems =
                serde_ipld_dagcbor::from_slice(value).map_err(|e| broken(&e))?;
            let start = Arc::new(Start::from_bytes(&start).map_err(|e| broken(&e))?);
            let client = match data {
                None => None,
                Some(data) => Some(client(&data).ok_or_else(|| damaged(key, "client data"))?),
            };
            Restored::Particle(
                particle,
                Box::new(Indexed {
                    start,
                    own,
                    keep,
                    client,
                }),
            )
        }
        INTENT => {
            let (particle, step) =
                ParticleKey::read(rest).ok_or_else(|| damaged(key, "not an intent"))?;
            let step = step.try_into().map_err(|_| damaged(key, "not a step"))?;
            let intent = Intent::decode(value).ok_or_else(|| damaged(key, "not an outcome"))?;
            Restored::Intent(particle, step, intent)
        }
        CHAIN => {
            let (chain, end) = chain(rest, value).ok_or_else(|| damaged(key, "not a chain"))?;
            Restored::Chain(chain, end)
        }
        EPOCH => {
            let epoch: [u8; 4] = value.try_into().map_err(|_| damaged(key, "not an epoch"))?;
            Restored::Epoch(u32::from_be_bytes(epoch))
        }
        // The peer beside whom a reconciler works does not look into its records.
        DEALS => Restored::Cold,
        table if table >= COLD => Restored::Cold,
        _ => return Err(damaged(key, "unknown table")),
    })
}

/// The end of a chain of receipts, from what follows the table in a key, and its value.
fn chain(key: &[u8], value: &[u8]) -> Option<(ChainKey, ChainEnd)> {
    let (worker, service) = key.split_first_chunk::<PEER_BYTES>()?;
    let service = match service.split_first()? {
        (0, []) => None,
        (1, id) => Some(Arc::from(std::str::from_utf8(id).ok()?)),
        _ => return None,
    };
    let worker = PeerId::from_bytes(worker).ok()?;
    let (next, last) = value.split_first_chunk::<8>()?;
    let next = u64::from_be_bytes(*next);
    let last = Hash::from_bytes(last).ok()?;
    // A chain of so many receipts has not been made.
    (next < u64::MAX).then_some((ChainKey { worker, service }, ChainEnd { next, last }))
}

fn client(data: &[u8]) -> Option<ClientFunctions> {
    let data = Value::from_dag_cbor(data).ok()?;
    Some(ClientFunctions {
        data: data.as_object()?.clone(),
    })
}

/// The particle whose records are under `prefix`.
pub(crate) fn particle_of_records(prefix: &[u8]) -> Option<ParticleKey> {
    match prefix.split_first()? {
        (&RECORD, rest) => ParticleKey::read(rest).map(|(key, _)| key),
        _ => None,
    }
}

/// The number of a record, from its key.
pub(crate) fn record_number(key: &[u8]) -> Option<u64> {
    let number = key.get(1 + KEY_BYTES..)?;
    Some(u64::from_be_bytes(number.try_into().ok()?))
}

/// What a peer writes.
impl Batch {
    /// True if there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    pub(crate) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.writes.push(Write::Put { key, value });
    }

    pub(crate) fn put_owner(&mut self, owner: PeerId) {
        self.put(vec![OWNER], owner.to_bytes().to_vec());
    }

    pub(crate) fn put_service(&mut self, service: &Service) {
        self.put(service_key(&service.id), service.encode());
    }

    pub(crate) fn delete_service(&mut self, id: &str) {
        self.writes.push(Write::Delete {
            key: service_key(id),
        });
    }

    pub(crate) fn put_script(&mut self, cid: &Cid, text: &str) {
        self.put(script_key(cid), text.as_bytes().to_vec());
    }

    pub(crate) fn delete_script(&mut self, cid: &Cid) {
        self.writes.push(Write::Delete {
            key: script_key(cid),
        });
    }

    pub(crate) fn put_particle(&mut self, key: &ParticleKey, particle: &Indexed) {
        let start = particle.start.to_bytes();
        let client = particle.client.as_ref().map(|client| {
            let data = Value::Object(Arc::new(client.data.clone()));
            ByteBuf::from(data.to_dag_cbor())
        });
        let items = (ByteSlice::new(&start), particle.own, particle.keep, client);
        self.put(key.write(PARTICLE), cbor(&items));
    }

    pub(crate) fn put_archive(&mut self, key: &ParticleKey, start: &Start, script: &str) {
        let start = start.to_bytes();
        self.put(key.write(ARCHIVE), cbor(&(ByteSlice::new(&start), script)));
    }

    /// Takes a particle out of the tables that are read at restore.
    pub(crate) fn delete_particle(&mut self, key: &ParticleKey) {
        self.writes.push(Write::Delete {
            key: key.write(PARTICLE),
        });
        self.writes.push(Write::DeletePrefix {
            prefix: key.write(INTENT),
        });
    }

    pub(crate) fn delete_records(&mut self, key: &ParticleKey) {
        self.writes.push(Write::DeletePrefix {
            prefix: key.write(RECORD),
        });
    }

    pub(crate) fn delete_archive(&mut self, key: &ParticleKey) {
        self.writes.push(Write::Delete {
            key: key.write(ARCHIVE),
        });
    }

    pub(crate) fn put_record(&mut self, key: &ParticleKey, number: u64, record: &[u8]) {
        let mut name = key.write(RECORD);
        name.extend_from_slice(&number.to_be_bytes());
        self.put(name, record.to_vec());
    }

    pub(crate) fn put_intent(&mut self, key: &ParticleKey, step: &[u8; 32], intent: &Intent) {
        self.put(intent_key(key, step), intent.encode());
    }

    pub(crate) fn put_chain(&mut self, chain: &ChainKey, end: &ChainEnd) {
        let mut key = vec![CHAIN];
        key.extend_from_slice(&chain.worker.to_bytes());
        match &chain.service {
            None => key.push(0),
            Some(service) => {
                key.push(1);
                key.extend_from_slice(service.as_bytes());
            }
        }
        let value = [&end.next.to_be_bytes()[..], end.last.as_bytes()].concat();
        self.put(key, value);
    }

    pub(crate) fn put_epoch(&mut self, epoch: u32) {
        self.put(vec![EPOCH], epoch.to_be_bytes().to_vec());
    }

    pub(crate) fn put_receipt(&mut self, epoch: u32, seq: u64, receipt: &[u8]) {
        let mut key = epoch_prefix(epoch);
        key.extend_from_slice(&seq.to_be_bytes());
        self.put(key, receipt.to_vec());
    }

    pub(crate) fn delete_intent(&mut self, key: &ParticleKey, step: &[u8; 32]) {
        self.writes.push(Write::Delete {
            key: intent_key(key, step),
        });
    }
}

fn service_key(id: &str) -> Vec<u8> {
    [&[SERVICE], id.as_bytes()].concat()
}

fn script_key(cid: &Cid) -> Vec<u8> {
    [&[SCRIPT], cid.to_bytes().as_slice()].concat()
}

fn intent_key(key: &ParticleKey, step: &[u8; 32]) -> Vec<u8> {
    let mut name = key.write(INTENT);
    name.extend_from_slice(step);
    name
}

fn cbor(items: &impl serde::Serialize) -> Vec<u8> {
    serde_ipld_dagcbor::to_vec(items).expect("texts, bytes and truth values always encode")
}
