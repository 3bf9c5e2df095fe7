//! What the server answers, without a server: texts with a cursor `$0` in, answers out.

mod completion;
mod fixture;
mod hover;
mod margins;
mod names;
mod rename;
