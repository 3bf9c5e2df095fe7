//! Scalar types and their order.

/// A type of numbers, truth values or strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is named as everywhere")]
pub enum Scalar {
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F32,
    F64,
    Bool,
    String,
}

impl Scalar {
    /// All of them, narrow before wide.
    pub const ALL: [Self; 12] = [
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::U64,
        Self::I64,
        Self::F32,
        Self::F64,
        Self::Bool,
        Self::String,
    ];

    /// The name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Bool => "bool",
            Self::String => "string",
        }
    }

    /// The type of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scalar| scalar.name() == name)
    }

    /// The least and the greatest value, for whole numbers.
    pub fn range(self) -> Option<(i128, i128)> {
        Some(match self {
            Self::U8 => (0, u8::MAX.into()),
            Self::U16 => (0, u16::MAX.into()),
            Self::U32 => (0, u32::MAX.into()),
            Self::U64 => (0, u64::MAX.into()),
            Self::I8 => (i8::MIN.into(), i8::MAX.into()),
            Self::I16 => (i16::MIN.into(), i16::MAX.into()),
            Self::I32 => (i32::MIN.into(), i32::MAX.into()),
            Self::I64 => (i64::MIN.into(), i64::MAX.into()),
            _ => return None,
        })
    }

    /// Whether it holds numbers with fractions.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// The bits of whole numbers that a float type holds without loss.
    fn exact_range(self) -> Option<(i128, i128)> {
        match self {
            Self::F32 => Some((-(1 << 24), 1 << 24)),
            Self::F64 => Some((-(1 << 53), 1 << 53)),
            _ => None,
        }
    }

    /// Whether each value of `self` is a value of `other`.
    pub fn fits(self, other: Self) -> bool {
        if self == other || (self == Self::F32 && other == Self::F64) {
            return true;
        }
        let Some((low, high)) = self.range() else {
            return false;
        };
        other
            .range()
            .or_else(|| other.exact_range())
            .is_some_and(|(from, to)| from <= low && high <= to)
    }

    /// Whether a whole number between the two is a value of it.
    pub fn holds(self, low: i128, high: i128) -> bool {
        self.is_float()
            || self
                .range()
                .is_some_and(|(from, to)| from <= low && high <= to)
    }
}
