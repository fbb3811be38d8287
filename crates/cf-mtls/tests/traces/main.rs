//! What is traced, and what is never shown.
//!
//! In a process of their own: what is traced elsewhere at the same time decides
//! whether a span or an event is taken for wanted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod secrets;
mod spans;
#[path = "../support/mod.rs"]
mod support;

/// One test at a time has a subscriber.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
