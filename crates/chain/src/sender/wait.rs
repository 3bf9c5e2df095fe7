//! From a signed transaction to a block.

use std::time::Duration;

use alloy::eips::BlockId;
use alloy::primitives::U256;
use alloy::providers::Provider;
use alloy::rpc::types::TransactionReceipt;
use tokio::time::Instant;
use tracing::debug;

use super::{Outcome, Sender, Sent};
use crate::call::Call;
use crate::error::ChainError;
use crate::revert::Revert;

/// How long to wait before looking again; longer each time, up to the last.
const LOOK: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(1)];

/// How often the bytes are handed to an endpoint again that may have forgotten them.
const REMIND: Duration = Duration::from_secs(5);

impl Sender {
    /// Waits until a transaction is in a block. Endpoints are reminded of it, and it pays more with time.
    pub(super) async fn finish(
        &self,
        key: &str,
        call: &Call,
        mut sent: Sent,
    ) -> Result<TransactionReceipt, ChainError> {
        let begin = Instant::now();
        let (mut reminded, mut priced) = (None, begin);
        let [mut pause, longest] = LOOK;
        loop {
            if let Some(receipt) = self.receipt(&sent).await? {
                return self.settle(key, call, sent, receipt).await;
            }
            let now = Instant::now();
            if now.duration_since(begin) >= self.terms.patience {
                let hash = sent
                    .attempts
                    .last()
                    .map(|attempt| attempt.hash)
                    .unwrap_or_default();
                return Err(ChainError::Pending {
                    what: call.what.clone(),
                    hash,
                });
            }
            if now.duration_since(priced) >= self.terms.reprice_after {
                priced = now;
                if self.reprice(key, call, &mut sent).await? {
                    reminded = None;
                }
            }
            if reminded.is_none_or(|last| now.duration_since(last) >= REMIND) {
                reminded = Some(now);
                self.remind(&sent).await?;
                continue;
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(longest);
        }
    }

    /// Hands the bytes to an endpoint. What it says is a hint at most: that it knows them, that the nonce is behind.
    async fn remind(&self, sent: &Sent) -> Result<(), ChainError> {
        let Some(attempt) = sent.attempts.last() else {
            return Ok(());
        };
        let provider = self.client.provider();
        let Err(error) = provider.send_raw_transaction(&attempt.raw).await else {
            return Ok(());
        };
        let Some(answer) = error.as_error_resp() else {
            return Err(error.into());
        };
        debug!(hash = %attempt.hash, answer = %answer.message, "an endpoint does not take a transaction");
        let account = self.account();
        let mined = provider.get_transaction_count(account).await?;
        if mined > sent.nonce && self.receipt(sent).await?.is_none() {
            return Err(ChainError::NonceTaken {
                account,
                nonce: sent.nonce,
            });
        }
        let needed = U256::from(sent.gas).saturating_mul(U256::from(attempt.fees.max));
        let balance = self.client.balance(account).await?;
        if mined == sent.nonce && balance < needed {
            return Err(ChainError::Unfunded {
                account,
                balance,
                needed,
            });
        }
        Ok(())
    }

    /// Signs the transaction anew for more, if the cap allows that.
    async fn reprice(&self, key: &str, call: &Call, sent: &mut Sent) -> Result<bool, ChainError> {
        let Some(last) = sent.attempts.last() else {
            return Ok(false);
        };
        let fees = self.fees().await?.above(last.fees);
        let cost = U256::from(sent.gas).saturating_mul(U256::from(fees.max));
        if cost > self.terms.gas_cap {
            return Ok(false);
        }
        let attempt = self.sign(call, sent, fees)?;
        sent.attempts.push(attempt);
        self.journal.store(key, sent).map_err(ChainError::Journal)?;
        Ok(true)
    }

    async fn receipt(&self, sent: &Sent) -> Result<Option<TransactionReceipt>, ChainError> {
        for attempt in sent.attempts.iter().rev() {
            let found = self.client.provider().get_transaction_receipt(attempt.hash);
            if let Some(receipt) = found.await?
                && receipt.block_number.is_some()
            {
                return Ok(Some(receipt));
            }
        }
        Ok(None)
    }

    async fn settle(
        &self,
        key: &str,
        call: &Call,
        mut sent: Sent,
        receipt: TransactionReceipt,
    ) -> Result<TransactionReceipt, ChainError> {
        let hash = receipt.transaction_hash;
        let block = receipt.block_number.unwrap_or_default();
        let outcome = Outcome {
            hash,
            block,
            succeeded: receipt.status(),
        };
        if sent.outcome != Some(outcome) {
            sent.outcome = Some(outcome);
            self.journal
                .store(key, &sent)
                .map_err(ChainError::Journal)?;
        }
        if receipt.status() {
            return Ok(receipt);
        }
        let request = call.request(self.account());
        let again = self
            .client
            .provider()
            .call(request)
            .block(BlockId::number(block));
        let why = match again.await {
            Err(error) => Revert::of(&error).unwrap_or_else(|| Revert::decode(&[])),
            Ok(_) => Revert {
                words: "its gas ran out, or the state was another when its turn came".to_owned(),
                ..Revert::decode(&[])
            },
        };
        Err(ChainError::Failed {
            what: call.what.clone(),
            hash,
            why: Box::new(why),
        })
    }
}
