//! The search for logs.

use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};

use super::Chain;
use crate::error::Error;

impl Chain {
    /// The logs that fit a filter, in their order.
    pub fn logs(&self, filter: &Filter) -> Result<Vec<Log>, Error> {
        let newest = self.head.number();
        let (from, to) = match filter.block_option {
            FilterBlockOption::AtBlockHash(hash) => {
                let number = self.number_of(hash).ok_or(Error::UnknownHash(hash))?;
                (number, number)
            }
            FilterBlockOption::Range {
                from_block,
                to_block,
            } => {
                let from = from_block.map_or(newest, |tag| self.number_at(tag));
                let to = to_block.map_or(newest, |tag| self.number_at(tag));
                if to < from {
                    return Err(Error::Argument(format!(
                        "invalid block range params: from {from} to {to}"
                    )));
                }
                (from, to.min(newest))
            }
        };
        let limits = &self.config.limits;
        if to.saturating_sub(from) >= limits.log_blocks {
            return Err(Error::Limit(format!(
                "exceed maximum block range: {}; ask for fewer blocks at a time",
                limits.log_blocks
            )));
        }
        let mut found = Vec::new();
        for number in from..=to {
            let Some(block) = self.block(number)? else {
                break;
            };
            found.extend(block.logs(filter, false));
            if found.len() > limits.log_results {
                return Err(Error::Limit(format!(
                    "query returned more than {} results; ask for fewer blocks at a time (block {number} is where it was too many)",
                    limits.log_results
                )));
            }
        }
        Ok(found)
    }
}
