//! Peer names in texts and values, to ids and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use weir_identity::value::Fields;
use weir_identity::{PeerId, Value};

use crate::world::World;

/// The peers of a case by name and by id.
#[derive(Debug, Clone, Default)]
pub struct Names {
    ids: BTreeMap<Arc<str>, Arc<str>>,
    by_id: FxHashMap<Arc<str>, Arc<str>>,
    /// Lengths of the ids, which are mostly one.
    lengths: Vec<usize>,
}

impl Names {
    /// The names of these peers, whose keys follow from them.
    pub fn new(names: impl IntoIterator<Item = Arc<str>>) -> Self {
        names
            .into_iter()
            .map(|name| (World::key_of(&name).peer_id(), name))
            .collect()
    }

    /// Whether a peer has this name.
    pub fn contains(&self, name: &str) -> bool {
        self.ids.contains_key(name)
    }

    /// Whether a text can be a name: a letter, then letters, digits and `_`.
    pub fn is_name(text: &str) -> bool {
        text.starts_with(|first: char| first.is_ascii_alphabetic()) && name_at(text) == text
    }

    /// Replaces `@name` by the id of that peer. What is no known name stays.
    pub fn to_ids(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('@') {
            let name = name_at(&rest[at + 1..]);
            let end = at + 1 + name.len();
            match self.ids.get(name) {
                Some(id) => {
                    out.push_str(&rest[..at]);
                    out.push_str(id);
                }
                None => out.push_str(&rest[..end]),
            }
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }

    /// Replaces the id of each peer by `@name`.
    pub fn to_names(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        let mut from = 0;
        // Base58 text of an identity multihash of a secp256k1 key always begins so.
        while let Some(found) = text[from..].find("16Uiu2HA") {
            let at = from + found;
            let ids = self
                .lengths
                .iter()
                .filter_map(|length| text.get(at..at + length));
            let known = ids
                .into_iter()
                .find_map(|id| Some((id.len(), self.by_id.get(id)?)));
            from = at + 1;
            if let Some((length, name)) = known {
                out.push_str(&text[copied..at]);
                out.push('@');
                out.push_str(name);
                from = at + length;
                copied = from;
            }
        }
        out.push_str(&text[copied..]);
        out
    }

    /// [`Names::to_ids`] in every text of a value, names of fields included.
    pub fn value_to_ids(&self, value: &Value) -> Value {
        map_texts(value, &|text| self.to_ids(text))
    }

    /// [`Names::to_names`] in every text of a value, names of fields included.
    pub fn value_to_names(&self, value: &Value) -> Value {
        map_texts(value, &|text| self.to_names(text))
    }
}

impl FromIterator<(PeerId, Arc<str>)> for Names {
    fn from_iter<I: IntoIterator<Item = (PeerId, Arc<str>)>>(peers: I) -> Self {
        let mut found = Names::default();
        for (id, name) in peers {
            let id: Arc<str> = id.to_string().into();
            if !found.lengths.contains(&id.len()) {
                found.lengths.push(id.len());
            }
            found.by_id.insert(id.clone(), name.clone());
            found.ids.insert(name, id);
        }
        found
    }
}

fn name_at(text: &str) -> &str {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    &text[..text.len() - rest.len()]
}

/// Values are at most as deep as the parser of JSON and the machine allow, so recursion is safe.
fn map_texts(value: &Value, map: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::from(map(text)),
        Value::Array(items) => items.iter().map(|item| map_texts(item, map)).collect(),
        Value::Object(fields) => {
            let fields: Fields = fields
                .iter()
                .map(|(name, value)| (Arc::from(map(name)), map_texts(value, map)))
                .collect();
            Value::from(fields)
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) => {
            value.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Names;

    #[test]
    fn names_become_ids_and_ids_become_names_again() {
        let names = Names::new(["a", "ab"].map(Arc::from));
        let text = r#"@a @ab. @abc a@b "@a""#;
        let replaced = names.to_ids(text);
        assert!(!replaced.contains("@a ") && !replaced.contains("@ab."));
        assert!(replaced.contains(" @abc a@b "), "{replaced}");
        assert_eq!(names.to_names(&replaced), text);
    }

    #[test]
    fn an_id_of_a_stranger_stays() {
        let names = Names::new([Arc::from("a")]);
        let stranger = crate::world::World::key_of("z").peer_id().to_string();
        assert_eq!(names.to_names(&stranger), stranger);
    }
}
