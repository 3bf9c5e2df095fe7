//! The reconciler of deals in a model of the market and of the machine around it.

mod claiming;
mod crashes;
mod judging;
mod machine;
mod market;
mod outcomes;
mod restarts;
mod stories;
mod storm;
mod undone;
mod world;
