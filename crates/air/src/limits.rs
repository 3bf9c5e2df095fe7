//! How large a script may be.

/// Bounds on a script. Whatever exceeds one is refused with a diagnostic that
/// names the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of the text in bytes. Never more than 4 GiB, whatever is set here.
    pub bytes: usize,
    /// Instructions, operands and lens accessors together. It bounds the memory
    /// of the tree, at most about 150 bytes for each.
    pub nodes: usize,
    /// How deep instructions may be nested.
    pub depth: usize,
}

/// What a peer of the network accepts: a script that passes here runs there.
impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 8 << 20,
            nodes: 1_000_000,
            depth: 100_000,
        }
    }
}
