//! Offences: entries that their author should not have made.

use super::SignedLeaf;

/// What is wrong with a signed entry, as the evaluator found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Offence {
    /// The step is never reached, or is not its author's.
    #[error("the author never had this step")]
    NotItsStep,
    /// The step already had an entry of the author.
    #[error("the step has two entries")]
    Twice,
    /// Other arguments than the script says.
    #[error("the arguments are not what the script says")]
    Arguments,
    /// Other tetraplets than the script says.
    #[error("the tetraplets are not what the script says")]
    Tetraplets,
    /// Another service or function than the script says.
    #[error("the function is not what the script says")]
    Function,
    /// An outcome that such a call cannot have.
    #[error("the call cannot have this outcome")]
    Outcome,
    /// A canon that leaves out what it had to contain, or contains what it could not.
    #[error("the canon does not contain what it had to")]
    Canon,
    /// A hop that is no pure hop of its author.
    #[error("the hop is not the author's")]
    Hop,
}

const OFFENCES: [Offence; 8] = [
    Offence::NotItsStep,
    Offence::Twice,
    Offence::Arguments,
    Offence::Tetraplets,
    Offence::Function,
    Offence::Outcome,
    Offence::Canon,
    Offence::Hop,
];

impl Offence {
    /// Its number in records.
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn of_number(number: u8) -> Option<Offence> {
        OFFENCES.get(number as usize).copied()
    }
}

/// A journal is not evaluated from `index` on, and what follows is no longer taken. The entries
/// that are here stay, because the signed head covers them and honest peers may have named them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Index of the offending entry.
    pub index: u32,
    /// What is wrong with it.
    pub offence: Offence,
    /// The entry, signed by its author.
    pub evidence: SignedLeaf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offence_has_its_number() {
        for offence in OFFENCES {
            assert_eq!(Offence::of_number(offence.number()), Some(offence));
        }
    }
}
