#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

#[cfg(feature = "httpmock")]
#[rustfmt::skip]
#[allow(
    missing_docs,
    clippy::all,
    clippy::unwrap_used,
    reason = "the generator decides on its form"
)]
mod generated_httpmock;
pub mod simulator;

/// The CA certificate in Cloudflare's documentation of the API, in PEM.
pub const DOCUMENTED_CA: &str = include_str!("documented_ca.pem");

// The mocks speak these crates' types, so users need the same versions.
#[cfg(feature = "httpmock")]
pub use {cf_mtls_api, httpmock};

#[cfg(feature = "httpmock")]
pub use generated_httpmock::{MockServerExt, operations};

pub use simulator::Simulator;
