use std::collections::BTreeMap;

use bytes::Bytes;
use weir_identity::Cid;

use crate::root::Root;

/// A package that is here as a whole; every byte of it was verified.
#[derive(Clone, Debug)]
pub struct Package {
    pub(crate) cid: Cid,
    pub(crate) root: Root,
    /// By the CID of the whole content.
    pub(crate) files: BTreeMap<Cid, Bytes>,
}

impl Package {
    /// Its name.
    pub fn cid(&self) -> Cid {
        self.cid
    }

    /// What it consists of.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The services with their components, in the order in which they are installed.
    pub fn components(&self) -> impl Iterator<Item = (&crate::Service, &Bytes)> {
        let services = self.root.services().iter();
        services
            .filter_map(|service| Some((service, self.files.get(&service.component().content())?)))
    }

    /// The files of Aqua by path.
    pub fn aqua(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        let files = self.root.aqua().iter();
        files.filter_map(|(path, file)| Some((path.as_str(), self.files.get(&file.content())?)))
    }
}
