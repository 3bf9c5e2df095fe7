//! Names of interfaces, and what kind of thing each gives a component.

use semver::Version;

/// The longest name of an interface, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 255;

/// What an import means for whoever wants to execute a call again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// It follows from the call alone: types, clocks, seeded randomness, output, the context of the call. Every
    /// component has it; it needs no grant.
    Deterministic,
    /// It asks the world outside; request and answer stand in the transcript.
    Recorded,
    /// It is the state of the service, as key-value entries or as files.
    State,
    /// The host does not know it.
    Unknown,
}

impl Class {
    /// The class of the import of that name, at any version.
    ///
    /// ```
    /// use weir_marine::Class;
    /// assert_eq!(Class::of("wasi:clocks/wall-clock@0.2.3"), Class::Deterministic);
    /// assert_eq!(Class::of("weir:host/http@0.1.0"), Class::Recorded);
    /// assert_eq!(Class::of("wasi:filesystem/types@0.2.0"), Class::State);
    /// assert_eq!(Class::of("acme:parse/json@1.0.0"), Class::Unknown);
    /// ```
    pub fn of(import: &str) -> Self {
        let name = import.split_once('@').map_or(import, |(name, _)| name);
        match name.split_once('/') {
            Some(("weir:host", interface)) => match interface {
                "context" | "log" | "faults" => Self::Deterministic,
                "state" => Self::State,
                "blobs" | "http" | "signing" | "programs" | "entropy" => Self::Recorded,
                _ => Self::Unknown,
            },
            Some(("wasi:filesystem", _)) => Self::State,
            Some(("wasi:cli" | "wasi:clocks" | "wasi:io" | "wasi:random", _)) => {
                Self::Deterministic
            }
            _ => Self::Unknown,
        }
    }

    /// The word for it, as `weir wasm inspect` and `--json` write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deterministic => "deterministic",
            Self::Recorded => "recorded",
            Self::State => "state",
            Self::Unknown => "unknown",
        }
    }
}

/// The name with the version cut to what stays compatible, as semantic versioning has it: `a:b/c@0.1.7` becomes
/// `a:b/c@0.1`, `a:b/c@2.3.4` becomes `a:b/c@2`. Nothing if the name is not one of an interface or package.
///
/// Versions may be given in full or up to any part that is not zero: `0.1`, `2`, `2.3`. Versions before 0.1, and
/// those before a release, are compatible only with themselves.
pub(crate) fn track(name: &str) -> Option<String> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let (path, version) = match name.split_once('@') {
        Some((path, version)) => (path, Some(version)),
        None => (name, None),
    };
    let (namespace, rest) = path.split_once(':')?;
    let mut words = std::iter::once(namespace).chain(rest.split('/'));
    if !words.all(is_word) || rest.matches('/').count() > 1 {
        return None;
    }
    let Some(version) = version else {
        return Some(path.to_owned());
    };
    let parts = version.split('.').count();
    let full = match parts {
        1 => format!("{version}.0.0"),
        2 => format!("{version}.0"),
        _ => version.to_owned(),
    };
    let parsed = Version::parse(&full).ok()?;
    if !parsed.build.is_empty() {
        return None;
    }
    let track = match (parsed.major, parsed.minor, parsed.pre.is_empty()) {
        (0, 0, true) if parts < 3 => return None,
        (0, 0, _) | (_, _, false) => parsed.to_string(),
        (0, minor, true) => format!("0.{minor}"),
        (major, _, true) => major.to_string(),
    };
    Some(format!("{path}@{track}"))
}

/// Whether something that exports `offered` can serve an import of `wanted`, as far as names tell.
pub(crate) fn compatible(offered: &str, wanted: &str) -> bool {
    offered == wanted
        || match (track(offered), track(wanted)) {
            (Some(offered), Some(wanted)) => offered == wanted,
            _ => false,
        }
}

/// A word of WIT: letters, digits and single hyphens, beginning with a letter.
fn is_word(word: &str) -> bool {
    word.split('-')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        && word.starts_with(|first: char| first.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::{compatible, track};

    #[test]
    fn a_version_is_cut_to_what_stays_compatible() {
        for (name, expected) in [
            ("a:b/c@0.1.7", Some("a:b/c@0.1")),
            ("a:b/c@0.1", Some("a:b/c@0.1")),
            ("a:b/c@2.3.4", Some("a:b/c@2")),
            ("a:b/c@2.3", Some("a:b/c@2")),
            ("a:b/c@2", Some("a:b/c@2")),
            ("a:b/c", Some("a:b/c")),
            ("a:b@0.2.0", Some("a:b@0.2")),
            ("a:b/c@0.0.3", Some("a:b/c@0.0.3")),
            ("a:b/c@1.0.0-rc.1", Some("a:b/c@1.0.0-rc.1")),
            ("a:b/c@0", None),
            ("a:b/c@0.0", None),
            ("a:b/c@x", None),
            ("a:b/c@1.0.0+build", None),
            ("a:b/c/d", None),
            ("b/c", None),
            ("a:b/", None),
            ("a:1b/c", None),
            ("a:b--c/d", None),
        ] {
            assert_eq!(track(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn a_name_cut_once_is_not_cut_further() {
        for name in ["a:b/c@0.1.7", "a:b/c@2.3.4", "a:b/c", "a:b/c@0.0.3"] {
            let once = track(name).expect("a good name");
            assert_eq!(track(&once), Some(once.clone()));
        }
    }

    #[test]
    fn versions_on_one_track_serve_each_other() {
        assert!(compatible("a:b/c@0.2.0", "a:b/c@0.2.6"));
        assert!(!compatible("a:b/c@0.2.0", "a:b/c@0.3.0"));
        assert!(compatible("a:b/c@1.0.0", "a:b/c@1.7.0"));
        assert!(!compatible("a:b/c@1.0.0", "a:b/c"));
        assert!(compatible("run", "run"));
        assert!(!compatible("run", "walk"));
    }
}
