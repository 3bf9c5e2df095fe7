//! How far the grant of an interface goes.

use std::collections::BTreeSet;

use weir_identity::Value;

/// The longest host name, method or name of a program, in bytes.
const WORD_BYTES_MAX: usize = 253;

/// What holds for one granted interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// The interface is granted as it is: `{}`.
    Plain,
    /// For `weir:host/http`: hosts, methods and sizes.
    Http(HttpPolicy),
    /// For `weir:host/programs`: the names of programs that may be run.
    Programs(BTreeSet<String>),
}

/// Which HTTP requests may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpPolicy {
    /// To which hosts.
    pub hosts: Hosts,
    /// With which methods, in capitals; any if absent.
    pub methods: Option<BTreeSet<String>>,
    /// How long the body of a response may be, in bytes; as long as the peer allows if absent.
    pub max_response_bytes: Option<u64>,
}

/// A set of hosts: names like `api.example.org`, patterns like `*.example.org` for every name below it (and not for
/// itself), and `*` for every host.
///
/// Each means the ports 80 and 443. Others are named behind a colon, as in `localhost:8080`; `:*` stands for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(BTreeSet<String>);

/// Why a value is not a policy, with the key inside of it if one is at fault.
pub(crate) struct PolicyFault {
    pub(crate) key: Option<&'static str>,
    pub(crate) what: String,
    pub(crate) known: &'static [&'static str],
}

impl Policy {
    /// What both allow; nothing if they are policies of different interfaces.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Plain, Self::Plain) => Some(Self::Plain),
            (Self::Http(mine), Self::Http(theirs)) => Some(Self::Http(mine.intersect(theirs))),
            (Self::Programs(mine), Self::Programs(theirs)) => Some(Self::Programs(mine & theirs)),
            _ => None,
        }
    }

    /// As an object, the way it stands in a manifest.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Plain => std::iter::empty::<(&str, Value)>().collect(),
            Self::Programs(names) => std::iter::once(("names", texts(names))).collect(),
            Self::Http(policy) => {
                let methods = policy.methods.as_ref().map(|list| ("methods", texts(list)));
                let bytes = policy.max_response_bytes.map(Value::from);
                std::iter::once(("hosts", texts(&policy.hosts.0)))
                    .chain(methods)
                    .chain(bytes.map(|bytes| ("max_response_bytes", bytes)))
                    .collect()
            }
        }
    }

    /// Whether the interface, named as in [`Grants`](super::Grants), takes this kind of policy.
    pub(super) fn fits(&self, grant: &str) -> bool {
        let plain = !matches!(base(grant), "weir:host/http" | "weir:host/programs");
        match self {
            Self::Plain => plain,
            Self::Http(_) => base(grant) == "weir:host/http",
            Self::Programs(_) => base(grant) == "weir:host/programs",
        }
    }
}

impl HttpPolicy {
    /// Whether requests with this method may be sent to this host and port. Letters' case does not matter.
    pub fn allows(&self, method: &str, host: &str, port: u16) -> bool {
        let method = method.to_ascii_uppercase();
        let methods = self.methods.as_ref();
        self.hosts.contain(host, port) && methods.is_none_or(|methods| methods.contains(&method))
    }

    /// What both allow.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self {
            hosts: self.hosts.intersect(&other.hosts),
            methods: match (&self.methods, &other.methods) {
                (Some(mine), Some(theirs)) => Some(mine & theirs),
                (mine, theirs) => mine.clone().or_else(|| theirs.clone()),
            },
            max_response_bytes: match (self.max_response_bytes, other.max_response_bytes) {
                (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
                (mine, theirs) => mine.or(theirs),
            },
        }
    }
}

impl Hosts {
    /// The set of these names and patterns; the first that is neither is the error.
    pub fn new<T: AsRef<str>>(patterns: impl IntoIterator<Item = T>) -> Result<Self, String> {
        let parse = |pattern: T| {
            let pattern = pattern.as_ref();
            let known = Pattern::parse(pattern).filter(|known| {
                known.name == "*" || is_host(known.name.strip_prefix("*.").unwrap_or(known.name))
            });
            match known {
                Some(_) => Ok(pattern.to_ascii_lowercase()),
                None => Err(pattern.to_owned()),
            }
        };
        Ok(Self(
            patterns.into_iter().map(parse).collect::<Result<_, _>>()?,
        ))
    }

    /// Whether this port of the host is one of them. Letters' case does not matter, nor does a dot at the end.
    pub fn contain(&self, host: &str, port: u16) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        is_host(&host)
            && self
                .patterns()
                .any(|pattern| covers(pattern.name, &host) && pattern.ports.cover(Ports::One(port)))
    }

    /// The hosts that are in both sets.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let both = self.patterns().flat_map(|mine| {
            let common = move |theirs: Pattern<'_>| mine.intersect(theirs);
            other.patterns().filter_map(common)
        });
        Self(both.collect())
    }

    fn patterns(&self) -> impl Iterator<Item = Pattern<'_>> {
        self.0.iter().filter_map(|text| Pattern::parse(text))
    }

    /// The names and patterns, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// One of the texts of which [`Hosts`] are made.
#[derive(Clone, Copy)]
struct Pattern<'a> {
    name: &'a str,
    ports: Ports,
}

/// The ports of a pattern. Of two of them, one lies in the other or they have nothing in common.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ports {
    /// 80 and 443.
    Web,
    One(u16),
    All,
}

impl<'a> Pattern<'a> {
    /// A name or pattern, which is not checked, and ports.
    fn parse(text: &'a str) -> Option<Self> {
        let Some((name, ports)) = text.rsplit_once(':') else {
            let ports = Ports::Web;
            return Some(Self { name: text, ports });
        };
        let ports = if ports == "*" {
            Ports::All
        } else {
            let port = ports.parse::<u16>().ok().filter(|port| *port > 0)?;
            // One port has one spelling.
            (port.to_string() == ports).then_some(Ports::One(port))?
        };
        Some(Self { name, ports })
    }

    /// What both stand for. Two names either lie one in the other or have nothing in common.
    fn intersect(self, other: Pattern<'_>) -> Option<String> {
        let name = match (covers(self.name, other.name), covers(other.name, self.name)) {
            (true, _) => other.name,
            (_, true) => self.name,
            _ => return None,
        };
        let ports = match (self.ports.cover(other.ports), other.ports.cover(self.ports)) {
            (true, _) => other.ports,
            (_, true) => self.ports,
            _ => return None,
        };
        Some(match ports {
            Ports::Web => name.to_owned(),
            Ports::One(port) => format!("{name}:{port}"),
            Ports::All => format!("{name}:*"),
        })
    }
}

impl Ports {
    fn cover(self, inner: Self) -> bool {
        match self {
            Self::All => true,
            Self::Web => matches!(inner, Self::Web | Self::One(80 | 443)),
            Self::One(_) => self == inner,
        }
    }
}

/// Whether everything that `inner` stands for is something that `outer` stands for.
fn covers(outer: &str, inner: &str) -> bool {
    if outer == "*" || outer == inner {
        return true;
    }
    match outer.strip_prefix('*') {
        // `.example.org` at the end, with something before it, be it a star.
        Some(suffix) => inner.len() > suffix.len() && inner.ends_with(suffix),
        None => false,
    }
}

/// A host name or an IPv4 address.
fn is_host(name: &str) -> bool {
    name.len() <= WORD_BYTES_MAX
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}

/// Reads the policy for an interface that is named as in [`Grants`](super::Grants). `size` reads a number of bytes.
pub(crate) fn parse_policy(
    grant: &str,
    value: &Value,
    size: impl Fn(&Value) -> Result<u64, String>,
) -> Result<Policy, PolicyFault> {
    let known: &'static [&'static str] = match base(grant) {
        "weir:host/http" => &["hosts", "methods", "max_response_bytes"],
        "weir:host/programs" => &["names"],
        _ => &[],
    };
    let fault = |key: Option<&'static str>, what: String| PolicyFault { key, what, known };
    let Some(fields) = value.as_object() else {
        let what = format!("a grant is an object, not a {}", value.kind());
        return Err(fault(None, what));
    };
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&&***key)) {
        return Err(fault(None, format!("unknown key `{unknown}`")));
    }
    let list = |key: &'static str, good: fn(&str) -> bool, of: &str| match fields.get(key) {
        None => Ok(None),
        Some(value) => {
            let words = value.as_array().unwrap_or_default();
            let texts: Option<BTreeSet<String>> = words
                .iter()
                .map(|word| word.as_str().filter(|word| good(word)).map(str::to_owned))
                .collect();
            match texts {
                Some(texts) if value.as_array().is_some() => Ok(Some(texts)),
                _ => Err(fault(Some(key), format!("`{key}` is a list of {of}"))),
            }
        }
    };
    let needed = |key: &'static str, of: &str| {
        fault(
            None,
            format!("`{key}` is missing, a list of {of}; what is not named is not granted"),
        )
    };
    match base(grant) {
        "weir:host/http" => {
            let of = "host names, each exact or like `*.example.org`";
            let hosts = list("hosts", |word| Hosts::new([word]).is_ok(), of)?
                .ok_or_else(|| needed("hosts", of))?;
            let methods = list("methods", is_method, "HTTP methods, such as `GET`")?;
            let bytes = fields.get("max_response_bytes").map(size).transpose();
            Ok(Policy::Http(HttpPolicy {
                hosts: Hosts::new(hosts).map_err(|host| fault(Some("hosts"), host))?,
                methods: methods.map(|methods| {
                    let upper = methods.iter().map(|method| method.to_ascii_uppercase());
                    upper.collect()
                }),
                max_response_bytes: bytes.map_err(|what| {
                    fault(
                        Some("max_response_bytes"),
                        format!("`max_response_bytes` is {what}"),
                    )
                })?,
            }))
        }
        "weir:host/programs" => {
            let of = "names of programs that the operator offers";
            let names = list("names", is_program, of)?;
            Ok(Policy::Programs(names.ok_or_else(|| needed("names", of))?))
        }
        _ => Ok(Policy::Plain),
    }
}

fn is_method(word: &str) -> bool {
    !word.is_empty() && word.len() <= 32 && word.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_program(word: &str) -> bool {
    !word.is_empty() && word.len() <= WORD_BYTES_MAX && !word.contains(char::is_control)
}

fn base(grant: &str) -> &str {
    grant.split_once('@').map_or(grant, |(base, _)| base)
}

fn texts(words: &BTreeSet<String>) -> Value {
    words
        .iter()
        .map(|word| Value::from(word.as_str()))
        .collect()
}
