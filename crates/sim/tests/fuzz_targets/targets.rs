//! The targets: plain functions over bytes.

use weir_sim::case::{Case, CaseError, PEERS_MAX, TTL_MS_MAX};

/// A case is read and within its bounds, or refused with the place that is wrong.
pub(crate) fn case(bytes: &[u8]) {
    match Case::from_json(&String::from_utf8_lossy(bytes)) {
        Ok(case) => {
            assert!(case.names().len() <= PEERS_MAX + 1);
            assert!(case.ttl_ms <= TTL_MS_MAX);
            assert!(case.timestamp_ms.checked_add(case.ttl_ms).is_some());
        }
        Err(CaseError::Json(cause)) => assert!(!cause.is_empty()),
        Err(error) => assert!(error.to_string().contains('$'), "{error}"),
    }
}
