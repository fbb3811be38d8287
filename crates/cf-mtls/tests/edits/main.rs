//! What the certificates and hostnames of an account take more than one request
//! for, on a simulator.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod find;
mod hostnames;
mod lag;
mod support;
