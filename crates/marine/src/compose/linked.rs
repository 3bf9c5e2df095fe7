//! Which parts become one component, and how those beside it are linked through the host.

use std::collections::{BTreeMap, BTreeSet};

use serde_bytes::ByteBuf;

use super::part::Component;
use super::stub::Stub;
use super::wires::Wires;
use super::{ComposeError, PartImport, Served, graph};
use crate::error::Error;
use crate::interface::compatible;
use crate::linked::{Imports, LINKED_PARTS_MAX, Linked, LinkedPart, Wire};
use crate::manifest::Manifest;

/// All that is known about the parts of a service.
pub(super) struct Parts<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) components: &'a BTreeMap<String, Component<'a>>,
    pub(super) wires: &'a Wires,
    /// What refuses imports of parts.
    pub(super) stubs: &'a BTreeMap<String, Stub>,
    pub(super) served: &'a BTreeMap<String, Vec<PartImport>>,
}

impl Parts<'_> {
    /// One component out of the parts that are not linked through the host.
    pub(super) fn composed(&self) -> Result<Vec<u8>, ComposeError> {
        let together = self.components.keys().filter(|part| !self.is_linked(part));
        self.compose(&self.manifest.facade, together)
    }

    /// The parts that are linked through the host, and what they serve of the composed component.
    pub(super) fn linked(&self, composed: &[u8]) -> Result<Linked, Error> {
        let order = self.order()?;
        let mut parts = Vec::new();
        for name in &order {
            let component = self.compose(name, std::iter::once(name))?;
            let imports = self.needs(name).map(|(import, provider, export)| {
                Ok((import.to_owned(), wire(&order, (provider, export))?))
            });
            parts.push(LinkedPart {
                name: name.clone(),
                component: ByteBuf::from(component),
                imports: imports.collect::<Result<_, ComposeError>>()?,
            });
        }
        let mut imports = Imports::new();
        for import in Component::read(composed)?.needs {
            if let Some(target) = self.target(&import)? {
                imports.insert(import, wire(&order, target)?);
            }
        }
        Ok(Linked::new(imports, parts))
    }

    fn is_linked(&self, part: &str) -> bool {
        self.manifest.parts[part].linked().is_some()
    }

    /// What other parts serve of what this one needs: import, part, and the name of its export.
    fn needs<'p>(&'p self, part: &'p str) -> impl Iterator<Item = (&'p str, &'p str, &'p str)> {
        let needs = &self.components[part].needs;
        let wires = self.wires.imports_of(part);
        wires.filter(|(import, _, _)| needs.iter().any(|need| need == import))
    }

    fn compose<'n>(
        &self,
        facade: &str,
        names: impl Iterator<Item = &'n String>,
    ) -> Result<Vec<u8>, ComposeError> {
        let parts: BTreeMap<String, Component<'_>> = names
            .map(|name| (name.clone(), self.components[name].clone()))
            .collect();
        if parts.len() == 1 && !self.stubs.contains_key(facade) {
            return Ok(parts[facade].bytes.to_vec());
        }
        graph::compose(facade, &parts, self.wires, self.stubs)
    }

    /// The linked parts, each after those that it uses. There is no circle.
    fn order(&self) -> Result<Vec<String>, ComposeError> {
        let linked: BTreeSet<&String> = self
            .components
            .keys()
            .filter(|part| self.is_linked(part))
            .collect();
        if linked.len() > LINKED_PARTS_MAX {
            return Err(ComposeError::TooManyLinked {
                count: linked.len(),
                limit: LINKED_PARTS_MAX,
            });
        }
        for part in &linked {
            let inside = |(_, provider, _): &(&str, &str, &str)| !self.is_linked(provider);
            if let Some((import, provider, _)) = self.needs(part).find(inside) {
                return Err(ComposeError::LinkedUsesInner {
                    part: (*part).clone(),
                    import: import.to_owned(),
                    provider: provider.to_owned(),
                });
            }
        }
        let mut order: Vec<String> = Vec::new();
        while order.len() < linked.len() {
            let ready = linked.iter().filter(|part| {
                let done = |provider| order.iter().any(|before| before == provider);
                !done(part.as_str()) && self.needs(part).all(|(_, provider, _)| done(provider))
            });
            let ready: Vec<String> = ready.map(|part| (*part).clone()).collect();
            if ready.is_empty() {
                // Wires were laid without a circle.
                break;
            }
            order.extend(ready);
        }
        Ok(order)
    }

    /// The linked part that serves an import of the composed component, and the name of its export. The component has
    /// one such import for all parts in it.
    fn target(&self, import: &str) -> Result<Option<(&str, &str)>, ComposeError> {
        let mut targets = BTreeMap::new();
        for (part, imports) in self.served {
            let same = |own: &&PartImport| !self.is_linked(part) && compatible(&own.name, import);
            for own in imports.iter().filter(same) {
                let target = match own.served {
                    Served::Linked(_) => self.wires.provider(part, &own.name),
                    Served::Host => None,
                    // Not left open.
                    Served::Part(_) | Served::Denied => continue,
                };
                targets.entry(target).or_insert(part.as_str());
            }
        }
        let mut parts = targets.iter();
        match (parts.next(), parts.next()) {
            (Some((_, one)), Some((_, other))) => Err(ComposeError::Torn {
                import: import.to_owned(),
                parts: [(*one).to_owned(), (*other).to_owned()],
            }),
            (Some((target, _)), None) => Ok(*target),
            (None, _) => Ok(None),
        }
    }
}

fn wire(order: &[String], (provider, export): (&str, &str)) -> Result<Wire, ComposeError> {
    let part = order.iter().position(|part| part == provider);
    let part = part.ok_or_else(|| ComposeError::Composer {
        detail: format!("part `{provider}` has no place among those that are linked"),
    })?;
    Ok(Wire {
        part,
        export: export.to_owned(),
    })
}
