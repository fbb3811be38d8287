// Its examples need both features.
#![cfg_attr(all(feature = "certificates", feature = "httpmock"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "certificates", feature = "httpmock")),
    doc = "A local simulator of Cloudflare's mTLS certificate API, and typed mocks of it. The",
    doc = "README has examples; begin with [`Simulator`]."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]
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
#[cfg(feature = "certificates")]
pub mod certificates;
#[cfg(feature = "httpmock")]
pub mod envelopes;
pub mod simulator;

/// The CA certificate in Cloudflare's documentation of the API, in PEM.
pub const DOCUMENTED_CA: &str = include_str!("fixtures/documented-ca.pem");

/// Five CAs in PEM, valid from 2024 for a hundred years; their keys are gone.
pub const CAS: [&str; 5] = [
    include_str!("fixtures/ca-1.pem"),
    include_str!("fixtures/ca-2.pem"),
    include_str!("fixtures/ca-3.pem"),
    include_str!("fixtures/ca-4.pem"),
    include_str!("fixtures/ca-5.pem"),
];

/// A leaf certificate of the first of [`CAS`] in PEM, for
/// [`Seed::leaf`](simulator::Seed::leaf). An upload needs a key, too: make such a
/// leaf with the feature `certificates`.
pub const LEAF: &str = include_str!("fixtures/leaf.pem");

// The mocks speak these crates' types, so users need the same versions.
#[cfg(feature = "httpmock")]
pub use {cf_mtls_api, httpmock};

#[cfg(feature = "httpmock")]
pub use generated_httpmock::{MockServerExt, operations};

pub use simulator::Simulator;
