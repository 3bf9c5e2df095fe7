//! Placement: the hops between steps.
//!
//! The input says in which frame each step runs; the output also has the hops
//! that bring the particle there. The walk follows the order of execution and
//! moves only when a step needs it: what runs anywhere stays where the step
//! before it ended, and nothing goes back unless something follows there.
//!
//! What makes this more than a sum of routes is code that is reached in several
//! ways but placed once. It has to start in one position, or in positions from
//! where the same hops lead on:
//!
//! - what follows branches: those that end elsewhere go to the next step first;
//! - the next round of a fold, and what follows the fold;
//! - handlers: operations that fail elsewhere are wrapped, so that their failures
//!   travel before they are handled. One wrapper serves all operations in a row
//!   with the same way, and none is needed if all of them fail in one place;
//! - what follows a `par`: results are brought to the peer of the next step, and to
//!   the peers of later arms that wait for them.
//!
//! A hop names a peer by variables, so it can only be made where these can be
//! read: not with the item of a fold after it, for example.
//!
//! All of it takes time in proportion to the program and the hops that come out.
//! Facts about subtrees are gathered once, before the walk.

mod facts;
mod failure;
mod parallel;
mod readers;
mod rounds;
mod route;
mod walk;

use crate::ir::Program;

/// The program with hops.
pub fn place(program: &Program) -> Program {
    walk::Walk::run(program)
}
