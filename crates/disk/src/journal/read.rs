//! Reading what was written before a crash.

use thiserror::Error;

use super::{HEAD_BYTES, HEADER_BYTES, MAGIC, checksum};

/// Why a journal cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JournalError {
    /// It was damaged after it was written; says where.
    #[error("it cannot be read {0}")]
    Damaged(&'static str),
    /// Another store wrote it.
    #[error("another store wrote it")]
    OfAnother,
}

/// The payloads of a journal of this store, from the record with number `first` on, after which it is named; none if it
/// ended before its first record.
pub fn journal_payloads(bytes: &[u8], store: u64, first: u64) -> Result<Vec<&[u8]>, JournalError> {
    let Some((header, mut rest)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Ok(Vec::new());
    };
    let (named, sum) = header.split_at(HEADER_BYTES - 4);
    if crc32fast::hash(named).to_be_bytes() != sum || !named.starts_with(MAGIC) {
        // The header comes to the disk before a record is acknowledged.
        return if is_begun(rest, store, first) {
            Err(JournalError::Damaged("from its beginning on"))
        } else {
            Ok(Vec::new())
        };
    }
    if named[MAGIC.len()..] != store.to_be_bytes() {
        return if rest.is_empty() {
            Ok(Vec::new())
        } else {
            Err(JournalError::OfAnother)
        };
    }
    let mut found = Vec::new();
    let mut number = first;
    while let Some(payload) = payload(rest, store, number) {
        rest = &rest[HEAD_BYTES + payload.len()..];
        found.push(payload);
        number = number.wrapping_add(1);
    }
    // The next one was begun when this one was acknowledged.
    if is_begun(rest, store, number.wrapping_add(1)) {
        return Err(JournalError::Damaged("in its middle"));
    }
    Ok(found)
}

/// The payload of the record of this number, if these bytes begin with it.
fn payload(bytes: &[u8], store: u64, number: u64) -> Option<&[u8]> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
    let length = u32::from_be_bytes(*head.first_chunk()?) as usize;
    let payload = rest.get(..length)?;
    let is_it = number_of(head, store) == Some(number) && head[12..16] == checksum(store, payload);
    is_it.then_some(payload)
}

/// The number of the record whose head these bytes are; none if they are anything else.
fn number_of(head: &[u8], store: u64) -> Option<u64> {
    let (of_head, sum) = head.split_last_chunk::<4>()?;
    let number = u64::from_be_bytes(*of_head.get(4..)?.first_chunk()?);
    (*sum == checksum(store, of_head)).then_some(number)
}

/// Whether the head of a record stands somewhere, of this number or of any that may have followed in so many bytes.
fn is_begun(bytes: &[u8], store: u64, number: u64) -> bool {
    let records = (bytes.len() / HEAD_BYTES) as u64;
    let numbers = number..=number.saturating_add(records);
    let mut places = bytes.windows(HEAD_BYTES);
    places.any(|head| number_of(head, store).is_some_and(|number| numbers.contains(&number)))
}

#[cfg(test)]
mod tests {
    use super::super::{Journal, Journals, MemoryJournals};
    use super::journal_payloads as payloads;
    use super::*;
    use crate::Durability;

    const STORE: u64 = 0x1234_5678_9abc_def0;
    const FIRST: u64 = 7;
    const PAYLOADS: [&[u8]; 4] = [b"first", b"", &[0; 40], b"the last"];

    fn journal() -> Vec<u8> {
        let journals = MemoryJournals::default();
        let begun = Journal::begin(&journals, STORE, FIRST, Durability::Power);
        let mut journal = begun.expect("memory does not fail");
        for (number, payload) in (FIRST..).zip(PAYLOADS) {
            let appended = journal.append(number, |out| out.extend_from_slice(payload));
            appended.expect("memory does not fail");
        }
        journals.read(FIRST).expect("it was made")
    }

    /// How many bytes end with which record.
    fn ends() -> [usize; 5] {
        let mut end = HEADER_BYTES;
        let mut ends = [end; 5];
        for (at, payload) in PAYLOADS.iter().enumerate() {
            end += HEAD_BYTES + payload.len();
            ends[at + 1] = end;
        }
        ends
    }

    #[test]
    fn what_was_appended_is_read_up_to_where_it_was_cut_off() {
        let whole = journal();
        assert_eq!(whole.len(), ends()[4]);
        for length in 0..=whole.len() {
            let records = ends().iter().skip(1).filter(|end| **end <= length).count();
            let read = payloads(&whole[..length], STORE, FIRST);
            assert_eq!(read, Ok(PAYLOADS[..records].to_vec()), "{length} bytes");
            // Space that was made and not written.
            let mut holes = whole[..length].to_vec();
            holes.resize(whole.len() + 1_000, 0);
            let read = payloads(&holes, STORE, FIRST).expect("nothing was acknowledged after it");
            assert!(read.len() >= records && PAYLOADS.starts_with(&read));
        }
    }

    #[test]
    fn a_byte_turned_in_a_record_before_the_last_is_an_error() {
        let whole = journal();
        for place in 0..whole.len() {
            for bit in 0..8 {
                let mut turned = whole.clone();
                turned[place] ^= 1 << bit;
                let read = payloads(&turned, STORE, FIRST);
                if place < ends()[3] {
                    read.expect_err("a record is missing");
                } else {
                    assert_eq!(read, Ok(PAYLOADS[..3].to_vec()), "it may have been cut off");
                }
            }
        }
    }

    #[test]
    fn a_hole_before_a_record_that_is_whole_is_an_error_however_wide() {
        let whole = journal();
        for begin in 0..ends()[3] {
            for end in begin + 1..=ends()[3] {
                let mut holed = whole.clone();
                holed[begin..end].fill(0xff);
                payloads(&holed, STORE, FIRST).expect_err("a record is missing");
            }
        }
    }

    #[test]
    fn a_journal_of_another_store_is_an_error_unless_nothing_is_in_it() {
        let whole = journal();
        let other = payloads(&whole, STORE + 1, FIRST);
        assert_eq!(other, Err(JournalError::OfAnother));
        let begun = payloads(&whole[..HEADER_BYTES], STORE + 1, FIRST);
        assert_eq!(begun, Ok(Vec::new()));
    }
}
