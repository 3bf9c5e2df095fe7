use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use weir_identity::Cid;

use crate::error::SourceError;

/// What a source will answer. Dropping it ends the request.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Bytes, SourceError>> + Send + 'a>>;

/// Where blocks come from: a folder, peers, a gateway. Nobody trusts it: the bytes are held against the CID by whoever
/// asks.
pub trait Source: Send + Sync {
    /// What messages call it.
    fn name(&self) -> &str;

    /// Gets a block of at most `bytes_max` bytes and stops reading behind them. Ends within a deadline of its own.
    fn ask<'a>(&'a self, cid: &'a Cid, bytes_max: usize) -> Answer<'a>;
}
