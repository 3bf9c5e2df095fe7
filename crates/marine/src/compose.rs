//! Several components become one: the facade, with its imports served by other parts.
//!
//! What a part imports and no other part serves stays an import of the result, which has one import for each
//! interface however many parts use it. A right that one part has would so become the right of all. Therefore a part
//! that imports something of the host without a grant of its own gets a component plugged into that import whose
//! functions trap ([`stub`]); the composer decides this from the imports of each part, before anything is composed.
//!
//! The same parts and the same manifest give the same bytes, with the same version of this crate.

mod fault;
mod graph;
mod linked;
mod part;
mod stub;
mod wires;

use std::collections::{BTreeMap, BTreeSet};

use weir_identity::Cid;

use crate::error::Error;
use crate::interface::{Class, track};
use crate::linked::LINKED_SECTION;
use crate::manifest::{Manifest, PartSource, embed};
use crate::sections::find;

pub use fault::ComposeError;
use linked::Parts;
pub(crate) use part::Component;
use wires::Wires;

/// A composed service.
#[derive(Debug, Clone)]
pub struct Composed {
    /// The bytes of the component, with the manifest inside.
    pub component: Vec<u8>,
    /// The CID of these bytes.
    pub cid: Cid,
    /// The manifest that is inside, which names the parts by their CIDs.
    pub manifest: Manifest,
    /// What each part imports, and who serves it.
    pub parts: BTreeMap<String, Vec<PartImport>>,
}

/// An import of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartImport {
    /// The name, as WIT spells it.
    pub name: String,
    /// What it means for executing a call again.
    pub class: Class,
    /// Where its functions come from.
    pub served: Served,
}

/// Who serves an import of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// Another part, in the same component.
    Part(String),
    /// Another part, which is linked through the host.
    Linked(String),
    /// The host: it is an import of the composed component as well.
    Host,
    /// Nobody: the part has no grant of it, and its functions trap. (WASI's list of open folders is empty instead,
    /// since every program asks for it.)
    Denied,
}

/// Composes the parts of a manifest. `parts` holds the bytes of each component under the name of the part.
///
/// An import is served by the part that `[wiring]` names, else by the only other part that exports a compatible
/// interface, else by the host. A manifest with one part goes the same way.
pub fn compose(manifest: &Manifest, parts: &BTreeMap<String, Vec<u8>>) -> Result<Composed, Error> {
    agree(manifest)?;
    let components = components(manifest, parts)?;
    let wires = Wires::lay(manifest, &components)?;
    let granted: BTreeSet<String> = manifest
        .grants()
        .iter()
        .map(|(interface, _)| interface.to_owned())
        .collect();
    let mut served = BTreeMap::new();
    let mut stubs = BTreeMap::new();
    for (name, part) in &manifest.parts {
        let component = &components[name];
        let imports: Vec<PartImport> = component
            .needs
            .iter()
            .map(|import| {
                // What one part is granted, no other part gets for nothing, whatever it is.
                let restricted = matches!(Class::of(import), Class::State | Class::Recorded)
                    || crate::grants::grant_name(import)
                        .is_some_and(|name| granted.contains(&name));
                let served = match wires.provider(name, import) {
                    Some((provider, _)) if manifest.parts[provider].linked().is_some() => {
                        Served::Linked(provider.to_owned())
                    }
                    Some((provider, _)) => Served::Part(provider.to_owned()),
                    None if restricted && part.grants.policy(import).is_none() => Served::Denied,
                    None => Served::Host,
                };
                PartImport {
                    name: import.clone(),
                    class: Class::of(import),
                    served,
                }
            })
            .collect();
        let denied: Vec<&str> = imports
            .iter()
            .filter(|import| import.served == Served::Denied)
            .map(|import| import.name.as_str())
            .collect();
        if !denied.is_empty() {
            stubs.insert(name.clone(), stub::deny(name, component.bytes, &denied)?);
        }
        served.insert(name.clone(), imports);
    }
    let all = Parts {
        manifest,
        components: &components,
        wires: &wires,
        stubs: &stubs,
        served: &served,
    };
    let bytes = all.composed()?;
    let linked = all.linked(&bytes)?;
    let mut manifest = manifest.clone();
    for (name, part) in &mut manifest.parts {
        part.component = PartSource::Cid(Cid::of_raw(components[name].bytes));
    }
    let component = embed(&linked.embed(bytes)?, &manifest)?;
    Ok(Composed {
        cid: Cid::of_raw(&component),
        component,
        manifest,
        parts: served,
    })
}

/// Whether parts with a grant of the same interface have the same policy: the composed component has one import.
fn agree(manifest: &Manifest) -> Result<(), Error> {
    let mut holders = BTreeMap::new();
    for (name, part) in &manifest.parts {
        for (interface, policy) in part.grants.iter() {
            match holders.insert(interface, (name, policy)) {
                Some((other, others)) if others != policy => {
                    return Err(ComposeError::Policies {
                        interface: interface.to_owned(),
                        parts: [other.clone(), name.clone()],
                    }
                    .into());
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The component of each part, checked.
fn components<'a>(
    manifest: &Manifest,
    parts: &'a BTreeMap<String, Vec<u8>>,
) -> Result<BTreeMap<String, Component<'a>>, Error> {
    if let Some(extra) = parts
        .keys()
        .find(|name| !manifest.parts.contains_key(*name))
    {
        return Err(ComposeError::UnknownPart {
            part: extra.clone(),
            known: manifest.parts.keys().cloned().collect(),
        }
        .into());
    }
    let mut components = BTreeMap::new();
    for (name, part) in &manifest.parts {
        let bytes = parts.get(name).ok_or_else(|| ComposeError::NoBytes {
            part: name.clone(),
            component: part.component.to_string(),
        })?;
        if let Some(cid) = part.cid()
            && !cid.names(bytes)
        {
            return Err(ComposeError::OtherBytes {
                part: name.clone(),
                expected: cid,
                got: Cid::of_raw(bytes),
            }
            .into());
        }
        let component = Component::read(bytes).map_err(|cause| ComposeError::BadPart {
            part: name.clone(),
            cause,
        })?;
        if !matches!(find(bytes, LINKED_SECTION)?, Ok(None)) {
            return Err(ComposeError::Nested { part: name.clone() }.into());
        }
        components.insert(name.clone(), component);
    }
    Ok(components)
}

/// The names for messages, those on the same track first.
fn near(wanted: &str, names: &[String]) -> Vec<String> {
    let path = |name: &str| track(name).map(|t| t.split('@').next().unwrap_or_default().to_owned());
    let wanted = path(wanted);
    let (mut same, others): (Vec<String>, Vec<String>) =
        names.iter().cloned().partition(|name| path(name) == wanted);
    same.extend(others);
    same
}
