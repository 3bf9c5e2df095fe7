//! The durable store of one simulated peer.

use std::collections::BTreeMap;

use weir_peer::{Batch, Write};

/// An ordered key-value store that survives a crash: what was applied is
/// there, what was not is lost.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    records: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Disk {
    /// Makes all writes of a batch.
    pub fn apply(&mut self, batch: Batch) {
        for write in batch.writes {
            match write {
                Write::Put { key, value } => {
                    self.records.insert(key, value);
                }
                Write::Delete { key } => {
                    self.records.remove(&key);
                }
                Write::DeletePrefix { prefix } => {
                    let keys: Vec<Vec<u8>> =
                        self.below(&prefix).map(|(key, _)| key.clone()).collect();
                    for key in keys {
                        self.records.remove(&key);
                    }
                }
            }
        }
    }

    /// All records, in key order.
    pub fn records(&self) -> impl Iterator<Item = (&Vec<u8>, &Vec<u8>)> {
        self.records.iter()
    }

    /// The records whose key begins with `prefix`, in key order.
    pub fn below<'a>(
        &'a self,
        prefix: &'a [u8],
    ) -> impl Iterator<Item = (&'a Vec<u8>, &'a Vec<u8>)> {
        let from = self.records.range::<[u8], _>((
            std::ops::Bound::Included(prefix),
            std::ops::Bound::Unbounded,
        ));
        from.take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// Forgets everything: the disk was replaced.
    pub fn wipe(&mut self) {
        self.records.clear();
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use weir_peer::{Batch, Write};

    use super::Disk;

    fn put(key: &str) -> Write {
        Write::Put {
            key: key.into(),
            value: b"v".to_vec(),
        }
    }

    #[test]
    fn a_prefix_is_deleted_with_all_below_it_and_nothing_else() {
        let mut disk = Disk::default();
        disk.apply(Batch {
            writes: ["a", "ab", "abc", "b"].map(put).into(),
        });
        disk.apply(Batch {
            writes: vec![Write::DeletePrefix {
                prefix: b"ab".to_vec(),
            }],
        });
        let left: Vec<&[u8]> = disk.records().map(|(key, _)| key.as_slice()).collect();
        assert_eq!(left, [b"a", b"b"]);
    }
}
