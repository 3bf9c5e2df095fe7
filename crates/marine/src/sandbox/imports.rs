//! Which interfaces a guest may import.

use crate::world::Mode;

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

/// The interfaces of our own, at any version compatible with 0.1.0.
const OWN: &[&str] = &[
    "weir:host/blobs",
    "weir:host/context",
    "weir:host/entropy",
    "weir:host/faults",
    "weir:host/http",
    "weir:host/log",
    "weir:host/programs",
    "weir:host/signing",
    "weir:host/state",
];

/// Whether the import of that name is provided.
pub(crate) fn granted(import: &str) -> bool {
    import.split_once('@').is_some_and(|(interface, version)| {
        let compatible = |with: &str| {
            let rest = version.strip_prefix(with);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        INTERFACES.contains(&interface) && compatible("0.2")
            || OWN.contains(&interface) && compatible("0.1")
    })
}

/// What the functions of a component with the import of that name may do if nobody says otherwise: change the state
/// if they can, and have effects if they can.
pub(crate) fn mode(import: &str) -> Mode {
    let interface = import.split_once('@').map_or(import, |(name, _)| name);
    match interface {
        "weir:host/state" | "wasi:filesystem/types" => Mode::Update,
        "weir:host/blobs" | "weir:host/entropy" | "weir:host/http" | "weir:host/programs"
        | "weir:host/signing" => Mode::View,
        _ => Mode::Pure,
    }
}

/// Whether the import of that name lets functions have effects.
pub(crate) fn has_effects(import: &str) -> bool {
    mode(import) == Mode::View
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
        assert!(granted("weir:host/state@0.1.0"));
        assert!(!granted("weir:host/state@0.2.0"));
    }
}
