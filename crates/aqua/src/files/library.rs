//! The standard declarations, which are part of the compiler.

/// Path of an import, and the text.
const FILES: [(&str, &str); 5] = [
    (
        "weir/std/blocks.aqua",
        include_str!("../../../../aqua/std/blocks.aqua"),
    ),
    (
        "weir/std/builtin.aqua",
        include_str!("../../../../aqua/std/builtin.aqua"),
    ),
    (
        "weir/std/math.aqua",
        include_str!("../../../../aqua/std/math.aqua"),
    ),
    (
        "weir/std/subnet.aqua",
        include_str!("../../../../aqua/std/subnet.aqua"),
    ),
    (
        "weir/std/workers.aqua",
        include_str!("../../../../aqua/std/workers.aqua"),
    ),
];

/// What an import means when no file of that name is there: `weir/std/NAME` or
/// the name under which existing programs import these declarations.
pub fn find(import: &str) -> Option<(&'static str, &'static str)> {
    let name = import.strip_suffix(".aqua").unwrap_or(import);
    let name = name
        .strip_prefix("weir/std/")
        .or_else(|| name.strip_prefix("@fluencelabs/aqua-lib/"))?;
    FILES
        .iter()
        .find(|(path, _)| {
            path.strip_prefix("weir/std/")
                .and_then(|path| path.strip_suffix(".aqua"))
                == Some(name)
        })
        .copied()
}

/// The paths under which the standard declarations are imported.
pub fn paths() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(path, _)| *path)
}
