//! The block that a package is named by.

use std::collections::{BTreeMap, BTreeSet};

use weir_identity::{Cid, Codec, Hash};

use crate::block::Block;
use crate::cbor::{Reader, Writer};
use crate::error::FormatError;
use crate::file::{FileRef, canonical};
use crate::grants::Grants;
use crate::limits::{
    ALIASES_MAX, AQUA_FILES_MAX, BLOCK_BYTES_MAX, NAME_BYTES_MAX, PATH_BYTES_MAX, SCHEDULES_MAX,
    SERVICES_MAX, VERSION_BYTES_MAX,
};
use crate::module_set::module_set_hash;
use crate::name::{check_alias, check_name, check_path, check_version};
use crate::schedule::Schedule;

/// The version of the format.
const FORMAT: u64 = 1;

/// What a package consists of. Whatever its origin, it follows the rules of `docs/package.md`.
#[derive(Clone, Debug, PartialEq)]
pub struct Root {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) services: Vec<Service>,
    pub(crate) aqua: BTreeMap<String, FileRef>,
    pub(crate) schedules: Vec<Schedule>,
}

/// A service of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub(crate) name: String,
    pub(crate) component: FileRef,
    pub(crate) grants: Grants,
    pub(crate) aliases: BTreeSet<String>,
}

impl Service {
    /// Its name, one of a kind in the package.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its component, with the manifest inside.
    pub fn component(&self) -> FileRef {
        self.component
    }

    /// What the deployer grants it, within what its manifest asks for.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Other names by which scripts may call it.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().map(String::as_str)
    }
}

impl Root {
    /// What the package is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version, as semantic versioning has it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Its services in the order in which they are installed.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Its files of Aqua by path.
    pub fn aqua(&self) -> &BTreeMap<String, FileRef> {
        &self.aqua
    }

    /// Its schedules, which nothing runs yet.
    pub fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }

    /// Its files, each once.
    pub fn files(&self) -> BTreeSet<FileRef> {
        let components = self.services.iter().map(|service| service.component);
        components.chain(self.aqua.values().copied()).collect()
    }

    /// Bytes of its files, each counted once.
    pub fn size(&self) -> u64 {
        self.files().iter().map(FileRef::size).sum()
    }

    /// Its blocks, itself included, if no two chunks are the same.
    pub fn blocks(&self) -> u64 {
        1 + self.files().iter().map(FileRef::blocks).sum::<u64>()
    }

    /// The hash by which a deal names this code.
    pub fn module_set_hash(&self) -> Hash {
        module_set_hash(
            self.services
                .iter()
                .map(|service| service.component.content()),
        )
    }

    /// The block with this in it.
    pub fn to_block(&self) -> Result<Block, FormatError> {
        self.check()?;
        let bytes = self.encode();
        if bytes.len() > BLOCK_BYTES_MAX {
            let problem = format!(
                "has {} bytes, at most {BLOCK_BYTES_MAX} are allowed",
                bytes.len()
            );
            return Err(FormatError::new("package", problem));
        }
        Ok(Block::dag_cbor(bytes))
    }

    fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.object(7).text("aqua").list(self.aqua.len());
        for (path, file) in &self.aqua {
            to.object(2).text("file");
            file.write(&mut to);
            to.text("path").text(path);
        }
        to.text("name").text(&self.name);
        to.text("size").uint(self.size());
        to.text("package").uint(FORMAT);
        to.text("version").text(&self.version);
        to.text("services").list(self.services.len());
        for service in &self.services {
            to.object(4).text("name").text(&service.name);
            to.text("grants").value(&service.grants.to_value());
            to.text("aliases").list(service.aliases.len());
            for alias in &service.aliases {
                to.text(alias);
            }
            to.text("component");
            service.component.write(&mut to);
        }
        to.text("schedules").list(self.schedules.len());
        for schedule in &self.schedules {
            to.value(&schedule.to_value());
        }
        to.finish()
    }

    /// Reads exactly what is in the block of a package, and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        if bytes.len() > BLOCK_BYTES_MAX {
            let problem = format!(
                "has {} bytes, at most {BLOCK_BYTES_MAX} are allowed",
                bytes.len()
            );
            return Err(FormatError::new("package", problem));
        }
        let at = "package";
        let mut from = Reader::new(bytes);
        from.object(7, at)?;
        from.key("aqua", at)?;
        let mut aqua = BTreeMap::new();
        for index in 0..from.list(AQUA_FILES_MAX, "aqua")? {
            let at = format!("aqua[{index}]");
            from.object(2, &at)?;
            from.key("file", &at)?;
            let file = FileRef::read(&mut from, &format!("{at}.file"))?;
            from.key("path", &at)?;
            let path = from.text(PATH_BYTES_MAX, &format!("{at}.path"))?;
            aqua.insert(path.to_owned(), file);
        }
        from.key("name", at)?;
        let name = from.text(NAME_BYTES_MAX, "name")?.to_owned();
        from.key("size", at)?;
        let size = from.uint("size")?;
        from.key("package", at)?;
        let format = from.uint("package")?;
        if format != FORMAT {
            let problem = format!("is version {format} of the format, only {FORMAT} is known here");
            return Err(FormatError::new("package", problem));
        }
        from.key("version", at)?;
        let version = from.text(VERSION_BYTES_MAX, "version")?.to_owned();
        from.key("services", at)?;
        let count = from.list(SERVICES_MAX, "services")?;
        let services =
            (0..count).map(|index| read_service(&mut from, &format!("services[{index}]")));
        let services = services.collect::<Result<_, _>>()?;
        from.key("schedules", at)?;
        let mut schedules = Vec::new();
        for index in 0..from.list(SCHEDULES_MAX, "schedules")? {
            let at = format!("schedules[{index}]");
            schedules.push(Schedule::from_value(&from.value(&at)?, &at)?);
        }
        let root = Self {
            name,
            version,
            services,
            aqua,
            schedules,
        };
        root.check()?;
        if size != root.size() {
            let problem = format!("is {size}, but the files have {} bytes", root.size());
            return Err(FormatError::new("size", problem));
        }
        canonical(bytes, &root.encode(), at)?;
        Ok(root)
    }

    /// The rules that do not follow from the types.
    fn check(&self) -> Result<(), FormatError> {
        check_name(&self.name, "name")?;
        check_version(&self.version, "version")?;
        check_count(self.services.len(), SERVICES_MAX, "services")?;
        check_count(self.aqua.len(), AQUA_FILES_MAX, "aqua")?;
        check_count(self.schedules.len(), SCHEDULES_MAX, "schedules")?;
        let mut names = BTreeSet::new();
        for (index, service) in self.services.iter().enumerate() {
            let at = format!("services[{index}]");
            check_name(&service.name, &format!("{at}.name"))?;
            check_count(service.aliases.len(), ALIASES_MAX, &format!("{at}.aliases"))?;
            for alias in &service.aliases {
                check_alias(alias, &format!("{at}.aliases"))?;
            }
            for name in std::iter::once(&service.name).chain(&service.aliases) {
                if !names.insert(name) {
                    let problem =
                        format!("`{name}` stands twice among the names and aliases of services");
                    return Err(FormatError::new(at, problem));
                }
            }
        }
        for path in self.aqua.keys() {
            check_path(path, "aqua.path")?;
        }
        let mut names = BTreeSet::new();
        for (index, schedule) in self.schedules.iter().enumerate() {
            if !names.insert(schedule.name()) {
                let problem = format!("`{}` is the name of two schedules", schedule.name());
                return Err(FormatError::new(
                    format!("schedules[{index}].name"),
                    problem,
                ));
            }
        }
        // One block cannot be two files, as a block that lists chunks says what size and hash they make.
        let blocks: BTreeSet<Cid> = self.files().iter().map(FileRef::block).collect();
        if blocks.len() != self.files().len() {
            return Err(FormatError::new(
                "package",
                "one block stands for two files",
            ));
        }
        Ok(())
    }
}

/// Whether this CID can name a package at all.
pub(crate) fn check_cid(cid: &Cid) -> Result<(), FormatError> {
    match cid.codec() {
        Codec::DagCbor => Ok(()),
        Codec::Raw => Err(FormatError::new(
            "package",
            "its CID is that of a raw file (bafkrei…), a package begins with bafyrei",
        )),
    }
}

fn read_service(from: &mut Reader<'_>, at: &str) -> Result<Service, FormatError> {
    from.object(4, at)?;
    from.key("name", at)?;
    let name = from.text(NAME_BYTES_MAX, &format!("{at}.name"))?.to_owned();
    from.key("grants", at)?;
    let grants_at = format!("{at}.grants");
    let grants = Grants::read(&from.value(&grants_at)?, &grants_at)?;
    from.key("aliases", at)?;
    let aliases_at = format!("{at}.aliases");
    let mut aliases = BTreeSet::new();
    for _ in 0..from.list(ALIASES_MAX, &aliases_at)? {
        aliases.insert(from.text(NAME_BYTES_MAX, &aliases_at)?.to_owned());
    }
    from.key("component", at)?;
    let component = FileRef::read(from, &format!("{at}.component"))?;
    Ok(Service {
        name,
        component,
        grants,
        aliases,
    })
}

fn check_count(count: usize, max: usize, at: &str) -> Result<(), FormatError> {
    if count <= max {
        return Ok(());
    }
    Err(FormatError::new(
        at,
        format!("has {count} items, at most {max} are allowed"),
    ))
}
