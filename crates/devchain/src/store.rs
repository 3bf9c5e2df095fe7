//! What a chain keeps: blocks and what undoes them, where transactions stand, the newest state, the pool.
//!
//! A write is all or nothing. A chain in memory has the same tables without a file.

#[cfg(test)]
mod failing;
mod write;

use std::fs::File;
use std::io::ErrorKind;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use redb::backends::InMemoryBackend;
use redb::{
    Database, DatabaseError, Key, ReadOnlyTable, ReadableDatabase, StorageBackend, TableDefinition,
    Value,
};

use weir_disk::{Backend, Durability, Refusal};

use crate::block::{Block, Place};
use crate::changes::{Account, Changes};
use crate::error::StoreError;
use crate::state::State;

pub use write::Writer;

type Table<K, V> = TableDefinition<'static, K, V>;

/// What the store says about itself.
const ABOUT: Table<&str, &[u8]> = TableDefinition::new("about");
/// Blocks by number.
const BLOCKS: Table<u64, &[u8]> = TableDefinition::new("blocks");
/// Hashes of blocks by number.
const HASHES: Table<u64, [u8; 32]> = TableDefinition::new("hashes");
/// Numbers of block and in the block, by hash of the transaction.
const PLACES: Table<[u8; 32], (u64, u32)> = TableDefinition::new("places");
/// What undoes the newest blocks, by number.
const UNDO: Table<u64, &[u8]> = TableDefinition::new("undo");
/// The newest state.
const ACCOUNTS: Table<[u8; 20], &[u8]> = TableDefinition::new("accounts");
const STORAGE: Table<([u8; 20], [u8; 32]), [u8; 32]> = TableDefinition::new("storage");
const CODE: Table<[u8; 32], &[u8]> = TableDefinition::new("code");
/// Transactions that wait, by their sequence.
const POOL: Table<u64, &[u8]> = TableDefinition::new("pool");

/// The layout of the tables above.
const VERSION: u64 = 1;

/// Memory for pages of the file.
const CACHE_BYTES: usize = 32 << 20;

/// What there is once.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Meta {
    /// The number that transactions are signed for.
    pub chain_id: u64,
    /// Accounts that had money at block 0.
    pub accounts: Vec<Address>,
    /// The block whose state is the oldest that is kept.
    pub oldest_state: u64,
    /// Time.
    pub time: Time,
    /// Snapshots, oldest first.
    pub snapshots: Vec<Snapshot>,
    /// The number of the next snapshot.
    pub next_snapshot: u64,
    /// The number of the next transaction.
    pub next_sequence: u64,
}

/// How the chain's time differs from the clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Time {
    /// Seconds to add to the clock, in two's complement.
    pub offset: u64,
    /// The time of the next block, if it was set: one or none.
    pub next: Vec<u64>,
}

/// A moment that can be gone back to.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Snapshot {
    /// What names it.
    pub id: u64,
    /// The newest block then.
    pub block: u64,
    /// Its hash.
    pub hash: B256,
    /// The number of the next transaction then.
    pub sequence: u64,
    /// The time then.
    pub time: Time,
    /// Undoes what was set by hand since, in the state after `block`: encoded changes.
    pub undo: Bytes,
}

/// What a store holds, but for its blocks.
#[derive(Debug)]
pub struct Found {
    /// What there is once.
    pub meta: Meta,
    /// The newest state.
    pub state: State,
    /// The hashes of all blocks.
    pub hashes: Vec<B256>,
    /// Transactions that wait, with their sequence.
    pub pool: Vec<(u64, Vec<u8>)>,
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    database: Database,
    path: PathBuf,
}

impl Store {
    /// Opens the file, or a store in memory.
    pub fn open(path: Option<&Path>) -> Result<Self, StoreError> {
        let Some(path) = path else {
            return Self::on(Path::new("the chain in memory"), || {
                Ok(InMemoryBackend::new())
            });
        };
        let open = |error: std::io::Error| StoreError::Open {
            path: path.to_owned(),
            what: error.to_string(),
        };
        if !path.try_exists().map_err(open)? {
            Self::create(path)?;
        }
        let file = File::options().read(true).write(true).open(path);
        let file = file.map_err(open)?;
        Self::on(path, || Backend::new(file, Durability::Process))
    }

    /// Makes an empty store, aside, so that a process that is killed meanwhile leaves nothing at `path` that would
    /// count as damaged. If another process is faster, its store stays.
    fn create(path: &Path) -> Result<(), StoreError> {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".{}.new", std::process::id()));
        let aside = PathBuf::from(aside);
        let open = |error: std::io::Error| StoreError::Open {
            path: aside.clone(),
            what: error.to_string(),
        };
        let made = (|| {
            let mut options = File::options();
            let options = options.read(true).write(true).create(true).truncate(true);
            let file = options.open(&aside).map_err(open)?;
            drop(Self::on(&aside, || {
                Backend::new(file, Durability::Process)
            })?);
            match std::fs::hard_link(&aside, path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(open(error)),
                _ => Ok(()),
            }
        })();
        // What is left of a failed attempt is in nobody's way.
        let _ = std::fs::remove_file(&aside);
        made
    }

    /// Opens the store in what `backend` gives; errors name it `path`.
    pub(crate) fn on<B: StorageBackend>(
        path: &Path,
        backend: impl FnOnce() -> Result<B, DatabaseError>,
    ) -> Result<Self, StoreError> {
        // The library checks what it reads; a panic of it would still be a damaged file to us.
        let opened = std::panic::catch_unwind(AssertUnwindSafe(|| {
            Database::builder()
                .set_cache_size(CACHE_BYTES)
                .set_check_integrity_on_open(true)
                .create_with_backend(backend()?)
        }));
        let database = match opened {
            Ok(database) => database.map_err(|error| explain(path, error))?,
            Err(_) => return Err(damaged(path, "it cannot be understood")),
        };
        let store = Store {
            database,
            path: path.to_owned(),
        };
        store.write(Writer::tables)?;
        Ok(store)
    }

    /// Changes the store, or does not.
    pub fn write(
        &self,
        change: impl FnOnce(&Writer) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        let transaction = self.database.begin_write();
        let writer = Writer(transaction.map_err(|error| self.failed(error))?);
        change(&writer).map_err(|error| self.failed(error))?;
        writer.0.commit().map_err(|error| self.failed(error))
    }

    fn table<K: Key + 'static, V: Value + 'static>(
        &self,
        table: Table<K, V>,
    ) -> Result<ReadOnlyTable<K, V>, StoreError> {
        let transaction = self.database.begin_read();
        let transaction = transaction.map_err(|error| self.failed(error))?;
        let table = transaction.open_table(table);
        table.map_err(|error| self.failed(error))
    }

    /// What is there; `None` if the store is new.
    pub fn load(&self) -> Result<Option<Found>, StoreError> {
        let about = self.table(ABOUT)?;
        let get = |name| about.get(name).map_err(|error| self.failed(error));
        let Some(version) = get("version")? else {
            return Ok(None);
        };
        let version = version.value().try_into().map(u64::from_be_bytes);
        match version {
            Ok(VERSION) => {}
            Ok(found) => {
                return Err(StoreError::Newer {
                    path: self.path.clone(),
                    found,
                    known: VERSION,
                });
            }
            Err(_) => return Err(self.damaged("its version is no number")),
        }
        let meta = get("chain")?;
        let meta = meta.and_then(|meta| alloy_rlp::decode_exact(meta.value()).ok());
        let meta = meta.ok_or_else(|| self.damaged("what it says about itself cannot be read"))?;
        Ok(Some(Found {
            meta,
            state: self.state()?,
            hashes: self.hashes()?,
            pool: self.pool()?,
        }))
    }

    fn state(&self) -> Result<State, StoreError> {
        let mut changes = Changes::default();
        for record in self.all(ACCOUNTS)? {
            let (address, account) = record.map_err(|error| self.failed(error))?;
            let account = alloy_rlp::decode_exact::<Account>(account.value());
            let account = account.map_err(|_| self.damaged("an account cannot be read"))?;
            let address = Address::from(address.value());
            changes.accounts.insert(address, Some(account));
        }
        for record in self.all(STORAGE)? {
            let (place, value) = record.map_err(|error| self.failed(error))?;
            let (address, slot) = place.value();
            let place = (Address::from(address), U256::from_be_bytes(slot));
            changes
                .storage
                .insert(place, U256::from_be_bytes(value.value()));
        }
        for record in self.all(CODE)? {
            let (hash, code) = record.map_err(|error| self.failed(error))?;
            let code = Bytes::copy_from_slice(code.value());
            changes.code.insert(B256::from(hash.value()), code);
        }
        let mut state = State::default();
        state.apply(changes);
        Ok(state)
    }

    fn hashes(&self) -> Result<Vec<B256>, StoreError> {
        let mut hashes = Vec::new();
        for record in self.all(HASHES)? {
            let (number, hash) = record.map_err(|error| self.failed(error))?;
            if number.value() != hashes.len() as u64 {
                let what = format!("block {} is not there", hashes.len());
                return Err(self.damaged(&what));
            }
            hashes.push(B256::from(hash.value()));
        }
        Ok(hashes)
    }

    fn pool(&self) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut pool = Vec::new();
        for record in self.all(POOL)? {
            let (sequence, raw) = record.map_err(|error| self.failed(error))?;
            pool.push((sequence.value(), raw.value().to_vec()));
        }
        Ok(pool)
    }

    fn all<K: Key + 'static, V: Value + 'static>(
        &self,
        table: Table<K, V>,
    ) -> Result<redb::Range<'static, K, V>, StoreError> {
        let table = self.table(table)?;
        table
            .range::<K::SelfType<'_>>(..)
            .map_err(|error| self.failed(error))
    }

    /// A block by its number.
    pub fn block(&self, number: u64) -> Result<Option<Block>, StoreError> {
        let found = self.table(BLOCKS)?.get(number);
        let Some(found) = found.map_err(|error| self.failed(error))? else {
            return Ok(None);
        };
        let block = alloy_rlp::decode_exact(found.value());
        let block = block.map_err(|_| self.damaged(&format!("block {number} cannot be read")))?;
        Ok(Some(block))
    }

    /// What undoes a block.
    pub fn undo(&self, number: u64) -> Result<Option<Changes>, StoreError> {
        let found = self.table(UNDO)?.get(number);
        let Some(found) = found.map_err(|error| self.failed(error))? else {
            return Ok(None);
        };
        let undo = Changes::decode(found.value());
        let what = || self.damaged(&format!("what undoes block {number} cannot be read"));
        undo.map(Some).map_err(|_| what())
    }

    /// Where a transaction stands.
    pub fn place(&self, hash: B256) -> Result<Option<Place>, StoreError> {
        let found = self.table(PLACES)?.get(hash.0);
        let found = found.map_err(|error| self.failed(error))?;
        Ok(found.map(|found| {
            let (block, index) = found.value();
            Place { block, index }
        }))
    }

    fn failed(&self, error: impl Into<redb::Error>) -> StoreError {
        match error.into() {
            redb::Error::Corrupted(what) => damaged(&self.path, &what),
            error => StoreError::Io {
                path: self.path.clone(),
                what: error.to_string(),
            },
        }
    }

    /// The error for something that cannot be.
    pub fn damaged(&self, what: &str) -> StoreError {
        damaged(&self.path, what)
    }

    /// What errors call the store.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn damaged(path: &Path, what: &str) -> StoreError {
    StoreError::Damaged {
        path: path.to_owned(),
        what: what.to_owned(),
    }
}

/// Why a file cannot be opened as a store.
fn explain(path: &Path, error: DatabaseError) -> StoreError {
    let path = path.to_owned();
    match Refusal::from(error) {
        Refusal::Locked => StoreError::Locked { path },
        Refusal::Io(source) => StoreError::Open {
            path,
            what: source.to_string(),
        },
        Refusal::Damaged(what) => StoreError::Damaged { path, what },
    }
}
