//! The result of a command: its output, steps, outcomes and errors, and the exit
//! code.

pub(crate) mod advice;
pub(crate) mod exit;
pub(crate) mod failure;
pub(crate) mod outcomes;
pub(crate) mod output;
pub(crate) mod steps;
