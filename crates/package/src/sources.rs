//! Which source is asked for which block.

use std::collections::HashMap;

use weir_identity::Cid;

use crate::error::{Attempt, SourceError};

/// An ordered list of sources and what is known about them. For each block the first source is asked that has not
/// been asked for it; who sent wrong bytes is never asked again, and neither is who failed several times in a row.
#[derive(Clone, Debug)]
pub struct Sources {
    entries: Vec<Entry>,
    strikes: u32,
    /// By block: which sources were asked in vain, and why.
    tried: HashMap<Cid, Vec<(usize, String)>>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    failures: u32,
    /// Why it is not asked any more.
    out: Option<String>,
}

impl Sources {
    /// The sources by name, the preferred one first.
    pub fn new<T: Into<String>>(names: impl IntoIterator<Item = T>) -> Self {
        let entry = |name: T| Entry {
            name: name.into(),
            failures: 0,
            out: None,
        };
        Self {
            entries: names.into_iter().map(entry).collect(),
            strikes: 1,
            tried: HashMap::new(),
        }
    }

    pub(crate) fn with_strikes(mut self, strikes: u32) -> Self {
        self.strikes = strikes.max(1);
        self
    }

    /// Whom to ask for this block.
    pub(crate) fn next(&self, cid: &Cid) -> Option<usize> {
        let tried = self.tried.get(cid);
        let untried =
            |index: usize| !tried.is_some_and(|tried| tried.iter().any(|(it, _)| *it == index));
        let entries = self.entries.iter().enumerate();
        let mut usable = entries
            .filter(|(_, entry)| entry.out.is_none())
            .map(|(index, _)| index);
        usable.find(|index| untried(*index))
    }

    pub(crate) fn answered(&mut self, source: usize) {
        if let Some(entry) = self.entries.get_mut(source) {
            entry.failures = 0;
        }
    }

    pub(crate) fn failed(&mut self, cid: Cid, source: usize, why: &SourceError) {
        self.tried
            .entry(cid)
            .or_default()
            .push((source, why.to_string()));
        let Some(entry) = self.entries.get_mut(source) else {
            return;
        };
        match why {
            // It answered: what is behind this CID is not there, or no block.
            SourceError::NotFound | SourceError::TooLarge(_) => entry.failures = 0,
            SourceError::TimedOut(_) | SourceError::Failed(_) => {
                entry.failures += 1;
                if entry.failures >= self.strikes && entry.out.is_none() {
                    let times = entry.failures;
                    entry.out = Some(format!(
                        "not asked after {times} failures in a row, the last: {why}"
                    ));
                }
            }
        }
    }

    pub(crate) fn wrong(&mut self, cid: Cid, source: usize) {
        let why = "it sent bytes that are not those of the CID".to_owned();
        self.tried.entry(cid).or_default().push((source, why));
        if let Some(entry) = self.entries.get_mut(source) {
            entry.out = Some(format!("not asked any more: for {cid} it sent other bytes"));
        }
    }

    /// What was tried for this block: every source with its reason, in order.
    pub(crate) fn attempts(&self, cid: &Cid) -> Vec<Attempt> {
        let tried = self.tried.get(cid).map(Vec::as_slice).unwrap_or_default();
        let entries = self.entries.iter().enumerate();
        let attempt = |(index, entry): (usize, &Entry)| {
            let own = tried
                .iter()
                .find(|(it, _)| *it == index)
                .map(|(_, why)| why);
            Attempt {
                source: entry.name.clone(),
                why: own.or(entry.out.as_ref()).cloned().unwrap_or_default(),
            }
        };
        entries.map(attempt).collect()
    }

    /// The sources that are not asked any more, each with the reason.
    pub fn excluded(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.entries.iter();
        entries.filter_map(|entry| Some((entry.name.as_str(), entry.out.as_deref()?)))
    }
}
