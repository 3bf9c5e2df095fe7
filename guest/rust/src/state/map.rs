//! Typed parts of the state.

use super::value::{decode, encode};
use super::{Error, Key, Order, SCAN_BYTES_MAX};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

/// How many entries an iteration fetches at once.
const PAGE: u32 = 64;

/// An ordered map within the state. Costs nothing until it is used: all of it is its name.
///
/// ```
/// use weir_guest::state::{Error, Map};
///
/// /// Points by game and player.
/// const POINTS: Map<(u32, String), i64> = Map::new("points");
///
/// # fn main() -> Result<(), Error> {
/// POINTS.set(&(7, "Ada".into()), &12)?;
/// POINTS.set(&(7, "Bob".into()), &9)?;
/// POINTS.set(&(8, "Ada".into()), &1)?;
/// let seventh: Vec<_> = POINTS.beginning_with(&7_u32).collect::<Result<_, _>>()?;
/// assert_eq!(seventh, [((7, "Ada".into()), 12), ((7, "Bob".into()), 9)]);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Map<K, V> {
    name: &'static str,
    entries: PhantomData<fn() -> (K, V)>,
}

/// One value within the state.
///
/// ```
/// use weir_guest::state::Item;
///
/// const TOTAL: Item<u64> = Item::new("total");
///
/// assert_eq!(TOTAL.get(), Ok(None));
/// assert_eq!(TOTAL.update(|total| total.unwrap_or(0) + 5), Ok(5));
/// ```
#[derive(Debug)]
pub struct Item<V> {
    map: Map<(), V>,
}

impl Key for () {
    fn encode(&self, _: &mut Vec<u8>) {}

    fn decode(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> Map<K, V> {
    /// The map of this name. Names of maps and items of a service must differ; they are part of each key, so short ones
    /// are better.
    ///
    /// # Panics
    /// If the name is empty or has a character 0, which for a constant does not compile.
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        assert!(!bytes.is_empty(), "a map needs a name");
        let mut place = 0;
        while place < bytes.len() {
            assert!(bytes[place] != 0, "a name must not have the character 0");
            place += 1;
        }
        Self {
            name,
            entries: PhantomData,
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Result<Option<V>, Error> {
        let value = super::get(self.key(key));
        value.map(|value| decode(&value)).transpose()
    }

    /// Whether the key has a value.
    pub fn contains(&self, key: &K) -> bool {
        super::length(self.key(key)).is_some()
    }

    /// Gives the key a value, and says whether it had one.
    pub fn set(&self, key: &K, value: &V) -> Result<bool, Error> {
        super::set(self.key(key), encode(value)?)
    }

    /// Gives the key the value that is made from the present one, and returns it.
    pub fn update(&self, key: &K, change: impl FnOnce(Option<V>) -> V) -> Result<V, Error> {
        let value = change(self.get(key)?);
        self.set(key, &value)?;
        Ok(value)
    }

    /// Forgets the key, and says whether it had a value.
    pub fn remove(&self, key: &K) -> Result<bool, Error> {
        super::delete(self.key(key))
    }

    /// Whether no key has a value.
    pub fn is_empty(&self) -> bool {
        let (start, end) = self.bounds(..);
        super::keys(&start, Some(&end), Order::Ascending, 1).is_empty()
    }

    /// All entries by their keys. What changes meanwhile behind the present one is seen.
    pub fn iter(&self) -> Entries<K, V> {
        self.range(..)
    }

    /// The entries with keys of the range.
    pub fn range(&self, range: impl RangeBounds<K>) -> Entries<K, V> {
        self.entries(self.bounds(range))
    }

    /// The entries whose keys begin so: for `Map<(A, B), V>` those with this `A`.
    pub fn beginning_with<P: Key>(&self, prefix: &P) -> Entries<K, V> {
        let mut start = self.prefix();
        prefix.encode(&mut start);
        let end = behind_all_with(&start);
        self.entries((start, end))
    }

    /// The keys of the range, without fetching values.
    pub fn keys(&self, range: impl RangeBounds<K>) -> Keys<K, V> {
        Keys(self.range(range))
    }

    fn entries(&self, (start, end): (Vec<u8>, Vec<u8>)) -> Entries<K, V> {
        Entries {
            skip: self.prefix().len(),
            start,
            end,
            order: Order::Ascending,
            page: VecDeque::new(),
            is_done: false,
            types: PhantomData,
        }
    }

    fn prefix(&self) -> Vec<u8> {
        [self.name.as_bytes(), &[0]].concat()
    }

    fn key(&self, key: &K) -> Vec<u8> {
        let mut bytes = self.prefix();
        key.encode(&mut bytes);
        bytes
    }

    fn bounds(&self, range: impl RangeBounds<K>) -> (Vec<u8>, Vec<u8>) {
        let behind = |key: &K| behind_all_with(&self.key(key));
        let start = match range.start_bound() {
            Bound::Included(key) => self.key(key),
            Bound::Excluded(key) => behind(key),
            Bound::Unbounded => self.prefix(),
        };
        let end = match range.end_bound() {
            Bound::Included(key) => behind(key),
            Bound::Excluded(key) => self.key(key),
            Bound::Unbounded => behind_all_with(&self.prefix()),
        };
        (start, end)
    }
}

/// The first byte string behind all that begin so. A name is UTF-8, so that not all bytes can be 255.
fn behind_all_with(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while end.pop_if(|byte| *byte == 255).is_some() {}
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

impl<V: Serialize + DeserializeOwned> Item<V> {
    /// The item of this name; see [`Map::new`].
    pub const fn new(name: &'static str) -> Self {
        Self {
            map: Map::new(name),
        }
    }

    /// The value, if there is one.
    pub fn get(&self) -> Result<Option<V>, Error> {
        self.map.get(&())
    }

    /// Sets the value, and says whether there was one.
    pub fn set(&self, value: &V) -> Result<bool, Error> {
        self.map.set(&(), value)
    }

    /// Sets the value that is made from the present one, and returns it.
    pub fn update(&self, change: impl FnOnce(Option<V>) -> V) -> Result<V, Error> {
        self.map.update(&(), change)
    }

    /// Forgets the value, and says whether there was one.
    pub fn remove(&self) -> Result<bool, Error> {
        self.map.remove(&())
    }
}

/// Entries of a [`Map`], fetched page by page.
#[derive(Debug)]
pub struct Entries<K, V> {
    /// The length of the map's name in each key.
    skip: usize,
    /// What is not fetched yet.
    start: Vec<u8>,
    end: Vec<u8>,
    order: Order,
    page: VecDeque<super::Entry>,
    is_done: bool,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: DeserializeOwned> Entries<K, V> {
    /// The same entries from the last to the first. To be said before the first is taken.
    pub fn descending(mut self) -> Self {
        self.order = Order::Descending;
        self
    }

    fn advance(&mut self, fetch: impl FnOnce(&Self) -> Vec<super::Entry>) -> Option<super::Entry> {
        if self.page.is_empty() && !self.is_done && self.start < self.end {
            self.page = fetch(self).into();
            let size = |entry: &super::Entry| entry.key.len() + entry.value.len();
            let bytes: usize = self.page.iter().map(size).sum();
            // A page that its bytes have ended says nothing of what is behind it.
            self.is_done = self.page.len() < PAGE as usize && bytes < SCAN_BYTES_MAX;
            if let Some(last) = self.page.back() {
                match self.order {
                    Order::Ascending => self.start = [&last.key[..], &[0]].concat(),
                    Order::Descending => self.end.clone_from(&last.key),
                }
            }
        }
        self.page.pop_front()
    }

    fn key(&self, bytes: &[u8]) -> Result<K, Error> {
        let mut rest = bytes.get(self.skip..).unwrap_or_default();
        let key = K::decode(&mut rest);
        key.filter(|_| rest.is_empty()).ok_or_else(|| {
            let wanted = std::any::type_name::<K>();
            Error::Malformed(format!("the key {} is no {wanted}", bytes.escape_ascii()))
        })
    }
}

impl<K: Key, V: DeserializeOwned> Iterator for Entries<K, V> {
    type Item = Result<(K, V), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry =
            self.advance(|left| super::scan(&left.start, Some(&left.end), left.order, PAGE))?;
        let key = self.key(&entry.key);
        Some(key.and_then(|key| Ok((key, decode(&entry.value)?))))
    }
}

impl<K: Key, V: Serialize + DeserializeOwned> IntoIterator for &Map<K, V> {
    type IntoIter = Entries<K, V>;
    type Item = Result<(K, V), Error>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Keys of a [`Map`], fetched page by page.
#[derive(Debug)]
pub struct Keys<K, V>(Entries<K, V>);

impl<K: Key, V: DeserializeOwned> Keys<K, V> {
    /// The same keys from the last to the first. To be said before the first is taken.
    pub fn descending(self) -> Self {
        Self(self.0.descending())
    }
}

impl<K: Key, V: DeserializeOwned> Iterator for Keys<K, V> {
    type Item = Result<K, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.0.advance(|left| {
            let keys = super::keys(&left.start, Some(&left.end), left.order, PAGE);
            let entry = |key| super::Entry {
                key,
                value: Vec::new(),
            };
            keys.into_iter().map(entry).collect()
        })?;
        Some(self.0.key(&entry.key))
    }
}
