//! Types and names as TypeScript writes them.

use crate::types::{Arrow, Record, Scalar, Ty};
use hashbrown::HashSet;

/// The name under which a file imports the type of what a callback learns about its caller.
pub(super) const CONTEXT: &str = "ParticleContext$$";

/// Words that cannot be names of functions and arguments in modules.
const RESERVED: [&str; 49] = [
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// Whether a name means something else in the language.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// The name, with as many `_` behind it as it takes to be the only one.
pub(super) fn free(mut name: String, taken: &mut HashSet<String>) -> String {
    while !taken.insert(name.clone()) {
        name.push('_');
    }
    name
}

/// The name of an argument.
pub(super) fn param(name: &str, taken: &mut HashSet<String>) -> String {
    let mut name = name.to_owned();
    if is_reserved(&name) {
        name.push('_');
    }
    free(name, taken)
}

/// The type of values.
pub(super) fn ty(ty: &Ty) -> String {
    match ty {
        Ty::Top | Ty::Error => "any".to_owned(),
        Ty::Bottom => "never".to_owned(),
        Ty::Scalar(Scalar::Bool) => "boolean".to_owned(),
        Ty::Scalar(Scalar::String) => "string".to_owned(),
        Ty::Scalar(_) | Ty::Int { .. } | Ty::Float => "number".to_owned(),
        Ty::Array(element) | Ty::Stream(element) | Ty::Map(element) => match **element {
            Ty::Option(_) => format!("({})[]", self::ty(element)),
            _ => format!("{}[]", self::ty(element)),
        },
        Ty::Option(element) => match **element {
            Ty::Bottom => "null".to_owned(),
            // an option of an option is null if either is
            Ty::Option(_) => self::ty(element),
            _ => format!("{} | null", self::ty(element)),
        },
        Ty::Struct(record) | Ty::Ability(record) | Ty::Service(record) => object(record),
        Ty::Arrow(arrow) => function(arrow),
    }
}

/// Types with commas between them.
pub(super) fn list(types: impl Iterator<Item = String>) -> String {
    types.collect::<Vec<String>>().join(", ")
}

fn object(record: &Record) -> String {
    if record.members.is_empty() {
        return "{}".to_owned();
    }
    let fields = record
        .members
        .iter()
        .map(|(name, field)| format!("{name}: {}", ty(field)));
    format!("{{ {} }}", fields.collect::<Vec<String>>().join("; "))
}

/// A function that the client gives: beside its arguments it learns about its caller.
fn function(arrow: &Arrow) -> String {
    let mut names = HashSet::from(["callParams".to_owned()]);
    let params = arrow.params.iter().enumerate().map(|(index, (name, ty))| {
        let name = name.clone().unwrap_or_else(|| format!("arg{index}"));
        format!("{}: {}", param(&name, &mut names), self::ty(ty))
    });
    let params = list(params.chain([format!("callParams: {CONTEXT}")]));
    let result = match arrow.results.as_slice() {
        [] => "void".to_owned(),
        [result] => ty(result),
        results => format!("[{}]", list(results.iter().map(ty))),
    };
    format!("({params}) => {result} | Promise<{result}>")
}
