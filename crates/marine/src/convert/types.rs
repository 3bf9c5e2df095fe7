//! The types of a function's parameters and result.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::types as engine;

use super::named::{Name, Named};
use crate::spelling;

/// A WIT type whose values are plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the scalar types are those of WIT")]
pub enum Type {
    Bool,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F32,
    F64,
    Char,
    String,
    /// `list<u8>`, which travels as base64 text.
    Bytes,
    /// `list<T>`.
    List(Box<Type>),
    /// `map<K, V>`.
    Map(Box<Type>, Box<Type>),
    /// A record with its fields in order.
    Record(Named<Field>),
    /// `tuple<…>`.
    Tuple(Vec<Type>),
    /// A variant with its cases in order.
    Variant(Named<Case>),
    /// An enum with the names of its cases in order.
    Enum(Named<String>),
    /// Flags with their names in order.
    Flags(Named<String>),
    /// `option<T>`.
    Option(Box<Type>),
    /// `result<OK, ERR>`; either may be absent.
    Result(Option<Box<Type>>, Option<Box<Type>>),
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name as WIT spells it, `kebab-case`.
    pub name: String,
    /// The name as results spell it, `snake_case`.
    pub key: Arc<str>,
    /// The type.
    pub ty: Type,
}

/// A case of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The name as WIT spells it, `kebab-case`.
    pub name: String,
    /// The type of what the case carries, if anything.
    pub ty: Option<Type>,
}

impl Name for Field {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Name for Case {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Type {
    /// Whether the JSON form of a value of this type may be `null`, so that
    /// an option around it needs another form for *some*.
    pub(crate) fn is_option(&self) -> bool {
        matches!(self, Self::Option(_))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::U8 => f.write_str("u8"),
            Self::U16 => f.write_str("u16"),
            Self::U32 => f.write_str("u32"),
            Self::U64 => f.write_str("u64"),
            Self::S8 => f.write_str("s8"),
            Self::S16 => f.write_str("s16"),
            Self::S32 => f.write_str("s32"),
            Self::S64 => f.write_str("s64"),
            Self::F32 => f.write_str("f32"),
            Self::F64 => f.write_str("f64"),
            Self::Char => f.write_str("char"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("list<u8>"),
            Self::List(item) => write!(f, "list<{item}>"),
            Self::Map(key, value) => write!(f, "map<{key}, {value}>"),
            Self::Option(some) => write!(f, "option<{some}>"),
            Self::Tuple(items) => {
                f.write_str("tuple<")?;
                separated(f, items, |f, item| write!(f, "{item}"))?;
                f.write_str(">")
            }
            Self::Record(fields) => {
                f.write_str("record { ")?;
                separated(f, fields, |f, field| {
                    write!(f, "{}: {}", field.name, field.ty)
                })?;
                f.write_str(" }")
            }
            Self::Variant(cases) => {
                f.write_str("variant { ")?;
                separated(f, cases, |f, case| match &case.ty {
                    Some(ty) => write!(f, "{}({ty})", case.name),
                    None => f.write_str(&case.name),
                })?;
                f.write_str(" }")
            }
            Self::Enum(names) => {
                f.write_str("enum { ")?;
                separated(f, names, |f, name| f.write_str(name))?;
                f.write_str(" }")
            }
            Self::Flags(names) => {
                f.write_str("flags { ")?;
                separated(f, names, |f, name| f.write_str(name))?;
                f.write_str(" }")
            }
            Self::Result(None, None) => f.write_str("result"),
            Self::Result(Some(ok), None) => write!(f, "result<{ok}>"),
            Self::Result(None, Some(err)) => write!(f, "result<_, {err}>"),
            Self::Result(Some(ok), Some(err)) => write!(f, "result<{ok}, {err}>"),
        }
    }
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    mut write: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}

/// Compiles the engine's types. Types may share parts, so that a small
/// component can describe a huge tree: the trees of one component together
/// have at most [`Self::NODES_MAX`] nodes, and their names together at most
/// [`Self::NAME_BYTES_MAX`] bytes, each counted wherever it occurs.
pub(crate) struct TypeCompiler {
    nodes_left: usize,
    name_bytes_left: usize,
}

impl TypeCompiler {
    const NODES_MAX: usize = 50_000;
    const NAME_BYTES_MAX: usize = 1 << 20;
    const DEPTH_MAX: usize = 64;

    pub(crate) fn new() -> Self {
        Self {
            nodes_left: Self::NODES_MAX,
            name_bytes_left: Self::NAME_BYTES_MAX,
        }
    }

    /// The type, or why its values are no plain data.
    pub(crate) fn compile(&mut self, ty: &engine::Type) -> Result<Type, String> {
        self.at_depth(ty, Self::DEPTH_MAX)
    }

    fn spend(&mut self, nodes: usize) -> Result<(), String> {
        self.nodes_left = self.nodes_left.checked_sub(nodes).ok_or_else(|| {
            format!(
                "the types of all functions together have more than {} parts",
                Self::NODES_MAX
            )
        })?;
        Ok(())
    }

    /// Counts a name that is kept.
    pub(crate) fn spend_name(&mut self, name: &str) -> Result<(), String> {
        self.name_bytes_left = self
            .name_bytes_left
            .checked_sub(name.len())
            .ok_or_else(|| {
                format!(
                    "the names in the types of all functions together have more than {} bytes",
                    Self::NAME_BYTES_MAX
                )
            })?;
        Ok(())
    }

    fn names<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Result<Named<String>, String> {
        let names = names.map(|name| {
            self.spend(1)?;
            self.spend_name(name)?;
            Ok(name.to_owned())
        });
        Named::new(names.collect::<Result<_, String>>()?)
    }

    fn at_depth(&mut self, ty: &engine::Type, depth: usize) -> Result<Type, String> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(format!("its types nest deeper than {}", Self::DEPTH_MAX));
        };
        self.spend(1)?;
        Ok(match ty {
            engine::Type::Bool => Type::Bool,
            engine::Type::U8 => Type::U8,
            engine::Type::U16 => Type::U16,
            engine::Type::U32 => Type::U32,
            engine::Type::U64 => Type::U64,
            engine::Type::S8 => Type::S8,
            engine::Type::S16 => Type::S16,
            engine::Type::S32 => Type::S32,
            engine::Type::S64 => Type::S64,
            engine::Type::Float32 => Type::F32,
            engine::Type::Float64 => Type::F64,
            engine::Type::Char => Type::Char,
            engine::Type::String => Type::String,
            engine::Type::List(list) => match list.ty() {
                engine::Type::U8 => Type::Bytes,
                item => Type::List(Box::new(self.at_depth(&item, depth)?)),
            },
            engine::Type::Map(map) => Type::Map(
                Box::new(self.at_depth(&map.key(), depth)?),
                Box::new(self.at_depth(&map.value(), depth)?),
            ),
            engine::Type::Record(record) => {
                let fields = record.fields().map(|field| {
                    self.spend_name(field.name)?;
                    Ok(Field {
                        name: field.name.to_owned(),
                        key: spelling::snake(field.name).into(),
                        ty: self.at_depth(&field.ty, depth)?,
                    })
                });
                Type::Record(Named::new(fields.collect::<Result<_, String>>()?)?)
            }
            engine::Type::Tuple(tuple) => Type::Tuple(
                tuple
                    .types()
                    .map(|item| self.at_depth(&item, depth))
                    .collect::<Result<_, _>>()?,
            ),
            engine::Type::Variant(variant) => {
                self.spend(variant.cases().len())?;
                let cases = variant.cases().map(|case| {
                    self.spend_name(case.name)?;
                    Ok(Case {
                        name: case.name.to_owned(),
                        ty: case.ty.map(|ty| self.at_depth(&ty, depth)).transpose()?,
                    })
                });
                Type::Variant(Named::new(cases.collect::<Result<_, String>>()?)?)
            }
            engine::Type::Enum(names) => Type::Enum(self.names(names.names())?),
            engine::Type::Flags(names) => Type::Flags(self.names(names.names())?),
            engine::Type::Option(option) => {
                Type::Option(Box::new(self.at_depth(&option.ty(), depth)?))
            }
            engine::Type::Result(result) => {
                let mut side = |ty: Option<engine::Type>| {
                    ty.map(|ty| self.at_depth(&ty, depth).map(Box::new))
                        .transpose()
                };
                Type::Result(side(result.ok())?, side(result.err())?)
            }
            engine::Type::Own(_) | engine::Type::Borrow(_) => return Err(no_data("a resource")),
            engine::Type::Future(_) => return Err(no_data("a future")),
            engine::Type::Stream(_) => return Err(no_data("a stream")),
            engine::Type::ErrorContext => return Err(no_data("an error-context")),
            engine::Type::FixedLengthList(_) => {
                return Err("a list of fixed length is not supported".into());
            }
        })
    }
}

fn no_data(what: &str) -> String {
    format!("{what} is not data that could be passed as a value")
}
