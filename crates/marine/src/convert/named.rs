//! Lists of things with names, found by any spelling of the name.

use std::collections::HashMap;
use std::ops::Deref;

use crate::spelling::{self, brief};

/// Something with a name in `kebab-case`.
pub trait Name {
    /// The name.
    fn name(&self) -> &str;
}

impl Name for String {
    fn name(&self) -> &str {
        self
    }
}

/// Things in the order of their declaration; finding one by name does not
/// depend on how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    items: Vec<T>,
    places: HashMap<String, usize>,
}

impl<T: Name> Named<T> {
    /// No two names may be spellings of the same: whoever names one would not
    /// know which one is meant.
    pub(crate) fn new(items: Vec<T>) -> Result<Self, String> {
        let mut places = HashMap::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            if let Some(other) = places.insert(spelling::fold(item.name()), place) {
                let other: &T = &items[other];
                return Err(format!(
                    "the names `{}` and `{}` differ only by hyphens",
                    brief(&other.name()),
                    brief(&item.name())
                ));
            }
        }
        Ok(Self { items, places })
    }

    /// The thing with that name in any spelling.
    pub fn find(&self, name: &str) -> Option<&T> {
        // The name as WIT spells it is its own folded form if it is a single word.
        let place = match self.places.get(name) {
            Some(place) => place,
            None => self.places.get(&spelling::fold(name))?,
        };
        self.items.get(*place)
    }
}

impl<T> Deref for Named<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}
