//! The part of JSON Schema that our schemas use. Stricter in one point: a field must be described to be there.

use serde_json::Value;

/// Checks the data of a document against the schema that it names.
#[track_caller]
pub fn check(document: &Value) {
    let name = document["schema"]
        .as_str()
        .expect("a document names its schema");
    let file = name.trim_start_matches("weir.").trim_end_matches("/1");
    let path = format!("{}/schemas/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("every schema has a file");
    let schema: Value = serde_json::from_str(&text).expect("schemas are JSON");
    if let Err(fault) = validate(&document["data"], &schema) {
        panic!("{name}: {fault}\n{document:#}");
    }
}

fn validate(value: &Value, schema: &Value) -> Result<(), String> {
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return Err(format!("{value} is none of {allowed:?}"));
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !fits {
        return Err(format!("{value} is no {}", schema["type"]));
    }
    if let (Some(object), Some(properties)) = (value.as_object(), schema["properties"].as_object())
    {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !object.contains_key(name.as_str().unwrap_or_default()) {
                return Err(format!("{name} is missing"));
            }
        }
        for (name, field) in object {
            let schema = properties
                .get(name)
                .ok_or_else(|| format!("{name} is not described"))?;
            validate(field, schema).map_err(|fault| format!("{name}: {fault}"))?;
        }
    }
    if let (Some(items), true) = (value.as_array(), schema["items"].is_object()) {
        for (index, item) in items.iter().enumerate() {
            validate(item, &schema["items"]).map_err(|fault| format!("[{index}]: {fault}"))?;
        }
    }
    Ok(())
}
