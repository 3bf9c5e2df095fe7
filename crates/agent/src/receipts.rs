//! The receipts that a worker keeps.

use weir_node::NodeHandle;
use weir_peer::store::{epoch_of_receipt, epoch_prefix, receipts_prefix};
use weir_peer::{Batch, Write};
use weir_receipt::{EpochReceipts, ReceiptTree, SignedReceipt};

use crate::packages::Failure;

/// Receipts that are read at one time, and deleted: they come between calls.
const PAGE: usize = 1_024;

/// What the receipts of an epoch come to. The worker makes none in it any more.
pub(crate) async fn of_epoch(node: &NodeHandle, epoch: u32) -> Result<EpochReceipts, Failure> {
    let mut tree = ReceiptTree::new();
    let mut after = None;
    loop {
        let page = node.records_after(epoch_prefix(epoch), after, PAGE).await;
        let page = page.map_err(Failure::for_now)?;
        let Some((last, _)) = page.last() else {
            return tree.finish().map_err(Failure::for_good);
        };
        after = Some(last.clone());
        let grown = tokio::task::spawn_blocking(move || -> Result<ReceiptTree, String> {
            for (_, bytes) in page {
                let signed = SignedReceipt::decode(&bytes).map_err(|error| error.to_string())?;
                tree.push(&signed).map_err(|error| error.to_string())?;
            }
            Ok(tree)
        });
        let grown = grown
            .await
            .map_err(|_| Failure::for_good("reading receipts panicked"))?;
        tree = grown.map_err(Failure::for_good)?;
    }
}

/// Deletes the receipts of earlier epochs.
pub(crate) async fn forget_before(node: &NodeHandle, epoch: u32) -> Result<(), Failure> {
    loop {
        let page = node.records_after(receipts_prefix(), None, PAGE).await;
        let page = page.map_err(Failure::for_now)?;
        let keys = page.into_iter().map(|(key, _)| key);
        let old = keys.take_while(|key| epoch_of_receipt(key).is_some_and(|of| of < epoch));
        let writes: Vec<Write> = old.map(|key| Write::Delete { key }).collect();
        if writes.is_empty() {
            return Ok(());
        }
        node.write(Batch { writes })
            .await
            .map_err(Failure::for_now)?;
    }
}
