//! Drives the real binary against the simulator.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod advice;
mod delete;
mod exits;
mod holders;
mod hostnames;
mod inputs;
mod interrupts;
mod jobs;
mod lags;
mod many;
mod names;
mod output;
mod reads;
mod release;
mod rotate;
mod secrets;
mod shell;
#[cfg(feature = "simulate")]
mod simulate;
mod support;
#[cfg(unix)]
mod terminal;
mod usage;
