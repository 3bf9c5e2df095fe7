//! The tree behind a manifest, with the lines on which it stands if it was text.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};
use weir_identity::Value;

/// A value and the line where it, or the key before it, begins.
pub(super) struct Item {
    pub(super) line: Option<usize>,
    pub(super) node: Node,
}

pub(super) enum Node {
    Scalar(Value),
    List(Vec<Item>),
    Table(BTreeMap<String, Item>),
}

impl Item {
    /// The tree of a value that was not text.
    pub(super) fn of_value(value: &Value) -> Self {
        let node = match value {
            Value::Array(items) => Node::List(items.iter().map(Self::of_value).collect()),
            Value::Object(fields) => Node::Table(
                fields
                    .iter()
                    .map(|(name, value)| (name.to_string(), Self::of_value(value)))
                    .collect(),
            ),
            scalar => Node::Scalar(scalar.clone()),
        };
        Self { line: None, node }
    }

    /// The tree of a text in TOML; or what is wrong, with its line.
    pub(super) fn of_toml(source: &str) -> Result<Self, (Option<usize>, String)> {
        let lines = Lines::new(source);
        let document = DeTable::parse(source).map_err(|error| {
            let line = error.span().map(|span| lines.at(&span));
            (line, error.message().trim_end().to_owned())
        })?;
        table(document.get_ref(), None, &lines)
    }

    /// The same without lines.
    pub(super) fn to_value(&self) -> Value {
        match &self.node {
            Node::Scalar(value) => value.clone(),
            Node::List(items) => items.iter().map(Self::to_value).collect(),
            Node::Table(fields) => fields
                .iter()
                .map(|(name, item)| (name.as_str(), item.to_value()))
                .collect(),
        }
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.node {
            Node::Scalar(value) => value.kind(),
            Node::List(_) => "list",
            Node::Table(_) => "table",
        }
    }
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn new(source: &str) -> Self {
        let ends = source.match_indices('\n').map(|(end, _)| end + 1);
        Self(std::iter::once(0).chain(ends).collect())
    }

    /// The line, from 1, in which the span begins.
    fn at(&self, span: &Range<usize>) -> usize {
        self.0.partition_point(|start| *start <= span.start)
    }
}

fn table(
    table: &DeTable<'_>,
    line: Option<usize>,
    lines: &Lines,
) -> Result<Item, (Option<usize>, String)> {
    let mut fields = BTreeMap::new();
    for (key, value) in table {
        let line = Some(lines.at(&key.span()));
        fields.insert(
            key.get_ref().to_string(),
            item(value.get_ref(), line, lines)?,
        );
    }
    let node = Node::Table(fields);
    Ok(Item { line, node })
}

fn item(
    value: &DeValue<'_>,
    line: Option<usize>,
    lines: &Lines,
) -> Result<Item, (Option<usize>, String)> {
    let node = match value {
        DeValue::String(text) => Node::Scalar(Value::from(&**text)),
        DeValue::Boolean(flag) => Node::Scalar(Value::from(*flag)),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            let number = parsed.map_err(|_| (line, "the number is too large".to_owned()))?;
            Node::Scalar(Value::from(number))
        }
        DeValue::Array(items) => {
            let items = items
                .iter()
                .map(|value| item(value.get_ref(), Some(lines.at(&value.span())), lines));
            Node::List(items.collect::<Result<_, _>>()?)
        }
        DeValue::Table(fields) => return table(fields, line, lines),
        DeValue::Float(_) => return Err((line, "there are no fractions in a manifest".to_owned())),
        DeValue::Datetime(_) => return Err((line, "there are no dates in a manifest".to_owned())),
    };
    Ok(Item { line, node })
}
