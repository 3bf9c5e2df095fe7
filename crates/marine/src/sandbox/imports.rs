//! Which interfaces a guest may import.

/// The interfaces that [`linker`](super::linker) provides, at any version compatible with 0.2.0.
const INTERFACES: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Whether the import of that name is provided.
pub(crate) fn granted(import: &str) -> bool {
    import.split_once('@').is_some_and(|(interface, version)| {
        INTERFACES.contains(&interface) && (version == "0.2" || version.starts_with("0.2."))
    })
}

#[cfg(test)]
mod tests {
    use super::granted;

    #[test]
    fn versions_compatible_with_wasi_0_2_are_granted() {
        assert!(granted("wasi:clocks/wall-clock@0.2.0"));
        assert!(granted("wasi:clocks/wall-clock@0.2.99"));
        assert!(!granted("wasi:clocks/wall-clock@0.3.0"));
        assert!(!granted("wasi:clocks/wall-clock@0.20.0"));
        assert!(!granted("wasi:clocks/wall-clock"));
        assert!(!granted("wasi:sockets/tcp@0.2.0"));
    }
}
