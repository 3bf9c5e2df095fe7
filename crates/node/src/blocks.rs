//! Answers of the host service `blocks`, for whoever keeps packages beside this node.

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use thiserror::Error;
use weir_identity::{Cid, Value};
use weir_peer::{Call, CallOutcome};

/// Packages that are kept and fetched beside a node. Its functions may read files.
pub trait BlockExchange: Debug + Send + Sync {
    /// The bytes of a block that is kept; none if it is not. The error says what is wrong with the disk.
    fn get(&self, cid: &Cid) -> Result<Option<Bytes>, String>;

    /// Whether all blocks of the package are kept; the error is likewise.
    fn has(&self, package: &Cid) -> Result<bool, String>;

    /// What is being fetched now and has not come yet, a bounded number of it.
    fn wants(&self) -> Vec<Cid>;

    /// Takes a block that is being fetched.
    fn put(&self, cid: &Cid, bytes: Bytes) -> Result<(), BlockRefused>;
}

/// Why a block is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BlockRefused {
    /// No fetch asks for it, or not any more.
    #[error("FORBIDDEN: nothing here asks for {cid} now")]
    Unwanted {
        /// The block.
        cid: Cid,
    },
    /// It has more bytes than the fetch allows.
    #[error("LIMIT: {bytes} bytes for {cid}, at most {limit} belong there")]
    TooLarge {
        /// The block.
        cid: Cid,
        /// How many there were.
        bytes: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The bytes are not those of the CID.
    #[error("ARG_TYPE: these are not the bytes of {cid}")]
    OtherBytes {
        /// The block.
        cid: Cid,
    },
}

/// The answer to a call of `blocks`.
pub(crate) async fn answer(call: Call, exchange: Option<Arc<dyn BlockExchange>>) -> CallOutcome {
    let Some(exchange) = exchange else {
        return CallOutcome::failed("NOT_FOUND: this peer keeps no packages");
    };
    let work = move || answered(&call, &*exchange);
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => CallOutcome::Value(value),
        Ok(Err(reason)) => CallOutcome::failed(reason),
        Err(_) => CallOutcome::failed("INTERNAL: whoever keeps packages here panicked"),
    }
}

fn answered(call: &Call, exchange: &dyn BlockExchange) -> Result<Value, String> {
    let disk = |error| format!("INTERNAL: {error}");
    match &*call.function {
        "get" => {
            let cid = cid(call)?;
            let found = exchange.get(&cid).map_err(disk)?;
            let bytes = found.ok_or_else(|| format!("NOT_FOUND: block {cid} is not here"))?;
            Ok(Value::from(BASE64URL_NOPAD.encode(&bytes)))
        }
        "has" => Ok(Value::from(exchange.has(&cid(call)?).map_err(disk)?)),
        "wants" => {
            let wants = exchange.wants();
            let wants = wants.iter().map(|cid| Value::from(cid.to_string()));
            Ok(Value::from(wants.collect::<Vec<Value>>()))
        }
        _ => {
            let text = call.args.get(1).and_then(Value::as_str).unwrap_or_default();
            let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
            let bytes = bytes.map_err(|error| format!("ARG_TYPE: the bytes: {error}"))?;
            let put = exchange.put(&cid(call)?, bytes.into());
            put.map_err(|refused| refused.to_string())?;
            Ok(Value::from(""))
        }
    }
}

fn cid(call: &Call) -> Result<Cid, String> {
    let text = call
        .args
        .first()
        .and_then(Value::as_str)
        .unwrap_or_default();
    text.parse()
        .map_err(|_| format!("ARG_TYPE: `{text}` is no content id"))
}
