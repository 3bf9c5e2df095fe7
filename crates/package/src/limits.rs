//! Every bound of the format, and the limits that whoever fetches may narrow.

/// The bytes of a chunk, and the most bytes of any block. Every IPFS node takes blocks of this size.
pub const BLOCK_BYTES_MAX: usize = 256 << 10;

/// The most bytes of a file.
pub const FILE_BYTES_MAX: u64 = 256 << 20;

/// The most services of a package.
pub const SERVICES_MAX: usize = 64;

/// The most aliases of a service.
pub const ALIASES_MAX: usize = 16;

/// The most interfaces that a service asks for.
pub const GRANTS_MAX: usize = 32;

/// The most hosts, methods or programs that one grant names.
pub const GRANT_ITEMS_MAX: usize = 64;

/// The most files of Aqua.
pub const AQUA_FILES_MAX: usize = 256;

/// The most schedules of a package.
pub const SCHEDULES_MAX: usize = 64;

/// The most bytes of the name of a package, service, alias or schedule.
pub const NAME_BYTES_MAX: usize = 64;

/// The most bytes of the path of a file.
pub const PATH_BYTES_MAX: usize = 200;

/// The most bytes of a version.
pub const VERSION_BYTES_MAX: usize = 64;

/// What a fetch may cost at most. The block at the root says how much it is going to be, so that a package which is
/// too large is refused after one block.
///
/// The depth of a package needs no limit: its format has three levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together. A fetch holds that much in memory, and twice at its end, when chunks become files.
    pub bytes: u64,
    /// Blocks, with those that list chunks.
    pub blocks: u64,
    /// Blocks that are asked for at the same time; at least 1.
    pub window: usize,
    /// Failures of a source without an answer in between after which it is not asked any more; at least 1. That it
    /// does not have a block is an answer.
    pub strikes: u32,
}

impl Default for Limits {
    /// 128 MiB in 8,192 blocks, 8 at a time; 3 failures.
    fn default() -> Self {
        Self {
            bytes: 128 << 20,
            blocks: 8192,
            window: 8,
            strikes: 3,
        }
    }
}
