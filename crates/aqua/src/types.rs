//! Types, and which value may stand where.

use std::fmt;
use std::sync::Arc;

mod lattice;
mod scalar;

pub use scalar::Scalar;

/// A type. Data types exist at run time as JSON values; streams, maps, abilities,
/// services and arrows exist only in the compiler.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ty {
    /// The type of what could not be understood; fits everywhere, so that one
    /// mistake is told once.
    Error,
    /// Any data.
    Top,
    /// No value: the element type of `nil`.
    Bottom,
    /// Numbers, truth values, strings.
    Scalar(Scalar),
    /// A whole number known to lie between two bounds: literals and what is computed from them.
    Int {
        /// The least value.
        low: i128,
        /// The greatest value.
        high: i128,
    },
    /// A literal with a dot.
    Float,
    /// `[]T`
    Array(Arc<Ty>),
    /// `?T`
    Option(Arc<Ty>),
    /// `*T`
    Stream(Arc<Ty>),
    /// `%T`
    Map(Arc<Ty>),
    /// `data`
    Struct(Arc<Record>),
    /// `ability`
    Ability(Arc<Record>),
    /// `service`
    Service(Arc<Record>),
    /// What can be called.
    Arrow(Arc<Arrow>),
}

/// Named members. Types with the same members are the same, whatever they are called.
#[derive(Debug, Clone)]
pub struct Record {
    /// The name, for messages.
    pub name: String,
    /// The members in the order of the text.
    pub members: Vec<(String, Ty)>,
}

impl Record {
    /// The type of a member.
    pub fn get(&self, name: &str) -> Option<&Ty> {
        self.members
            .iter()
            .find(|(member, _)| member == name)
            .map(|(_, ty)| ty)
    }

    /// The names of the members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.members.len() == other.members.len()
            && self
                .members
                .iter()
                .all(|(name, ty)| other.get(name) == Some(ty))
    }
}

impl Eq for Record {}

impl std::hash::Hash for Record {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.members.len().hash(state);
    }
}

/// Arguments and results of what can be called.
#[derive(Debug, Clone, Eq)]
pub struct Arrow {
    /// The arguments, with their names where they have some.
    pub params: Vec<(Option<String>, Ty)>,
    /// The results.
    pub results: Vec<Ty>,
}

/// Names of arguments do not matter.
impl PartialEq for Arrow {
    fn eq(&self, other: &Self) -> bool {
        self.results == other.results
            && self.params.len() == other.params.len()
            && self
                .params
                .iter()
                .zip(&other.params)
                .all(|((_, mine), (_, theirs))| mine == theirs)
    }
}

impl std::hash::Hash for Arrow {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.results.hash(state);
        self.params.len().hash(state);
    }
}

impl Ty {
    /// `string`
    pub const STRING: Self = Self::Scalar(Scalar::String);
    /// `bool`
    pub const BOOL: Self = Self::Scalar(Scalar::Bool);
    /// `u32`
    pub const U32: Self = Self::Scalar(Scalar::U32);
    /// `i64`
    pub const I64: Self = Self::Scalar(Scalar::I64);

    /// `[]T`
    pub fn array(element: Ty) -> Self {
        Self::Array(Arc::new(element))
    }

    /// `?T`
    pub fn option(element: Ty) -> Self {
        Self::Option(Arc::new(element))
    }

    /// `*T`
    pub fn stream(element: Ty) -> Self {
        Self::Stream(Arc::new(element))
    }

    /// The type of a literal.
    pub fn int(value: i128) -> Self {
        Self::Int {
            low: value,
            high: value,
        }
    }

    /// `nil`
    pub fn nil() -> Self {
        Self::option(Self::Bottom)
    }

    /// Whether values of it exist at run time.
    pub fn is_data(&self) -> bool {
        !matches!(
            self,
            Self::Stream(_) | Self::Map(_) | Self::Ability(_) | Self::Service(_) | Self::Arrow(_)
        )
    }

    /// The type of the elements of a collection: array, option or stream.
    pub fn element(&self) -> Option<&Ty> {
        match self {
            Self::Array(element) | Self::Option(element) | Self::Stream(element) => Some(element),
            _ => None,
        }
    }

    /// The members of an ability or a service.
    pub fn members(&self) -> Option<&Arc<Record>> {
        match self {
            Self::Ability(record) | Self::Service(record) => Some(record),
            _ => None,
        }
    }

    /// The type for messages: quoted, or in words where no notation says it.
    pub fn said(&self) -> String {
        match self {
            Self::Int { .. } | Self::Float => self.to_string(),
            _ => format!("`{self}`"),
        }
    }

    /// What kind of thing it is, for messages, if it is no data.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stream(_) => "a stream",
            Self::Map(_) => "a stream map",
            Self::Ability(_) => "an ability",
            Self::Service(_) => "a service",
            Self::Arrow(_) => "a function",
            _ => "data",
        }
    }

    /// The type as a program has to write it.
    fn notation(&self) -> String {
        match self {
            Self::Int { low, high } => Scalar::ALL
                .into_iter()
                .find(|scalar| scalar.holds(*low, *high))
                .unwrap_or(Scalar::I64)
                .name()
                .to_owned(),
            Self::Float => Scalar::F64.name().to_owned(),
            _ => self.to_string(),
        }
    }

    /// What the type becomes where a data value is needed: a stream becomes an array.
    pub fn frozen(&self) -> Ty {
        match self {
            Self::Stream(element) => Self::Array(element.clone()),
            other => other.clone(),
        }
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error => f.write_str("?"),
            Self::Top => f.write_str("⊤"),
            Self::Bottom => f.write_str("⊥"),
            Self::Scalar(scalar) => f.write_str(scalar.name()),
            Self::Int { low, high } if low == high => write!(f, "the number {low}"),
            Self::Int { low, high } => write!(f, "a number from {low} to {high}"),
            Self::Float => f.write_str("a number with a dot"),
            Self::Array(element) => write!(f, "[]{}", element.notation()),
            Self::Option(element) if **element == Self::Bottom => f.write_str("nil"),
            Self::Option(element) => write!(f, "?{}", element.notation()),
            Self::Stream(element) => write!(f, "*{}", element.notation()),
            Self::Map(element) => write!(f, "%{}", element.notation()),
            Self::Struct(record) | Self::Ability(record) | Self::Service(record) => {
                f.write_str(&record.name)
            }
            Self::Arrow(arrow) => write!(f, "{arrow}"),
        }
    }
}

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (index, (name, ty)) in self.params.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            if let Some(name) = name {
                write!(f, "{name}: ")?;
            }
            write!(f, "{ty}")?;
        }
        f.write_str(") -> ")?;
        if self.results.is_empty() {
            return f.write_str("()");
        }
        for (index, ty) in self.results.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{ty}")?;
        }
        Ok(())
    }
}
