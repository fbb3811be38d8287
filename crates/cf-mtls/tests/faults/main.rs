//! What the client says when the network, the service or a stranger fails it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests")]

mod cancel;
mod excerpts;
mod hostile;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod http2;
mod matrix;
mod rate_limit;
#[path = "../support/mod.rs"]
mod support;
mod wire;
