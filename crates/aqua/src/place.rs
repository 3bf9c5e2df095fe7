//! Placement: the hops between steps.
//!
//! The input says in which frame each step runs; the output also has the hops
//! that bring the particle there. The walk follows the order of execution and
//! moves only when a step needs it: what runs anywhere stays where the step
//! before it ended, nothing goes back unless something follows there.

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
