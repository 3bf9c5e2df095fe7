//! The codes of diagnostics. A code stays with its meaning for ever.

/// The script exceeds a limit.
pub(crate) const LIMIT: &str = "W0100";
/// A word is not a name, number or reserved value.
pub(crate) const BAD_WORD: &str = "W0101";
/// A string literal is not closed.
pub(crate) const UNTERMINATED_STRING: &str = "W0102";
/// A number is malformed or out of range.
pub(crate) const BAD_NUMBER: &str = "W0103";
/// A lens is malformed.
pub(crate) const BAD_LENS: &str = "W0104";
/// Something else was expected here.
pub(crate) const UNEXPECTED: &str = "W0105";
/// Parentheses are not closed at the end of the text.
pub(crate) const UNCLOSED: &str = "W0106";
/// There is text after the script.
pub(crate) const TRAILING: &str = "W0107";
/// This kind of operand cannot stand here.
pub(crate) const BAD_OPERAND: &str = "W0108";
/// There is no such instruction.
pub(crate) const UNKNOWN_INSTRUCTION: &str = "W0109";
/// A name is used but never defined before.
pub(crate) const UNDEFINED: &str = "W0110";
/// `next` stands outside of its fold.
pub(crate) const STRAY_NEXT: &str = "W0111";
/// A fold has more than one `next`.
pub(crate) const SECOND_NEXT: &str = "W0112";
/// A fold uses the iterator of a fold around it.
pub(crate) const ITERATOR_REUSED: &str = "W0113";
/// `new` is applied to an iterator in use.
pub(crate) const NEW_ITERATOR: &str = "W0114";
/// `fail` with code zero.
pub(crate) const FAIL_ZERO: &str = "W0115";
/// Something follows `next` in a fold over a stream or stream map.
pub(crate) const AFTER_NEXT: &str = "W0116";
/// Warning: an undefined name in a place where the language allows it.
pub(crate) const MAYBE_UNDEFINED: &str = "W0150";
/// Warning: a result has the name of an iterator in use.
pub(crate) const RESULT_NAMED_AS_ITERATOR: &str = "W0151";
/// Warning: a stream or stream map that nothing fills.
pub(crate) const NEVER_FILLED: &str = "W0152";
