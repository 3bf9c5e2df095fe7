//! Which packets were acknowledged.

use std::collections::BTreeMap;

use weir_identity::PeerId;
use weir_peer::wire::{Frame, Packet, PacketId};

use super::NodeId;

/// Follows the frames that are sent.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: BTreeMap<PacketId, Packet>,
    acknowledged: Vec<(NodeId, Packet)>,
}

impl Ledger {
    /// `node`, whose id is `me`, sends a frame.
    pub(super) fn observe(&mut self, node: NodeId, me: &PeerId, frame: Frame) {
        match frame {
            Frame::Packet(packet) if packet.id.origin == *me => {
                self.open.insert(packet.id, packet);
            }
            Frame::Answer(answer) if answer.from == *me && answer.outcome.is_ok() => {
                if let Some(packet) = self.open.remove(&answer.packet) {
                    self.acknowledged.push((node, packet));
                }
            }
            _ => {}
        }
    }

    pub(super) fn acknowledged(&self) -> &[(NodeId, Packet)] {
        &self.acknowledged
    }
}
