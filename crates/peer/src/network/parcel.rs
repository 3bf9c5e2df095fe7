//! Packets that wait for an answer.

use std::collections::{BTreeMap, BTreeSet};

use weir_identity::PeerId;

use crate::wire::{Packet, PacketId};

/// A packet here until it is answered or expired.
#[derive(Debug)]
pub(super) struct Parcel {
    pub packet: Packet,
    /// The neighbour it came from; `None` for an own packet.
    pub back: Option<PeerId>,
    /// The neighbour through which it goes.
    pub via: Option<PeerId>,
    /// Neighbours that refused to pass it on.
    pub closed: Vec<PeerId>,
    /// Written on the present connection with `via`.
    pub sent: bool,
    /// Pause before it is sent again.
    pub resend_ms: u64,
}

impl Parcel {
    pub(super) fn is_own(&self) -> bool {
        self.back.is_none()
    }

    pub(super) fn bytes(&self) -> usize {
        self.packet.message.len()
    }
}

/// All parcels, with what is needed to bound and find them.
#[derive(Debug, Default)]
pub(super) struct Parcels {
    by_id: BTreeMap<PacketId, Parcel>,
    by_target: BTreeMap<PeerId, BTreeSet<PacketId>>,
    /// Number and bytes of own parcels by target.
    own_to: BTreeMap<PeerId, (usize, usize)>,
    pub own: usize,
    pub own_bytes: usize,
    pub held: usize,
    pub held_bytes: usize,
    held_for: BTreeMap<PeerId, usize>,
}

impl Parcels {
    pub(super) fn get(&self, id: &PacketId) -> Option<&Parcel> {
        self.by_id.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &PacketId) -> Option<&mut Parcel> {
        self.by_id.get_mut(id)
    }

    pub(super) fn insert(&mut self, parcel: Parcel) {
        let id = parcel.packet.id;
        let target = parcel.packet.target;
        self.remove(&id);
        self.by_target.entry(target).or_default().insert(id);
        if parcel.is_own() {
            self.own += 1;
            self.own_bytes += parcel.bytes();
            let (count, bytes) = self.own_to.entry(target).or_default();
            *count += 1;
            *bytes += parcel.bytes();
        } else {
            self.held += 1;
            self.held_bytes += parcel.bytes();
            *self.held_for.entry(target).or_default() += 1;
        }
        self.by_id.insert(id, parcel);
    }

    pub(super) fn remove(&mut self, id: &PacketId) -> Option<Parcel> {
        let parcel = self.by_id.remove(id)?;
        let target = parcel.packet.target;
        if let Some(ids) = self.by_target.get_mut(&target) {
            ids.remove(id);
            if ids.is_empty() {
                self.by_target.remove(&target);
            }
        }
        if parcel.is_own() {
            self.own -= 1;
            self.own_bytes -= parcel.bytes();
            if let Some((count, bytes)) = self.own_to.get_mut(&target) {
                *count -= 1;
                *bytes -= parcel.bytes();
                if *count == 0 {
                    self.own_to.remove(&target);
                }
            }
        } else {
            self.held -= 1;
            self.held_bytes -= parcel.bytes();
            if let Some(count) = self.held_for.get_mut(&target) {
                *count -= 1;
                if *count == 0 {
                    self.held_for.remove(&target);
                }
            }
        }
        Some(parcel)
    }

    /// All parcels for `target`.
    pub(super) fn for_target(&self, target: &PeerId) -> Vec<PacketId> {
        self.by_target
            .get(target)
            .into_iter()
            .flatten()
            .copied()
            .collect()
    }

    pub(super) fn held_for(&self, target: &PeerId) -> usize {
        self.held_for.get(target).copied().unwrap_or(0)
    }

    /// Number and bytes of own parcels for `target`.
    pub(super) fn own_to(&self, target: &PeerId) -> (usize, usize) {
        self.own_to.get(target).copied().unwrap_or_default()
    }
}
