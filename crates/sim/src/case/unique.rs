//! Finds fields that stand twice, of which a reader would drop one in silence.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use weir_identity::Value;

use super::Names;

/// The path of the first field that stands twice in one object of a text that is JSON.
pub(super) fn field_that_stands_twice(text: &str) -> Option<String> {
    let twice = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // Who read the text as a value has bounded its depth.
    deserializer.disable_recursion_limit();
    let walk = Walk {
        path: "$".to_owned(),
        twice: &twice,
    };
    // An error says only that a field was found.
    let _ = walk.deserialize(&mut deserializer);
    twice.into_inner()
}

struct Walk<'a> {
    path: String,
    twice: &'a RefCell<Option<String>>,
}

impl Walk<'_> {
    fn below(&self, step: &str) -> Self {
        Walk {
            path: format!("{}{step}", self.path),
            twice: self.twice,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0_usize;
        while items
            .next_element_seed(self.below(&format!("[{index}]")))?
            .is_some()
        {
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            let step = if Names::is_name(&name) {
                format!(".{name}")
            } else {
                format!("[{}]", Value::from(name.as_str()))
            };
            let field = self.below(&step);
            if !seen.insert(name) {
                *self.twice.borrow_mut() = Some(field.path);
                return Err(A::Error::custom("a field stands twice"));
            }
            fields.next_value_seed(field)?;
        }
        Ok(())
    }
}
