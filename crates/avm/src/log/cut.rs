//! The evaluator's verdict on an entry.

use super::record::Record;
use super::{AuthorIdx, Cut, Log, LogIndex, Offence};

impl Log {
    /// Cuts a journal at an offending entry. From there on its entries take no part in evaluation
    /// and are not named as learnt, and no more of it is taken, except what honest authors have
    /// named. The first cut of a journal stays, unless a later one is at a lower index. False if
    /// there is no such signed entry, or the journal is cut there or before already.
    pub fn cut(&mut self, author: AuthorIdx, index: u32, offence: Offence) -> bool {
        let journal = &mut self.journals[author.0 as usize];
        if journal.cut.as_ref().is_some_and(|cut| cut.index <= index) {
            return false;
        }
        let Some(evidence) = journal.signed_leaf(index) else {
            return false;
        };
        journal.cut = Some(Cut {
            index,
            offence,
            evidence,
        });
        self.records
            .push(Record::cut(&journal.author, index, offence));
        true
    }

    /// Where and why a journal is cut.
    pub fn cut_of(&self, author: AuthorIdx) -> Option<&Cut> {
        self.journals[author.0 as usize].cut.as_ref()
    }

    /// Whether an entry lies behind a cut.
    pub fn is_cut(&self, at: LogIndex) -> bool {
        self.order
            .get(at.0 as usize)
            .is_some_and(|(author, index)| *index >= self.journals[author.0 as usize].live_len())
    }
}
