//! Drives the real binary against the simulator.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod delete;
mod exits;
mod hostnames;
mod interrupts;
mod jobs;
mod many;
mod output;
mod reads;
mod release;
mod rotate;
mod secrets;
#[cfg(feature = "simulate")]
mod simulate;
mod support;
#[cfg(unix)]
mod terminal;
mod usage;
