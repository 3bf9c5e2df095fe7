//! The chain's time: that of the clock, moved. Blocks of one second have the same time, so that many of them do not
//! run ahead of the clock; no block is older than the one before.

use alloy_consensus::Header;

use super::Chain;
use crate::error::Error;
use crate::store::Time;

impl Chain {
    /// The time that the next block would have.
    pub fn next_timestamp(&self, now: u64) -> u64 {
        if let Some(set) = self.meta.time.next.first() {
            return *set;
        }
        let moved = now.saturating_add_signed(self.meta.time.offset.cast_signed());
        moved.max(self.head.header.timestamp)
    }

    /// Time goes on from where a set time put it.
    pub(super) fn time_after(&self, header: &Header, now: u64) -> Time {
        if self.meta.time.next.is_empty() {
            return self.meta.time.clone();
        }
        Time {
            offset: header.timestamp.wrapping_sub(now),
            next: Vec::new(),
        }
    }

    /// Moves the time of all later blocks; gives the seconds by which it is ahead of the clock then.
    pub fn increase_time(&mut self, seconds: u64) -> Result<i64, Error> {
        let offset = self.meta.time.offset.cast_signed();
        let offset = i64::try_from(seconds)
            .ok()
            .and_then(|seconds| offset.checked_add(seconds))
            .filter(|offset| *offset < 1 << 40);
        let offset = offset.ok_or_else(|| {
            Error::Argument(format!("{seconds} seconds are more than time can be moved"))
        })?;
        let mut time = self.meta.time.clone();
        time.offset = offset.cast_unsigned();
        self.put_time(time)?;
        Ok(offset)
    }

    /// Sets the time of the next block, from which time goes on.
    pub fn set_next_timestamp(&mut self, timestamp: u64) -> Result<(), Error> {
        let last = self.head.header.timestamp;
        if timestamp < last {
            return Err(Error::Argument(format!(
                "Timestamp error: {timestamp} is lower than previous block's timestamp {last}"
            )));
        }
        if timestamp >= 1 << 40 {
            return Err(Error::Argument(format!(
                "Timestamp error: {timestamp} is not in seconds"
            )));
        }
        let mut time = self.meta.time.clone();
        time.next = vec![timestamp];
        self.put_time(time)
    }

    fn put_time(&mut self, time: Time) -> Result<(), Error> {
        self.writable()?;
        let mut meta = self.meta.clone();
        meta.time = time;
        let result = self.store.write(|writer| writer.meta(&meta));
        self.written(result)?;
        self.meta = meta;
        Ok(())
    }
}
