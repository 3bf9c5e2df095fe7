//! Receipts of executions, held against the entries that they stand in before those are taken.
//!
//! Whether a receipt is that of its entry follows from the bytes of both, so all peers agree on it. It costs a
//! recovery of a signature for each.

use rustc_hash::FxHashMap;
use weir_identity::Cid;
use weir_receipt::SignedReceipt;

use super::intake::Pending;
use super::{Blob, Body, CallEntry, Log, Outcome, Refusal};

impl Log {
    /// Checks the receipts in the entries of a suffix from this index of the journal on, if all the results are at
    /// hand: otherwise the suffix cannot be taken yet anyway.
    pub(super) fn check_receipts(
        &self,
        pending: &mut Pending,
        from: u32,
        blobs: &FxHashMap<Cid, Blob>,
    ) -> Result<(), Refusal> {
        if pending.receipts_checked {
            return Ok(());
        }
        let skipped = from.saturating_sub(pending.suffix.from()) as usize;
        let calls = pending.suffix.entries.iter().skip(skipped);
        let calls = calls.filter_map(|entry| match &entry.body {
            Body::Call(call) => Some((call, call.receipt.as_deref()?)),
            _ => None,
        });
        let mut complete = true;
        for (call, receipt) in calls {
            match self.result(call, pending, blobs) {
                Ok(result) => self.check_receipt(pending, call, receipt, result)?,
                Err(NotHere) => complete = false,
            }
        }
        pending.receipts_checked = complete;
        Ok(())
    }

    fn check_receipt(
        &self,
        pending: &Pending,
        call: &CallEntry,
        receipt: &[u8],
        result: Option<&Blob>,
    ) -> Result<(), Refusal> {
        let entry = weir_receipt::Entry {
            author: &pending.author(),
            particle: &self.particle.0,
            step: &call.step.0,
            function: &call.function,
            succeeded: !matches!(call.outcome, Outcome::Failed { .. }),
            result: result.map(Blob::value),
        };
        SignedReceipt::of_entry(receipt, &entry)
            .map(|_| ())
            .map_err(|_| Refusal::Receipt)
    }

    /// What a call gave; none if nobody needs to see it.
    fn result<'a>(
        &'a self,
        call: &CallEntry,
        pending: &'a Pending,
        blobs: &'a FxHashMap<Cid, Blob>,
    ) -> Result<Option<&'a Blob>, NotHere> {
        let Some(cid) = call.outcome.blob() else {
            return Ok(None);
        };
        let held = || self.blobs.get(cid).map(|stored| &stored.blob);
        let blob = blobs.get(cid).or_else(|| pending.blobs.get(cid));
        blob.or_else(held).map(Some).ok_or(NotHere)
    }
}

/// The result is not at hand.
struct NotHere;
