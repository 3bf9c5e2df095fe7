//! Definitions for clients: the types of functions and services as JSON.

use crate::hir::Literal;
use crate::names::TypeDef;
use crate::types::{Arrow, Record, Scalar, Ty};
use serde_json::{Map, Value, json};

/// The definition of an exported function under its name for clients.
pub fn function(name: &str, ty: &Arrow) -> Value {
    json!({
        "functionName": name,
        "arrow": function_arrow(ty),
        "names": {
            "relay": "-relay-",
            "getDataSrv": "getDataSrv",
            "callbackSrv": "callbackSrv",
            "responseSrv": "callbackSrv",
            "responseFnName": "response",
            "errorHandlingSrv": "errorHandlingSrv",
            "errorFnName": "error",
        },
    })
}

/// The definition of an exported service.
pub fn service(def: &TypeDef) -> Value {
    let mut out = Map::new();
    if let Some(Literal::String(id)) = &def.service_id {
        out.insert(String::from("defaultServiceId"), Value::from(id.as_str()));
    }
    let record = def.ty.members();
    out.insert(
        String::from("functions"),
        json!({"tag": "labeledProduct", "fields": record.map(|record| fields(record))}),
    );
    Value::Object(out)
}

/// A type.
pub fn ty(ty: &Ty) -> Value {
    match ty {
        Ty::Top | Ty::Error => json!({"tag": "topType"}),
        Ty::Bottom => json!({"tag": "bottomType"}),
        Ty::Scalar(scalar) => json!({"tag": "scalar", "name": scalar.name()}),
        Ty::Int { low, high } => json!({"tag": "scalar", "name": narrowest(*low, *high).name()}),
        Ty::Float => json!({"tag": "scalar", "name": "f64"}),
        Ty::Array(element) | Ty::Stream(element) | Ty::Map(element) => {
            json!({"tag": "array", "type": self::ty(element)})
        }
        Ty::Option(element) => json!({"tag": "option", "type": self::ty(element)}),
        Ty::Struct(record) | Ty::Ability(record) | Ty::Service(record) => {
            json!({"tag": "struct", "name": record.name, "fields": fields(record)})
        }
        Ty::Arrow(inner) => arrow(inner),
    }
}

fn fields(record: &Record) -> Value {
    Value::Object(
        record
            .members
            .iter()
            .map(|(name, member)| (name.clone(), ty(member)))
            .collect(),
    )
}

fn labelled(arrow: &Arrow) -> Value {
    let fields: Map<String, Value> = arrow
        .params
        .iter()
        .map(|(name, param)| (name.clone().unwrap_or_default(), ty(param)))
        .collect();
    json!({"tag": "labeledProduct", "fields": fields})
}

fn codomain(arrow: &Arrow) -> Value {
    if arrow.results.is_empty() {
        return json!({"tag": "nil"});
    }
    let items: Vec<Value> = arrow.results.iter().map(ty).collect();
    json!({"tag": "unlabeledProduct", "items": items})
}

/// The arguments of a function always have labels, even if there are none.
fn function_arrow(arrow: &Arrow) -> Value {
    json!({"tag": "arrow", "domain": labelled(arrow), "codomain": codomain(arrow)})
}

fn arrow(arrow: &Arrow) -> Value {
    let domain = if arrow.params.is_empty() {
        json!({"tag": "nil"})
    } else if arrow.params.iter().all(|(name, _)| name.is_some()) {
        labelled(arrow)
    } else {
        let items: Vec<Value> = arrow.params.iter().map(|(_, param)| ty(param)).collect();
        json!({"tag": "unlabeledProduct", "items": items})
    };
    json!({"tag": "arrow", "domain": domain, "codomain": codomain(arrow)})
}

fn narrowest(low: i128, high: i128) -> Scalar {
    Scalar::ALL
        .into_iter()
        .find(|scalar| scalar.range().is_some() && scalar.holds(low, high))
        .unwrap_or(Scalar::I64)
}
