//! Which part serves which import.

use std::collections::{BTreeMap, BTreeSet};

use super::part::Component;
use super::{ComposeError, near};
use crate::interface::{Class, compatible};
use crate::manifest::Manifest;

/// For each part and import that another part serves: that part, and the name of its export.
pub(super) struct Wires(BTreeMap<(String, String), (String, String)>);

impl Wires {
    /// Finds out who serves what: explicit wiring first, then the only part that can. In the place of the host a part
    /// comes by explicit wiring alone: whoever answers there decides who calls, and sees what the others keep and sign.
    pub(super) fn lay(
        manifest: &Manifest,
        components: &BTreeMap<String, Component<'_>>,
    ) -> Result<Self, ComposeError> {
        let mut wires = Self(BTreeMap::new());
        for ((part, import), provider) in &manifest.wiring {
            let imports = &components[part].imports;
            let name = exact_or_compatible(imports, import);
            let name = name.ok_or_else(|| ComposeError::NoImport {
                part: part.clone(),
                import: import.clone(),
                provider: provider.clone(),
                imports: near(import, imports),
            })?;
            let exports = &components[provider].exports;
            let export = exact_or_compatible(exports, name);
            let export = export.ok_or_else(|| ComposeError::NoExport {
                part: part.clone(),
                import: name.to_owned(),
                provider: provider.clone(),
                exports: near(name, exports),
            })?;
            let wire = (provider.clone(), export.to_owned());
            if wires
                .0
                .insert((part.clone(), name.to_owned()), wire)
                .is_some()
            {
                return Err(ComposeError::WiredTwice {
                    part: part.clone(),
                    import: name.to_owned(),
                });
            }
        }
        for (part, component) in components {
            for import in &component.imports {
                wires.lay_one(part, import, components)?;
            }
        }
        wires.check_order(&manifest.facade, components)?;
        Ok(wires)
    }

    fn lay_one(
        &mut self,
        part: &str,
        import: &str,
        components: &BTreeMap<String, Component<'_>>,
    ) -> Result<(), ComposeError> {
        let key = (part.to_owned(), import.to_owned());
        if self.0.contains_key(&key) || Class::of(import) != Class::Unknown {
            return Ok(());
        }
        let others = components.iter().filter(|(name, _)| *name != part);
        let mut providers = others.filter_map(|(name, other)| {
            let export = exact_or_compatible(&other.exports, import)?;
            Some((name.clone(), export.to_owned()))
        });
        let Some(first) = providers.next() else {
            return Ok(());
        };
        let rest: Vec<String> = providers.map(|(name, _)| name).collect();
        if rest.is_empty() {
            self.0.insert(key, first);
            return Ok(());
        }
        Err(ComposeError::Ambiguous {
            part: key.0,
            import: key.1,
            providers: std::iter::once(first.0).chain(rest).collect(),
        })
    }

    /// The part that serves the import, and the name of its export.
    pub(super) fn provider(&self, part: &str, import: &str) -> Option<(&str, &str)> {
        let key = (part.to_owned(), import.to_owned());
        let (provider, export) = self.0.get(&key)?;
        Some((provider, export))
    }

    /// What other parts serve of the imports of this one: import, part, and the name of its export.
    pub(super) fn imports_of<'a>(
        &'a self,
        part: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        let own = self
            .0
            .iter()
            .filter(move |((consumer, _), _)| consumer == part);
        own.map(|((_, import), (provider, export))| {
            (import.as_str(), provider.as_str(), export.as_str())
        })
    }

    /// The parts that serve imports of this one.
    pub(super) fn providers_of<'a>(&'a self, part: &'a str) -> impl Iterator<Item = &'a str> {
        self.imports_of(part).map(|(_, provider, _)| provider)
    }

    /// There is no circle, and everything is there for the facade.
    fn check_order(
        &self,
        facade: &str,
        components: &BTreeMap<String, Component<'_>>,
    ) -> Result<(), ComposeError> {
        let mut done = BTreeSet::new();
        self.visit(facade, &mut Vec::new(), &mut done)?;
        let unused = |(name, _): &(&String, &Component<'_>)| !done.contains(name.as_str());
        // A circle that the facade does not reach is one all the same.
        for (name, _) in components.iter().filter(unused) {
            self.visit(name, &mut Vec::new(), &mut done.clone())?;
        }
        match components.iter().find(unused) {
            None => Ok(()),
            Some((name, component)) => Err(ComposeError::Unused {
                part: name.clone(),
                exports: component.exports.clone(),
            }),
        }
    }

    /// Walks down from a part. The depth is at most the number of parts, which the length of a manifest bounds.
    fn visit<'a>(
        &'a self,
        part: &'a str,
        path: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Result<(), ComposeError> {
        if let Some(start) = path.iter().position(|above| *above == part) {
            let circle = path[start..].iter().chain([&part]);
            return Err(ComposeError::Cycle {
                parts: circle.map(|&name| name.to_owned()).collect(),
            });
        }
        if done.contains(part) {
            return Ok(());
        }
        path.push(part);
        for provider in self.providers_of(part) {
            self.visit(provider, path, done)?;
        }
        path.pop();
        done.insert(part);
        Ok(())
    }
}

/// The name itself among these, or the last that is compatible, which has the highest version.
fn exact_or_compatible<'a>(names: &'a [String], wanted: &str) -> Option<&'a str> {
    let exact = names.iter().find(|name| *name == wanted);
    let found = exact.or_else(|| names.iter().filter(|name| compatible(name, wanted)).max());
    found.map(String::as_str)
}
