//! The result of a command: its output, steps and errors, and the exit code.

pub(crate) mod exit;
pub(crate) mod failure;
pub(crate) mod json;
pub(crate) mod ledger;
pub(crate) mod output;
pub(crate) mod steps;
