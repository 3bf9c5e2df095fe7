//! Lists of things with names, found by any spelling of the name.

use std::collections::HashMap;
use std::ops::Deref;

use crate::spelling;

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
    pub(crate) fn new(items: Vec<T>) -> Self {
        let mut places = HashMap::with_capacity(2 * items.len());
        for (place, item) in items.iter().enumerate() {
            places.entry(spelling::fold(item.name())).or_insert(place);
        }
        // An exact name counts more than another spelling of a different one.
        for (place, item) in items.iter().enumerate() {
            places.insert(item.name().to_owned(), place);
        }
        Self { items, places }
    }

    /// The thing with that name in any spelling.
    pub fn find(&self, name: &str) -> Option<&T> {
        let place = self
            .places
            .get(name)
            .or_else(|| self.places.get(&spelling::fold(name)))?;
        self.items.get(*place)
    }
}

impl<T> Deref for Named<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}
