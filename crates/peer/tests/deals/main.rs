//! The reconciler of deals in a model of the market and of the machine around it.

mod crashes;
mod judging;
mod machine;
mod market;
mod stories;
mod storm;
mod world;
