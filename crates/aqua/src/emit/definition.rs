//! Definitions for clients: the types of functions and services as JSON.

use super::Json;
use crate::hir::Literal;
use crate::names::TypeDef;
use crate::types::{Arrow, Record, Scalar, Ty};

/// The definition of an exported function under its name for clients.
pub fn function(name: &str, ty: &Arrow) -> Json {
    let names = [
        ("relay", "-relay-"),
        ("getDataSrv", "getDataSrv"),
        ("callbackSrv", "callbackSrv"),
        ("responseSrv", "callbackSrv"),
        ("responseFnName", "response"),
        ("errorHandlingSrv", "errorHandlingSrv"),
        ("errorFnName", "error"),
    ];
    object([
        ("functionName", Json::from(name)),
        ("arrow", function_arrow(ty)),
        (
            "names",
            object(names.map(|(name, value)| (name, value.into()))),
        ),
    ])
}

/// The definition of an exported service.
pub fn service(def: &TypeDef) -> Json {
    let mut out = Vec::new();
    if let Some(Literal::String(id)) = &def.service_id {
        out.push((String::from("defaultServiceId"), Json::from(id.as_str())));
    }
    let methods = def
        .ty
        .members()
        .map_or(Json::Object(Vec::new()), |record| members(record));
    let methods = Json::tagged("labeledProduct", [("fields", methods)]);
    out.push((String::from("functions"), methods));
    Json::Object(out)
}

/// A type.
pub fn ty(ty: &Ty) -> Json {
    match ty {
        Ty::Top | Ty::Error => Json::tagged("topType", []),
        Ty::Bottom => Json::tagged("bottomType", []),
        Ty::Scalar(scalar) => self::scalar(*scalar),
        Ty::Int { low, high } => self::scalar(narrowest(*low, *high)),
        Ty::Float => self::scalar(Scalar::F64),
        Ty::Array(element) | Ty::Stream(element) | Ty::Map(element) => {
            Json::tagged("array", [("type", self::ty(element))])
        }
        Ty::Option(element) => Json::tagged("option", [("type", self::ty(element))]),
        Ty::Struct(record) | Ty::Ability(record) | Ty::Service(record) => {
            let name = Json::from(record.name.as_str());
            Json::tagged("struct", [("name", name), ("fields", members(record))])
        }
        Ty::Arrow(inner) => arrow(inner),
    }
}

fn object<const N: usize>(fields: [(&str, Json); N]) -> Json {
    Json::Object(fields.map(|(name, value)| (name.to_owned(), value)).into())
}

fn scalar(scalar: Scalar) -> Json {
    Json::tagged("scalar", [("name", scalar.name().into())])
}

fn members(record: &Record) -> Json {
    let member = |(name, member): &(String, Ty)| (name.clone(), ty(member));
    Json::Object(record.members.iter().map(member).collect())
}

fn labelled(arrow: &Arrow) -> Json {
    let field =
        |(name, param): &(Option<String>, Ty)| (name.clone().unwrap_or_default(), ty(param));
    let fields = Json::Object(arrow.params.iter().map(field).collect());
    Json::tagged("labeledProduct", [("fields", fields)])
}

fn unlabelled<'t>(types: impl Iterator<Item = &'t Ty>) -> Json {
    let items = Json::Array(types.map(ty).collect());
    Json::tagged("unlabeledProduct", [("items", items)])
}

fn codomain(arrow: &Arrow) -> Json {
    if arrow.results.is_empty() {
        return Json::tagged("nil", []);
    }
    unlabelled(arrow.results.iter())
}

/// The arguments of a function always have labels, even if there are none.
fn function_arrow(arrow: &Arrow) -> Json {
    let ends = [("domain", labelled(arrow)), ("codomain", codomain(arrow))];
    Json::tagged("arrow", ends)
}

fn arrow(arrow: &Arrow) -> Json {
    let domain = if arrow.params.is_empty() {
        Json::tagged("nil", [])
    } else if arrow.params.iter().all(|(name, _)| name.is_some()) {
        labelled(arrow)
    } else {
        unlabelled(arrow.params.iter().map(|(_, param)| param))
    };
    Json::tagged("arrow", [("domain", domain), ("codomain", codomain(arrow))])
}

fn narrowest(low: i128, high: i128) -> Scalar {
    Scalar::ALL
        .into_iter()
        .find(|scalar| scalar.range().is_some() && scalar.holds(low, high))
        .unwrap_or(Scalar::I64)
}
