//! The jobs that go beyond one request, on a simulator.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod delete_many;
mod get_many;
mod holders;
mod prune;
mod refusals;
mod release;
mod requests;
mod rotate;
mod slow_day;
mod support;
mod usage;
#[cfg(feature = "x509")]
mod x509;
