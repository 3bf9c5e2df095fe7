use std::pin::Pin;

use crate::error::ChainError;

/// What the chain will answer. The body of an `async fn` is compiled by everyone who waits for it, with all of the
/// client below it; a reply is compiled here, once.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, ChainError>> + Send + 'a>>;
