//! Following a market, block by block, also when the chain changes its mind.

use std::collections::VecDeque;
use std::time::Duration;

use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::B256;
use alloy::providers::Provider;
use alloy::rpc::types::{Filter, Log};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::deployment::Deployment;
use crate::error::ChainError;
use crate::event::{Happened, MarketEvent};
use crate::reply::Reply;

/// How many blocks back a reorganisation is followed.
pub const REORGANISATION_MAX: u64 = 64;

/// The most blocks of which logs are asked for at once.
const RANGE_MAX: u64 = 10_000;

/// Where a follower is: the blocks that it has seen last, as far back as a reorganisation is followed. Keep it together
/// with what came of the events, in one write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Everything up to this block was seen.
    next: u64,
    /// Numbers and hashes of the last blocks, oldest first.
    recent: VecDeque<(u64, B256)>,
}

impl Cursor {
    /// Before the first block of a market.
    pub fn before(deployment: &Deployment) -> Self {
        Self {
            next: deployment.first_block,
            recent: VecDeque::new(),
        }
    }

    /// The last block whose events were seen.
    pub fn block(&self) -> u64 {
        self.next.saturating_sub(1)
    }
}

/// What a follower learns.
#[derive(Debug, Clone)]
pub enum News {
    /// Nothing new: the chain is where the follower is.
    Nothing,
    /// The next blocks, up to one.
    Blocks {
        /// The last of them.
        to: u64,
        /// The head of the chain: there is more to ask for if it lies further.
        head: u64,
        /// What happened in them, in order.
        events: Vec<Happened>,
    },
    /// What happened after a block did not happen.
    RolledBack {
        /// The last block that still holds.
        to: u64,
    },
}

/// Follows the events of a market.
#[derive(Debug)]
pub struct Follower {
    client: Client,
    deployment: Deployment,
    cursor: Cursor,
    range: u64,
}

impl Follower {
    /// Goes on from a cursor.
    pub fn new(client: Client, deployment: Deployment, cursor: Cursor) -> Self {
        Self {
            client,
            deployment,
            cursor,
            range: RANGE_MAX,
        }
    }

    /// Where it is: after what [`Self::next`] gave last.
    pub fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Waits for what is new, and asks so often.
    pub async fn wait(&mut self, every: Duration) -> Result<News, ChainError> {
        loop {
            match self.next().await? {
                News::Nothing => tokio::time::sleep(every).await,
                news => return Ok(news),
            }
        }
    }

    /// What is new. Does not wait for a block; ask again when one may be there. After an error it is where it was.
    pub async fn next(&mut self) -> Result<News, ChainError> {
        self.look().await
    }

    fn look(&mut self) -> Reply<'_, News> {
        Box::pin(async move {
            if let Some(to) = self.fork().await? {
                self.cursor.recent.retain(|(number, _)| *number <= to);
                self.cursor.next = to.saturating_add(1);
                return Ok(News::RolledBack { to });
            }
            let head = self.client.block_number().await?;
            if head < self.cursor.next {
                return Ok(News::Nothing);
            }
            loop {
                let from = self.cursor.next;
                let to = head.min(from.saturating_add(self.range.saturating_sub(1)));
                let filter = Filter::new()
                    .address(self.deployment.emitters().to_vec())
                    .from_block(from)
                    .to_block(to);
                match self.client.provider().get_logs(&filter).await {
                    Ok(logs) => return self.accept((from, to, head), logs).await,
                    // Endpoints have limits of their own, which they say in words of their own.
                    Err(error)
                        if error.as_error_resp().is_some() && self.range > 1 && to > from =>
                    {
                        self.range = (to - from).div_ceil(2).max(1);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        })
    }

    /// The last block that both know, if the chain left the follower's.
    async fn fork(&self) -> Result<Option<u64>, ChainError> {
        let mut left = false;
        for (number, hash) in self.cursor.recent.iter().rev() {
            if self.hash(*number).await? == Some(*hash) {
                return Ok(left.then_some(*number));
            }
            if !left {
                // Another chain at the same address would look like this too.
                self.client.provider().get_chain_id().await?;
            }
            left = true;
        }
        match self.cursor.recent.front() {
            // Before the first block that was remembered there is nothing of the market.
            Some((oldest, _)) if left && *oldest > self.deployment.first_block => {
                Err(ChainError::TooDeep {
                    depth: REORGANISATION_MAX,
                    block: *oldest,
                })
            }
            Some(_) if left => Ok(Some(self.deployment.first_block.saturating_sub(1))),
            _ => Ok(None),
        }
    }

    async fn hash(&self, number: u64) -> Result<Option<B256>, ChainError> {
        let header = self
            .client
            .header(BlockId::Number(BlockNumberOrTag::Number(number)));
        Ok(header.await?.map(|header| header.hash))
    }

    /// Takes the logs of some blocks, if the chain is still the one that they were asked of.
    async fn accept(
        &mut self,
        (from, to, head): (u64, u64, u64),
        mut logs: Vec<Log>,
    ) -> Result<News, ChainError> {
        // The hashes of the last blocks, in order, each the parent of the next.
        let first = from.max(to.saturating_sub(REORGANISATION_MAX - 1));
        let mut recent = self.cursor.recent.clone();
        for number in first..=to {
            let header = self.client.header(BlockId::number(number)).await?;
            let Some(header) = header else {
                return Ok(News::Nothing);
            };
            let follows = match recent.back() {
                Some((before, hash)) if before.saturating_add(1) == number => {
                    *hash == header.parent_hash
                }
                _ => true,
            };
            if !follows {
                // It changed its mind just now: the next question finds out how far.
                return Ok(News::Nothing);
            }
            recent.push_back((number, header.hash));
        }
        let known = |log: &Log| {
            let number = log.block_number.unwrap_or_default();
            let hash = recent.iter().find(|(recent, _)| *recent == number);
            hash.is_none_or(|(_, hash)| log.block_hash == Some(*hash))
        };
        if !logs.iter().all(known) {
            return Ok(News::Nothing);
        }
        while recent.len() as u64 > REORGANISATION_MAX {
            recent.pop_front();
        }
        logs.sort_by_key(|log| (log.block_number, log.log_index));
        let events = logs
            .iter()
            .filter(|log| !log.removed)
            .filter_map(|log| {
                Some(Happened {
                    block: log.block_number?,
                    index: log.log_index?,
                    transaction: log.transaction_hash?,
                    event: MarketEvent::read(&self.deployment, log)?,
                })
            })
            .collect();
        self.cursor = Cursor {
            next: to.saturating_add(1),
            recent,
        };
        self.range = self.range.saturating_mul(2).min(RANGE_MAX);
        Ok(News::Blocks { to, head, events })
    }
}
