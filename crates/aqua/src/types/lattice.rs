//! The order of types: which fits where, and the least type that fits two.

use super::{Arrow, Record, Scalar, Ty};
use std::sync::Arc;

impl Ty {
    /// Whether a value of this type may stand where the other is expected.
    pub fn fits(&self, expected: &Ty) -> bool {
        use Ty::{
            Ability, Array, Arrow, Bottom, Error, Float, Int, Map, Option, Scalar, Service, Stream,
            Struct, Top,
        };
        match (self, expected) {
            (Error | Bottom, _) | (_, Error | Top) => true,
            (Scalar(mine), Scalar(theirs)) => mine.fits(*theirs),
            (Int { low, high }, Scalar(scalar)) => scalar.holds(*low, *high),
            (
                Int { low, high },
                Int {
                    low: from,
                    high: to,
                },
            ) => from <= low && high <= to,
            (Float, Float) => true,
            (Float, Scalar(scalar)) => scalar.is_float(),
            (Array(mine) | Option(mine) | Stream(mine), Array(theirs) | Option(theirs))
            | (Stream(mine), Stream(theirs)) => mine.fits(theirs),
            (Map(mine), Map(theirs)) => mine == theirs,
            (Struct(mine), Struct(theirs)) => mine.fits(theirs),
            (Ability(mine) | Service(mine), Ability(theirs) | Service(theirs)) => mine.fits(theirs),
            (Arrow(mine), Arrow(theirs)) => mine.fits(theirs),
            _ => false,
        }
    }

    /// The least type that both fit; `⊤` if there is none but that.
    pub fn join(&self, other: &Ty) -> Ty {
        if self.fits(other) && !matches!(self, Ty::Error) {
            return other.clone();
        }
        if other.fits(self) && !matches!(other, Ty::Error) {
            return self.clone();
        }
        match (self, other) {
            (Ty::Error, _) | (_, Ty::Error) => Ty::Error,
            (
                Ty::Int { low, high },
                Ty::Int {
                    low: from,
                    high: to,
                },
            ) => Ty::Int {
                low: *low.min(from),
                high: *high.max(to),
            },
            (
                Ty::Scalar(_) | Ty::Int { .. } | Ty::Float,
                Ty::Scalar(_) | Ty::Int { .. } | Ty::Float,
            ) => join_numbers(self, other),
            (
                Ty::Array(mine) | Ty::Option(mine) | Ty::Stream(mine),
                Ty::Array(theirs) | Ty::Option(theirs) | Ty::Stream(theirs),
            ) => Ty::array(mine.join(theirs)),
            (Ty::Struct(mine), Ty::Struct(theirs)) => {
                let members: Vec<(String, Ty)> = mine
                    .members
                    .iter()
                    .filter_map(|(name, ty)| Some((name.clone(), ty.join(theirs.get(name)?))))
                    .collect();
                if members.is_empty() {
                    return Ty::Top;
                }
                Ty::Struct(Arc::new(Record {
                    name: String::from("the fields that all have"),
                    members,
                }))
            }
            _ => Ty::Top,
        }
    }

    /// Whether it is certain that values of the two can be equal or unequal in a meaningful way.
    pub fn comparable(&self, other: &Ty) -> bool {
        let is_number = |ty: &Ty| match ty {
            Ty::Scalar(scalar) => !matches!(scalar, Scalar::Bool | Scalar::String),
            Ty::Int { .. } | Ty::Float => true,
            _ => false,
        };
        match (self, other) {
            (Ty::Error, _) | (_, Ty::Error) => true,
            (Ty::Map(_) | Ty::Ability(_) | Ty::Service(_) | Ty::Arrow(_), _)
            | (_, Ty::Map(_) | Ty::Ability(_) | Ty::Service(_) | Ty::Arrow(_)) => false,
            (Ty::Top | Ty::Bottom, _) | (_, Ty::Top | Ty::Bottom) => true,
            _ if is_number(self) && is_number(other) => true,
            (Ty::Struct(_), Ty::Struct(_)) => true,
            _ => match (self.element(), other.element()) {
                (Some(mine), Some(theirs)) => mine.comparable(theirs),
                (None, None) => self.join(other) != Ty::Top,
                _ => false,
            },
        }
    }

    /// Whether it can be an operand of arithmetic on whole numbers.
    pub fn is_integer(&self) -> bool {
        match self {
            Ty::Error | Ty::Int { .. } => true,
            Ty::Scalar(scalar) => scalar.range().is_some(),
            _ => false,
        }
    }
}

/// The narrowest number type that holds both; floats only if one is a float.
fn join_numbers(left: &Ty, right: &Ty) -> Ty {
    let is_float = |ty: &Ty| match ty {
        Ty::Float => true,
        Ty::Scalar(scalar) => scalar.is_float(),
        _ => false,
    };
    let is_signed = |ty: &Ty| match ty {
        Ty::Int { low, .. } => *low < 0,
        Ty::Scalar(scalar) => scalar.range().is_some_and(|(low, _)| low < 0),
        _ => false,
    };
    let float = is_float(left) || is_float(right);
    let signed = is_signed(left) || is_signed(right);
    Scalar::ALL
        .into_iter()
        .filter(|scalar| scalar.is_float() == float)
        .filter(|scalar| float || signed || scalar.range().is_some_and(|(low, _)| low == 0))
        .map(Ty::Scalar)
        .find(|scalar| left.fits(scalar) && right.fits(scalar))
        .unwrap_or(Ty::Top)
}

impl Record {
    /// Whether each member that the other has is here and fits.
    fn fits(&self, expected: &Record) -> bool {
        expected
            .members
            .iter()
            .all(|(name, theirs)| self.get(name).is_some_and(|mine| mine.fits(theirs)))
    }
}

impl Arrow {
    /// Whether it can be called as the other: with those arguments, for those results.
    pub fn fits(&self, expected: &Arrow) -> bool {
        self.params.len() <= expected.params.len()
            && self
                .params
                .iter()
                .zip(&expected.params)
                .all(|((_, mine), (_, given))| given.fits(mine))
            && self.results.len() >= expected.results.len()
            && self
                .results
                .iter()
                .zip(&expected.results)
                .all(|(mine, needed)| mine.fits(needed))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Scalar, Ty};

    #[test]
    fn scalars_widen_but_never_lose() {
        let fits = |from: &str, to: &str| {
            Scalar::named(from)
                .unwrap()
                .fits(Scalar::named(to).unwrap())
        };
        for (from, to) in [
            ("u8", "u64"),
            ("u8", "i16"),
            ("u32", "i64"),
            ("u32", "f64"),
            ("u16", "f32"),
        ] {
            assert!(fits(from, to), "{from} fits {to}");
            assert!(!fits(to, from), "{to} does not fit {from}");
        }
        for (one, other) in [
            ("u64", "i64"),
            ("u64", "f64"),
            ("i64", "f64"),
            ("i32", "f32"),
            ("bool", "u8"),
            ("string", "u8"),
        ] {
            assert!(
                !fits(one, other) && !fits(other, one),
                "{one} and {other} are apart"
            );
        }
    }

    #[test]
    fn a_literal_fits_the_types_that_hold_its_value() {
        let fits = |value: i128, scalar| Ty::int(value).fits(&Ty::Scalar(scalar));
        assert!(fits(255, Scalar::U8) && !fits(256, Scalar::U8));
        assert!(fits(-1, Scalar::I8) && !fits(-1, Scalar::U64));
        assert!(fits(1, Scalar::F32));
    }

    #[test]
    fn two_number_types_join_in_the_narrowest_that_holds_both() {
        let join = |left, right| Ty::Scalar(left).join(&Ty::Scalar(right));
        assert_eq!(join(Scalar::I16, Scalar::U32), Ty::Scalar(Scalar::I64));
        assert_eq!(join(Scalar::U8, Scalar::I32), Ty::Scalar(Scalar::I32));
        assert_eq!(join(Scalar::U64, Scalar::I8), Ty::Top);
        assert_eq!(join(Scalar::I32, Scalar::F32), Ty::Scalar(Scalar::F64));
        assert_eq!(
            Ty::int(300).join(&Ty::Scalar(Scalar::U8)),
            Ty::Scalar(Scalar::U16)
        );
    }

    #[test]
    fn collections_are_never_streams_again() {
        let element = || Ty::Scalar(Scalar::U8);
        let (array, option, stream) = (
            Ty::array(element()),
            Ty::option(element()),
            Ty::stream(element()),
        );
        assert!(
            stream.fits(&array)
                && stream.fits(&option)
                && option.fits(&array)
                && array.fits(&option)
        );
        assert!(!array.fits(&stream) && !option.fits(&stream) && !Ty::nil().fits(&stream));
        assert!(!element().fits(&option), "a value is not an option");
    }
}
