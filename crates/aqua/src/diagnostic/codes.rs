//! The codes of diagnostics. A code stays with its meaning for ever.

/// The compiler is wrong, and not the program.
pub const INTERNAL: &str = "W0001";
/// The program exceeds a limit of the compiler.
pub const LIMIT: &str = "W0200";
/// The text does not match the grammar.
pub const SYNTAX: &str = "W0201";
/// A block has no statements.
pub const EMPTY_BLOCK: &str = "W0202";
/// A line is indented unlike the lines before it.
pub const INDENTATION: &str = "W0203";
/// A statement cannot stand here.
pub const MISPLACED_STATEMENT: &str = "W0204";
/// A literal is malformed or out of range.
pub const BAD_LITERAL: &str = "W0205";
/// A constant is not a literal.
pub const BAD_CONSTANT: &str = "W0206";
/// The header of a file is missing, misplaced or spelled in an old way.
pub const HEADER: &str = "W0210";
/// An imported file cannot be found or read.
pub const UNRESOLVED_IMPORT: &str = "W0211";
/// Files import each other in a circle.
pub const IMPORT_CYCLE: &str = "W0212";
/// A file does not declare what is imported from it.
pub const NOT_DECLARED: &str = "W0213";
/// `declares` or `export` names what does not exist.
pub const UNKNOWN_DECLARED: &str = "W0214";
/// This cannot be exported.
pub const BAD_EXPORT: &str = "W0215";
/// One name stands for two things.
pub const AMBIGUOUS: &str = "W0216";
/// There is no type of this name.
pub const UNKNOWN_TYPE: &str = "W0220";
/// A type cannot be used here.
pub const BAD_TYPE: &str = "W0221";
/// A name is defined twice.
pub const DUPLICATE: &str = "W0222";
/// A definition needs itself.
pub const RECURSION: &str = "W0223";
/// There is no value or function of this name.
pub const UNKNOWN_NAME: &str = "W0230";
/// A service is called whose id is not known here.
pub const NO_SERVICE_ID: &str = "W0231";
/// This is not a service.
pub const NOT_A_SERVICE: &str = "W0232";
/// A value has no such field, method or arrow.
pub const UNKNOWN_MEMBER: &str = "W0233";
/// A call has too few or too many arguments.
pub const ARGUMENT_COUNT: &str = "W0240";
/// The type of a value is not the one needed here.
pub const TYPE_MISMATCH: &str = "W0241";
/// This is not a call, or not a value.
pub const NOT_A_CALL: &str = "W0242";
/// There are more names than results.
pub const RESULT_COUNT: &str = "W0243";
/// Only a collection has elements.
pub const NOT_A_COLLECTION: &str = "W0244";
/// A construction misses fields, or has unknown ones.
pub const FIELDS: &str = "W0245";
/// This cannot be an element of a collection or a field.
pub const NOT_DATA: &str = "W0246";
/// An operator cannot be applied to these operands.
pub const OPERANDS: &str = "W0247";
/// Only streams and stream maps can be pushed to.
pub const NOT_A_STREAM: &str = "W0248";
/// `else`, `catch`, `otherwise` or `par` without what it belongs to.
pub const STRAY_BRANCH: &str = "W0250";
/// A function returns too few, too many or misplaced values.
pub const RETURN: &str = "W0251";
/// A wait that can never end.
pub const NEVER_ENDS: &str = "W0260";
/// Warning: a result that nothing uses.
pub const UNUSED_RESULT: &str = "W0280";
/// Warning: a field that the type does not have.
pub const UNKNOWN_FIELD: &str = "W0281";
/// Warning: statements after the result of a function.
pub const AFTER_RETURN: &str = "W0282";
/// Warning: a value that may not be there when it is read.
pub const MAYBE_NEVER: &str = "W0283";
/// Warning: a name hides another one.
pub const SHADOWED: &str = "W0284";
/// Warning: the result type of an operation is not certain.
pub const WIDENED: &str = "W0285";
/// Warning: a form of older versions of the language.
pub const OLD_FORM: &str = "W0286";
/// Warning: a way to a peer that leads nowhere else, or that is missing.
pub const WAY: &str = "W0287";
