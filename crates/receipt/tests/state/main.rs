//! The state of a service, seen from outside: against a model, against other histories, against forgeries.

mod cost;
mod limits;
mod model;
mod store;
mod support;
mod witness;
