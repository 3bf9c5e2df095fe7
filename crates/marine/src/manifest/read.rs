//! From the tree to the manifest: every key is known, every value has its type.

use std::collections::BTreeMap;
use std::str::FromStr;

use semver::Version;
use weir_identity::{Cid, Value};

use super::item::{Item, Node};
use super::{
    Access, FunctionRules, Link, MANIFEST_BYTES_MAX, Manifest, Part, PartLimits, PartSource,
    ServiceLimits,
};
use crate::error::ManifestError;
use crate::grants::{Grants, grant_name, parse_policy};
use crate::interface::{Class, NAME_BYTES_MAX};
use crate::spelling::{TEXT_CHARS_MAX, shorten};
use crate::world::Mode;

/// The version of the canonical form, which it begins with.
pub(super) const FORMAT: u64 = 1;

/// The longest name of a service or part, in bytes.
const WORD_BYTES_MAX: usize = 64;

/// The longest path of a component, in bytes.
const PATH_BYTES_MAX: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Toml,
    Canonical,
}

/// A fault of the manifest as a whole.
pub(crate) fn fault(problem: impl AsRef<str>) -> ManifestError {
    ManifestError {
        line: None,
        place: String::new(),
        problem: shorten(problem.as_ref(), 2 * TEXT_CHARS_MAX),
    }
}

pub(super) fn from_toml(source: &str) -> Result<Manifest, ManifestError> {
    if source.len() > MANIFEST_BYTES_MAX {
        return Err(fault(format!(
            "it has {} bytes, at most {MANIFEST_BYTES_MAX} are allowed",
            source.len()
        )));
    }
    let item = Item::of_toml(source).map_err(|(line, problem)| ManifestError {
        line,
        ..fault(problem)
    })?;
    manifest(&item, Form::Toml)
}

pub(super) fn from_value(value: &Value) -> Result<Manifest, ManifestError> {
    manifest(&Item::of_value(value), Form::Canonical)
}

/// A table with the place where it stands, for messages.
struct Table<'a> {
    place: String,
    line: Option<usize>,
    fields: &'a BTreeMap<String, Item>,
}

impl<'a> Table<'a> {
    fn of(item: &'a Item, place: &str) -> Result<Self, ManifestError> {
        match &item.node {
            Node::Table(fields) => Ok(Self {
                place: place.to_owned(),
                line: item.line,
                fields,
            }),
            _ => Err(at(
                item,
                place,
                format!("expected a table, got a {}", item.kind()),
            )),
        }
    }

    /// Refuses keys other than these.
    fn only(&self, known: &[&str]) -> Result<(), ManifestError> {
        let unknown = |(key, _): &(&String, &Item)| !known.contains(&key.as_str());
        match self.fields.iter().find(unknown) {
            None => Ok(()),
            Some((key, item)) => Err(at(
                item,
                &self.place,
                format!(
                    "unknown key `{}`; known are: {}",
                    shorten(key, TEXT_CHARS_MAX),
                    known.join(", ")
                ),
            )),
        }
    }

    fn missing(&self, key: &str, example: &str) -> ManifestError {
        ManifestError {
            line: self.line,
            place: self.place.clone(),
            problem: format!("`{key}` is missing; write for example `{key} = {example}`"),
        }
    }

    fn inner(&self, key: &str) -> Result<Option<Table<'a>>, ManifestError> {
        let place = self.place_of(key);
        self.fields
            .get(key)
            .map(|item| Table::of(item, &place))
            .transpose()
    }

    fn place_of(&self, key: &str) -> String {
        if self.place.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{}", self.place, shorten(key, TEXT_CHARS_MAX))
        }
    }

    /// The value of the key, as `read` understands it. What `read` returns as an error is what was expected.
    fn get<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Value) -> Result<T, String>,
    ) -> Result<Option<T>, ManifestError> {
        let Some(item) = self.fields.get(key) else {
            return Ok(None);
        };
        let value = item.to_value();
        let wrong = |expected| {
            let got = shorten(&value.to_json(), TEXT_CHARS_MAX);
            let problem = format!("expected {expected}, got {got}");
            at(item, &self.place_of(key), problem)
        };
        read(&value).map(Some).map_err(wrong)
    }
}

fn at(item: &Item, place: &str, problem: String) -> ManifestError {
    ManifestError {
        line: item.line,
        place: shorten(place, TEXT_CHARS_MAX),
        problem,
    }
}

fn manifest(item: &Item, form: Form) -> Result<Manifest, ManifestError> {
    let root = Table::of(item, "")?;
    match form {
        // How the sources are built is no business of peers.
        Form::Toml => root.only(&["service", "limits", "part", "wiring", "functions", "build"])?,
        Form::Canonical => {
            root.only(&[
                "manifest",
                "service",
                "limits",
                "part",
                "wiring",
                "functions",
            ])?;
            let format = |value: &Value| match value.as_u64() {
                Some(FORMAT) => Ok(()),
                _ => Err(format!("the format {FORMAT}, which this version reads")),
            };
            if root.get("manifest", format)?.is_none() {
                return Err(root.missing("manifest", "1"));
            }
        }
    }
    let service = root.inner("service")?;
    let service = service.ok_or_else(|| fault("the table [service] is missing"))?;
    service.only(&["name", "version", "default_mode", "commit_on_err"])?;
    let name = service
        .get("name", word)?
        .ok_or_else(|| service.missing("name", "\"weather\""))?;
    let version = service
        .get("version", version)?
        .ok_or_else(|| service.missing("version", "\"1.0.0\""))?;
    let default_mode = service.get("default_mode", mode)?;
    let commit_on_err = service.get("commit_on_err", flag)?.unwrap_or_default();
    let limits = limits(&root)?;
    let (parts, facade) = parts(&root, form)?;
    Ok(Manifest {
        name,
        version,
        default_mode,
        commit_on_err,
        limits,
        wiring: wiring(&root, &parts)?,
        functions: functions(&root)?,
        parts,
        facade,
    })
}

fn limits(root: &Table<'_>) -> Result<ServiceLimits, ManifestError> {
    let Some(limits) = root.inner("limits")? else {
        return Ok(ServiceLimits::default());
    };
    limits.only(&["fuel", "memory", "state", "result"])?;
    Ok(ServiceLimits {
        fuel: limits.get("fuel", fuel)?,
        memory_bytes: limits.get("memory", size)?,
        state_bytes: limits.get("state", size)?,
        result_bytes: limits.get("result", size)?,
    })
}

fn parts(root: &Table<'_>, form: Form) -> Result<(BTreeMap<String, Part>, String), ManifestError> {
    let items = match root.fields.get("part") {
        Some(item) => {
            if let Node::List(items) = &item.node {
                items.as_slice()
            } else {
                let problem = "expected a list of parts; write [[part]] over each".to_owned();
                return Err(at(item, "part", problem));
            }
        }
        None => &[],
    };
    let mut parts = BTreeMap::new();
    let mut facade: Option<String> = None;
    for item in items {
        let part = Table::of(item, "part")?;
        part.only(&["name", "component", "facade", "grants", "link", "limits"])?;
        let name = part
            .get("name", word)?
            .ok_or_else(|| part.missing("name", "\"facade\""))?;
        let part = Table {
            place: format!("part {name}"),
            ..part
        };
        let component = part
            .get("component", |value| source(value, form))?
            .ok_or_else(|| part.missing("component", "\"facade.wasm\""))?;
        let is_facade = part.get("facade", flag)?.unwrap_or_default();
        let grants = grants(&part)?;
        let link = link(&part)?;
        if is_facade && let Some(other) = facade.replace(name.clone()) {
            let problem = format!(
                "there are two facades, `{other}` and `{name}`; one part has the functions of the service"
            );
            return Err(at(item, &part.place, problem));
        }
        let new = Part {
            component,
            grants,
            link,
        };
        if parts.insert(name.clone(), new).is_some() {
            let problem = format!("there are two parts of the name `{name}`; give one another");
            return Err(at(item, &part.place, problem));
        }
    }
    // With a single part there is no choice.
    let only = parts.keys().next().filter(|_| parts.len() == 1);
    match facade.or_else(|| only.cloned()) {
        Some(facade) if parts[&facade].linked().is_some() => Err(fault(format!(
            "the facade `{facade}` cannot be linked through the host, which calls it itself; remove `link`"
        ))),
        Some(facade) => Ok((parts, facade)),
        None if parts.is_empty() => Err(fault(
            "there are no parts; name the component under [[part]]",
        )),
        None => Err(fault(
            "no part is the facade; write `facade = true` to the part with the functions of the service",
        )),
    }
}

fn link(part: &Table<'_>) -> Result<Link, ManifestError> {
    let through_host = |value: &Value| match value.as_str() {
        Some(Link::HOST) => Ok(()),
        _ => Err(format!(
            "\"{}\", or no `link` for a part that is composed",
            Link::HOST
        )),
    };
    let linked = part.get("link", through_host)?.is_some();
    let Some(limits) = part.inner("limits")? else {
        return Ok(if linked {
            Link::Host(PartLimits::default())
        } else {
            Link::Composed
        });
    };
    if !linked {
        let problem = "only a part that is linked through the host has limits of its own; \
                       write `link = \"host\"`, or put them under [limits]";
        return Err(ManifestError {
            line: limits.line,
            place: limits.place,
            problem: problem.to_owned(),
        });
    }
    limits.only(&["fuel", "memory"])?;
    Ok(Link::Host(PartLimits {
        fuel: limits.get("fuel", fuel)?,
        memory_bytes: limits.get("memory", size)?,
    }))
}

fn grants(part: &Table<'_>) -> Result<Grants, ManifestError> {
    let mut grants = Grants::default();
    let Some(table) = part.inner("grants")? else {
        return Ok(grants);
    };
    for (key, item) in table.fields {
        let short = shorten(key, TEXT_CHARS_MAX);
        let place = table.place_of(key);
        let Some(name) = grant_name(key) else {
            let problem = format!(
                "`{short}` is not the name of an interface; write it like `weir:host/http@0.1`"
            );
            return Err(at(item, &table.place, problem));
        };
        if Class::of(&name) == Class::Deterministic {
            let problem = format!("`{short}` needs no grant, every component has it; remove this");
            return Err(at(item, &table.place, problem));
        }
        if name.starts_with("weir:host/") && Class::of(&name) == Class::Unknown {
            let problem = format!(
                "the host has no interface `{short}`; it has: state, blobs, http, signing, programs, entropy"
            );
            return Err(at(item, &table.place, problem));
        }
        if grants.policy(key).is_some() {
            let problem = format!("`{name}` is granted twice; keep one");
            return Err(at(item, &table.place, problem));
        }
        let policy = parse_policy(&name, &item.to_value(), size).map_err(|fault| {
            let inner = match (&item.node, fault.key) {
                (Node::Table(fields), Some(key)) => fields.get(key),
                _ => None,
            };
            let mut problem = shorten(&fault.what, TEXT_CHARS_MAX);
            if fault.key.is_none() && fault.known.is_empty() {
                problem.push_str("; write `{}`, it takes no keys");
            } else if fault.key.is_none() {
                problem.push_str("; known are: ");
                problem.push_str(&fault.known.join(", "));
            }
            at(inner.unwrap_or(item), &place, problem)
        })?;
        grants
            .insert(&name, policy)
            .map_err(|error| at(item, &place, error.to_string()))?;
    }
    Ok(grants)
}

fn wiring(
    root: &Table<'_>,
    parts: &BTreeMap<String, Part>,
) -> Result<BTreeMap<(String, String), String>, ManifestError> {
    let mut wiring = BTreeMap::new();
    let Some(table) = root.inner("wiring")? else {
        return Ok(wiring);
    };
    let known = || {
        shorten(
            &parts.keys().cloned().collect::<Vec<_>>().join(", "),
            TEXT_CHARS_MAX,
        )
    };
    for (key, item) in table.fields {
        let Some((part, import)) = key.split_once('/').filter(|(_, import)| !import.is_empty())
        else {
            let short = shorten(key, TEXT_CHARS_MAX);
            let problem = format!(
                "`{short}` does not say which import of which part; write \"PART/IMPORT\" = \"PROVIDER\""
            );
            return Err(at(item, &table.place, problem));
        };
        let Some(provider) = table.get(key, text)? else {
            continue;
        };
        for name in [part, &provider] {
            if !parts.contains_key(name) {
                let short = shorten(name, TEXT_CHARS_MAX);
                let problem = format!("there is no part `{short}`; there are: {}", known());
                return Err(at(item, &table.place, problem));
            }
        }
        if import.len() > NAME_BYTES_MAX {
            let problem = format!("the import has more than {NAME_BYTES_MAX} bytes");
            return Err(at(item, &table.place, problem));
        }
        wiring.insert((part.to_owned(), import.to_owned()), provider);
    }
    Ok(wiring)
}

fn functions(root: &Table<'_>) -> Result<BTreeMap<String, FunctionRules>, ManifestError> {
    let mut functions = BTreeMap::new();
    let Some(table) = root.inner("functions")? else {
        return Ok(functions);
    };
    for (name, item) in table.fields {
        if name.is_empty() || name.len() > 2 * NAME_BYTES_MAX || name.contains(char::is_control) {
            let problem = format!("`{}` is not a name", shorten(name, TEXT_CHARS_MAX));
            return Err(at(item, &table.place, problem));
        }
        let rules = Table::of(item, &table.place_of(name))?;
        rules.only(&["mode", "fuel", "access"])?;
        let rules = FunctionRules {
            mode: rules.get("mode", mode)?,
            fuel: rules.get("fuel", fuel)?,
            access: rules.get("access", access)?.unwrap_or_default(),
        };
        functions.insert(name.clone(), rules);
    }
    Ok(functions)
}

fn text(value: &Value) -> Result<String, String> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| "text".to_owned())
}

fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "true or false".to_owned())
}

/// A name of a service or part.
fn word(value: &Value) -> Result<String, String> {
    let good = |word: &&str| {
        word.len() <= WORD_BYTES_MAX
            && word.starts_with(|first: char| first.is_ascii_lowercase())
            && word
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    match value.as_str().filter(good) {
        Some(word) => Ok(word.to_owned()),
        None => Err(format!(
            "a name of at most {WORD_BYTES_MAX} small letters, digits and hyphens, beginning with a letter"
        )),
    }
}

fn version(value: &Value) -> Result<Version, String> {
    let text = value.as_str().filter(|text| text.len() <= WORD_BYTES_MAX);
    text.and_then(|text| Version::parse(text).ok())
        .ok_or_else(|| "a version as semantic versioning has it, such as \"1.4.0\"".to_owned())
}

fn mode(value: &Value) -> Result<Mode, String> {
    match value.as_str() {
        Some("pure") => Ok(Mode::Pure),
        Some("view") => Ok(Mode::View),
        Some("update") => Ok(Mode::Update),
        _ => Err("\"pure\", \"view\" or \"update\"".to_owned()),
    }
}

fn access(value: &Value) -> Result<Access, String> {
    match value.as_str() {
        Some("any") => Ok(Access::Any),
        Some("owner") => Ok(Access::Owner),
        _ => Err("\"any\" or \"owner\"".to_owned()),
    }
}

fn fuel(value: &Value) -> Result<u64, String> {
    let fuel = value.as_u64().filter(|fuel| *fuel > 0);
    fuel.ok_or_else(|| "a number of fuel units above 0".to_owned())
}

/// A number of bytes, or text like `64 MiB`.
fn size(value: &Value) -> Result<u64, String> {
    let bytes = match value {
        Value::String(text) => size_text(text),
        number => number.as_u64(),
    };
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| {
        "a size above 0 in bytes, or text like \"64 MiB\" (B, KiB, MiB, GiB)".to_owned()
    })
}

fn size_text(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let shift = match text.get(digits.len()..)?.trim_start() {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A component by its CID; in TOML also by its path.
fn source(value: &Value, form: Form) -> Result<PartSource, String> {
    let text = value.as_str().unwrap_or_default();
    if let Ok(cid) = Cid::from_str(text) {
        return Ok(PartSource::Cid(cid));
    }
    match form {
        Form::Canonical => Err("the CID of a component".to_owned()),
        Form::Toml if text.is_empty() || text.len() > PATH_BYTES_MAX || text.contains('\0') => {
            Err("the path or the CID of a component".to_owned())
        }
        Form::Toml => Ok(PartSource::Path(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::size_text;

    #[test]
    fn sizes_are_powers_of_two_with_a_unit() {
        assert_eq!(size_text("64 MiB"), Some(64 << 20));
        assert_eq!(size_text("64MiB"), Some(64 << 20));
        assert_eq!(size_text("1 GiB"), Some(1 << 30));
        assert_eq!(size_text("7 B"), Some(7));
        for wrong in [
            "64",
            "MiB",
            "64 MB",
            "-1 B",
            "1.5 GiB",
            "99999999999999 GiB",
            "٤ B",
        ] {
            assert_eq!(size_text(wrong), None, "{wrong}");
        }
    }
}
