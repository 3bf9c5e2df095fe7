//! What happens to a chain, for those who watch it.

use std::sync::Arc;

use crate::block::Block;
use crate::pool::Waiting;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// There is a new newest block.
    Head(Arc<Block>),
    /// The newest block is gone.
    Removed(Arc<Block>),
    /// A transaction was taken.
    Waiting(Waiting),
}
