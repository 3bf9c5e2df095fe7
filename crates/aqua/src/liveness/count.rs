//! How many: a number, and lengths of arrays that are not known yet.

use crate::hir::{Expr, ExprKind, Literal, LocalId};
use crate::syntax::BinaryOp;
use hashbrown::HashMap;

/// An upper bound for a number of elements.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Count {
    /// The number, and how many times the length of each array.
    Finite(i64, HashMap<LocalId, i64>),
    /// Any number.
    Infinite,
}

impl Count {
    pub fn number(number: usize) -> Self {
        i64::try_from(number).map_or(Self::Infinite, |number| {
            Self::Finite(number, HashMap::new())
        })
    }

    /// A number that is computed in the program, if it consists of literals and lengths of arrays.
    pub fn of(expr: &Expr) -> Option<Self> {
        match &expr.kind {
            ExprKind::Literal(Literal::Int(number)) => Some(Self::Finite(*number, HashMap::new())),
            ExprKind::Length(of) => match &of.kind {
                ExprKind::Local(local) if of.ty.is_data() => {
                    Some(Self::Finite(0, HashMap::from([(*local, 1)])))
                }
                ExprKind::Collection(_, items) => Some(Self::number(items.len())),
                _ => None,
            },
            ExprKind::Binary(BinaryOp::Add, left, right) => {
                Some(Self::of(left)?.plus(&Self::of(right)?))
            }
            ExprKind::Binary(BinaryOp::Sub, left, right) => match Self::of(right)? {
                Self::Finite(number, lengths) if lengths.is_empty() => {
                    let number = number.checked_neg()?;
                    Some(Self::of(left)?.plus(&Self::Finite(number, lengths)))
                }
                _ => None,
            },
            _ => None,
        }
    }

    pub fn is_zero(&self) -> bool {
        matches!(self, Self::Finite(0, lengths) if lengths.is_empty())
    }

    /// The number, if it depends on no array.
    pub fn known(&self) -> Option<i64> {
        match self {
            Self::Finite(number, lengths) if lengths.is_empty() => Some(*number),
            _ => None,
        }
    }

    pub fn plus(&self, other: &Self) -> Self {
        let (Self::Finite(mine, lengths), Self::Finite(theirs, more)) = (self, other) else {
            return Self::Infinite;
        };
        let Some(number) = mine.checked_add(*theirs) else {
            return Self::Infinite;
        };
        let mut lengths = lengths.clone();
        for (local, times) in more {
            let sum = lengths.entry(*local).or_insert(0);
            match sum.checked_add(*times) {
                Some(new) => *sum = new,
                None => return Self::Infinite,
            }
        }
        Self::Finite(number, lengths)
    }

    /// So many times; bounded only if one of the two is a number.
    pub fn times(&self, other: &Self) -> Self {
        if self.is_zero() || other.is_zero() {
            return Self::number(0);
        }
        let (number, count) = match (self.known(), other.known()) {
            (Some(number), _) => (number, other),
            (_, Some(number)) => (number, self),
            (None, None) => return Self::Infinite,
        };
        let Self::Finite(base, lengths) = count else {
            return Self::Infinite;
        };
        let Some(base) = base.checked_mul(number) else {
            return Self::Infinite;
        };
        let mut product = HashMap::new();
        for (local, times) in lengths {
            match times.checked_mul(number) {
                Some(times) => product.insert(*local, times),
                None => return Self::Infinite,
            };
        }
        Self::Finite(base, product)
    }

    /// A bound for either of the two.
    pub fn either(&self, other: &Self) -> Self {
        match (self.known(), other.known()) {
            (Some(mine), Some(theirs)) => Self::Finite(mine.max(theirs), HashMap::new()),
            _ if self == other => self.clone(),
            _ => self.plus(other),
        }
    }

    /// Whether it is certainly less than another one, however long the arrays are.
    pub fn is_less(&self, other: &Self) -> bool {
        let (Self::Finite(mine, lengths), Self::Finite(theirs, more)) = (self, other) else {
            return false;
        };
        mine < theirs
            && lengths
                .iter()
                .all(|(local, times)| more.get(local).is_some_and(|other| times <= other))
            && more.values().all(|times| *times >= 0)
    }
}

#[cfg(test)]
mod tests {
    use super::Count;
    use crate::hir::LocalId;
    use hashbrown::HashMap;

    fn length(number: i64) -> Count {
        Count::Finite(number, HashMap::from([(LocalId(1), 1)]))
    }

    #[test]
    fn a_count_is_less_only_if_it_is_so_for_every_length() {
        let two = Count::number(2);
        assert!(Count::number(1).is_less(&two));
        assert!(!two.is_less(&two));
        assert!(length(0).is_less(&length(1)));
        assert!(!length(0).is_less(&two), "the array may be long");
        assert!(Count::number(0).is_less(&length(1)));
        assert!(
            !Count::number(1).is_less(&length(0)),
            "the array may be empty"
        );
        assert!(!Count::Infinite.is_less(&two));
    }

    #[test]
    fn what_cannot_be_said_is_any_number() {
        assert_eq!(length(0).times(&length(0)), Count::Infinite);
        assert_eq!(length(1).times(&Count::number(0)), Count::number(0));
        let most = Count::Finite(i64::MAX, HashMap::new());
        assert_eq!(most.plus(&Count::number(1)), Count::Infinite);
        assert_eq!(most.times(&Count::number(2)), Count::Infinite);
    }
}
