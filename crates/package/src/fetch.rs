//! The assembler of a package: it says which block to ask whom for, and takes what comes. It does no input or output.

mod drive;

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use weir_identity::Cid;

use crate::error::{FetchError, FormatError, SourceError};
use crate::file::{ChunkList, FileRef};
use crate::limits::{BLOCK_BYTES_MAX, Limits};
use crate::package::Package;
use crate::root::{Root, check_cid};
use crate::sources::Sources;

pub use drive::fetch;

/// What to ask of whom. It is answered once, by [`Fetch::provide`] or [`Fetch::failed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The block.
    pub cid: Cid,
    /// The number of the source in the list, from 0.
    pub source: usize,
    /// The most bytes to read.
    pub bytes_max: usize,
}

/// What became of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are the block and belong to the package; they are worth keeping.
    Accepted,
    /// They are not those of the CID. The source is not asked any more.
    Wrong,
    /// Nobody waits for them.
    Unasked,
}

/// How far a fetch is. Totals are unknown before the root is here, and shrink when chunks turn out to be the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Blocks that are here.
    pub blocks: u64,
    /// All blocks.
    pub blocks_total: Option<u64>,
    /// Bytes of files that are here.
    pub bytes: u64,
    /// Bytes of all files.
    pub bytes_total: Option<u64>,
}

/// What a block has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Root,
    List(FileRef),
    /// With its length in bytes.
    Chunk(u64),
}

/// A package on its way. Three levels at most: the root, lists of chunks, chunks.
#[derive(Debug)]
pub struct Fetch {
    cid: Cid,
    limits: Limits,
    sources: Sources,
    roles: HashMap<Cid, Role>,
    pending: VecDeque<Cid>,
    in_flight: HashMap<Cid, usize>,
    held: HashMap<Cid, Bytes>,
    root: Option<Root>,
    /// By the block of the list.
    lists: HashMap<Cid, ChunkList>,
    progress: Progress,
}

impl Fetch {
    /// Begins with the root. Fails at once if the CID cannot be that of a package.
    pub fn new(cid: Cid, limits: Limits, sources: Sources) -> Result<Self, FetchError> {
        check_cid(&cid).map_err(|problem| FetchError::NotAPackage { cid, problem })?;
        Ok(Self {
            cid,
            limits,
            sources: sources.with_strikes(limits.strikes),
            roles: HashMap::from([(cid, Role::Root)]),
            pending: VecDeque::from([cid]),
            in_flight: HashMap::new(),
            held: HashMap::new(),
            root: None,
            lists: HashMap::new(),
            progress: Progress::default(),
        })
    }

    /// Takes what is here already, as far as it leads: at the beginning, and after each block that links to others. `held` gives verified blocks; others are ignored.
    pub fn resume(
        &mut self,
        mut held: impl FnMut(&Cid) -> Option<Bytes>,
    ) -> Result<(), FetchError> {
        let mut absent = VecDeque::new();
        while let Some(cid) = self.pending.pop_front() {
            match held(&cid).filter(|bytes| cid.names(bytes)) {
                Some(bytes) => self.accept(cid, bytes)?,
                None => absent.push_back(cid),
            }
        }
        self.pending = absent;
        Ok(())
    }

    /// The requests that may be sent now, as many as the window has room for. Fails when there is nobody left to ask.
    pub fn want(&mut self) -> Result<Vec<Request>, FetchError> {
        let mut requests = Vec::new();
        while self.in_flight.len() < self.limits.window.max(1) {
            let Some(cid) = self.pending.pop_front() else {
                break;
            };
            let Some(source) = self.sources.next(&cid) else {
                let attempts = self.sources.attempts(&cid);
                self.pending.push_front(cid);
                return Err(FetchError::Unavailable {
                    package: self.cid,
                    cid,
                    attempts,
                });
            };
            self.in_flight.insert(cid, source);
            requests.push(Request {
                cid,
                source,
                bytes_max: self.bytes_max(&cid),
            });
        }
        Ok(requests)
    }

    /// Takes the answer to a request. Fails if the block, although it is the right one, shows that this is no package,
    /// or one that is too large.
    pub fn provide(&mut self, request: &Request, bytes: Bytes) -> Result<Verdict, FetchError> {
        if self.in_flight.get(&request.cid) != Some(&request.source) {
            return Ok(Verdict::Unasked);
        }
        self.in_flight.remove(&request.cid);
        if bytes.len() > BLOCK_BYTES_MAX || !request.cid.names(&bytes) {
            self.sources.wrong(request.cid, request.source);
            self.pending.push_front(request.cid);
            return Ok(Verdict::Wrong);
        }
        self.sources.answered(request.source);
        self.accept(request.cid, bytes)?;
        Ok(Verdict::Accepted)
    }

    /// Takes note that a request was in vain; the next source is asked.
    pub fn failed(&mut self, request: &Request, why: &SourceError) {
        if self.in_flight.get(&request.cid) == Some(&request.source) {
            self.in_flight.remove(&request.cid);
            self.sources.failed(request.cid, request.source, why);
            self.pending.push_front(request.cid);
        }
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// What is known about the sources.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The root, once it is here: what a node checks before it spends traffic on the rest.
    pub fn root(&self) -> Option<&Root> {
        self.root.as_ref()
    }

    /// Whether every block is here.
    pub fn is_complete(&self) -> bool {
        self.root.is_some() && self.pending.is_empty() && self.in_flight.is_empty()
    }

    /// The package. Fails if blocks are missing, or if chunks do not make the file that the package names.
    pub fn finish(mut self) -> Result<Package, FetchError> {
        let root = self.root.take();
        let missing = |cid| FetchError::Unavailable {
            package: self.cid,
            cid,
            attempts: self.sources.attempts(&cid),
        };
        let root = root.ok_or_else(|| missing(self.cid))?;
        let mut files = BTreeMap::new();
        for file in root.files() {
            let block = |cid: Cid| self.held.get(&cid).ok_or_else(|| missing(cid));
            let bytes = match self.lists.get(&file.block()) {
                None => block(file.block())?.clone(),
                Some(list) => {
                    let mut whole = Vec::with_capacity(file.size() as usize);
                    for (chunk, _) in list.chunks() {
                        whole.extend_from_slice(block(chunk)?);
                    }
                    whole.into()
                }
            };
            if !file.content().names(&bytes) {
                let problem = format!(
                    "its chunks are {}, not {}",
                    Cid::of_raw(&bytes),
                    file.content()
                );
                return Err(FetchError::NotAPackage {
                    cid: file.block(),
                    problem: FormatError::new("file.sha256", problem),
                });
            }
            files.insert(file.content(), bytes);
        }
        Ok(Package {
            cid: self.cid,
            root,
            files,
        })
    }

    /// Takes a verified block.
    fn accept(&mut self, cid: Cid, bytes: Bytes) -> Result<(), FetchError> {
        let not_a_package = |problem| FetchError::NotAPackage { cid, problem };
        match self.roles.get(&cid).copied() {
            None => return Ok(()),
            Some(Role::Root) => {
                let root = Root::decode(&bytes).map_err(not_a_package)?;
                self.check_limits(&root)?;
                self.progress.blocks_total = Some(root.blocks());
                self.progress.bytes_total = Some(root.size());
                for file in root.files() {
                    let role = if file.has_list() {
                        Role::List(file)
                    } else {
                        Role::Chunk(file.size())
                    };
                    self.expect(file.block(), role).map_err(not_a_package)?;
                }
                self.root = Some(root);
            }
            Some(Role::List(file)) => {
                let list = ChunkList::decode_for(&file, &bytes).map_err(not_a_package)?;
                for (chunk, size) in list.chunks() {
                    self.expect(chunk, Role::Chunk(size))
                        .map_err(not_a_package)?;
                }
                self.lists.insert(cid, list);
            }
            Some(Role::Chunk(size)) => {
                let found = bytes.len() as u64;
                if found != size {
                    let problem = format!("is {found} bytes, but {size} belong there");
                    return Err(not_a_package(FormatError::new("chunk", problem)));
                }
                self.progress.bytes += size;
            }
        }
        self.progress.blocks += 1;
        self.held.insert(cid, bytes);
        Ok(())
    }

    /// Makes a block part of the package. One block can stand in several places, if it is the same there.
    fn expect(&mut self, cid: Cid, role: Role) -> Result<(), FormatError> {
        match self.roles.insert(cid, role) {
            None => self.pending.push_back(cid),
            Some(known) if known == role => {
                if let (
                    Role::Chunk(size),
                    Progress {
                        blocks_total: Some(blocks),
                        bytes_total: Some(bytes),
                        ..
                    },
                ) = (role, &mut self.progress)
                {
                    *blocks -= 1;
                    *bytes -= size;
                }
            }
            Some(_) => {
                let problem = format!("{cid} stands in two places that do not agree what it is");
                return Err(FormatError::new("package", problem));
            }
        }
        Ok(())
    }

    fn check_limits(&self, root: &Root) -> Result<(), FetchError> {
        let checks = [
            ("bytes", root.size(), self.limits.bytes),
            ("blocks", root.blocks(), self.limits.blocks),
        ];
        match checks
            .into_iter()
            .find(|(_, found, allowed)| found > allowed)
        {
            None => Ok(()),
            Some((what, found, allowed)) => Err(FetchError::TooLarge {
                package: self.cid,
                what,
                found,
                allowed,
            }),
        }
    }

    /// A source that sends more than is expected is cut off early.
    fn bytes_max(&self, cid: &Cid) -> usize {
        match self.roles.get(cid) {
            Some(Role::Chunk(size)) => *size as usize,
            _ => BLOCK_BYTES_MAX,
        }
    }
}
