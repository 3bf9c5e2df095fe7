//! Where nodes end: from the changed tree to the nodes that are new.

use bytes::Bytes;
use weir_identity::Hash;

use super::commit::{Part, Work};
use super::node::{LIGHT_BYTES_MAX, Piece, encode, parts_nodes};
use super::nodes::{NodeKey, Nodes};

/// The nodes of the tree that its old root did not have. Marks the fetched ones that became part of others.
pub(crate) fn nodes<N: Nodes>(work: &mut Work<'_, N>, topmost: Hash) -> Vec<(Hash, Bytes)> {
    let mut new = Vec::new();
    let mut tops: Vec<Part> = work.top.into_iter().collect();
    while let Some(top) = tops.pop() {
        if stays(work, top) {
            continue;
        }
        let (parts, merged) = collect(work, top, &mut tops);
        for node in merged {
            work.fetched[node as usize].dropped = true;
        }
        // What is not the topmost of all is a branch.
        let hash = match work.piece(top) {
            Piece::Branch(_, hash) => hash,
            Piece::Link(key) => key.hash,
            Piece::Entry(..) => topmost,
        };
        let pieces = parts
            .iter()
            .map(|(part, link)| match (work.piece(*part), link) {
                (Piece::Branch(_, hash), true) => Piece::Link(NodeKey {
                    version: version(work, *part),
                    hash,
                }),
                (piece, _) => piece,
            });
        new.push((hash, Bytes::from(encode(pieces))));
    }
    new
}

/// The version of the node with this top.
pub(crate) fn version<N: Nodes>(work: &Work<'_, N>, top: Part) -> u64 {
    stored_version(work, top).unwrap_or(work.versions.next)
}

/// Whether the store has this node already.
fn stays<N: Nodes>(work: &Work<'_, N>, top: Part) -> bool {
    stored_version(work, top).is_some()
}

fn stored_version<N: Nodes>(work: &Work<'_, N>, top: Part) -> Option<u64> {
    if let Piece::Link(key) = work.piece(top) {
        return Some(key.version);
    }
    let node = &work.fetched[work.is_top_of(top)? as usize];
    (!node.dropped).then_some(node.key.version)
}

/// The parts of the node with this top in pre-order, each with whether it is a link; and the fetched nodes that become
/// part of it. The tops of the nodes below it are added to `tops`.
fn collect<N: Nodes>(
    work: &Work<'_, N>,
    top: Part,
    tops: &mut Vec<Part>,
) -> (Vec<(Part, bool)>, Vec<u32>) {
    let mut parts = Vec::new();
    let mut merged = Vec::new();
    let mut open = vec![(top, Above::Nothing)];
    while let Some((part, above)) = open.pop() {
        let mut inside = above;
        if let Piece::Branch(bit, _) = work.piece(part) {
            inside = match above {
                Above::Branch(above) if parts_nodes(above, bit) => {
                    if !is_light(work, part) {
                        parts.push((part, true));
                        tops.push(part);
                        continue;
                    }
                    Above::Light
                }
                Above::Nothing | Above::Branch(_) => Above::Branch(bit),
                Above::Light => Above::Light,
            };
        }
        if !parts.is_empty() {
            merged.extend(work.is_top_of(part));
        }
        parts.push((part, false));
        if let Some([left, right]) = work.children(part) {
            open.push((right, inside));
            open.push((left, inside));
        }
    }
    (parts, merged)
}

/// What is above a part within its node.
#[derive(Clone, Copy)]
enum Above {
    Nothing,
    Branch(u16),
    /// A light subtree: all below it is light as well.
    Light,
}

/// Whether a subtree stays in the node above it. Looks at no more than fits.
fn is_light<N: Nodes>(work: &Work<'_, N>, part: Part) -> bool {
    let mut left = LIGHT_BYTES_MAX;
    let mut open = vec![part];
    while let Some(part) = open.pop() {
        let weight = work.piece(part).weight();
        match weight.and_then(|weight| left.checked_sub(weight)) {
            Some(rest) => left = rest,
            None => return false,
        }
        open.extend(work.children(part).into_iter().flatten());
    }
    true
}
