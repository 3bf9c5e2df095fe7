//! Tables that a message builds while it is read: a thing stands in full where it occurs first
//! (number 0) and is a number from 1 on afterwards.

use std::collections::BTreeMap;

use crate::log::Malformed;
use crate::log::wire::{In, Out};

/// The writer's side. Ordered, because keys may come from an attacker.
pub(super) struct Numbers<T> {
    numbers: BTreeMap<T, u64>,
    next: u64,
}

impl<T: Ord> Numbers<T> {
    pub(super) fn new() -> Numbers<T> {
        Numbers {
            numbers: BTreeMap::new(),
            next: 1,
        }
    }

    /// Writes the number of a thing, or enters it and writes 0 and the thing.
    pub(super) fn write(&mut self, out: &mut Out, thing: T, full: impl FnOnce(&mut Out, &T)) {
        if let Some(number) = self.numbers.get(&thing) {
            out.uint(*number);
        } else {
            out.uint(0);
            full(out, &thing);
            self.enter(thing);
        }
    }

    /// Numbers a thing that was written in another way. The first number of a thing counts.
    pub(super) fn enter(&mut self, thing: T) {
        self.numbers.entry(thing).or_insert(self.next);
        self.next += 1;
    }

    pub(super) fn number(&self, thing: &T) -> Option<u64> {
        self.numbers.get(thing).copied()
    }
}

/// The reader's side.
pub(super) struct Things<T>(Vec<T>);

impl<T: Clone> Things<T> {
    pub(super) fn new() -> Things<T> {
        Things(Vec::new())
    }

    pub(super) fn read<'a>(
        &mut self,
        input: &mut In<'a>,
        full: impl FnOnce(&mut In<'a>) -> Result<T, Malformed>,
    ) -> Result<T, Malformed> {
        let number = input.uint()?;
        if number == 0 {
            let thing = full(input)?;
            self.enter(thing.clone());
            Ok(thing)
        } else {
            self.get(number)
        }
    }

    pub(super) fn get(&self, number: u64) -> Result<T, Malformed> {
        let index = usize::try_from(number - 1).map_err(|_| Malformed("reference"))?;
        self.0.get(index).cloned().ok_or(Malformed("reference"))
    }

    pub(super) fn enter(&mut self, thing: T) {
        self.0.push(thing);
    }
}
