//! JSON whose fields keep their order.

use std::fmt;

/// What definitions consist of. Clients match arguments with the fields of a definition by their order, which the maps
/// of other JSON values do not keep. `{}` writes it on one line, `{:#}` with two spaces for each level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// An object with a field `tag` and others.
    pub(super) fn tagged<const N: usize>(tag: &str, fields: [(&str, Json); N]) -> Self {
        let tag = (String::from("tag"), Self::from(tag));
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        Self::Object(std::iter::once(tag).chain(fields).collect())
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, level: usize) -> fmt::Result {
        let broken = f.alternate();
        let line = |f: &mut fmt::Formatter<'_>, level: usize| {
            if broken {
                write!(f, "\n{:1$}", "", 2 * level)?;
            }
            Ok(())
        };
        match self {
            Self::String(text) => f.write_str(&quoted(text)),
            Self::Array(items) if items.is_empty() => f.write_str("[]"),
            Self::Object(fields) if fields.is_empty() => f.write_str("{}"),
            Self::Array(items) => {
                let mut sign = "[";
                for item in items {
                    f.write_str(sign)?;
                    line(f, level + 1)?;
                    item.write(f, level + 1)?;
                    sign = ",";
                }
                line(f, level)?;
                f.write_str("]")
            }
            Self::Object(fields) => {
                let mut sign = "{";
                for (name, value) in fields {
                    f.write_str(sign)?;
                    line(f, level + 1)?;
                    f.write_str(&quoted(name))?;
                    f.write_str(if broken { ": " } else { ":" })?;
                    value.write(f, level + 1)?;
                    sign = ",";
                }
                line(f, level)?;
                f.write_str("}")
            }
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
