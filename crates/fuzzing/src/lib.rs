//! Feeds a decoder a committed corpus and deterministic mutations of it.
