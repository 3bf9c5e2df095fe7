//! From files to blocks.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use weir_identity::Cid;

use crate::block::Block;
use crate::error::FormatError;
use crate::file::{FileRef, split};
use crate::grants::Grants;
use crate::root::{Root, Service};
use crate::schedule::Schedule;

/// Collects what belongs into a package. The same parts give the same blocks, whatever the order of files of Aqua;
/// services are installed in the order in which they are added.
#[derive(Debug)]
pub struct Builder {
    root: Root,
    blocks: BTreeMap<Cid, Block>,
}

/// A package as blocks.
#[derive(Clone, Debug)]
pub struct Built {
    root: Root,
    cid: Cid,
    blocks: Vec<Block>,
}

impl Builder {
    /// A package without content.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            root: Root {
                name: name.into(),
                version: version.into(),
                services: Vec::new(),
                aqua: BTreeMap::new(),
                schedules: Vec::new(),
            },
            blocks: BTreeMap::new(),
        }
    }

    /// Adds a service: its component, what the deployer grants it, and other names for it.
    pub fn service(
        &mut self,
        name: &str,
        component: impl Into<Bytes>,
        grants: Grants,
        aliases: impl IntoIterator<Item = String>,
    ) -> Result<&mut Self, FormatError> {
        let component = self.file(&component.into(), &format!("services.{name}.component"))?;
        let mut distinct = BTreeSet::new();
        for alias in aliases {
            if distinct.contains(&alias) {
                let problem = format!("`{alias}` stands there twice");
                return Err(FormatError::new(
                    format!("services.{name}.aliases"),
                    problem,
                ));
            }
            distinct.insert(alias);
        }
        self.root.services.push(Service {
            name: name.to_owned(),
            component,
            grants,
            aliases: distinct,
        });
        Ok(self)
    }

    /// Adds a file of Aqua.
    pub fn aqua(&mut self, path: &str, text: impl Into<Bytes>) -> Result<&mut Self, FormatError> {
        let at = format!("aqua.{path}");
        if self.root.aqua.contains_key(path) {
            return Err(FormatError::new(at, "stands there twice"));
        }
        let file = self.file(&text.into(), &at)?;
        self.root.aqua.insert(path.to_owned(), file);
        Ok(self)
    }

    /// Adds a schedule. Packages with schedules can be kept and passed on, but not deployed yet.
    pub fn schedule(&mut self, schedule: Schedule) -> &mut Self {
        self.root.schedules.push(schedule);
        self
    }

    /// The blocks.
    pub fn build(self) -> Result<Built, FormatError> {
        let root = self.root.to_block()?;
        let cid = root.cid();
        // In the order of CIDs, lists come after chunks.
        let below = self.blocks.into_values().rev();
        Ok(Built {
            root: self.root,
            cid,
            blocks: std::iter::once(root).chain(below).collect(),
        })
    }

    fn file(&mut self, bytes: &Bytes, at: &str) -> Result<FileRef, FormatError> {
        let (file, blocks) = split(bytes, at)?;
        let named = blocks.into_iter().map(|block| (block.cid(), block));
        self.blocks.extend(named);
        Ok(file)
    }
}

impl Built {
    /// The name of the package.
    pub fn cid(&self) -> Cid {
        self.cid
    }

    /// What it consists of.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Its blocks, each once, what links before what is linked: in a store that gets them in this order, each block is
    /// reached from the pinned root.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}
