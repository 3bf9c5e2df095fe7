//! The state of one service: an ordered map from byte strings to byte strings under one root hash.
//!
//! A [`Tree`] is a view of one root. A [`Transaction`] on it sees its own writes and [commits](Transaction::commit)
//! to a new root, together with the nodes that are new and those that the old root alone needed. A [`Recorder`] notes
//! what a transaction touches; its [`Witness`] is enough to run the same transaction again elsewhere and to come to
//! the same root, or to prove what a key holds, that it is absent, or what a range contains.
//!
//! ```
//! use weir_receipt::state::{KeyRange, Limits, MemoryNodes, Order, Recorder, Root, Transaction, Tree, Witness};
//!
//! let mut nodes = MemoryNodes::default();
//! let mut transaction = Transaction::new(Tree::new(Root::EMPTY, &nodes), Limits::default());
//! transaction.set(b"cat", b"3".as_slice())?;
//! transaction.set(b"dog", b"5".as_slice())?;
//! let commit = transaction.commit()?;
//! nodes.apply(&commit);
//!
//! // A call reads and writes; whoever has only its witness comes to the same root.
//! let call = |root, nodes: &dyn weir_receipt::state::Nodes| {
//!     let mut transaction = Transaction::new(Tree::new(root, nodes), Limits::default());
//!     let cats = transaction.get(b"cat")?.map_or(0, |value| value.len());
//!     transaction.set(b"cats", vec![0; cats])?;
//!     transaction.commit()
//! };
//! let recorder = Recorder::new(&nodes);
//! let done = call(commit.root, &recorder)?;
//! let bytes = recorder.witness(&commit.root)?;
//!
//! let witness = Witness::decode(bytes, 1 << 20)?;
//! witness.proves(&commit.root.hash())?;
//! assert_eq!(call(*witness.root(), &witness)?.root, done.root);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Structure
//! The tree is a binary Patricia trie (a crit-bit tree) over the bits of the keys. A byte of a key counts as nine
//! bits, first a 1 ("there is a byte"), then its eight bits, the highest first; the end of a key counts as a 0. In
//! these bits no key is a prefix of another, and their order is the order of the bytes. A *branch* is where keys part:
//! it names the bit, has those with a 0 to its left and those with a 1 to its right, and the keys below it agree in
//! all earlier bits. An *entry* is a key and what it holds. Hashes are keccak-256, integers in them big endian:
//! ```text
//! value  = H(0x00 ‖ value)
//! entry  = H(0x01 ‖ u16 key length ‖ key ‖ u32 value length ‖ (the value if it has at most 32 bytes, else value))
//! branch = H(0x02 ‖ u16 bit ‖ left ‖ right)
//! root   = H(0x03 ‖ u64 entries ‖ u64 bytes ‖ (topmost branch or entry, zeros if there is none))
//! ```
//! What a service uses ([`Root::entries`], [`Root::bytes`]) is thereby signed with its root and quotas can be checked
//! by anybody, for one permutation per commit and no bytes in the paths of a witness.
//!
//! ## Why this one
//! - The shape follows from the set of keys alone: no history, no rotations, no boundaries by hashes. A change touches
//!   one path, an insertion adds one branch to it, a deletion removes one, and neither looks at a sibling. So what a
//!   witness must hold is what the walk saw.
//! - A branch is one permutation. Over random keys the path has log₂ n + 0.33 branches on average and hardly more than
//!   log₂ n + √(2 log₂ n) at most: about 21 and 27 for a million. Treaps have 27 and 54.
//! - Absence is proven by one path: the walk by the bits of a missing key ends at an entry with another key.
//! - Keys cannot be ground. The path of a key of L bytes has at most 9 L branches, each of which is there because
//!   some stored key parts from it in that bit; so whoever wants to make the path of a key longer by one must store one
//!   more key. A test builds the worst that can be done to a key of 256 bytes: a change of it takes 5,771 permutations
//!   and rewrites 159 kB; to one of 16 bytes a sixteenth of that. In trees whose shape comes from hashes of keys, a chain
//!   of d levels costs d² hashes off line and there is no end; and no shape without history can avoid both.
//!
//! # Nodes
//! A store does not keep branches one by one but *nodes*, each the upper part of a subtree, known by the hash of its
//! topmost branch. A node ends where the next half byte of the keys begins, except that a subtree of at most
//! [`node::LIGHT_BYTES_MAX`] bytes stays in the node above it. So a node has at most 17 ends and
//! [`NODE_BYTES_MAX`] bytes, what is in it follows from the entries as well (all but the versions of what is below it),
//! and a random key among a million is five or six nodes deep. Nodes keep the hashes of their branches, so that a change hashes one path. Where nodes end is not
//! signed: a witness is cut wherever the walk did not go.
//!
//! Values of more than [`VALUE_INLINE_MAX`] bytes are kept apart, known by the hash of their entry: no two keys
//! share one, and a node or a value occurs once in a tree.
//!
//! # How a store keeps old roots
//! Nodes and values are immutable. Keep them under service, version and hash ([`NodeKey`]): the version is the number
//! of the commit that made them, and the links in nodes have it. So what was made together stands together in a store
//! of ordered keys, and most of what is dropped was made not long ago; under hashes alone each node of a commit would
//! be somewhere else. With commit number c write [`Commit::nodes`] and [`Commit::values`] under the version c, and the
//! list of [`Commit::dropped_nodes`] and [`Commit::dropped_values`] under (service, c). All this, the new [`Root`] and
//! its [`Commit::top_version`] are one transaction. The root before c can be read as long as the list of c is there.
//! When it shall be forgotten, oldest first, delete what the list names, then the list. A node that comes back because
//! the state came back to what it had been is made anew, under its new version.

mod commit;
mod error;
mod hashing;
mod key;
mod layout;
mod merged;
pub mod node;
mod nodes;
mod recorder;
mod root;
mod scan;
mod transaction;
mod tree;
mod verify;
mod witness;

pub use crate::wire::Malformed;
pub use commit::Commit;
pub use error::{NodesError, StateError};
pub use key::{KEY_BYTES_MAX, KeyRange};
pub use merged::Merged;
pub use node::{NODE_BYTES_MAX, Node, VALUE_INLINE_MAX};
pub use nodes::{MemoryNodes, NodeKey, Nodes, Versions, Visit};
pub use recorder::Recorder;
pub use root::Root;
pub use scan::{Entries, Keys, Order};
pub use transaction::{Limits, Transaction, VALUE_BYTES_MAX};
pub use tree::Tree;
pub use witness::{ProofError, Witness};
