//! What a node keeps of its calls, so that others can execute them again: see [`weir_receipt::Material`].
//!
//! It is written in the commit that writes the receipt, and kept for a time and up to a size; the oldest goes first.
//! The witness of a call that knew the state is not kept but made when somebody asks, by executing the call once more
//! on the state that it found, which is kept as long.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use weir_identity::{Cid, Hash};
use weir_receipt::Material;

/// How much evidence a node keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvidenceConfig {
    /// For how long, in milliseconds.
    pub keep_ms: u64,
    /// How many bytes, all calls together.
    pub bytes: u64,
}

impl Default for EvidenceConfig {
    /// An hour, 256 MiB.
    fn default() -> Self {
        Self {
            keep_ms: 3_600_000,
            bytes: 256 << 20,
        }
    }
}

/// What is kept of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The request, as the receipt names it.
    pub(crate) request: Hash,
    /// When the call ended, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// The root of the state that it found, if it knew the state.
    pub(crate) state: Option<Hash>,
    /// Everything but the witness.
    pub(crate) material: Material,
}

impl Kept {
    /// `u64 at ‖ (0x00 | 0x01 ‖ root (32)) ‖ material`, integers big endian.
    fn encode(&self) -> Bytes {
        let mut out = self.at_ms.to_be_bytes().to_vec();
        out.push(self.state.is_some().into());
        out.extend(self.state.iter().flat_map(weir_identity::Hash::as_bytes));
        out.extend(self.material.encode());
        out.into()
    }

    /// Reads what the store holds for a request; none if it is anything else.
    pub(crate) fn decode(request: Hash, bytes: &[u8]) -> Option<Self> {
        let (at_ms, state, material) = split(bytes)?;
        Some(Self {
            request,
            at_ms,
            state,
            material: Material::decode(material.to_vec()).ok()?,
        })
    }
}

/// The time, the root and the bytes of the material.
fn split(bytes: &[u8]) -> Option<(u64, Option<Hash>, &[u8])> {
    let (at_ms, rest) = bytes.split_first_chunk::<8>()?;
    let (state, material) = match rest.split_first()? {
        (0, rest) => (None, rest),
        (1, rest) => {
            let (root, rest) = rest.split_first_chunk::<32>()?;
            (Some(Hash::from(*root)), rest)
        }
        _ => return None,
    };
    Some((u64::from_be_bytes(*at_ms), state, material))
}

/// What is known of a kept call without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Indexed {
    /// When the call ended, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// The request, as the receipt names it.
    pub(crate) request: Hash,
    /// Bytes of the value.
    pub(crate) bytes: u64,
    /// The component that was executed.
    pub(crate) component: Cid,
}

impl Indexed {
    /// Of what the store holds for a request; none if it is no evidence.
    pub(crate) fn of(request: Hash, value: &[u8]) -> Option<Self> {
        let (at_ms, _, material) = split(value)?;
        Some(Self {
            at_ms,
            request,
            bytes: value.len() as u64,
            component: Material::component_of(material)?,
        })
    }
}

/// A change of what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EvidenceWrite {
    Put { request: Hash, value: Bytes },
    Delete { request: Hash },
}

/// What takes place beside the value.
const RECORD_BYTES: u64 = 128;

/// So many calls may go for each that comes, and as many more as it takes to make room for twice its bytes: a commit
/// takes time by its own size, and what is kept shrinks as long as it is too much.
const GOING: usize = 4;

/// Which calls are kept, the oldest first.
#[derive(Debug)]
pub(crate) struct Keeper {
    config: EvidenceConfig,
    /// Time, request and bytes.
    order: VecDeque<(u64, Hash, u64)>,
    /// Number of entries in `order` for a request: only the last one counts.
    times: HashMap<Hash, u32>,
    bytes: u64,
}

impl Keeper {
    /// With what the store holds.
    pub(crate) fn restore(config: EvidenceConfig, kept: impl IntoIterator<Item = Indexed>) -> Self {
        let mut order: Vec<_> = kept.into_iter().collect();
        order.sort_by_key(|indexed| indexed.at_ms);
        let mut keeper = Self {
            config,
            order: VecDeque::with_capacity(order.len()),
            times: HashMap::with_capacity(order.len()),
            bytes: 0,
        };
        for indexed in order {
            keeper.add(indexed.at_ms, indexed.request, indexed.bytes);
        }
        keeper
    }

    fn add(&mut self, at: u64, request: Hash, bytes: u64) {
        self.order.push_back((at, request, bytes));
        *self.times.entry(request).or_default() += 1;
        self.bytes += bytes + RECORD_BYTES;
    }

    /// What is to be written for a call, and what has to go.
    pub(crate) fn keep(&mut self, kept: &Kept) -> Vec<EvidenceWrite> {
        let value = kept.encode();
        let mut writes = Vec::with_capacity(2);
        self.add(kept.at_ms, kept.request, value.len() as u64);
        let oldest = kept.at_ms.saturating_sub(self.config.keep_ms);
        let mut room = 2 * (value.len() as u64 + RECORD_BYTES);
        let mut going = 0;
        while going < GOING || room > 0 && self.bytes > self.config.bytes {
            let goes = self.order.front().copied().filter(|(at, _, _)| {
                self.order.len() > 1 && (*at < oldest || self.bytes > self.config.bytes)
            });
            let Some((_, request, bytes)) = goes else {
                break;
            };
            self.order.pop_front();
            self.bytes -= bytes + RECORD_BYTES;
            room = room.saturating_sub(bytes + RECORD_BYTES);
            going += 1;
            if let Some(times) = self.times.get_mut(&request) {
                *times -= 1;
                if *times == 0 {
                    self.times.remove(&request);
                    writes.push(EvidenceWrite::Delete { request });
                }
            }
        }
        writes.push(EvidenceWrite::Put {
            request: kept.request,
            value,
        });
        writes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use weir_identity::{Cid, keccak256};
    use weir_marine::{Limits, World};

    use super::*;

    fn kept(number: u64, at_ms: u64, bytes: usize) -> Kept {
        Kept {
            request: keccak256(&[&number.to_be_bytes()]),
            at_ms,
            state: number.is_multiple_of(2).then_some(Hash::ZERO),
            material: Material {
                component: Cid::of_raw(b"component"),
                service: "service".to_owned(),
                function: "function".to_owned(),
                bounds: Limits::default().bounds(&World::default()),
                call: vec![0; bytes].into(),
                transcript: Bytes::new(),
                witness: None,
            },
        }
    }

    fn apply(store: &mut BTreeMap<Hash, Bytes>, writes: Vec<EvidenceWrite>) {
        for write in writes {
            match write {
                EvidenceWrite::Put { request, value } => {
                    store.insert(request, value);
                }
                EvidenceWrite::Delete { request } => {
                    store.remove(&request);
                }
            }
        }
    }

    #[test]
    fn what_is_kept_is_read_again() {
        for number in 0..2 {
            let kept = kept(number, 7, 10);
            assert_eq!(
                Kept::decode(kept.request, &kept.encode()),
                Some(kept.clone())
            );
            assert_eq!(Kept::decode(kept.request, &kept.encode()[..40]), None);
        }
    }

    #[test]
    fn the_oldest_goes_for_want_of_time_or_room() {
        let config = EvidenceConfig {
            keep_ms: 100,
            bytes: 10_000,
        };
        let mut keeper = Keeper::restore(config, []);
        let mut store = BTreeMap::new();
        for number in 0..1_000 {
            // Some requests come twice: the later one is what counts.
            let kept = kept(number % 700, number, 700);
            apply(&mut store, keeper.keep(&kept));
            assert!(store.contains_key(&kept.request));
            assert!(keeper.bytes <= config.bytes + 2_000, "{}", keeper.bytes);
        }
        // Large ones after many small ones make the room that they take.
        for number in 0..20 {
            let large = kept(2_000 + number, 1_000, 4_000);
            apply(&mut store, keeper.keep(&large));
            assert!(keeper.bytes <= config.bytes + 10_000, "{}", keeper.bytes);
        }
        for number in 0..12 {
            apply(&mut store, keeper.keep(&kept(3_000 + number, 1_000, 10)));
        }
        apply(&mut store, keeper.keep(&kept(4_000, 1_000, 9_000)));
        assert!(keeper.bytes <= config.bytes, "{}", keeper.bytes);
        let all: u64 = store
            .values()
            .map(|value| value.len() as u64 + RECORD_BYTES)
            .sum();
        assert_eq!(all, keeper.bytes);
        // After a restart it goes on alike.
        let late = kept(5_000, 10_000, 700);
        let held = store.iter().map(|(request, value)| {
            let indexed = Indexed::of(*request, value).expect("it was kept");
            assert_eq!(indexed.component, late.material.component);
            indexed
        });
        let mut again = Keeper::restore(config, held);
        assert_eq!(again.bytes, keeper.bytes);
        apply(&mut store, again.keep(&late));
        apply(&mut store, again.keep(&kept(5_001, 10_000, 700)));
        apply(&mut store, again.keep(&kept(5_002, 10_000, 700)));
        apply(&mut store, again.keep(&kept(5_003, 10_000, 700)));
        let times: Vec<u64> = store
            .iter()
            .filter_map(|(request, value)| Some(Kept::decode(*request, value)?.at_ms))
            .collect();
        assert!(times.iter().all(|at| *at == 10_000), "{times:?}");
    }
}
