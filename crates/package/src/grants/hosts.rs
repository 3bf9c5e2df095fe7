//! Sets of hosts: `api.example.org`, `*.example.org` for all below it, `*` for all. Each means the ports 80 and 443;
//! `:8080` names another and `:*` all.

/// Whether a pattern is one.
pub(super) fn is_pattern(pattern: &str) -> bool {
    let (name, port) = parts(pattern);
    let port = port.is_none_or(|port| port == "*" || is_port(port));
    let name = name.strip_prefix("*.").unwrap_or(name);
    let word = |part: &str| {
        let may = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        };
        !part.is_empty() && part.bytes().all(may)
    };
    port && (name == "*" || name.split('.').all(word))
}

/// Whether everything that `asked` means is among what `given` means.
pub(super) fn covers(given: &str, asked: &str) -> bool {
    let ((given, given_port), (asked, asked_port)) = (parts(given), parts(asked));
    let ports = match (given_port, asked_port) {
        (Some("*"), _) => true,
        (None, Some(port)) => matches!(port, "80" | "443"),
        (given, asked) => given == asked,
    };
    let names = given == "*"
        || given == asked
        || given
            .strip_prefix('*')
            .is_some_and(|below| asked.ends_with(below) && asked.len() > below.len());
    ports && names
}

fn parts(pattern: &str) -> (&str, Option<&str>) {
    match pattern.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (pattern, None),
    }
}

fn is_port(port: &str) -> bool {
    port.parse::<u16>()
        .is_ok_and(|number| number > 0 && number.to_string() == port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_means_and_no_more() {
        for (given, asked) in [
            ("*", "api.example.org"),
            ("*", "*.example.org:443"),
            ("*.example.org", "api.example.org"),
            ("*.example.org", "*.example.org"),
            ("*.example.org", "*.cdn.example.org"),
            ("api.example.org:*", "api.example.org"),
            ("api.example.org", "api.example.org:443"),
        ] {
            assert!(covers(given, asked), "{given} {asked}");
        }
        for (given, asked) in [
            ("*.example.org", "example.org"),
            ("*.example.org", "evil-example.org"),
            ("*.example.org", "*"),
            ("api.example.org", "*.example.org"),
            ("api.example.org", "api.example.org:8080"),
            ("api.example.org:443", "api.example.org"),
        ] {
            assert!(!covers(given, asked), "{given} {asked}");
        }
    }

    #[test]
    fn what_is_no_host_is_no_pattern() {
        for right in ["*", "*:*", "a.b", "*.b:1", "localhost:8080"] {
            assert!(is_pattern(right), "{right}");
        }
        for wrong in [
            "", "*.", "a..b", "A.b", "a:0", "a:65536", "**", "a.*", ":80", "a/b",
        ] {
            assert!(!is_pattern(wrong), "{wrong}");
        }
    }
}
