//! What a definition is, in Markdown.

use crate::analysis::Analysis;
use crate::index::What;
use crate::modules;
use weir_aqua::Place;
use weir_aqua::hir::Literal;
use weir_aqua::syntax::{ItemKind, Path};
use weir_aqua::types::{Arrow, Record, Ty};

/// Longer types are cut, so that a hover fits on a screen.
const MEMBERS_MAX: usize = 30;

/// A definition as Aqua would write it, without what is inside.
pub fn signature(analysis: &Analysis, what: &What) -> String {
    let world = &analysis.compilation.world;
    match what {
        What::Func(id) => {
            let def = world.func(*id);
            format!("func {}{}", def.name, arrow(&def.ty))
        }
        What::Const(index) => {
            let def = &world.constants()[*index];
            format!("const {} = {}", def.name, literal(&def.value))
        }
        What::Type(index) => type_definition(analysis, *index),
        What::Local(func, local) => {
            let function = analysis
                .compilation
                .bodies
                .functions
                .get(func.0 as usize)
                .and_then(Option::as_ref);
            let local = function.and_then(|function| function.locals.get(local.0 as usize));
            local.map_or_else(String::new, |local| member(&local.name, &local.ty))
        }
        What::Member(record, index) => match record.members.get(*index) {
            Some((name, ty)) => format!("{}.{}", record.name, member(name, ty)),
            None => String::new(),
        },
        What::File(file) => analysis.file(*file).path.display().to_string(),
        What::Module(file) => {
            let name = modules::own_name(&analysis.compilation, *file);
            let name = name.map_or_else(|| String::from("(without a name)"), Path::text);
            let path = analysis.file(*file).path.display();
            format!("aqua {name} -- {path}")
        }
    }
}

/// Where the comment about a definition stands, which is found at a place.
pub fn commented(analysis: &Analysis, what: &What, place: Place) -> Place {
    let (What::File(file) | What::Module(file)) = what else {
        return place;
    };
    let name = modules::own_name(&analysis.compilation, *file);
    name.map_or(place, |name| Place {
        file: *file,
        span: name.span,
    })
}

/// What the author wrote about a definition.
pub fn docs(analysis: &Analysis, place: Place) -> String {
    let file = analysis.file(place.file);
    // the comment stands above the line
    let before = file
        .text
        .get(..place.span.start as usize)
        .unwrap_or_default();
    let start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    let word = before[start..].len() - before[start..].trim_start().len();
    let docs = file.parsed.docs(&file.text, (start + word) as u32);
    docs.join("\n")
}

/// `name: Type`, or `name(a: A) -> B`.
pub fn member(name: &str, ty: &Ty) -> String {
    match ty {
        Ty::Arrow(inner) => format!("{name}{}", arrow(inner)),
        ty => format!("{name}: {ty}"),
    }
}

/// Arguments and results as in a definition.
pub fn arrow(arrow: &Arrow) -> String {
    let text = arrow.to_string();
    match text.strip_suffix(" -> ()") {
        Some(text) => text.to_owned(),
        None => text,
    }
}

/// A literal as Aqua writes it.
pub fn literal(literal: &Literal) -> String {
    match literal {
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Float(text) => text.clone(),
        Literal::String(text) => format!("\"{text}\""),
    }
}

fn type_definition(analysis: &Analysis, index: usize) -> String {
    let def = &analysis.compilation.world.types()[index];
    let file = analysis.file(def.place.file);
    let alias = file
        .parsed
        .tree
        .items
        .iter()
        .find_map(|item| match &item.kind {
            ItemKind::Alias { name, ty } if name.span == def.place.span => Some(ty.span),
            _ => None,
        });
    if let Some(span) = alias {
        let written = file.text.get(span.range()).unwrap_or_default();
        return format!("alias {}: {written}", def.name);
    }
    let (word, record) = match &def.ty {
        Ty::Struct(record) => ("data", record),
        Ty::Ability(record) => ("ability", record),
        Ty::Service(record) => ("service", record),
        ty => return format!("{}: {ty}", def.name),
    };
    let id = def.service_id.as_ref().map(literal);
    let id = id.map_or_else(String::new, |id| format!("({id})"));
    format!("{word} {}{id}:{}", def.name, members(record))
}

fn members(record: &Record) -> String {
    let mut out = String::new();
    for (name, ty) in record.members.iter().take(MEMBERS_MAX) {
        out.push_str(&format!("\n  {}", member(name, ty)));
    }
    if record.members.len() > MEMBERS_MAX {
        out.push_str(&format!(
            "\n  -- and {} more",
            record.members.len() - MEMBERS_MAX
        ));
    }
    out
}

/// What a word says that every file knows.
pub fn builtin(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "HOST_PEER_ID" => (
            "HOST_PEER_ID: string",
            "The relay of the peer that starts the script; that peer itself if there is none.",
        ),
        "INIT_PEER_ID" => ("INIT_PEER_ID: string", "The peer that starts the script."),
        "PARTICLE_TTL" => (
            "PARTICLE_TTL: u32",
            "How long the script may take, in milliseconds.",
        ),
        "PARTICLE_TIMESTAMP" => (
            "PARTICLE_TIMESTAMP: u64",
            "When the script was started, in milliseconds since 1970.",
        ),
        "LAST_ERROR" => (
            "LAST_ERROR: Error",
            "What failed last: `error_code`, `instruction`, `message` and `peer_id`.",
        ),
        "nil" => ("nil", "The option that is empty."),
        _ => return None,
    })
}
