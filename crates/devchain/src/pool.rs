//! Transactions that wait for a block: of each sender in the order of their nonces.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use alloy_consensus::Transaction as _;
use alloy_consensus::transaction::{Recovered, TransactionInfo};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::map::HashMap;
use alloy_primitives::{Address, B256, U256};

use crate::error::Refusal;
use crate::transaction::Signed;

/// Hundredths by which the fees of a replacement must be higher.
const BUMP_PERCENT: u128 = 10;

/// A transaction that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The transaction.
    pub signed: Arc<Signed>,
    /// The number of its arrival.
    pub sequence: u64,
}

impl Waiting {
    /// The bytes that are signed and sent.
    pub fn raw(&self) -> Vec<u8> {
        self.signed.tx.encoded_2718()
    }

    /// The transaction as clients see it.
    pub fn rpc(&self) -> alloy_rpc_types_eth::Transaction {
        let signed = &self.signed;
        let tx = Recovered::new_unchecked(signed.tx.clone(), signed.sender);
        alloy_rpc_types_eth::Transaction::from_transaction(tx, TransactionInfo::default())
    }
}

/// The transactions that wait.
#[derive(Debug, Default)]
pub struct Pool {
    by_sender: HashMap<Address, BTreeMap<u64, Waiting>>,
    by_hash: HashMap<B256, (Address, u64)>,
}

impl Pool {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// A transaction by its hash.
    pub fn get(&self, hash: B256) -> Option<&Waiting> {
        let (sender, nonce) = self.by_hash.get(&hash)?;
        self.by_sender.get(sender)?.get(nonce)
    }

    /// The nonce that follows `next` and all transactions without a gap after it.
    pub fn next_nonce(&self, sender: Address, next: u64) -> u64 {
        let Some(waiting) = self.by_sender.get(&sender) else {
            return next;
        };
        let after = waiting.range(next..).zip(next..);
        let run = after.take_while(|((nonce, _), wanted)| **nonce == *wanted);
        next + run.count() as u64
    }

    /// Checks that the transaction can stand beside those that wait. `have` is the balance of its sender.
    pub fn check(
        &self,
        new: &Signed,
        have: U256,
        full: usize,
        sender_full: usize,
    ) -> Result<(), Refusal> {
        if self.by_hash.contains_key(&new.hash()) {
            return Err(Refusal::Known);
        }
        let mine = self.by_sender.get(&new.sender);
        let nonce = new.tx.nonce();
        let old = mine.and_then(|mine| mine.get(&nonce));
        if let Some(old) = old {
            let old = &old.signed.tx;
            let bumped =
                |old: u128| old.saturating_add((old.saturating_mul(BUMP_PERCENT)).div_ceil(100));
            let tip = |tx: &alloy_consensus::TxEnvelope| tx.priority_fee_or_price();
            if new.tx.max_fee_per_gas() < bumped(old.max_fee_per_gas())
                || tip(&new.tx) < bumped(tip(old))
            {
                return Err(Refusal::Underpriced);
            }
        } else {
            if self.len() >= full {
                return Err(Refusal::PoolFull(self.len()));
            }
            let count = mine.map_or(0, BTreeMap::len);
            if count >= sender_full {
                return Err(Refusal::SenderFull(count));
            }
        }
        let others = mine.into_iter().flat_map(|mine| mine.range(..nonce));
        let others = others.map(|(_, waiting)| waiting.signed.cost());
        let want = others.fold(new.cost(), U256::saturating_add);
        if want > have {
            return Err(Refusal::Funds {
                sender: new.sender,
                have,
                want,
            });
        }
        Ok(())
    }

    /// Takes a transaction that was checked; gives the one that it replaces.
    pub fn insert(&mut self, waiting: Waiting) -> Option<Waiting> {
        let (sender, nonce) = (waiting.signed.sender, waiting.signed.tx.nonce());
        self.by_hash.insert(waiting.signed.hash(), (sender, nonce));
        let mine = self.by_sender.entry(sender).or_default();
        let replaced = mine.insert(nonce, waiting);
        if let Some(replaced) = &replaced {
            self.by_hash.remove(&replaced.signed.hash());
        }
        replaced
    }

    /// Takes a transaction out.
    pub fn remove(&mut self, hash: B256) -> Option<Waiting> {
        let (sender, nonce) = self.by_hash.remove(&hash)?;
        let mine = self.by_sender.get_mut(&sender)?;
        let removed = mine.remove(&nonce);
        if mine.is_empty() {
            self.by_sender.remove(&sender);
        }
        removed
    }

    /// All transactions, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Waiting> {
        self.by_sender.values().flat_map(BTreeMap::values)
    }

    /// Those that can be executed, best first.
    pub fn ready(&self, base_fee: u64, next_nonce: impl Fn(Address) -> u64) -> Ready<'_> {
        let mut ready = Ready {
            pool: self,
            heads: BinaryHeap::new(),
            base_fee,
        };
        for sender in self.by_sender.keys() {
            ready.push(*sender, next_nonce(*sender));
        }
        ready
    }
}

/// Transactions in the order in which a block takes them: by what they pay above the base fee, then by arrival, those
/// of one sender by nonce.
pub struct Ready<'a> {
    pool: &'a Pool,
    heads: BinaryHeap<Head<'a>>,
    base_fee: u64,
}

struct Head<'a> {
    tip: u128,
    waiting: &'a Waiting,
}

impl Head<'_> {
    fn rank(&self) -> (u128, std::cmp::Reverse<u64>) {
        (self.tip, std::cmp::Reverse(self.waiting.sequence))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Head<'_> {}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl<'a> Ready<'a> {
    fn push(&mut self, sender: Address, nonce: u64) {
        let mine = self.pool.by_sender.get(&sender);
        if let Some(waiting) = mine.and_then(|mine| mine.get(&nonce))
            && let Some(tip) = waiting.signed.tx.effective_tip_per_gas(self.base_fee)
        {
            self.heads.push(Head { tip, waiting });
        }
    }

    /// The best one. Its sender's next one comes only after [`taken`](Self::taken).
    pub fn next(&mut self) -> Option<&'a Waiting> {
        self.heads.pop().map(|head| head.waiting)
    }

    /// The block takes it.
    pub fn taken(&mut self, waiting: &Waiting) {
        self.push(waiting.signed.sender, waiting.signed.tx.nonce() + 1);
    }
}
