//! The document in which a key rests.
