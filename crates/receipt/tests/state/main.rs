//! The state of a service, seen from outside: against a model, against other histories, against forgeries.

mod model;
mod support;
